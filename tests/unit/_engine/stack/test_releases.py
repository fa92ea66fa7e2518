"""Releases: what is kept, what is read again, and what never gets into one."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.planned import Planned
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.release_file import (
    LARGEST,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.release_part import (
    RELEASES,
    Desired,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK

from tests.lab.core import run_validated, validated
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_layers import packed

SECRETS = ("hush-of-the-file", "hush-of-the-secret", "hush-of-the-build")
RELEASE = "dockyard.fleet/releases:shop"


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def options(image: str = "app:1", site: str = "site", token: str = SECRETS[0]) -> dict[str, Any]:
    """Return a task about a service that has a variable of a file, a secret and a config."""
    web: dict[str, Any] = {
        "image": image,
        "build": None,
        "configs": [{"source": "site", "target": "/site"}],
        "secrets": [{"source": "password"}],
    }
    return {
        "monitor": "20ms",
        "project": {"name": "shop", "services": {"web": web}},
        "secret_values": {
            "environment": {"web": {"TOKEN": token}},
            "configs": {"site": coded(site)},
            "secrets": {"password": coded(SECRETS[1])},
        },
    }


class Stand:
    """A fake engine with three images."""

    def __init__(self, fake: FakeEngine) -> None:
        self.fake = fake
        for number in "123":
            fake.add_image(f"app:{number}", cmd=["serve", number])

    def run(self, params: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        given = validated(STACK.spec(), {**params, **more}, known=True)
        return run_validated(STACK, given, self.client, check)

    def done(self, params: dict[str, Any], **more: Any) -> dict[str, Any]:
        result = self.run(params, **more)
        assert not result.get("failed"), result["msg"]
        return result

    def client(self) -> Client:
        return Client(unix_dial(self.fake.socket_path), 10)

    def tags(self) -> list[str]:
        """Return all tags of releases."""
        every = [tag for image in self.fake.images.values() for tag in image["RepoTags"]]
        return sorted(tag for tag in every if tag.startswith(RELEASE))

    def web(self) -> dict[str, Any]:
        container = self.fake.container("shop-web-1")
        assert container is not None
        return container

    def inside(self, name: str) -> bytes:
        """Return what a file in the root of the container has."""
        with self.client() as client:
            reply = client.fetch("/containers/shop-web-1/archive", {"path": f"/{name}"})
        with tarfile.open(fileobj=io.BytesIO(reply.body)) as tar:
            return tar.extractfile(name).read()

    def file(self, serial: int) -> dict[str, Any]:
        """Return what the file of a release says."""
        image = self.fake.state.find_image(f"{RELEASE}.{serial}")
        assert image is not None
        with tarfile.open(fileobj=io.BytesIO(image["_imported"])) as tar:
            assert tar.getnames() == ["release.json"]
            return dict(json.load(tar.extractfile("release.json")))


@pytest.fixture
def stand() -> Iterator[Stand]:
    with FakeEngine() as fake:
        yield Stand(fake)


def test_no_secret_gets_into_a_release_or_a_result(stand: Stand) -> None:
    params = options()
    params["project"]["services"]["web"]["build"] = None
    results = [
        stand.run(params, check=True, keep_releases=2),
        stand.done(params, keep_releases=2),
        stand.done(options("app:2"), keep_releases=2),
        stand.run(options("app:2"), check=True, rollback=True),
        stand.done(options("app:2"), rollback=True),
    ]
    images = [image for image in stand.fake.images.values() if "_imported" in image]
    assert len(images) == 1  # that of the release which was returned from is gone
    kept = json.dumps([image["Config"] for image in images]) + json.dumps(stand.file(1))
    told = json.dumps(results)
    for secret in SECRETS:
        for text in (secret, coded(secret)):
            assert text not in kept
            assert text not in told
            assert text.encode() not in images[0]["_imported"]
    assert stand.file(1)["environment"] == {"web": ["TOKEN"]}
    assert stand.file(1)["configs"] == {"site": {"text": "site"}}


def repeating(secret: str, **more: Any) -> dict[str, Any]:
    """Return a task whose secret stands in other keys of the declaration too."""
    params = options(site=f"password={secret}\n", token=secret, **more)
    web = params["project"]["services"]["web"]
    web.update(command=["serve", f"--url=a://b:{secret}@c"], labels={"url": f"{secret}{secret}"})
    params["secret_values"]["secrets"]["password"] = coded(f"{secret}-of-the-file\n")
    web["environment"] = {"COPY": f"{secret}-of-the-file"}
    return params


def test_a_secret_that_the_declaration_repeats_is_named_in_its_place(stand: Stand) -> None:
    stand.done(repeating("first-password"), keep_releases=2)
    assert "first-password" not in json.dumps(stand.file(1))
    # Exchanged, it is the same declaration, though the containers are others.
    result = stand.done(repeating("second-password"), keep_releases=2)
    assert result["replaced"] is True
    assert stand.tags() == [f"{RELEASE}.1", f"{RELEASE}.1.web"]
    stand.done(repeating("second-password", image="app:2"), keep_releases=2)
    stand.done(repeating("third-password", image="app:2"), rollback=True)
    config = stand.web()["Config"]
    assert config["Cmd"] == ["serve", "--url=a://b:third-password@c"]
    assert config["Labels"]["url"] == "third-passwordthird-password"
    assert {"TOKEN=third-password", "COPY=third-password-of-the-file"} <= set(config["Env"])
    assert stand.inside("site") == b"password=third-password\n"


def test_a_repeated_secret_that_is_not_given_any_more_is_told(stand: Stand) -> None:
    params = repeating("first-password")
    params["project"]["services"]["other"] = {
        "image": "app:1",
        "command": ["first-password-of-the-file"],
    }
    stand.done(params, keep_releases=2)
    params = options("app:2")
    del params["secret_values"]["environment"], params["secret_values"]["secrets"]
    del params["project"]["services"]["web"]["secrets"]
    stand.done(params, keep_releases=2)
    result = stand.run(params, rollback=True)
    assert result["failed"] is True
    for option in ("services.web.env_file.TOKEN: release 1", "secrets.password: release 1"):
        assert result["msg"].count(option) == 1


def test_how_an_image_is_built_is_not_kept(stand: Stand) -> None:
    params = options()
    stand.done(params)
    web = params["project"]["services"]["web"]
    web["build"] = {"context": "/nowhere", "args": {"KEY": SECRETS[2]}}
    web["pull_policy"] = "never"
    stand.done(params, keep_releases=1)
    assert SECRETS[2] not in json.dumps(stand.file(1))
    assert stand.file(1)["services"]["web"]["image"] == "app:1"


def test_a_rollback_brings_configs_and_image_back_and_has_secrets_of_today(stand: Stand) -> None:
    stand.done(options("app:1", "old"), keep_releases=2)
    old = stand.web()["Image"]
    stand.done(options("app:2", "new"), keep_releases=2)
    # The tag means another image by now, and nothing can be pulled.
    stand.fake.add_image("app:1", cmd=["serve", "another"])
    result = stand.done(options("app:2", "new", token="changed"), rollback=True)
    web = stand.web()
    assert web["Image"] == old
    assert "TOKEN=changed" in web["Config"]["Env"]
    assert stand.inside("site") == b"old"
    assert result["stack"]["release"]["serial"] == 1
    assert result["stack"]["release"]["images"]["web"] == {"id": old, "reference": "app:1"}
    assert stand.tags() == [f"{RELEASE}.1", f"{RELEASE}.1.web"]


@pytest.mark.parametrize("policy", ["always", "daily"])
def test_a_rollback_asks_no_registry(stand: Stand, policy: str) -> None:
    stand.fake.registry["app:1"] = {"cmd": ["serve", "1"]}
    stand.fake.registry["app:2"] = {"cmd": ["serve", "2"]}
    for image in ("app:1", "app:2"):
        params = options(image)
        params["project"]["services"]["web"]["pull_policy"] = policy
        stand.done(params, keep_releases=2)
    stand.fake.registry.clear()
    before = len(stand.fake.calls)
    stand.done(params, rollback=True)
    asked = [request.path for request in stand.fake.calls[before:]]
    assert [path for path in asked if "/distribution/" in path or path == "/images/create"] == []


def test_a_release_that_does_not_come_up_is_not_kept_and_led_back_from(stand: Stand) -> None:
    stand.done(options("app:1"), keep_releases=2)
    stand.done(options("app:2"), keep_releases=2)
    stand.fake.behave("app:3", "exit:1")
    failed = stand.run(options("app:3"), keep_releases=2)
    assert failed["failed"] is True
    assert f"{RELEASE}.3" not in stand.tags()
    result = stand.done(options("app:3"), rollback=True)
    assert result["stack"]["release"]["serial"] == 2
    assert stand.done(options("app:3"), rollback=True)["changed"] is False


def test_what_is_not_up_in_full_is_neither_kept_nor_gone_back_to(stand: Stand) -> None:
    """As when an update goes on although some replicas have gone back."""
    stand.done(options("app:1"), keep_releases=2)
    stand.done(options("app:2"), keep_releases=2)
    services = {"web": ("shop-web-1", "app:2")}
    tasks = {
        "keep": Desired("shop", keep=2, declared=64 * "a", services=services),
        "remove": Desired("shop", newest=1),
    }
    left = {"container/shop-web-2": Planned("change", ("image: app:1 → app:2",))}
    with stand.client() as client:
        for verb, desired in tasks.items():
            for pending, settled in (({}, True), (left, False), (left, True)):
                observed = RELEASES.observe(client, desired, pending, settled)
                verbs = {step.verb for step in RELEASES.plan(desired, observed, None).steps}
                assert (verb in verbs) is not (pending == left and settled)


def test_a_check_says_that_there_is_no_way_back_on_an_engine_that_is_yet_to_come() -> None:
    given = validated(STACK.spec(), {**options(), "rollback": True}, known=True)
    nowhere = Client(unix_dial("/nowhere/engine.sock"), 1)
    result = run_validated(STACK, given, lambda: nowhere, True, {"engine": "install it"})
    assert result["failed"] is True
    assert result["msg"].startswith("rollback: there is no engine yet; ")


def test_a_changed_secret_makes_no_release(stand: Stand) -> None:
    stand.done(options(), keep_releases=2)
    result = stand.done(options(token="another"), keep_releases=2)
    assert result["replaced"] is True
    assert stand.tags() == [f"{RELEASE}.1", f"{RELEASE}.1.web"]


def test_a_tag_stays_while_its_image_is_used_and_goes_then(stand: Stand) -> None:
    stand.done(options("app:1"), keep_releases=1)
    with stand.client() as client:
        client.post("/containers/create", {"name": "other"}, {"Image": stand.web()["Image"]})
        client.delete("/images/app:1")
        stand.done(options("app:2"), keep_releases=1)
        assert stand.tags() == [f"{RELEASE}.1.web", f"{RELEASE}.2", f"{RELEASE}.2.web"]
        assert stand.done(options("app:2"), keep_releases=1)["changed"] is False
        client.delete("/containers/other")
    result = stand.done(options("app:2"), keep_releases=1)
    assert [step["verb"] for step in result["plan"]["steps"]] == ["remove"]
    assert stand.tags() == [f"{RELEASE}.2", f"{RELEASE}.2.web"]


def test_a_no_op_costs_one_read_more(stand: Stand) -> None:
    def requests(**more: Any) -> int:
        before = len(stand.fake.calls)
        assert stand.done(options(), **more)["changed"] is False
        return len(stand.fake.calls) - before

    stand.done(options(), keep_releases=2)
    assert requests(keep_releases=2) == requests() + 1


def test_nothing_of_a_stack_is_left_behind(stand: Stand) -> None:
    before = {key: list(image["RepoTags"]) for key, image in stand.fake.images.items()}
    for image in ("app:1", "app:2", "app:3"):
        stand.done(options(image), keep_releases=3)
    stand.done({"name": "shop", "state": "absent"})
    after = {key: list(image["RepoTags"]) for key, image in stand.fake.images.items()}
    assert after == before
    assert stand.done({"name": "shop", "state": "absent"})["changed"] is False


def test_another_container_with_its_image_leaves_nothing_of_a_stack_behind(stand: Stand) -> None:
    stand.done(options(), keep_releases=2)
    with stand.client() as client:
        client.post("/containers/create", {"name": "other"}, {"Image": "app:1"})
        assert stand.done({"name": "shop", "state": "absent"})["changed"] is True
        assert stand.tags() == []
        assert client.get("/images/app:1/json")["RepoTags"] == ["app:1"]
    assert stand.done({"name": "shop", "state": "absent"})["changed"] is False


# -- what engines answer --------------------------------------------------------------------


def test_a_layer_may_be_packed(stand: Stand) -> None:
    """As by engines that keep images in containerd."""
    stand.done(options("app:1"), keep_releases=2)
    stand.done(options("app:2"), keep_releases=2)
    image = stand.fake.state.find_image(f"{RELEASE}.1")
    assert image is not None
    image["_imported"] = gzip.compress(image["_imported"])
    assert stand.done(options("app:2"), rollback=True)["stack"]["release"]["serial"] == 1


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda layer: layer.replace(b'"app:1"', b'"app:9"'), "is not the one that was kept"),
        (lambda layer: packed({"other": b"{}"}), "it has no release.json"),
        (lambda layer: layer[:700], "it ends within"),
        (lambda layer: gzip.compress(layer)[:-20], "damaged, or larger"),
        (lambda layer: gzip.compress(bytes(LARGEST + (8 << 20))), "damaged, or larger"),
        (lambda layer: bytes(LARGEST + (8 << 20)), "larger than any release"),
        (lambda layer: b"", "it has no release.json"),
    ],
)
def test_a_file_that_is_not_what_was_kept_is_refused(
    stand: Stand, spoil: Spoil, words: str
) -> None:
    stand.done(options("app:1"), keep_releases=2)
    stand.done(options("app:2"), keep_releases=2)
    image = stand.fake.state.find_image(f"{RELEASE}.1")
    assert image is not None
    image["_imported"] = spoil(image["_imported"])
    before = len(stand.fake.writes)
    result = stand.run(options("app:2"), rollback=True)
    assert result["failed"] is True
    assert result["msg"].startswith("release/shop: release 1 cannot be read: ")
    assert words in result["msg"]
    assert len(stand.fake.writes) == before
