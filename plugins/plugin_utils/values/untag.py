# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the values that ansible-core hands to plugins into plain Python values."""

from __future__ import annotations

from typing import Any, Mapping

try:  # ansible-core 2.19+: a vaulted value that was not decrypted yet is not a str
    from ansible.parsing.vault import EncryptedString
except ImportError:
    EncryptedString = None


def plain(value: Any) -> Any:
    """Return `value` rebuilt from str, int, float, bool, None, list and dict alone.

    Since ansible-core 2.19 strings, numbers and containers carry tags (origin, trust) in
    subclasses: `type(x) is dict` is false and YAML dumpers refuse them. Tuples and sets become
    lists; a vaulted value becomes its clear text; a value of any other type is returned as it is.
    """
    if value is None or isinstance(value, bool):
        return value
    # The base class's own conversion copies characters or digits; a subclass may override str().
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if EncryptedString is not None and isinstance(value, EncryptedString):
        return str.__str__(str(value))
    return value
