"""Builds by docker buildx on a real engine, through ansible-playbook, by both front ends."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_image import Images, causes, docker
from tests.integration.test_secrets import Listener
from tests.lab import engine_packages
from tests.lab.amounts import ways
from tests.lab.engines import Engine

DOCKERFILE = """\
FROM scratch AS base
COPY busybox /bin/sh
ARG VERSION
RUN --mount=type=secret,id=token ["/bin/sh", "-c", \\
    "sleep 1; wc -c </run/secrets/token >/size; echo $VERSION >/version"]
FROM scratch AS unused
RUN ["/bin/never"]
FROM base
CMD ["/bin/sh"]
"""


@pytest.fixture(params=ways())
def images(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Images]:
    monkeypatch.setenv("PATH", f"{engine_packages.buildx()}:{os.environ['PATH']}")
    made = Images(tmp_path, request.param)
    made.remote = request.param == "target"
    (made.context / "Dockerfile").write_text(DOCKERFILE)
    try:
        yield made
    finally:
        made.remove()


def test_secrets_and_outputs(images: Images, tmp_path: Path) -> None:
    secret, argument = f"canary-{uuid.uuid4().hex}", f"canary-{uuid.uuid4().hex}"
    out = tmp_path / "out"

    def task(secret: str) -> dict[str, Any]:
        build = {
            "context": str(images.context),
            "args": {"VERSION": argument},
            "secrets": [{"source": "hub_token", "target": "token"}],
            "outputs": [f"type=local,dest={out}"],
        }
        return images.task(
            build=build, build_secrets={"hub_token": secret}, remote_src=images.remote
        )

    with Listener(secret) as spy, Listener(argument) as other:
        planned, first, again, rotated = images.run(
            {**task(secret), "check_mode": True}, task(secret), task(secret), task("another")
        )
    assert not first.get("failed"), first["msg"]
    assert (spy.heard, other.heard) == (set(), set())
    assert spy.looks > 20
    assert causes(planned) == causes(first) == ["build: not on the engine"]
    assert not again["failed"]
    assert not rotated["failed"]
    assert (again["changed"], rotated["changed"]) == (False, False)
    assert secret not in images.play.output + json.dumps([planned, first, again])
    read = docker("run", "--rm", images.name, "/bin/sh", "-c", "cat /size /version").split()
    assert read == [str(len(secret)), argument]
    assert (out / "version").read_text() == f"{argument}\n"


def test_contexts_beside_the_first(
    images: Images, tmp_path: Path, engine_of: Callable[[str], Engine]
) -> None:
    """Docker 20.10's BuildKit does not know them."""
    engine = engine_of("d28")
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "more.txt").write_text("more\n")
    build = {
        "context": str(images.context),
        "dockerfile_inline": "FROM scratch\nCOPY --from=extra more.txt /\nCOPY . /\n",
        "additional_contexts": {"extra": str(extra)},
    }
    host = f"unix://{engine.socket}"
    task = images.task(build=build, engine_host=host, remote_src=images.remote)
    first, again = images.run(task, task)
    assert not first.get("failed"), first["msg"]
    assert again["changed"] is False
    (extra / "more.txt").write_text("even more\n")
    changed, gone = images.run(task, images.task(state="absent", engine_host=host))
    assert causes(changed) == ["build: build.additional_contexts.extra changed"]
    assert gone["changed"] is True


def test_a_failed_build_says_why(images: Images) -> None:
    text = 'FROM scratch\nCOPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "echo on the way; exit 3"]\n'
    build = {"context": "app", "dockerfile_inline": text}
    (failed,) = images.run(images.task(build=build))
    assert failed["msg"].startswith(f"image/{images.name}: the build failed: failed to solve:")
    assert "exit code: 3" in failed["msg"]
    assert any("on the way" in line for line in failed["log"])
    tied = {**build, "platforms": ["linux/amd64", "linux/arm64"]}
    (failed,) = images.run(images.task(build=tied))
    assert "the build failed: docker exporter does not currently support" in failed["msg"]
