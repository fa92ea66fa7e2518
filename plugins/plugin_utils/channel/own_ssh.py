# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own ssh to the host of an `ssh://` address, with one kept connection per host."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import List, Sequence

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_bytes, to_text

from ...module_utils._desired.errors import EngineMissing
from ...module_utils._engine.client.address import Address
from .probe import Blocked, Probe, probe_command, read_probe
from .ssh import OURS, Ssh, last_line

# How long the shared connection outlives the last task (Ansible's own default for its ssh).
PERSIST = "60s"
# ssh's own status where there was no connection; any other is the command's (ssh(1)).
NO_CONNECTION = 255


class OwnSsh(Ssh):
    """`ssh` as the user would type it: names, keys, jumps and known hosts are their ssh_config's.

    Only the sharing of the connection is ours, so that tasks after one another use one.
    """

    has_password = False
    user = None

    def __init__(self, address: Address) -> None:
        self._address = address
        self.host = address.host
        self._probes = {}

    def argv(self, *words: str, options: Sequence[str] = OURS) -> List[bytes]:
        """Return the command line for `ssh words…`."""
        os.makedirs(self.control_folder(), mode=0o700, exist_ok=True)
        sharing = ("ControlMaster=auto", f"ControlPersist={PERSIST}", f"ControlPath={self._path()}")
        result = ["ssh", *options]
        for setting in sharing:
            result += ["-o", setting]
        if self._address.port:
            result += ["-p", str(self._address.port)]
        if self._address.user:
            result += ["-l", self._address.user]
        return [to_bytes(word) for word in (*result, *words)]

    def _path(self) -> str:
        """Return the path of the shared connection's socket; ssh's own %C may be too long."""
        there = self._address._replace(path="")
        name = hashlib.sha256(str(there).encode()).hexdigest()[:10]
        return os.path.join(self.control_folder(), f"f-{name}").replace("%", "%%")

    def control_folder(self) -> str:
        """Return the folder of the sockets of shared connections: Ansible's own for its ssh."""
        return os.path.join(
            os.path.expanduser(str(C.config.get_config_value("ANSIBLE_HOME"))), "cp"
        )

    def probe(self, path: str, again: bool = False) -> Probe:
        """Return what the user logged in as sees of the socket; this starts the connection.

        Raise EngineMissing with ssh's own words if there is none.
        """
        if again or path not in self._probes:
            command = self.argv(self.host, probe_command(path))
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, capture_output=True, check=False
                )
            except FileNotFoundError as error:
                raise EngineMissing(
                    "there is no ssh on this machine", option="engine_host", hint="install OpenSSH"
                ) from error
            output = last_line(to_text(done.stderr))
            probe = read_probe(to_text(done.stdout))
            if probe is None and done.returncode == NO_CONNECTION:
                raise EngineMissing(
                    f"no ssh connection to {self.host}: {output}",
                    option="engine_host",
                    hint=f"make `ssh {self.host}` work without a question",
                )
            if probe is None:
                raise Blocked(f"a command on {self.host} ended with {done.returncode}: {output}")
            self._probes[path] = probe
        return self._probes[path]
