"""What a change needs is loaded before Ansible forks, not by each changed host again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

ROOT = Path(__file__).parents[4]
WEB: Dict[str, Any] = {
    "name": "web",
    "image": "app:1",
    "environment": {"LOG": "info"},
    "ports": ["8080:80"],
    "volumes": ["data:/data"],
    "monitor": "1ms",
}
TASKS: Dict[str, List[Dict[str, Any]]] = {
    "container": [
        WEB,
        {**WEB, "image": "app:2"},
        {**WEB, "image": "app:2", "mem_limit": "64m"},
        {**WEB, "image": "lib/app:3"},
        {"name": "web", "state": "absent"},
    ],
    "network": [{"name": "n"}, {"name": "n", "internal": True}, {"name": "n", "state": "absent"}],
    "volume": [{"name": "v"}, {"name": "v", "state": "absent", "destroy": "v"}],
    "image": [{"name": "lib/app:3"}, {"name": "lib/app:3", "state": "absent"}],
    "run": [{"name": "job", "image": "app:1"}],
}
# Loads the action plugin as Ansible does, then has the core do the tasks; prints what it loads.
PROGRAM = """
import json, sys
from importlib import import_module

sys.path[:0] = ["collections", "."]
from tests.lab.fake_engine import FakeEngine

PLUGINS = "ansible_collections.dockyard.fleet.plugins"
for name in [name for name in sys.modules if name.startswith(PLUGINS)]:
    del sys.modules[name]  # the fake engine's
resource = import_module(f"{PLUGINS}.action.{sys.argv[1]}").ActionModule.resource
before = set(sys.modules)
engine = import_module(f"{PLUGINS}.module_utils._engine.client.engine")
from tests.lab.core import run_validated, validated
with FakeEngine() as fake:
    for image in ("app:1", "app:2"):
        fake.add_image(image, cmd=["serve"], behaviour="exit:0" if sys.argv[1] == "run" else "run")
    fake.registry["lib/app:3"] = {"cmd": ["serve"]}
    for task in json.loads(sys.argv[2]):
        run_validated(
            resource,
            {"_context": None, "_source": None, **validated(resource.spec(), task)},
            lambda: engine.Client(engine.unix_dial(fake.socket_path), 10),
        )
print(json.dumps(sorted(name for name in set(sys.modules) - before if name.startswith(PLUGINS))))
"""


@pytest.mark.parametrize("module", TASKS)
def test_a_change_loads_nothing_of_ours(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, json.dumps(TASKS[module])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
