# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every task about an engine has: which one, by which way, how patiently."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..._desired.errors import InvalidOption

DEFAULT_SOCKET = "/var/run/docker.sock"
_LONGEST = 1 << 22  # seconds, 48 days: a poll takes no more


def engine_options() -> Dict[str, Any]:
    """Return the argument spec of the connection; `pending` is the collection's own hand-over."""
    return {
        "engine_host": {"type": "str", "aliases": ["docker_host"]},
        "engine_context": {"type": "str", "aliases": ["cli_context"]},
        "engine_tls": {"type": "bool", "aliases": ["tls"]},
        "engine_ca": {"type": "path", "aliases": ["ca_path", "cacert_path", "tls_ca_cert"]},
        "engine_cert": {"type": "path", "aliases": ["client_cert", "cert_path", "tls_client_cert"]},
        "engine_key": {"type": "path", "aliases": ["client_key", "key_path", "tls_client_key"]},
        "engine_tls_hostname": {"type": "str", "aliases": ["tls_hostname"]},
        "engine_via": {"type": "str", "choices": ["auto", "channel", "target"], "default": "auto"},
        "engine_timeout": {"type": "int", "default": 60, "aliases": ["timeout"]},
        "pending": {"type": "dict", "default": {}},
    }


def patience(options: Mapping[str, Any]) -> float:
    """Return `engine_timeout` in seconds; raise InvalidOption for one that no answer can meet."""
    seconds: float = options["engine_timeout"]
    if not 0 < seconds <= _LONGEST:
        text, hint = f"{str(seconds)[:40]} is not a usable time", "write seconds, such as 60"
        raise InvalidOption(text, option="engine_timeout", hint=hint)
    return seconds


LIMITS = ("live", "restart", "replace")


def behaviour() -> Dict[str, Any]:
    """Return the argument spec that networks and volumes share: which one, and how far to go."""
    words = {"type": "list", "elements": "str"}
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
        "external": {"type": "bool", "default": False},
        "allow": {**words, "choices": list(LIMITS), "default": list(LIMITS)},
        "protect": {"type": "bool", "default": False},
        "ignore_changes": {**words, "default": []},
        "adopt": {"type": "bool", "default": False},
    }


def check_external(params: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    """Raise InvalidOption for settings of what is external (Compose Specification, "external")."""
    if not params["external"]:
        return
    if declared:
        raise InvalidOption(
            f"excludes {', '.join(sorted(declared))}: an external one is never changed",
            option="external",
            hint="leave them out, or leave external out",
        )
    if params["state"] == "absent":
        raise InvalidOption(
            "an external one is never removed", option="external", hint="leave it out"
        )
