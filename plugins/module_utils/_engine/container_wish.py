# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container should be: the task's options, checked and in canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Tuple

from .._desired.errors import InvalidOption
from .._desired.spec import argument_spec, declare
from .._desired.values import nearest, parse_duration
from .container_fields import FIELDS
from .container_fields.networks import fixed_mode
from .reference import is_id, parse_reference

STATES = ("absent", "present", "started", "stopped")
WAITS = ("none", "started", "healthy")
LIMITS = ("live", "restart", "replace")

# Options that say how to get there; the others are rows of the field table.
_BEHAVIOUR: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "pull_policy": {
        "type": "str",
        "choices": ["always", "if_not_present", "missing", "never"],
        "default": "missing",
    },
    "state": {"type": "str", "choices": list(STATES), "default": "started"},
    "wait": {"type": "str", "choices": list(WAITS), "default": "started"},
    "wait_timeout": {"type": "str", "default": "5m"},
    "monitor": {"type": "str", "default": "500ms"},
    "recreate": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "force_restart": {"type": "bool", "default": False},
    "allow": {
        "type": "list",
        "elements": "str",
        "choices": list(LIMITS),
        "default": list(LIMITS),
    },
    "protect": {"type": "bool", "default": False},
    "ignore_changes": {"type": "list", "elements": "str", "default": []},
    "adopt": {"type": "bool", "default": False},
    "remove_volumes": {"type": "bool", "default": False},
}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def spec() -> Dict[str, Any]:
    """Return the argument spec of a container without the connection's options."""
    made = {**_BEHAVIOUR, **argument_spec(FIELDS)}
    made["healthcheck"]["options"]["disable"] = {"type": "bool"}
    return made


@dataclass(frozen=True, repr=False, eq=False)
class Wish:
    """A container as declared. Times are in nanoseconds; `declared` is canonical, by field."""

    name: str
    declared: Mapping[str, Any]
    reference: str
    pull_policy: str
    state: str
    wait: str
    wait_timeout: int
    monitor: int
    recreate: str
    force_restart: bool
    allow: Tuple[str, ...]
    protect: bool
    ignore: FrozenSet[str]
    adopt: bool
    remove_volumes: bool

    @property
    def address(self) -> str:
        """The container's name in plans."""
        return f"container/{self.name}"

    @property
    def peer(self) -> str:
        """The container whose network it joins, "" for none."""
        return str(self.declared.get("network_mode") or "").partition("container:")[2]

    @property
    def networks(self) -> Tuple[str, ...]:
        """The user networks it names."""
        mode = self.declared.get("network_mode")
        named = () if fixed_mode(mode) or mode in (None, "bridge") else (mode,)
        return (*self.declared.get("networks", ()), *named)


def wish(params: Mapping[str, Any]) -> Wish:
    """Return the declared container of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    name = str(params["name"])
    if not _NAME.fullmatch(name) or len(name) < 2:
        raise InvalidOption(
            f"'{name}' is not a container name",
            option="name",
            hint="two or more letters, digits, '_', '.' or '-', beginning with a letter or digit",
        )
    declared = declare(FIELDS, _fold_disable(params))
    if "image" in declared and not is_id(declared["image"]):
        declared["image"] = str(parse_reference(declared["image"], "image"))
    _check_together(declared)
    _check_image(params, declared)
    if params["force_restart"] and params["state"] not in ("started", "present"):
        hint = "it is for containers that go on running; leave one of the two out"
        text = f"does not go with state: {params['state']}"
        raise InvalidOption(text, option="force_restart", hint=hint)
    ignore = frozenset(params.get("ignore_changes") or ())
    known = {row.name for row in FIELDS} | {row.name.partition(".")[0] for row in FIELDS}
    for field in ignore - known:
        raise InvalidOption("unknown field", option="ignore_changes", hint=nearest(field, known))
    return Wish(
        name=name,
        declared=declared,
        reference=declared.get("image", ""),
        pull_policy=params["pull_policy"].replace("if_not_present", "missing"),
        state=params["state"],
        wait=params["wait"],
        wait_timeout=parse_duration(params["wait_timeout"], "wait_timeout") or 0,
        monitor=parse_duration(params["monitor"], "monitor") or 0,
        recreate=params["recreate"],
        force_restart=params["force_restart"],
        allow=tuple(params["allow"]),
        protect=params["protect"],
        ignore=ignore,
        adopt=params["adopt"],
        remove_volumes=params["remove_volumes"],
    )


def _fold_disable(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write `healthcheck.disable` as the test NONE, which is what the engine knows."""
    check = params.get("healthcheck") or {}
    if not check.get("disable"):
        return params
    others = [key for key, value in check.items() if value is not None and key != "disable"]
    if others:
        raise InvalidOption(
            f"excludes {', '.join(sorted(others))}",
            option="healthcheck.disable",
            hint="leave them out, or leave disable out",
        )
    return {**params, "healthcheck": {"test": ["NONE"]}}


def _check_together(declared: Mapping[str, Any]) -> None:
    """Raise InvalidOption for options that contradict each other."""
    mode, networks = declared.get("network_mode"), declared.get("networks")
    if mode and networks is not None:
        raise InvalidOption("excludes network_mode", option="networks", hint="keep one of them")
    if fixed_mode(mode) and declared.get("ports"):
        raise InvalidOption(
            f"nothing is published with network_mode: {mode}", option="ports", hint="drop one"
        )
    if (networks or {}).get("bridge"):
        raise InvalidOption(
            "the default bridge takes no aliases and addresses",
            option="networks.bridge",
            hint="use a network of your own",
        )
    memory, swap = declared.get("mem_limit"), declared.get("memswap_limit")
    if swap and (not memory or 0 < swap < memory):
        raise InvalidOption(
            "is memory and swap together, so it needs a mem_limit that is not larger",
            option="memswap_limit",
            hint="such as mem_limit: 64m with memswap_limit: 128m",
        )
    for key in declared.get("secret_environment") or ():
        if key in (declared.get("environment") or ()):
            raise InvalidOption(
                "is in secret_environment too", option=f"environment.{key}", hint="keep one"
            )


def _check_image(params: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    settings = sorted(name for name in declared if name != "image")
    if "image" not in declared and settings and params["state"] != "absent":
        raise InvalidOption(
            f"is required with {', '.join(settings)}",
            option="image",
            hint="without image only the state of an existing container is managed",
        )
