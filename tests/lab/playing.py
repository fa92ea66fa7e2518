"""Run tasks of the collection through ansible-playbook and get their results back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from tests.lab.playbook import PLAIN, home, run_playbook

ROOT = Path(__file__).resolve().parents[2]


class Play:
    """Plays in one folder against one host; `variables` are the host's connection."""

    def __init__(self, folder: Path, variables: Optional[Mapping[str, Any]] = None) -> None:
        self.folder = folder
        self.output = ""
        local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        # Where tests.lab.sshd.Site in the same folder ends the shared connections.
        shared = {"ansible_control_path_dir": str(folder / "control")}
        hosts = {"all": {"hosts": {"target": {**shared, **(variables or local)}}}}
        (folder / "inventory.json").write_text(json.dumps(hosts))

    def run(self, *tasks: Dict[str, Any], options: Tuple[str, ...] = ()) -> List[Dict[str, Any]]:
        """Run tasks (a failed one does not end the play) and return their results in order."""
        names = [f"Try {number}" for number in range(len(tasks))]
        always = {"register": "it", "ignore_errors": True}
        made = [{**always, **task, "name": name} for name, task in zip(names, tasks)]
        play = [{"hosts": "target", "gather_facts": False, "tasks": made}]
        (self.folder / "play.yml").write_text(json.dumps(play))
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        arguments = ["-i", "inventory.json", *options, "play.yml"]
        done = run_playbook(arguments, self.folder, self._environment())
        self.output = done.stdout + done.stderr
        assert "Traceback" not in self.output, self.output
        if done.returncode != 0:
            raise RuntimeError(self.output)
        results: Dict[str, Dict[str, Any]] = {}
        for _host, name, outcome, one in json.loads(told.read_text()):
            # As a registered result has them; callbacks go by the outcome.
            failed = {"failed": outcome == "failed"}
            skipped = {"skipped": True} if outcome == "skipped" else {}
            results[name] = {"changed": False, **one, **failed, **skipped}
        return [results[name] for name in names]

    def _environment(self) -> Dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "ANSIBLE_HOME": home(),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            # A task that reports a result would cost more than the one that it is about.
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/channel/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "told",
            "TOLD": str(self.folder / "told.json"),
            # A server that is not root's cannot give a terminal, which Ansible asks for without.
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_CONFIG": str(PLAIN),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
