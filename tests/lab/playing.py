"""Run tasks of the collection through ansible-playbook and get their results back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

ROOT = Path(__file__).resolve().parents[2]


class Play:
    """Plays in one folder against one host; `variables` are the host's connection."""

    def __init__(self, folder: Path, variables: Optional[Mapping[str, Any]] = None) -> None:
        self.folder = folder
        self.output = ""
        local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        hosts = {"all": {"hosts": {"target": dict(variables or local)}}}
        (folder / "inventory.json").write_text(json.dumps(hosts))
        (folder / "ansible.cfg").write_text("[defaults]\n")  # nobody's own settings

    def run(self, *tasks: Dict[str, Any], options: Tuple[str, ...] = ()) -> List[Dict[str, Any]]:
        """Run tasks (a failed one does not end the play) and return their results in order."""
        names = [f"Try {number}" for number in range(len(tasks))]
        always = {"register": "it", "ignore_errors": True}
        made = [{**always, **task, "name": name} for name, task in zip(names, tasks)]
        play = [{"hosts": "target", "gather_facts": False, "tasks": made}]
        (self.folder / "play.yml").write_text(json.dumps(play))
        told = self.folder / "told.json"
        told.unlink(missing_ok=True)
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [program, "-i", "inventory.json", *options, "play.yml"],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
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
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            # A task that reports a result would cost more than the one that it is about.
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/channel/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "told",
            "TOLD": str(self.folder / "told.json"),
            # Where tests.lab.sshd.Site in the same folder ends the shared connections.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "control"),
            # A server that is not root's cannot give a terminal, which Ansible asks for without.
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
