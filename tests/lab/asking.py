"""Run one play against many hosts and get every task's result, by host and name of the task."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.playbook import PLAIN, run_playbook

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests/integration/channel"


@dataclass
class Told:
    """What a run came to: `results[host][task]` is (ok, failed, skipped or unreachable, result)."""

    status: int
    output: str
    results: dict[str, dict[str, tuple[str, dict[str, Any]]]] = field(default_factory=dict)

    def good(self, host: str, task: str) -> dict[str, Any]:
        """Return the result of a task that has to have worked."""
        outcome, result = self.results.get(host, {}).get(task, ("missing", {}))
        assert outcome == "ok", (host, task, outcome, result.get("msg"), self.output[-3000:])
        return result


@dataclass
class Desk:
    """Plays against hosts given as inventory variables by name; `control` for shared sockets."""

    folder: Path
    hosts: dict[str, dict[str, Any]]
    control: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self, *tasks: dict[str, Any], hosts: str = "all", options: tuple[str, ...] = ()
    ) -> Told:
        place = Path(tempfile.mkdtemp(dir=self.folder))
        (place / "hosts.json").write_text(json.dumps({"all": {"hosts": self.hosts}}))
        play = {"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}
        (place / "play.json").write_text(json.dumps([play]))
        arguments = ["-i", "hosts.json", *options, "play.json"]
        done = run_playbook(arguments, place, self._environment(place))
        told = Told(done.returncode, done.stdout + done.stderr)
        assert "Traceback" not in told.output, told.output
        if (place / "told.json").exists():
            for host, task, outcome, result in json.loads((place / "told.json").read_text()):
                told.results.setdefault(host, {})[task] = (outcome, result)
        return told

    def _environment(self, place: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_CONFIG": str(PLAIN),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "told",
            "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.control),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_PIPELINING": "true",
            "TOLD": str(place / "told.json"),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }
