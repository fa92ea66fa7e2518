"""What YAML and ansible-core make of values that were meant otherwise: refused, and said how."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.input_checks import POINT
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.base import with_nulls

from tests.lab.fake_engine import FakeEngine
from tests.lab.front import Front

PLUGINS = "ansible_collections.dockyard.fleet.plugins"
LIST = "must be a list; put it in quotes, in a list: YAML reads 22:22 as 1342, and no as false"
KEY = (
    "YAML reads this key as a boolean, a number with a point, a date or null;"
    " put the key in quotes, such as 'on'"
)
MAPPING = "must be a string, not a mapping; write {{ … | to_json }} or to_nice_yaml for its text"
ITEMS = "must be a string, not a list; write {{ … | to_json }} or to_nice_yaml for its text"
FLAG = (
    "must be a string, but YAML reads yes, no, on, off, true and false as booleans;"
    " put it in quotes"
)
QUOTED = f"{POINT}; put it in quotes"


def told(module: str, text: str, folder: Path) -> str:
    """Return the error of a task whose options are written in a file, "" for a good one."""
    (folder / "task.yml").write_text(text)
    args = DataLoader().load_from_file(str(folder / "task.yml"))
    plugin = importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule
    action: Any = object.__new__(plugin)
    action._task = SimpleNamespace(args=args)
    try:
        action.values(action._options())
    except FleetError as error:
        return str(error)
    return ""


WEB = "name: web\nimage: app:1\n"


@pytest.mark.parametrize(
    ("module", "text", "message"),
    [
        # a list that is one number, or a word that YAML takes for a boolean
        ("container", WEB + "ports: 22:22", "ports: YAML reads 22:22 as 1342; put it in quotes"),
        ("container", WEB + "ports: 8080", f"ports: {LIST}"),
        ("container", WEB + "cap_add: no", f"cap_add: {LIST}"),
        ("container", WEB + "volumes: 1.5", f"volumes: {LIST}"),
        (
            "container",
            WEB + "devices: {a: b}",
            "devices: must be a list; begin each entry with a dash",
        ),
        ("image", "name: app:1\ntags: 1.10", f"tags: {LIST}"),
        ("container_info", "names: 12:30", "names: YAML reads 12:30 as 750; put it in quotes"),
        ("network", "name: n\nipam: {config: 10}", "ipam.config: must be a mapping; its keys are"),
        # mappings of texts
        ("container", WEB + "environment: {V: 1.10}", f"environment.V: {QUOTED}"),
        ("container", WEB + "environment: {on: x}", f"environment.True: {KEY}"),
        ("container", WEB + "environment: {1.10: x}", f"environment.1.1: {KEY}"),
        ("container", WEB + "environment: {~: x}", f"environment.None: {KEY}"),
        ("container", WEB + "labels: {off: x}", f"labels.False: {KEY}"),
        (
            "container",
            WEB + "environment: {D: 2026-01-02}",
            "environment.D: must be a single string; write it as a quoted string",
        ),
        (
            "container",
            WEB + "environment: {OCT: 0755}",
            "environment.OCT: YAML reads 0755 as 493; put it in quotes",
        ),
        (
            "container",
            WEB + "environment:\n  T: 12:30  # noon",
            "environment.T: YAML reads 12:30 as 750; put it in quotes",
        ),
        (
            "container",
            WEB + "secret_environment: {PIN: 0755}",
            "secret_environment.PIN: YAML reads it as another number; put it in quotes",
        ),
        ("container", WEB + "secret_environment: {PIN: 1.5}", f"secret_environment.PIN: {QUOTED}"),
        ("container", WEB + "labels: {V: 1.10}", f"labels.V: {QUOTED}"),
        ("container", WEB + "annotations: {V: 1.10}", f"annotations.V: {QUOTED}"),
        ("container", WEB + "sysctls: {kernel.shmmax: 1.5}", f"sysctls.kernel.shmmax: {QUOTED}"),
        ("container", WEB + "storage_opt: {size: 1.5}", f"storage_opt.size: {QUOTED}"),
        (
            "container",
            WEB + "logging: {options: {max-file: 0x10}}",
            "logging.options.max-file: YAML reads 0x10 as 16; put it in quotes",
        ),
        ("container", WEB + "command: [serve, 1.10]", f"command[1]: {QUOTED}"),
        (
            "container",
            WEB + "command: [serve, 010]",
            "command[1]: YAML reads 010 as 8; put it in quotes",
        ),
        (
            "volume",
            "name: vv\ndriver_opts: {uid: 01000}",
            "driver_opts.uid: YAML reads 01000 as 512",
        ),
        ("volume", "name: vv\nlabels: {on: x}", f"labels.True: {KEY}"),
        ("network", "name: n\ndriver_opts: {mtu: 1.5}", f"driver_opts.mtu: {QUOTED}"),
        ("image", "name: app:1\nbuild: {context: x, args: {V: 1.10}}", f"build.args.V: {QUOTED}"),
        (
            "image",
            "name: app:1\nbuild: {context: x, labels: {no: x}}",
            f"build.labels.False: {KEY}",
        ),
        ("exec", "container: c\ncommand: a\nenvironment: {V: 1.10}", f"environment.V: {QUOTED}"),
        # single texts
        ("container", WEB + "hostname: 1.10", f"hostname: {QUOTED}"),
        ("container", WEB + "domainname: no", f"domainname: {FLAG}"),
        (
            "container",
            WEB + "working_dir: 2026-01-02",
            "working_dir: must be a string, but YAML reads a",
        ),
        ("container", WEB + "user: 010", "user: YAML reads 010 as 8; put it in quotes"),
        ("container", WEB + "cap_add: [no]", f"cap_add[0]: {FLAG}"),
        (
            "container",
            WEB + "group_add: [010]",
            "group_add[0]: YAML reads 010 as 8; put it in quotes",
        ),
        # a mapping or a list for a text
        ("copy", "container: c\ndest: /x\ncontent: {a: true}", f"content: {MAPPING}"),
        ("copy", "container: c\ndest: /x\ncontent: [a]", f"content: {ITEMS}"),
        ("copy", "container: c\ndest: /x\nsecret_content: {a: hush}", f"secret_content: {MAPPING}"),
        ("exec", "container: c\ncommand: a\nstdin: {a: b}", f"stdin: {MAPPING}"),
        ("run", WEB + "stdin: [a]", f"stdin: {ITEMS}"),
        (
            "image",
            "name: app:1\nbuild: {context: x, dockerfile_inline: [FROM x]}",
            f"build.dockerfile_inline: {ITEMS}",
        ),
        ("vm", "name: m\ncmdline: [a]", f"cmdline: {ITEMS}"),
        ("login", "username: u\npassword: {a: hush}", f"password: {MAPPING}"),
        ("container_info", "filters: {label: [{a: b}]}", f"filters.label[0]: {MAPPING}"),
        # what is asked for in another way elsewhere
        (
            "container",
            WEB + "state: healthy",
            "state: 'healthy' is not known; write state: started,",
        ),
        (
            "container",
            WEB + "pull: true",
            "pull: unknown option; pull_policy takes its place here:",
        ),
        (
            "container",
            WEB + "pull_policy: true",
            "pull_policy: 'True' is not known; write always, which is what pull: true means",
        ),
        (
            "prune",
            "images: true\nfilters: {dangling: true}",
            "filters.dangling: unknown option; images",
        ),
        (
            "image",
            "name: app\ntag: '1'",
            "tag: unknown option; it stands in the name, such as app:1.4",
        ),
        ("container", WEB + "recreate: true", "recreate: 'True' is not known; write always, which"),
        ("container", WEB + "restart: true", "restart: 'True' is not known; it is the policy here"),
        ("container", WEB + "wait: true", "wait: 'True' is not known; use one of none, started,"),
        # types that ansible-core would refuse, one at a time
        ("container", WEB + "cpu_shares: many", "cpu_shares: is not a whole number; write digits"),
        (
            "container",
            WEB + "init: perhaps",
            "init: is neither true nor false; write one of the two",
        ),
        ("container", "image: app:1", "name: is required"),
    ],
)
def test_what_was_meant_otherwise_is_refused(
    module: str, text: str, message: str, tmp_path: Path
) -> None:
    said = told(module, text, tmp_path)
    assert said.startswith(message)
    assert "hush" not in said


@pytest.mark.parametrize(
    "text",
    [
        "environment: {PORT: 8080, NEGATIVE: -5, FLAG: true, OLD: , WORD: yes it is}",
        "environment: {PORT: 8080 }  # a comment",
        "environment:\n  PORT: 8080",
        "labels: {22: x}",
        "cpus: 0.50",
        "user: 1000\ngroup_add: [1000]\nexpose: [8080]\npids_limit: 100",
        "restart: no",
        "ports: '8080:80'\ncommand: sleep 1.5\nstop_grace_period: 10s",
        "ulimits: {nofile: 1024}\nhealthcheck: {test: 'true', retries: '3'}\ninit: yes",
    ],
)
def test_what_is_as_it_was_written_is_taken(text: str, tmp_path: Path) -> None:
    assert told("container", WEB + text, tmp_path) == ""


def test_all_entries_of_one_option_are_told() -> None:
    task = {"name": "web", "image": "app:1", "environment": {"A": 1.5, True: "x", "B": 2.5}}
    assert Front("/no/engine").run(task)["msg"].split("\n- ") == [
        "3 options are wrong:",
        f"environment.A: {QUOTED}",
        f"environment.True: {KEY}",
        f"environment.B: {QUOTED}",
    ]


def test_what_yaml_misread_is_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    text = f"{WEB}memory: 1m\nports: 22:22\nenvironment: {{V: 1.10, on: yes, OCT: 0755, T: 12:30}}"
    assert told("container", text, tmp_path).split("\n- ") == [
        "6 options are wrong:",
        "ports: YAML reads 22:22 as 1342; put it in quotes",
        "environment.OCT: YAML reads 0755 as 493; put it in quotes",
        "environment.T: YAML reads 12:30 as 750; put it in quotes",
        "memory: unknown option; mem_limit takes its place here",
        f"environment.V: {QUOTED}",
        f"environment.True: {KEY}",
    ]


def test_a_plan_says_which_options_are_null() -> None:
    """All entries of `environment` were commented out: they go, and the plan says why."""
    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"])
        front = Front(fake.socket_path)
        front.run({"name": "web", "image": "app:1", "environment": {"LOG": "info"}})
        given: Dict[str, Any] = {"name": "web", "image": "app:1", "environment": None}
        given["healthcheck"] = {"test": None}
        check = with_nulls(front.run(given, check=True), given, front.options)
        notes = [
            "environment is null, which counts as not given",
            "healthcheck.test is null, which counts as not given",
        ]
        assert check["plan"]["notes"] == notes
        assert check["plan"]["text"].endswith("".join(f"note: {note}\n" for note in notes))
        assert check["diff"]["prepared"] == check["plan"]["text"]
        apply = with_nulls(front.run(given), given, front.options)
        assert apply["plan"]["text"] == check["plan"]["text"]
        again = with_nulls(front.run(given), given, front.options)
        assert again["plan"]["text"] == "nothing to do\n"
