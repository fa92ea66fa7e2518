"""What docker buildx is told, by which way, and what is never among its arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.context import (
    read_context,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab import fake_buildx
from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

CANARY = "canary-of-a-build-secret"
EVERYTHING: Dict[str, Any] = {
    "args": {"VERSION": CANARY, "PATH": "/odd"},
    "labels": {"team": "shop"},
    "target": "tools",
    "network": "none",
    "no_cache": True,
    "shm_size": "64m",
    "extra_hosts": {"db": "10.0.0.7", "six": "[::1]"},
    "ulimits": {"nofile": {"soft": 5, "hard": 6}},
    "cache_from": ["type=registry,ref=reg.example.com/cache"],
    "cache_to": ["type=inline"],
    "platforms": ["linux/arm64", "linux/amd64"],
    "secrets": ["token"],
    "ssh": ["default", "deploy=/keys/deploy"],
    "privileged": True,
    "entitlements": ["network.host"],
    "additional_contexts": {"extra": "docker-image://base:1"},
    "provenance": False,
    "sbom": "generator=scan",
    "outputs": ["type=oci,dest=/tmp/out.tar"],
    "builder": "big",
}


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("base:1")
        yield engine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "ctx"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    fake_buildx.install(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    return root


def apply(fake: FakeEngine, params: Dict[str, Any], check: bool = False) -> Dict[str, Any]:
    return do(IMAGE, fake.socket_path, check=check, **params)


def test_what_it_is_told(fake: FakeEngine, folder: Path) -> None:
    fake.add_image("extra")  # the stand-in knows no contexts
    (folder / "Dockerfile").write_text("FROM extra\n")
    params = {
        "name": "app:1",
        "build": {"context": str(folder), **EVERYTHING},
        "build_secrets": {"token": CANARY},
    }
    assert apply(fake, params, check=True)["changed"] is True
    assert not (folder.parent / "calls").exists()
    result = apply(fake, params)
    assert not result.get("failed"), result["msg"]
    assert apply(fake, params)["changed"] is False
    first, output = fake_buildx.calls(folder.parent)
    words = [word for word in first["argv"] if not word.startswith("dockyard.fleet.image=")]
    assert CANARY not in json.dumps([first["argv"], output["argv"], result])
    assert " ".join(words) == (
        f"build --progress=plain -f {folder}/Dockerfile --builder=big --target tools"
        " --network none --shm-size 67108864 --provenance false --sbom generator=scan"
        " --add-host db:10.0.0.7 --add-host six:::1"
        " --cache-from type=registry,ref=reg.example.com/cache --cache-to type=inline"
        " --allow network.host --allow security.insecure --platform linux/amd64,linux/arm64"
        " --label team=shop --ulimit nofile=5:6 --build-context extra=docker-image://base:1"
        " --ssh default --ssh deploy=/keys/deploy --build-arg VERSION --build-arg PATH=/odd"
        f" --secret id=token,env=FLEET_SECRET_0 --label --no-cache --load -t app:1 {folder}"
    )
    assert (first["env"]["VERSION"], first["env"]["FLEET_SECRET_0"]) == (CANARY, CANARY)
    assert first["env"]["DOCKER_HOST"].endswith("/engine.sock")
    assert "DOCKER_CONTEXT" not in first["env"]
    assert not Path(first["env"]["DOCKER_HOST"][7:]).exists()
    assert "--output type=oci,dest=/tmp/out.tar" in " ".join(output["argv"])
    assert "--no-cache" not in output["argv"]
    record = json.loads(fake.builds[0].labels["dockyard.fleet.image"])
    assert record["bases"] == {"base:1": fake.image("base:1")["Id"]}


def test_it_is_taken_where_it_is(fake: FakeEngine, folder: Path) -> None:
    build = {"context": str(folder)}
    apply(fake, {"name": "app:1", "build": build})
    assert len(fake_buildx.calls(folder.parent)) == 1
    for other in ({"builder": "classic"}, {"isolation": "default"}):
        apply(fake, {"name": "app:2", "build": {**build, **other, "labels": {"n": str(other)}}})
    assert len(fake_buildx.calls(folder.parent)) == 1
    assert len(fake.builds) == 3


def test_secrets_do_not_decide_but_their_names_do(fake: FakeEngine, folder: Path) -> None:
    def task(*names: str, value: str = "one") -> Dict[str, Any]:
        build = {"context": str(folder), "secrets": list(names)}
        return {
            "name": "app:1",
            "build": build,
            "build_secrets": {name: value + name for name in names},
        }

    apply(fake, task("npm"))
    assert apply(fake, task("npm", value="two"))["changed"] is False
    changed = apply(fake, task("npm", "pip"), check=True)
    assert [step["cause"] for step in changed["plan"]["steps"]] == ["build.secrets.pip added"]


def test_a_failed_build_is_told_in_its_words_without_secrets(
    fake: FakeEngine, folder: Path
) -> None:
    (folder / "Dockerfile").write_text(f"FROM scratch\nNONSENSE {CANARY}\n")
    build = {"context": str(folder), "secrets": ["token"]}
    params = {"name": "app:1", "build": build, "build_secrets": {"token": "NONSENSE"}}
    result = apply(fake, params)
    assert result["msg"].startswith(
        "image/app:1: the build failed: failed to solve: dockerfile parse error line 2"
    )
    assert "NONSENSE" not in result["msg"]
    assert "#1 [internal] load build definition" in result["log"]


@pytest.mark.parametrize("kind", ["500", "500-after", "drop", "drop-after", "nospace"])
def test_an_engine_that_fails_is_one_error_and_the_next_run_converges(
    fake: FakeEngine, folder: Path, kind: str
) -> None:
    params = {
        "name": "app:1",
        "build": {"context": str(folder), "dockerfile_inline": "FROM base:1"},
    }
    fake.faults.at(1, kind)
    result = apply(fake, params)
    assert fake.faults.hits
    assert result["failed"] is True
    assert result["msg"].startswith("image/app:1: the build failed: failed to solve: ")
    fake.faults.reset()
    assert not apply(fake, params).get("failed")
    assert apply(fake, params)["changed"] is False


def test_a_sent_context_is_unpacked_for_it(fake: FakeEngine, folder: Path, tmp_path: Path) -> None:
    (folder / "run").write_text("x")
    (folder / "run").chmod(0o777)
    context = read_context(str(folder))
    archive = tmp_path / "context.tar"
    archive.write_bytes(b"".join(context.tar()))
    given = {name: getattr(context, name) for name in ("digest", "files", "dockerfile")}
    params = {"name": "app:1", "build": {"context": "/elsewhere"}}
    result = apply(fake, {**params, "_context": {**given, "archive": str(archive)}})
    assert not result.get("failed"), result["msg"]
    assert fake.builds[0].files["run"] == b"x"
    assert apply(fake, {**params, "_context": context})["changed"] is False
