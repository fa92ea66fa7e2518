# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container shares with its host or another container: namespaces and control groups.

A container whose namespace is joined is declared by name and compared by id, so a namespace that
is gone, since its container was replaced, is noticed.
"""

from __future__ import annotations

from typing import Any, Callable, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import FieldSpec
from ...values.strings import parse_text
from .common import NOT_PODMAN, text


def _mode_of(*known: str) -> Callable[[Any, str], str]:
    """Return a parser of some words; `container:` among them takes a name."""

    def parse(value: Any, where: str) -> str:
        mode = parse_text(value, where)
        kind, colon, name = mode.partition(":")
        if kind == "service" and "container:" in known:
            raise InvalidOption(
                "service: refers to a service of a stack", option=where, hint="use container:NAME"
            )
        if (f"{kind}{colon}" if name else mode) not in known:
            shown = [f"{word}NAME" if word.endswith(":") else word for word in known]
            raise InvalidOption(
                f"'{mode}' is not a valid mode", option=where, hint=f"one of {', '.join(shown)}"
            )
        return mode

    return parse


def _mode(
    name: str, key: str, known: Tuple[str, ...], quiet: Tuple[str, ...], **more: Any
) -> FieldSpec:
    return text(name, f"HostConfig.{key}", parse=_mode_of(*known), quiet=quiet, **more)


FIELDS = (
    _mode(
        "ipc",
        "IpcMode",
        ("private", "shareable", "host", "none", "container:"),
        ("private", "shareable"),
    ),
    _mode("pid", "PidMode", ("host", "container:"), ("private",)),
    _mode("uts", "UTSMode", ("host",), ("private",)),
    text("userns_mode", "HostConfig.UsernsMode", only=NOT_PODMAN),
    _mode(
        "cgroup",
        "CgroupnsMode",
        ("host", "private"),
        ("host", "private"),
        since=(1, 41),
        overrides={"podman": {"since": (1, 44)}},
    ),
    text("cgroup_parent", "HostConfig.CgroupParent"),
)
