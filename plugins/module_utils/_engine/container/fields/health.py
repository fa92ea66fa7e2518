# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The healthcheck. The engine fills what is left out from the image, one key at a time."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig, parse_duration, show_duration
from .common import NOT_PODMAN, parse_words

_MILLISECOND = 1_000_000
_OFF = ("NONE",)


def _parse_test(value: Any, where: str) -> Optional[Tuple[str, ...]]:
    if isinstance(value, str):
        return ("CMD-SHELL", value) if value.strip() else None
    words = parse_words(value, where)
    if not words or words[0] not in ("NONE", "CMD", "CMD-SHELL"):
        raise InvalidOption(
            "a list must begin with CMD, CMD-SHELL or NONE",
            option=where,
            hint="write a string to have it run by the container's shell",
        )
    if (words[0] == "NONE") != (len(words) == 1):
        wrong = "excludes a command" if words[0] == "NONE" else "lacks its command"
        hint = "such as [CMD, curl, -f, http://localhost/], or [NONE]"
        raise InvalidOption(f"{words[0]} {wrong}", option=where, hint=hint)
    return words


def _parse_time(value: Any, where: str) -> Optional[int]:
    nanoseconds = parse_duration(value or None, where)
    if nanoseconds is not None and 0 < nanoseconds < _MILLISECOND:
        raise InvalidOption("is under 1ms", option=where, hint="the engine's minimum is 1ms")
    return nanoseconds or None


def _parse_retries(value: Any, where: str) -> Optional[int]:
    if int(value) < 0:
        raise InvalidOption("is negative", option=where, hint="give a number from 1 up")
    return int(value) or None


def _reader(field: str, key: str) -> Callable[[Mapping[str, Any], Context], Any]:
    def read(obj: Mapping[str, Any], context: Context) -> Any:
        # Beside NONE, now or to be, the image's times mean nothing, though they still appear.
        off = tuple(dig(obj, "Config.Healthcheck.Test") or ()) == _OFF
        if off or context.declared.get("healthcheck.test") == _OFF:
            return None if field in context.declared else _fallback(key)(context)
        return dig(obj, f"Config.Healthcheck.{key}") or None

    return read


def _fallback(key: str) -> Callable[[Context], Any]:
    def default(context: Context) -> Any:
        off = context.declared.get("healthcheck.test") == _OFF
        return None if off else dig(context.base, f"Healthcheck.{key}") or None

    return default


def _read_test(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return tuple(dig(obj, "Config.Healthcheck.Test") or ())


def _row(name: str, key: str, **more: Any) -> FieldSpec:
    return FieldSpec(
        f"healthcheck.{name}",
        at=f"Config.Healthcheck.{key}",
        option={"type": "int" if name == "retries" else "str"},
        show=str if name == "retries" else show_duration,
        parse=_parse_retries if name == "retries" else _parse_time,
        read=_reader(f"healthcheck.{name}", key),
        default=_fallback(key),
        **more,
    )


FIELDS = (
    FieldSpec(
        "healthcheck.test",
        at="Config.Healthcheck.Test",
        option={"type": "raw"},
        compare="list",
        parse=_parse_test,
        read=_read_test,
        default=lambda context: tuple(dig(context.base, "Healthcheck.Test") or ()),
    ),
    _row("interval", "Interval"),
    _row("timeout", "Timeout"),
    _row("start_period", "StartPeriod"),
    _row("start_interval", "StartInterval", since=(1, 44), only=NOT_PODMAN),
    _row("retries", "Retries"),
)
