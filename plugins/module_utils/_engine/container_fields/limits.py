# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits and rights: memory, CPUs, processes, capabilities, restart policy."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.model import Context, FieldSpec
from ..._desired.values import dig, parse_size, show_size
from .common import parse_words

_POLICIES = ("no", "always", "unless-stopped", "on-failure")
_LEAST_MEMORY = 6 << 20


def _parse_memory(value: Any, where: str) -> Optional[int]:
    size = parse_size(value, where)
    if size is not None and size < _LEAST_MEMORY:
        raise InvalidOption(
            f"'{value}' is less than the engine's least, 6m", option=where, hint="such as 64m"
        )
    return size


def _parse_swap(value: Any, where: str) -> Optional[int]:
    return -1 if str(value).strip() == "-1" else parse_size(value, where)


def _default_swap(context: Context) -> Optional[int]:
    # Asked for nothing, the engine gives memory and swap together twice the memory.
    memory = context.declared.get("mem_limit")
    return 2 * memory if memory else None


def _parse_cpus(value: Any, where: str) -> Optional[int]:
    try:
        count = float(str(value))
    except ValueError:
        count = -1
    if isinstance(value, bool) or not 0 <= count < 1e6:
        raise InvalidOption(
            f"'{value}' is not a number of CPUs", option=where, hint="such as 0.5 or 2"
        )
    return round(count * 1e9) or None


def _parse_pids(value: Any, where: str) -> int:
    return max(int(value), 0)


def _read_positive(obj: Mapping[str, Any], context: Context) -> int:
    # null, 0 and -1 are the same: no limit.
    return max(int(dig(obj, "HostConfig.PidsLimit") or 0), 0)


def parse_restart(value: Any, where: str) -> Tuple[str, int]:
    """Return (policy, retries) of Compose's `restart`.

    An unquoted `no` is false in YAML 1.1 and means `no`; `true` means nothing.
    """
    name, colon, count = ("no" if value is False else str(value)).partition(":")
    name = "no" if name in ("False", "false") else name
    fits = name in _POLICIES and (not colon or (name == "on-failure" and count.isdigit()))
    if value is True or not fits:
        shown = "true" if value is True else value
        raise InvalidOption(
            f"'{shown}' is not a restart policy",
            option=where,
            hint="write one of 'no', 'always', 'unless-stopped', 'on-failure[:retries]'",
        )
    return (name, int(count) if colon else 0)


def read_restart(obj: Mapping[str, Any], context: Optional[Context] = None) -> Tuple[str, int]:
    """Return (policy, retries) of an inspected container; an empty name means `no`."""
    policy = dig(obj, "HostConfig.RestartPolicy") or {}
    return (policy.get("Name") or "no", int(policy.get("MaximumRetryCount") or 0))


def restart_body(policy: Tuple[str, int]) -> Dict[str, Any]:
    """Return the engine's RestartPolicy of (policy, retries)."""
    return {"Name": policy[0], "MaximumRetryCount": policy[1]}


def _write_restart(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["RestartPolicy"] = restart_body(value)


def _parse_capabilities(value: Any, where: str) -> Tuple[str, ...]:
    if isinstance(value, str):
        raise InvalidOption("takes a list", option=where, hint="such as [NET_ADMIN]")
    names = (word.upper() for word in parse_words(value, where))
    return tuple(sorted({name[4:] if name.startswith("CAP_") else name for name in names}))


def _read_capabilities(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return _parse_capabilities(dig(obj, "HostConfig.CapAdd") or (), "cap_add")


FIELDS = (
    FieldSpec(
        "mem_limit",
        at="HostConfig.Memory",
        option={"type": "str"},
        parse=_parse_memory,
        show=show_size,
        change="live",
        unset="replace",
        live="update",
        group="memory",
    ),
    FieldSpec(
        "memswap_limit",
        at="HostConfig.MemorySwap",
        option={"type": "str"},
        parse=_parse_swap,
        show=lambda size: "unlimited" if size == -1 else show_size(size),
        default=_default_swap,
        change="live",
        unset="replace",
        live="update",
        group="memory",
    ),
    FieldSpec(
        "cpus",
        at="HostConfig.NanoCpus",
        option={"type": "raw"},
        parse=_parse_cpus,
        show=lambda nano: f"{nano / 1e9:g}",
        change="live",
        unset="replace",
        live="update",
    ),
    FieldSpec(
        "pids_limit",
        at="HostConfig.PidsLimit",
        option={"type": "int"},
        parse=_parse_pids,
        show=lambda count: str(count or "none"),
        read=_read_positive,
        default=lambda context: 0,
        change="live",
        unset="live",
        live="update",
    ),
    FieldSpec(
        "restart",
        at="HostConfig.RestartPolicy",
        option={"type": "raw"},
        parse=parse_restart,
        show=lambda policy: f"{policy[0]}:{policy[1]}" if policy[1] else str(policy[0]),
        read=read_restart,
        default=lambda context: ("no", 0),
        write=_write_restart,
        change="live",
        unset="live",
        live="update",
    ),
    FieldSpec(
        "cap_add",
        at="HostConfig.CapAdd",
        option={"type": "list", "elements": "str"},
        compare="set",
        parse=_parse_capabilities,
        read=_read_capabilities,
    ),
)
