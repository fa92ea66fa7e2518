# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's own cloud-init says of user data, where that program is there.

Its schema ages less than our checks, but its version need not be the guest's: so this warns, and
refuses nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from typing import Any, Iterator, Mapping, Optional

from ansible import constants as C

from ...module_utils._desired.errors import FleetError
from ...module_utils._libvirt.cloud_init.config import seed_files

# Seconds that the program may take; a controller without an answer goes on.
PATIENCE = 10
_HEADER = b"#cloud-config"
# jsonschema's words for keys that are not known.
_UNKNOWN = re.compile(r"Additional properties are not allowed \((.*?) (?:was|were) unexpected\)")


def complaint(cloud_init: Optional[Mapping[str, Any]]) -> str:
    """Return in words what `cloud-init schema` refuses in the option cloud_init, "" for nothing.

    Names keys, and nothing of the program's own words: those quote values. "" too where there is
    no such program, where it takes longer than PATIENCE, and for what is no cloud-config.
    """
    program = shutil.which("cloud-init") if cloud_init is not None else None
    if program is None or cloud_init is None:
        return ""
    try:
        data = seed_files(cloud_init, "name", "id", None, "")["user-data"]
    except FleetError:
        return ""  # the task is refused for it, in better words
    told = _ask(program, data) if data.startswith(_HEADER) else ""
    if not told:
        return ""
    keys = ", ".join(_keys(data, told)) or "its user data"
    return (
        f"cloud_init: the controller's cloud-init does not know or does not accept {keys}; if the "
        "guest's cloud-init agrees, it ignores that (cloud-init schema says more)"
    )


def _ask(program: str, data: bytes) -> str:
    """Return what the program says of user data that it refuses, "" for nothing."""
    # In a file that only this user can read: arguments are visible to all.
    with tempfile.NamedTemporaryFile(dir=str(C.DEFAULT_LOCAL_TMP)) as file:
        file.write(data)
        file.flush()
        try:
            done = subprocess.run(
                [program, "schema", "--config-file", file.name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    # Without these words it is the program that is broken, not the data.
    return told if done.returncode and "schema" in told else ""


def _keys(data: bytes, told: str) -> Iterator[str]:
    """Yield those keys of the user data that stand in the complaint where cloud-init names keys."""
    import yaml  # one of ansible-core's own requirements; documentation is read without it

    try:
        values = yaml.safe_load(data)
    except yaml.YAMLError:
        return
    unknown = " ".join(_UNKNOWN.findall(told))
    for path in _paths(values):
        last = path.rpartition(".")[2]
        if re.search(rf"(?:^|[\s,]){re.escape(path)}: ", told) or f"'{last}'" in unknown:
            yield path


def _paths(value: Any, above: str = "") -> Iterator[str]:
    """Yield the path of each key and item, such as users.0.name."""
    if isinstance(value, Mapping):
        items: Any = value.items()
    else:
        items = enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield f"{above}{key}"
        yield from _paths(inner, f"{above}{key}.")
