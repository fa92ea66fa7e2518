# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ssh commands of one Ansible connection, built by Ansible's own plugin."""

from __future__ import annotations

import os
import subprocess
from typing import Any, Dict, List, Optional, Sequence

from ansible.module_utils.common.text.converters import to_bytes, to_text

from .probe import Blocked, Probe, probe_command, read_probe

# ssh takes the first value of an option, so ours go in front. No command of ours may ask for a
# password: authentication is done by Ansible, which starts the shared connection.
OURS = ("-o", "BatchMode=yes")
# A control command talks to a process on this machine; it answers in milliseconds.
CONTROL_SECONDS = 10.0


class Ssh:
    """What we need of `ansible.builtin.ssh`, whose way to build a command is not a public name.

    The control path is never computed here, so `ssh_args`, `control_path` and the user's
    ssh_config work as for any task. Names and behaviour were read in ansible-core 2.19 to 2.21;
    Blocked is raised where one of them is gone.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._probes: Dict[str, Probe] = {}
        try:
            # The control path's hash holds the host; only running a command refreshes it.
            connection.host = connection.get_option("host") or connection._play_context.remote_addr
            self.host: str = to_text(connection.host)
            # None leaves it to ssh_config who logs in.
            self.user: Optional[str] = (
                connection.get_option("remote_user") or connection._play_context.remote_user
            )
            self._executable: str = connection.get_option("ssh_executable")
            self.has_password = bool(
                connection.get_option("password") or connection._play_context.password
            )
        except (AttributeError, TypeError, KeyError) as error:
            raise _unknown_plugin(error) from error

    def argv(self, *words: str, options: Sequence[str] = OURS) -> List[bytes]:
        """Return the command line for `ssh words…` with `options` before Ansible's own."""
        try:
            built = list(self._connection._build_command(self._executable, "ssh", *words))
            executable = built.index(to_bytes(self._executable))
        except (AttributeError, TypeError, ValueError) as error:
            raise _unknown_plugin(error) from error
        if executable:
            self._drop_password_pipe()
        return [built[executable], *map(to_bytes, options), *built[executable + 1 :]]

    def _drop_password_pipe(self) -> None:
        """Close the pipe that `_build_command` opens for sshpass, which is stripped."""
        for descriptor in getattr(self._connection, "sshpass_pipe", None) or ():
            os.close(descriptor)
        self._connection.sshpass_pipe = None

    def control(self, order: str, *words: str) -> bool:
        """Give an order (`check`, `forward`, `cancel`) to the shared connection; False if refused.

        False is also the answer if there is no shared connection.
        """
        command = self.argv("-O", order, *words, self.host)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=CONTROL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def probe(self, path: str, again: bool = False) -> Probe:
        """Return what the connection's user sees of the socket `path` on the host.

        The command runs through Ansible, so it starts the shared connection with Ansible's own
        authentication and retries; AnsibleConnectionFailure passes through.
        """
        if again or path not in self._probes:
            status, out, err = self._connection.exec_command(probe_command(path), sudoable=False)
            probe = read_probe(to_text(out))
            if probe is None:
                raise Blocked(
                    f"a command on {self.host} ended with status {status} and printed nothing: "
                    + last_line(to_text(err))
                )
            self._probes[path] = probe
        return self._probes[path]


def last_line(text: str) -> str:
    """Return the last line of a program's error output that says something, at most 300 chars."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "(no error output)"


def _unknown_plugin(error: Exception) -> Blocked:
    return Blocked(f"the ssh connection plugin of this ansible-core is not as expected: {error}")
