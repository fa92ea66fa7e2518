"""What programs, engines and files say reaches no terminal as it is (_desired/terminal_text.py)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.terminal_text import (
    visible_lines,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.fake_engine import BuildFailed, FakeEngine
from tests.lab.fake_files import Node
from tests.lab.front import Front
from tests.lab.tasks import do

# Clears the screen, names the window, goes back, turns the writing round (C1 as well).
EVIL = "\x1b[2J\x1b]0;owned\x07ok\x08\x9b31m\u202eabc"
SHOWN = "\\x1b[2J\\x1b]0;owned\\x07ok\\x08\\x9b31m\\u202eabc"


def printed(result: Dict[str, Any]) -> str:
    """Return what Ansible prints of a result as it is: the message and the diff."""
    diffs = result.get("diff") or []
    parts = [result.get("msg", "")]
    for one in diffs if isinstance(diffs, list) else [diffs]:
        parts += [str(value) for value in one.values()]
    return "\n".join(parts)


def harmless(result: Dict[str, Any]) -> bool:
    text = printed(result)
    return SHOWN in text and not [
        one for one in text if not one.isprintable() and one not in "\n\t"
    ]


def test_lines_stay_lines_and_colours_go() -> None:
    assert visible_lines("a\r\nb\tc\nä\n") == "a\nb\tc\nä\n"
    assert visible_lines("10 %\r20 %\n") == "10 %\\r20 %\n"
    assert visible_lines("\x1b[1;31mred\x1b[0m") == "red"
    assert visible_lines("x" * 5000) == "x" * 5000
    assert str(FleetError(EVIL, option="a", hint="b\nc")) == f"a: {SHOWN}; b\nc"
    assert str(FleetError("\udce9")) == "\\udce9"


def test_the_last_words_of_a_container() -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1", behaviour="exit:3", logs=["starting", EVIL])
        front = Front(fake.socket_path)
        probed = {"healthcheck": {"test": ["CMD", "true"]}, "wait": "healthy"}
        assert harmless(front.run({"name": "web", "image": "app:1", **probed}))
        fake.add_image("bad:1", behaviour=f"refuse:{EVIL}")
        assert harmless(front.run({"name": "web", "image": "bad:1"}))


def test_values_of_an_image_in_a_plan() -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1")
        front = Front(fake.socket_path)
        made = {"Image": "app:1", "Env": [f"A={EVIL}"], "Labels": {"a": f"b\n  create {EVIL}"}}
        with Client(unix_dial(fake.socket_path), 5) as client:
            client.post("/containers/create", {"name": "web"}, made)
        task = {"name": "web", "image": "app:1", "environment": {"A": "x"}, "labels": {"a": "x"}}
        result = front.run({**task, "adopt": True}, check=True)
        assert harmless(result)
        assert "\n  create \\x1b" not in result["diff"]["prepared"]


def test_what_lies_in_a_container(fake: FakeEngine, tmp_path: Path) -> None:
    fake.files("web")["/etc/motd"] = Node("file", data=f"{EVIL}\n".encode())
    task = partial(do, COPY, fake.socket_path, container="web", check=True)
    assert harmless(task(content="x\n", dest="/etc/motd"))
    fake.files("web")["/srv/tree"] = Node("folder", 0o755)
    fake.files("web")["/srv/tree/l"] = Node("link", 0o777, link="a")
    (tmp_path / "l").symlink_to(EVIL)
    assert harmless(task(src="/srv/tree", dest=f"{tmp_path}", fetch=True))
    fake.files("web")[f"/srv/tree/{EVIL}"] = Node("file")
    assert harmless(task(src="/srv/tree", dest=f"{tmp_path}", fetch=True))


def test_what_a_build_says(fake: FakeEngine, tmp_path: Any) -> None:
    def fails(_build: Any) -> None:
        raise BuildFailed(EVIL)

    fake.on_build = fails
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert harmless(do(IMAGE, fake.socket_path, name="a:1", build={"context": str(tmp_path)}))


def test_what_a_command_says(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake.state.programs, "evil", lambda *_given: (3, b"", EVIL.encode()))
    result = do(EXEC, fake.socket_path, container="web", command=["evil"])
    assert harmless(result)
    assert result["stderr"] == EVIL  # data is handed on as it is


@pytest.fixture
def fake() -> Any:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        with Client(unix_dial(engine.socket_path), 5) as client:
            client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
            client.post("/containers/web/start")
        yield engine
