"""The callback plugin: fed with events, and in a run against the fake engine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.callback import report

from tests.lab.fake_engine import FakeEngine
from tests.lab.playbook import PLAIN, home, run_playbook

ROOT = Path(__file__).parents[3]
STARTED = {
    "changed": True,
    "plan": {"steps": [{"address": "container/web", "verb": "start"}]},
    "container": {"name": "web"},
}


class Display:
    """Keeps the lines that are shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def banner(self, text: str) -> None:
        self.lines.append(text)

    display = banner


@pytest.fixture
def callback() -> Any:
    made = report.CallbackModule()
    made._display = Display()
    return made


def event(result: Any, host: str = "web01", **task: Any) -> Any:
    """Return a result as Ansible hands it to callbacks."""
    role = SimpleNamespace(get_name=lambda: "dockyard.fleet.workloads")
    defaults = {"resolved_action": "dockyard.fleet.container", "loop": None, "check_mode": False}
    return SimpleNamespace(
        host=SimpleNamespace(get_name=lambda: host),
        task=SimpleNamespace(**{**defaults, "_role": role, **task}),
        result=result,
    )


def told(callback: Any, failures: Any = (), dark: Any = ()) -> list[str]:
    stats = SimpleNamespace(failures=dict.fromkeys(failures, 1), dark=dict.fromkeys(dark, 1))
    callback.v2_playbook_on_stats(stats)
    lines: list[str] = callback._display.lines
    return lines


def test_a_loop_is_told_item_by_item(callback: Any) -> None:
    item = {"changed": True, "plan": {"steps": [{"address": "image/app:1", "verb": "pull"}]}}
    callback.v2_runner_item_on_ok(event(STARTED, loop=["a", "b"]))
    callback.v2_runner_item_on_failed(event(item, loop=["a", "b"]))
    callback.v2_runner_on_ok(event({"results": [STARTED], "changed": True}, loop=["a", "b"]))
    expected = ["container/web", "image/app:1"]
    assert [line.split()[0] for line in told(callback)[2:]] == expected


def test_check_mode_is_a_tasks_own(callback: Any) -> None:
    callback.v2_runner_on_ok(event(STARTED, check_mode=True))
    assert told(callback)[-1].split() == ["container/web", "would", "start"]


def test_only_what_failed_in_the_end_has_failed(callback: Any) -> None:
    for host in ("down", "rescued", "failed"):
        callback.v2_runner_on_failed(event({"failed": True}, host))
    callback.v2_runner_on_failed(event({"failed": True}, "ignored"), ignore_errors=True)
    callback.v2_runner_on_unreachable(event({"unreachable": True}, "down"))
    where = "in role workloads, at dockyard.fleet.container"
    assert told(callback, ["failed"], ["down"])[1:] == [
        *("down", f"  failed                     unreachable {where}"),
        *("failed", f"  failed                     {where}"),
    ]


def test_no_event_makes_it_fail(callback: Any) -> None:
    hooks = [name for name in vars(report.CallbackModule) if name.startswith("v2_")]
    assert len(hooks) == 9
    for broken in (
        None,
        SimpleNamespace(),
        event(None),
        event({"plan": 1, "results": 2}, loop=[1]),
    ):
        for name in hooks:
            arguments = (broken, broken) if name == "v2_runner_on_start" else (broken,)
            getattr(callback, name)(*arguments)


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


def play(folder: Path, fake: FakeEngine, strategy: str, *options: str) -> list[str]:
    """Run a play of two hosts, of which b fails; return the lines of the report."""
    network = {"kind": "network", "options": {"name": "lan-{{ inventory_hostname }}"}}
    tasks: list[dict[str, Any]] = [
        {"dockyard.fleet.declared": network},
        {
            "dockyard.fleet.container": {
                "name": "{{ inventory_hostname }}-{{ item }}",
                "image": "app:1",
                "wait": "none",
                "secret_environment": {"TOKEN": "canary"},
            },
            "loop": ["one", "two"],
        },
        {"ansible.builtin.command": {"cmd": "echo canary"}, "name": "canary"},
        {"ansible.builtin.fail": {"msg": "canary"}, "when": "inventory_hostname == 'b'"},
    ]
    where = {"engine_host": f"unix://{fake.socket_path}"}
    defaults = {"group/dockyard.fleet.containers": where}
    one = {"name": "All", "hosts": "all", "gather_facts": False, "tasks": tasks}
    plays = [{**one, "strategy": strategy, "module_defaults": defaults}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays))
    here = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"a": here, "b": here}}}))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "ANSIBLE_HOME": home(),
        "ANSIBLE_CONFIG": str(PLAIN),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CALLBACKS_ENABLED": "dockyard.fleet.report",
        "LC_ALL": "C.UTF-8",
    }
    done = run_playbook(["-i", "hosts.json", *options, "play.yml"], folder, environment)
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    assert "Traceback" not in output
    _before, banner, after = done.stdout.partition("\nREPORT ")
    assert banner, output
    return after.splitlines()[1:]


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_run(strategy: str, tmp_path: Path, fake: FakeEngine) -> None:
    would = "\n".join(play(tmp_path, fake, strategy, "--check"))
    for name in ("a-one", "a-two", "b-one", "b-two"):
        assert re.search(rf"^  container/{name} +would create, start$", would, re.MULTILINE)
    lines = play(tmp_path, fake, strategy)
    text = "\n".join(lines)
    for name in ("a-one", "a-two", "b-one", "b-two"):
        assert re.search(rf"^  container/{name} +create, start$", text, re.MULTILINE)
    assert text.count("reached by socket") == 2
    assert text.count("other tasks                1 change\n") == 2
    failed = re.findall(r"^  failed +(.*)$", text, re.MULTILINE)
    assert failed == ["at ansible.builtin.fail"]
    assert re.fullmatch(r"  All +\d+\.\d s", lines[-1])
    assert "canary" not in would + text
