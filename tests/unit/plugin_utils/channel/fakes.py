"""Stand-ins for the parts of an action plugin that a channel looks at."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any


class SshPlugin:
    """The names of `ansible.builtin.ssh` that are used; `command` is what is run for ssh."""

    ansible_name = "ansible.builtin.ssh"
    become: Any = None

    def __init__(self, command: str = "ssh", sshpass: bool = False, **options: Any) -> None:
        self.options = {
            "host": "server",
            "ssh_executable": command,
            "password": None,
            "remote_user": "me",
            **options,
        }
        self.host = ""
        self.sshpass = sshpass
        self.sshpass_pipe: tuple[int, int] | None = None
        self.pipes: list[int] = []  # both ends of all that were made
        self._play_context = SimpleNamespace(
            remote_addr="fallback", remote_user="me", password=None
        )

    def get_option(self, name: str) -> Any:
        return self.options[name]

    def _build_command(self, binary: str, subsystem: str, *words: str) -> list[bytes]:
        front: list[bytes] = []
        if self.sshpass:
            self.sshpass_pipe = os.pipe()
            self.pipes += self.sshpass_pipe
            front = [b"sshpass", b"-d%d" % self.sshpass_pipe[0], b"-P", b"pass"]
        return [*front, binary.encode(), b"-o", b"BatchMode=no", *(w.encode() for w in words)]


def action(connection: Any, environment: Any = None) -> Any:
    """Return an action whose templar answers `{{ x }}` with `x`."""

    def template(value: Any) -> Any:
        return {k: str(v).replace("{{ ", "").replace(" }}", "") for k, v in value.items()}

    return SimpleNamespace(
        _connection=connection,
        _task=SimpleNamespace(environment=environment),
        _templar=SimpleNamespace(template=template),
    )


def options(engine_host: str | None = None, timeout: float = 1.0, **more: Any) -> dict[str, Any]:
    """Return a task's options of the connection to the engine."""
    return {"engine_host": engine_host, "engine_timeout": timeout, **more}
