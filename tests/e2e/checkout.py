"""A fresh copy of the tree, and its demonstration run against servers instead of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.servers import Server

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RECAP = re.compile(r"^(\S+) +: ok=\d+ +changed=(\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What ansible-playbook printed, and how it ended."""

    output: str
    code: int

    @property
    def changed(self) -> dict[str, int]:
        """Return how much changed by host; fail with the output if a host failed."""
        assert self.code == 0, self.output[-6000:]
        rows = RECAP.findall(self.output)
        assert rows, self.output[-6000:]
        return {host: int(changed) for host, changed in rows}

    @property
    def report(self) -> str:
        """Return what was told at the end of the run."""
        return self.output.partition("\nREPORT ")[2]

    def plan(self, address: str) -> str:
        """Return the paragraph of the printed plans that begins with an address."""
        lines = self.output.splitlines()
        begin = lines.index(address)
        end = next(i for i in range(begin + 1, len(lines) + 1) if not lines[i].startswith("  "))
        return "\n".join(line.rstrip() for line in lines[begin:end])


class Checkout:
    """The tree as Git would hand it out, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            source, target = ROOT / name, folder / name
            if source.is_symlink() or source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)

    def demo_on(self, servers: Mapping[Server, str], **variables: Mapping[str, Any]) -> None:
        """Make the servers, each reached as the user given, the hosts of the demonstration.

        `variables` are more of them, by user.
        """
        hosts = {
            server.name: {**server.inventory_vars(user), **variables.get(user, {})}
            for server, user in servers.items()
        }
        inventory = {"container_hosts": {"children": {"demo": {"hosts": hosts}}}}
        (self.folder / "inventories/local_containers/hosts.yml").write_text(json.dumps(inventory))

    def play(
        self, playbook: str, *options: str, inventory: str = "inventories/local_containers"
    ) -> Run:
        """Run a playbook as a user would, in the folder."""
        return self.command("ansible-playbook", "-i", inventory, playbook, *options)

    def command(self, program: str, *arguments: str, paths: Iterable[Path] = ()) -> Run:
        """Run a program of Ansible; `paths` are where collections are, if not in the tree."""
        done = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=self.folder,
            env=self._environment(list(paths)),
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert "Traceback" not in output, output
        return Run(output, done.returncode)

    def _environment(self, paths: list[Path]) -> dict[str, str]:
        found = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(Path.home()),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "ANSIBLE_NOCOLOR": "true",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if paths:
            found["ANSIBLE_COLLECTIONS_PATH"] = ":".join(map(str, paths))
        return found
