"""Images on Podman: instructions of an import, hosts of a build, names as it gives them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    build as image_build,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.desired import (
    Build,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.desired import (
    desired_of as image_desired,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.observed import Observed
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.plan import (
    plan_absent,
    plan_present,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.podman import (
    import_changes,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.prune.resource import PRUNE

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

CHANGES = [
    ("LABEL k='{\"a\":1}'", ['LABEL k={"a":1}']),
    ('label a="b c" d=e', ["LABEL a=b c", "LABEL d=e"]),
    ("ENV A='x y' B=2", ["ENV A=x y", "ENV B=2"]),
    ("ENV PATH /bin:/usr/bin", ["ENV PATH=/bin:/usr/bin"]),
    ("EXPOSE 80 81/udp", ["EXPOSE 80", "EXPOSE 81/udp"]),
    ('WORKDIR "/a b"', ["WORKDIR /a b"]),
    ('USER "u"', ["USER u"]),
    ('CMD ["/bin/sh", "-c"]', ['CMD ["/bin/sh", "-c"]']),
    ('ENTRYPOINT  ["/x"]', ['ENTRYPOINT ["/x"]']),
    ("VOLUME /a /b", ["VOLUME /a /b"]),
]


@pytest.mark.parametrize(("change", "lines"), CHANGES)
def test_an_instruction_as_podman_takes_it(change: str, lines: List[str]) -> None:
    assert import_changes((change,)) == lines


@pytest.mark.parametrize("change", ["HEALTHCHECK CMD true", "ONBUILD RUN x", "SHELL []", "", "x"])
def test_an_instruction_that_podman_does_not_have(change: str) -> None:
    with pytest.raises(InvalidOption, match=r"import\.changes\[1\]: podman cannot import with"):
        import_changes(("CMD x", change))


def test_a_quote_that_does_not_end() -> None:
    with pytest.raises(InvalidOption, match=r"import\.changes\[0\]: 'LABEL a=\"b': No closing"):
        import_changes(('LABEL a="b',))


@pytest.mark.parametrize(
    ("kind", "hosts"),
    [("docker", ("a:10.0.0.1", "b:10.0.0.2")), ("podman", ["a:10.0.0.1", "b:10.0.0.2"])],
)
def test_hosts_of_a_build_one_by_one_or_in_one_list(
    monkeypatch: pytest.MonkeyPatch, kind: str, hosts: Any
) -> None:
    asked: List[Dict[str, Any]] = []

    def stream(method: str, path: str, query: Dict[str, Any], *rest: Any) -> List[Any]:
        asked.append(query)
        return []

    values = {"dockerfile": "Dockerfile", "extra_hosts": ("a:10.0.0.1", "b:10.0.0.2")}
    build: Any = SimpleNamespace(values=values)
    monkeypatch.setattr(image_build, "_body", lambda build: iter(()))
    client = SimpleNamespace(kind=kind, stream=stream)
    image_build._classic(client, "app:1", build, "label", [])
    assert asked[0]["extrahosts"] == hosts


@pytest.mark.parametrize(
    ("option", "value"),
    [("secrets", ["key"]), ("builder", "mine"), ("platforms", ["linux/amd64", "linux/arm64"])],
)
def test_what_needs_buildkit_is_refused_beforehand(option: str, value: Any) -> None:
    build: Any = Build({}, {option: value}, {}, (), {})
    desired: Any = SimpleNamespace(source=None, origin=None, build=build, name="app:1")
    found: Any = SimpleNamespace(kind="podman", unknown={})
    with pytest.raises(InvalidOption, match=f"build.{option}: needs BuildKit, and podman's API"):
        plan_present(desired, found)


def test_an_image_of_ours_is_known_by_a_name_with_the_registrys_in_front() -> None:
    with FakeEngine() as fake:
        for name in ("app:1", "team/app:1"):
            label = {"dockyard.fleet.image": f'{{"v":1,"name":"{name}","salt":"{name}"}}'}
            ident = fake.add_image(name, labels=label, seed=name)
            long = name if "/" in name else f"library/{name}"
            fake.images[ident]["RepoTags"][:] = [f"docker.io/{long}"]
        result = do(PRUNE, fake.socket_path, check=True, unused_images=True)
        assert result["removed"]["images"] == ["app:1", "team/app:1"]


@pytest.mark.parametrize(
    ("tags", "cause", "impact"),
    [
        (["localhost/app:1"], "state: absent", "destroy"),
        (
            ["localhost/app:1", "docker.io/library/app:1"],
            "state: absent, localhost/app:1 stays",
            "none",
        ),
        (["localhost/app:1", "localhost/app:2"], "state: absent, localhost/app:2 stays", "none"),
    ],
)
def test_a_name_that_podman_finds_on_localhost(tags: List[str], cause: str, impact: str) -> None:
    desired = image_desired({"name": "app:1", "state": "absent"})
    (step,) = plan_absent(desired, Observed(image={"Id": "sha256:1", "RepoTags": tags})).steps
    assert (step.cause, step.impact) == (cause, impact)
