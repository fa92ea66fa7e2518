"""What others do to the engine while a task runs: one clear error at most, and the next converges.

Each happens between what the task has read and its first write, or instead of an answer.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import POINTS
from tests.lab.serving import Request, Response, failed

Params = Dict[str, Any]
OLD: Params = {"name": "web", "image": "app:1", "networks": ["front"], "monitor": "1ms"}
NEW: Params = {**OLD, "image": "app:2"}


class Shared(FakeEngine):
    """A fake engine on which somebody else acts once, before the first write."""

    meanwhile: Optional[Callable[[Shared], Optional[Response]]] = None

    def answer(self, request: Request) -> Response:
        if self.meanwhile is not None and request.method != "GET" and request.path != "/_ping":
            act, self.meanwhile = self.meanwhile, None
            said = act(self)
            if said is not None:
                return said
        return super().answer(request)


@contextlib.contextmanager
def shared(crew: Crew) -> Iterator[Tuple[Shared, Params]]:
    """Yield an engine on which OLD runs, and that container as inspected."""
    with Shared() as fake:
        for ref in ("app:1", "app:2"):
            fake.add_image(ref)
        with Client(unix_dial(fake.socket_path), 10) as client:
            client.post("/networks/create", None, {"Name": "front"})
            assert not crew.run(OLD, fake.socket_path).result.get("failed")
            before = client.get("/containers/web/json")
        yield fake, before


def _other(
    fake: Shared, method: str, path: str, query: Optional[Params] = None, body: Any = None
) -> None:
    with Client(unix_dial(fake.socket_path), 10) as client:
        client.delete(path, query) if method == "DELETE" else client.post(path, query, body)


def _remove(fake: Shared) -> None:
    _other(fake, "DELETE", "/containers/web", {"force": True})


def _rename(fake: Shared) -> None:
    _other(fake, "POST", "/containers/web/rename", {"name": "other"})


def _stop(fake: Shared) -> None:
    _other(fake, "POST", "/containers/web/stop")


def _forget_image(fake: Shared) -> None:
    _other(fake, "DELETE", "/images/app:2", {"force": True})
    fake.registry["app:2"] = {"cmd": ["serve"]}


def _twin_endpoint(fake: Shared) -> Response:
    return failed(403, "endpoint with name web already exists in network front")


ACTS: Dict[str, Callable[[Shared], Optional[Response]]] = {
    "the container is removed": _remove,
    "the container is renamed": _rename,
    "the container is stopped": _stop,
    "the image is deleted": _forget_image,
    "an endpoint has its name": _twin_endpoint,
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("story", "task"), [("replace", NEW), ("remove", {"name": "web", "state": "absent"})]
)
def test_somebody_else_acts_between_read_and_write(
    act: str,
    story: str,
    task: Params,
    crew: Crew,
    record_property: Callable[[str, object], None],
) -> None:
    with shared(crew) as (fake, _before):
        fake.meanwhile = ACTS[act]
        result = crew.run(task, fake.socket_path).result
        assert fake.meanwhile is None
        said = result.get("msg", "")
        assert "Traceback" not in said
        assert "\n" not in said
        if result.get("failed"):
            assert "web" in said
        again = crew.run(task, fake.socket_path).result
        assert not again.get("failed"), again["msg"]
        # A container that was renamed is somebody else's by now, or was the one that is meant.
        ours = [name for name in fake.names() if name != "other"]
        assert ours == (["web"] if story == "replace" else [])
        assert crew.run(task, fake.socket_path).result["changed"] is False
    record_property(f"{POINTS}meanwhile: {act}, {story}", 1)


def test_who_loses_a_race_leaves_the_winner_alone(crew: Crew) -> None:
    """Two controllers replace a container at once: one of them gets an error, and does no more."""
    with shared(crew) as (fake, before):
        theirs = f"{before['Id'][:12]}_web"

        def create(fake: Shared) -> None:
            replaces = {"id": before["Id"], "restart": ["no", 0], "running": True}
            record = json.dumps({"v": 1, "address": "container/web", "replaces": replaces})
            body = {"Image": "app:2", "Labels": {"dockyard.fleet.container": record}}
            _other(fake, "POST", "/containers/create", {"name": theirs}, body)
            _other(fake, "POST", "/containers/web/stop")

        fake.meanwhile = create
        result = crew.run(NEW, fake.socket_path).result
        assert f'"/{theirs}" is already in use' in result["msg"]
        assert "another run, or somebody else, was faster" in result["msg"]
        assert sorted(fake.names()) == [theirs, "web"]
        with Client(unix_dial(fake.socket_path), 10) as client:
            assert not client.get("/containers/web/json")["State"]["Running"], "it was theirs"
        assert not crew.run(NEW, fake.socket_path).result.get("failed")
        assert fake.names() == ["web"]


def test_an_engine_that_is_not_there_is_one_error(crew: Crew, tmp_path: Path) -> None:
    result = crew.run(OLD, str(tmp_path / "none.sock")).result
    assert result["failed"] is True
    assert str(tmp_path / "none.sock") in result["msg"]
    assert "\n" not in result["msg"]
