# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine should be: the task's options, checked and in canonical form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Optional, Sequence, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.option_defaults import defaults_of
from ..._desired.schema import argument_spec, declare, ignored
from ..._desired.values import parse_duration
from ..client.options import DEFAULT_URI, check_uri
from ..disk.names import is_seed, seed_name
from .fields import FIELDS

STATES = ("absent", "present", "started", "stopped")
WAITS = ("none", "address", "ssh", "cloud_init")

# Options that say how to get there; the others are rows of the field table. `_seed` is what the
# action plugin hands over: JSON of {cloud_init, host_key}, one string so that core masks it whole.
_BEHAVIOUR: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "accelerator": {"type": "str", "choices": ["auto", "kvm", "qemu"], "default": "auto"},
    "state": {"type": "str", "choices": list(STATES), "default": "started"},
    "stop_grace_period": {"type": "str", "default": "1m"},
    "wait": {"type": "str", "choices": list(WAITS), "default": "none"},
    "wait_timeout": {"type": "str", "default": "10m"},
    "allow": {
        "type": "list",
        "elements": "str",
        "choices": ["live", "restart"],
        "default": ["live"],
    },
    "protect": {"type": "bool", "default": False},
    "ignore_changes": {"type": "list", "elements": "str", "default": []},
    "delete_disks": {"type": "bool", "default": False},
    "reseed": {"type": "bool", "default": False},
    "_seed": {"type": "str", "no_log": True},
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Files are named after it, with an ending; their names have at most 255 bytes.
_LONGEST = 200


def spec() -> Dict[str, Any]:
    """Return the argument spec of a machine without the connection's options."""
    return {**_BEHAVIOUR, **argument_spec(FIELDS)}


@dataclass(frozen=True)
class Desired:
    """A machine as declared. Times are in nanoseconds; `declared` is canonical, by field.

    `cloud_init` and `host_key` ({private, public}) may hold secrets: they stand in no plan.
    """

    name: str
    declared: Mapping[str, Any]
    cloud_init: Optional[Mapping[str, Any]]
    host_key: Optional[Mapping[str, str]]
    accelerator: str
    state: str
    stop_grace_period: int
    wait: str
    wait_timeout: int
    allow: Tuple[str, ...]
    protect: bool
    ignore: FrozenSet[str]
    delete_disks: bool
    reseed: bool

    @property
    def address(self) -> str:
        """The machine's name in plans."""
        return f"vm/{self.name}"

    @property
    def whole(self) -> bool:
        """Whether all of the machine is declared; without memory only what is named counts."""
        return "memory" in self.declared

    def kind(self, kvm: bool) -> str:
        """Return the domain type of a new machine, on a host where KVM works or not."""
        return (
            "kvm" if self.accelerator == "kvm" or (self.accelerator == "auto" and kvm) else "qemu"
        )


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared machine of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    name = str(params["name"])
    faults = Faults()
    with faults:
        check_uri(str(params.get("uri") or DEFAULT_URI), session=False)
    with faults:
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            hint = f"letters, digits, '_', '.', '-', at most {_LONGEST} of them"
            raise InvalidOption(f"'{name}' is not a machine's name", option="name", hint=hint)
    handed = json.loads(params.get("_seed") or "{}")
    cloud_init = handed.get("cloud_init", params.get("cloud_init"))
    with faults:
        _check_cloud_init(cloud_init)
    with faults:
        declared = declare(FIELDS, {**params, "cloud_init": None})
    for option in ("stop_grace_period", "wait_timeout"):
        with faults:
            parse_duration(params[option], option)
    with faults:
        ignored(params, (row.name for row in FIELDS))
    faults.tell()
    _check_conflicts(declared)
    # Nothing is awaited of a machine that is to stop or to go.
    awaited = params["wait"] == "cloud_init" and params["state"] == "started"
    if awaited and cloud_init is None:
        raise InvalidOption("cloud_init requires the option cloud_init", option="wait")
    return _from_options(params, declared, {**handed, "cloud_init": cloud_init})


def _from_options(
    params: Mapping[str, Any], declared: Mapping[str, Any], handed: Mapping[str, Any]
) -> Desired:
    return Desired(
        name=str(params["name"]),
        declared=declared,
        cloud_init=handed.get("cloud_init"),
        host_key=handed.get("host_key"),
        accelerator=params["accelerator"],
        state=params["state"],
        stop_grace_period=parse_duration(params["stop_grace_period"], "stop_grace_period") or 0,
        wait=params["wait"],
        wait_timeout=parse_duration(params["wait_timeout"], "wait_timeout") or 0,
        # A removal is asked for by name: no bound on what changes may cost stands against it.
        allow=(*params["allow"], *(["replace"] if params["state"] == "absent" else [])),
        protect=params["protect"],
        ignore=ignored(params, (row.name for row in FIELDS)),
        delete_disks=params["delete_disks"],
        reseed=params["reseed"],
    )


def named(name: str) -> Desired:
    """Return the wish that says nothing of a machine but its name, to look at it."""
    options = defaults_of(spec())
    return _from_options({**options, "name": name}, {}, {})


def seed_volume(desired: Desired, volumes: Sequence[Mapping[str, Any]] = ()) -> Tuple[str, str]:
    """Return (pool, name) of the seed: the one of the record's volumes, else by the first disk."""
    for entry in volumes:
        if is_seed(entry["name"]):
            return str(entry["pool"]), str(entry["name"])
    disks = list((desired.declared.get("disks") or {}).values())
    return str(disks[0]["pool"]) if disks else "default", seed_name(desired.name)


def _check_cloud_init(value: Any) -> None:
    if value is None:
        return
    from ..cloud_init.config import validate

    validate(value)


def _check_conflicts(declared: Mapping[str, Any]) -> None:
    for name in ("initrd", "cmdline"):
        if name in declared and "kernel" not in declared:
            raise InvalidOption("goes with a kernel only", option=name, hint="declare kernel too")
