# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of this run would do: kept in check mode, per host.

Ansible tasks share nothing, so a container would be planned against the image that an earlier
task would have rebuilt. The record lives in the run's own temporary folder: facts would land on
the wrong host under delegate_to and outlive the run in a fact cache; plugin memory is lost in
forks.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Iterable, Mapping

from ansible import constants as C


def _is_rename(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("kind") == "rename"


class Pending:
    """The addresses of one host (where the work is delegated to) and one of its engines."""

    def __init__(self, host: str, engine: str) -> None:
        name = hashlib.sha256(host.encode()).hexdigest()[:24]
        self._path = os.path.join(str(C.DEFAULT_LOCAL_TMP), f"dockyard.fleet-{name}")
        self._engine = engine

    def read(self) -> Dict[str, Any]:
        """Return what is planned, by address; the engine itself counts whatever it is reached by.

        Each is data, or a cause in words (see `read_planned` of `_desired/planned.py`).
        """
        if not os.path.exists(self._path):
            return {}
        result: Dict[str, Any] = {}
        with open(self._path, encoding="utf-8") as lines:
            for line in lines:
                engine, address, planned = json.loads(line)
                if engine != self._engine and address != "engine":
                    continue
                if planned is None:
                    result.pop(address, None)
                else:
                    result[address] = planned
        return result

    def add(self, planned: Mapping[str, Any]) -> None:
        """Add what is planned, by address; one write, so that forks cannot mix lines."""
        self._write(planned)

    def drop(self, addresses: Iterable[str]) -> None:
        """Forget addresses; a run without a check has nothing to forget.

        A rename that is done is done for the old address as well.
        """
        known, done = self.read(), set(addresses)
        done |= {
            old for old, entry in known.items() if _is_rename(entry) and entry["same_as"] in done
        }
        if known:
            self._write({address: None for address in done if address in known})

    def _write(self, planned: Mapping[str, Any]) -> None:
        lines = "".join(
            json.dumps([self._engine, address, entry]) + "\n" for address, entry in planned.items()
        )
        handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(handle, lines.encode())
        finally:
            os.close(handle)
