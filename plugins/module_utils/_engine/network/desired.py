# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network should be: the task's options, checked and in canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.schema import argument_spec, declare, ignored
from ..client.options import behaviour, check_external
from .fields import FIELDS

# The engine's own networks; they cannot be created or removed.
OWN = ("bridge", "host", "none", "default", "ingress")
# Docker takes nearly any name, blanks included; Podman takes none with a blank.
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_. -]*[a-zA-Z0-9_.-])?")
_DIGITS = re.compile(r"[0-9a-f]{64}")


def spec() -> Dict[str, Any]:
    """Return the argument spec of a network without the connection's options."""
    return {**behaviour(), "force": {"type": "bool", "default": False}, **argument_spec(FIELDS)}


@dataclass(frozen=True)
class Desired:
    """A network as declared; `declared` is canonical, by field, `marks` are labels not compared."""

    name: str
    declared: Mapping[str, Any]
    state: str
    external: bool
    force: bool
    allow: Tuple[str, ...]
    protect: bool
    ignore: FrozenSet[str]
    adopt: bool
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The network's name in plans."""
        return f"network/{self.name}"


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared network of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    name = str(params["name"])
    external = params["external"]
    faults = Faults()
    with faults:
        if not _NAME.fullmatch(name) or _DIGITS.fullmatch(name):
            hint = (
                "letters, digits, '_', '.', '-' and blanks within, beginning with a letter or digit"
            )
            raise InvalidOption(f"'{name}' is not a network name", option="name", hint=hint)
    with faults:
        declared = declare(FIELDS, params)
    with faults:
        ignore = ignored(params, (row.name for row in FIELDS))
    faults.tell()
    if name in OWN and not external:
        raise InvalidOption(
            f"{name} is the engine's own network", option="name", hint="choose another name"
        )
    check_external(params, declared)
    _check_ipv6(declared)
    return Desired(
        name=name,
        declared=declared,
        state=params["state"],
        external=external,
        force=params["force"],
        allow=tuple(params["allow"]),
        protect=params["protect"],
        ignore=ignore,
        adopt=params["adopt"],
    )


def _check_ipv6(declared: Mapping[str, Any]) -> None:
    wide = [subnet for subnet in declared.get("ipam.config") or () if ":" in subnet]
    if wide and not declared.get("enable_ipv6"):
        # The engine would keep the subnet and give out no address of it.
        raise InvalidOption(
            f"{wide[0]} is an IPv6 subnet, and enable_ipv6 is not set",
            option="ipam.config",
            hint="set enable_ipv6: true",
        )
