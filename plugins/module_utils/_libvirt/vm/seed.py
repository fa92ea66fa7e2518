# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed of a machine: what it should hold, given what is there."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from .desired import Desired


def digest_of(files: Mapping[str, bytes]) -> Optional[str]:
    """Return the digest of a seed's files, None if there are none."""
    if not files:
        return None
    from ..cloud_init.config import digest

    return digest(files)


def wanted_files(
    desired: Desired, record: Mapping[str, Any], present: Mapping[str, bytes]
) -> Dict[str, bytes]:
    """Return the files that the seed should hold.

    The host key is made once: what the present seed carries stays, since a new one would make
    every known_hosts wrong. The instance-id is the record's, so that nothing runs twice.
    """
    from ..cloud_init.config import HostKey, host_key_of, seed_files

    key = host_key_of(present)
    if key is None and desired.host_key is not None:
        key = HostKey(desired.host_key["private"], desired.host_key["public"])
    instance = f"{record.get('instance')}-{record.get('generation', 1)}"
    token = str(record.get("token"))
    result: Dict[str, bytes] = seed_files(
        desired.cloud_init or {}, desired.name, instance, key, token
    )
    return result


def public_keys(present: Mapping[str, bytes]) -> list[str]:
    """Return the public host keys that a seed gives its machine."""
    if not present:
        return []
    from ..cloud_init.config import host_key_of

    key = host_key_of(present)
    return [key.public] if key else []


def dump(record: Mapping[str, Any]) -> str:
    """Return a record as the text that the domain's metadata holds."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"))
