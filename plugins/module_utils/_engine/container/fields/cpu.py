# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU time: shares, limits, which CPUs, real-time scheduling."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Set, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig, parse_duration
from .common import LIVE, number, text

_SET = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")
_MOST = 1 << 62


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


def _parse_quota(value: Any, where: str) -> Optional[int]:
    quota = max(int(value), 0)
    if 0 < quota < 1000:
        raise InvalidOption(f"{value} is under 1000", option=where, hint="in microseconds, or -1")
    return quota or None


def _parse_time(value: Any, where: str) -> Optional[int]:
    """Return microseconds of a number of them or of a duration (Compose, `cpu_rt_period`)."""
    if str(value).isdigit():
        return int(value) or None
    return (parse_duration(value, where) or 0) // 1000 or None


def _numbers(text: str) -> Tuple[int, ...]:
    numbers: Set[int] = set()
    for part in text.split(",") if text else ():
        first, _dash, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(numbers))


def _parse_set(value: Any, where: str) -> str:
    text = str(value).replace(" ", "")
    if not _SET.fullmatch(text):
        raise InvalidOption(
            f"'{value}' is not a list of CPUs", option=where, hint="such as '0-3' or '0,2'"
        )
    return _canonical(text) or ""


def _canonical(text: Optional[str]) -> Optional[str]:
    """Return a set of numbers in one spelling: `0-1` and `0,1` are the same."""
    return ",".join(str(number) for number in _numbers(text or "")) or None


def _set(name: str, key: str) -> FieldSpec:
    def read(obj: Mapping[str, Any], context: Context) -> Optional[str]:
        return _canonical(dig(obj, f"HostConfig.{key}"))

    return text(name, f"HostConfig.{key}", parse=_parse_set, read=read, **LIVE)


FIELDS = (
    FieldSpec(
        "cpus",
        at="HostConfig.NanoCpus",
        option={"type": "raw"},
        parse=_parse_cpus,
        show=lambda nano: f"{nano / 1e9:g}",
        **LIVE,
    ),
    number("cpu_shares", "HostConfig.CpuShares", 2, 262144, **LIVE),
    number("cpu_period", "HostConfig.CpuPeriod", 1000, 1000000, **LIVE),
    number("cpu_quota", "HostConfig.CpuQuota", 1000, _MOST, parse=_parse_quota, **LIVE),
    _set("cpuset", "CpusetCpus"),
    _set("cpuset_mems", "CpusetMems"),
    text("cpu_rt_period", "HostConfig.CpuRealtimePeriod", parse=_parse_time, **LIVE),
    text("cpu_rt_runtime", "HostConfig.CpuRealtimeRuntime", parse=_parse_time, **LIVE),
    number("cpu_count", "HostConfig.CpuCount", 1, 1024, only=("windows",)),
    number("cpu_percent", "HostConfig.CpuPercent", 1, 100, only=("windows",)),
)
