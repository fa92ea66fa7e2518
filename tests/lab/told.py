"""One play by ansible-playbook, and the result of each host as the callback `told` writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.lab.playbook import PLAIN, run_playbook

ROOT = Path(__file__).resolve().parents[2]
Results = dict[str, dict[str, Any]]


def results_of(
    folder: Path, inventory: dict[str, Any], play: dict[str, Any], *options: str
) -> tuple[Results, str]:
    """Run a play of one task; return the result of each host that it ran on, and all output.

    A result has `failed` and `changed` in any case.
    """
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "play.yml").write_text(json.dumps([play]))
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    arguments = ["-i", "inventory.json", *options, "play.yml"]
    done = run_playbook(arguments, folder, _environment(folder, told))
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    assert told.exists(), output
    results = {}
    for host, _name, outcome, one in json.loads(told.read_text()):
        results[host] = {"changed": False, **one, "failed": outcome != "ok", "was": outcome}
    return results, output


def _environment(folder: Path, told: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(Path.home()),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/channel/callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "told",
        "TOLD": str(told),
        "ANSIBLE_CONFIG": str(PLAIN),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
