# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory: limits, what happens when it runs out, and memory shared by its processes."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.sizes import parse_size, show_size
from ...._desired.values import dig
from .common import LIVE, NOT_PODMAN, flag, number

_LEAST_MEMORY = 6 << 20
_SHARED = (64 << 20, 65536000)  # what Docker and Podman give


def _parse_memory(value: Any, where: str) -> Optional[int]:
    size = parse_size(value, where)
    if size is not None and size < _LEAST_MEMORY:
        raise InvalidOption(
            f"'{value}' is below the engine's minimum of 6m", option=where, hint="such as 64m"
        )
    return size


def _parse_swap(value: Any, where: str) -> Optional[int]:
    return -1 if str(value).strip() == "-1" else parse_size(value, where)


def _default_swap(context: Context) -> Optional[int]:
    # Asked for nothing, the engine gives memory and swap together twice the memory.
    memory = context.declared.get("mem_limit")
    return 2 * memory if memory else None


def _parse_swappiness(value: Any, where: str) -> int:
    if not -1 <= int(value) <= 100:
        raise InvalidOption(
            f"{value} is out of range", option=where, hint="from 0 to 100, or -1 for the host's"
        )
    return int(value)


def _read_swappiness(obj: Mapping[str, Any], context: Context) -> int:
    value = dig(obj, "HostConfig.MemorySwappiness")
    return -1 if value is None else int(value)


def _size(name: str, key: str, **more: Any) -> FieldSpec:
    """Return the row of a size; 0 and what is negative mean that there is no limit."""

    def read(obj: Mapping[str, Any], context: Context) -> Optional[int]:
        return max(int(dig(obj, f"HostConfig.{key}") or 0), 0) or None

    shape = {"option": {"type": "str"}, "parse": parse_size, "read": read, "show": show_size}
    return FieldSpec(name, at=f"HostConfig.{key}", **{**shape, **more})


FIELDS = (
    _size("mem_limit", "Memory", parse=_parse_memory, group="memory", **LIVE),
    _size(
        "memswap_limit",
        "MemorySwap",
        parse=_parse_swap,
        read=lambda obj, context: dig(obj, "HostConfig.MemorySwap") or None,
        show=lambda size: "unlimited" if size == -1 else show_size(size),
        default=_default_swap,
        group="memory",
        **LIVE,
    ),
    _size("mem_reservation", "MemoryReservation", **LIVE),
    _size("kernel_memory", "KernelMemory", until=(1, 42), only=NOT_PODMAN, **LIVE),
    FieldSpec(
        "mem_swappiness",
        at="HostConfig.MemorySwappiness",
        option={"type": "int"},
        parse=_parse_swappiness,
        read=_read_swappiness,
        show=lambda value: "none" if value == -1 else str(value),
        default=lambda context: -1,
    ),
    flag("oom_kill_disable", "HostConfig.OomKillDisable"),
    number("oom_score_adj", "HostConfig.OomScoreAdj", -1000, 1000),
    _size("shm_size", "ShmSize", quiet=_SHARED),
)
