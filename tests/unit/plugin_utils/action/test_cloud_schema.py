"""What the controller's cloud-init says of user data is told by keys, and never by values."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.action.vm import ActionModule
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action import cloud_schema
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.cloud_schema import complaint

SECRET = "hunter2"
CONFIG: Dict[str, Any] = {
    "users": [{"name": "ops", "passwd": SECRET}],
    "user_data": {"hostnam": "web", "timezone": "Mars, users: hunter2"},
}
# As cloud-init 22.4.2 and 25 say it.
SAID = (
    "Error:\nCloud config schema errors: : Additional properties are not allowed ('hostnam' was"
    f" unexpected), users.0: {{'name': 'ops', 'passwd': '{SECRET}'}} is not valid under any of the"
    " given schemas"
)


class Program:
    """A program `cloud-init` that says something, and notes how it was called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "cloud-init"
        self.seen = folder / "seen"
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def says(self, text: str, code: int = 1, first: str = "") -> None:
        script = f"""#!/bin/sh
            {{ echo "$@"; ls -l "$3"; cat "$3"; }} >{self.seen}
            {first}
            cat <<'END'\n{text}\nEND\nexit {code}\n"""
        self.path.write_text(script)
        self.path.chmod(0o755)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(tmp_path, monkeypatch)


def test_its_complaint_names_keys_and_no_value(program: Program) -> None:
    program.says(SAID)
    told = complaint(CONFIG)
    assert "does not accept hostnam, users.0;" in told
    assert SECRET not in told
    assert "ops" not in told
    arguments, listed, data = program.seen.read_text().split("\n", 2)
    assert arguments.startswith("schema --config-file /")
    assert SECRET not in arguments
    assert listed.startswith("-rw-------")
    assert data.startswith("#cloud-config\n")
    assert SECRET in data
    assert not Path(arguments.split()[-1]).exists()


@pytest.mark.parametrize(
    "config", [None, {"user_data": "#!/bin/sh\ntrue\n"}, {"user_data": 7}], ids=str
)
def test_what_is_no_cloud_config_is_not_asked_about(config: Any, program: Program) -> None:
    program.says(SAID)
    assert complaint(config) == ""
    assert not program.seen.exists()


@pytest.mark.parametrize(
    ("text", "code"), [("Valid schema user-data", 0), ("Traceback: no module", 1)]
)
def test_a_content_and_a_broken_program_say_nothing(text: str, code: int, program: Program) -> None:
    program.says(text, code)
    assert complaint(CONFIG) == ""


def test_without_the_program_nothing_changes(program: Program) -> None:
    assert complaint(CONFIG) == ""


def test_a_program_that_hangs_is_not_waited_for(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_schema, "PATIENCE", 0.2)
    program.says(SAID, first="exec sleep 30")
    begin = time.monotonic()
    assert complaint(CONFIG) == ""
    assert time.monotonic() - begin < 10


def test_user_data_in_text_that_is_no_yaml(program: Program) -> None:
    program.says("Cloud config schema errors: format-l2.c1: File is not valid YAML.")
    assert "does not accept its user data;" in complaint({"user_data": "#cloud-config\n{"})


def test_the_task_warns_and_goes_on(program: Program) -> None:
    program.says(SAID)
    front = ActionModule.__new__(ActionModule)
    front.prepare({"name": "web", "state": "started", "cloud_init": CONFIG}, {})
    result = front.finish({"changed": True, "warnings": ["one of the module"]}, {})
    assert result["changed"] is True
    assert result["warnings"] == ["one of the module", complaint(CONFIG)]
    front.prepare({"name": "web", "state": "absent", "cloud_init": CONFIG}, {})
    assert "warnings" not in front.finish({}, {})
