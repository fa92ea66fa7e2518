# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container should be: the task's options, checked and in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.schema import declare, ignored, option_tree
from ..._desired.values import parse_duration
from ..client.engine import fits
from ..client.names import container_name, not_a_name
from ..client.options import LIMITS
from .fields import declared_subjects, option_spec, rows
from .fields.networks import fixed_mode

STATES = ("absent", "present", "started", "stopped", "paused")
WAITS = ("none", "started", "healthy", "completed")

# Options that say how to get there; the others are rows of the field table.
BEHAVIOUR: Dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "pull_policy": {"type": "str", "default": "missing"},
    "state": {"type": "str", "choices": list(STATES), "default": "started"},
    "wait": {"type": "str", "choices": list(WAITS), "default": "started"},
    "wait_timeout": {"type": "str", "default": "5m"},
    "monitor": {"type": "str", "default": "500ms"},
    "recreate": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "moved_from": {"type": "str"},
    "force_restart": {"type": "bool", "default": False},
    "send_signal": {"type": "str"},
    "dependents": {"type": "str", "choices": ["refuse", "replace", "leave"], "default": "refuse"},
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
# Other ways to write what rows of the table hold; see shorthand.py.
_FOLDED: Dict[str, Any] = {
    "deploy": {"type": "dict"},
    "env_file": {"type": "raw"},
    "label_file": {"type": "raw"},
    "gpus": {"type": "raw"},
    "use_api_socket": {"type": "bool", "default": False},
}
_AS_GIVEN = (
    *("state", "wait", "recreate", "force_restart", "dependents"),
    *("protect", "adopt", "remove_volumes"),
)
# Namespaces and volumes that another container may lend.
LENT = ("network_mode", "ipc", "pid")


def spec() -> Dict[str, Any]:
    """Return the argument spec of a container without the connection's options."""
    result = {**BEHAVIOUR, **option_tree(option_spec()), **_FOLDED}
    result["healthcheck"]["options"]["disable"] = {"type": "bool"}
    return result


@dataclass(frozen=True, repr=False, eq=False)
class Desired:
    """A container as declared. Times are in nanoseconds; `declared` is canonical, by field.

    `marks` are labels that it is created with, and that are not compared. `start_first`: what
    replaces it is started before it is stopped.
    """

    name: str
    declared: Mapping[str, Any]
    reference: str
    pull_policy: str
    state: str
    wait: str
    wait_timeout: int
    monitor: int
    recreate: str
    moved_from: str
    force_restart: bool
    send_signal: str
    dependents: str
    allow: Tuple[str, ...]
    protect: bool
    ignore: FrozenSet[str]
    adopt: bool
    remove_volumes: bool
    marks: Mapping[str, str]
    start_first: bool

    @property
    def address(self) -> str:
        """The container's name in plans."""
        return f"container/{self.name}"

    @property
    def names(self) -> Tuple[str, ...]:
        """The names under which its record may have been written."""
        return (self.name, self.moved_from) if self.moved_from else (self.name,)

    @property
    def peers(self) -> Mapping[str, str]:
        """The containers that it refers to, each with the option that does: those whose namespaces
        or volumes it uses, and those that it links."""
        joined = {
            str(self.declared.get(option) or "").partition("container:")[2]: option
            for option in LENT
        }
        lent = {
            name.partition(":")[0]: "volumes_from" for name in self.declared.get("volumes_from", ())
        }
        links = {entry.partition(":")[0]: "links" for entry in self.declared.get("links", ())}
        return {name: option for name, option in {**links, **lent, **joined}.items() if name}

    def resolved(self, ids: Mapping[str, str]) -> Dict[str, Any]:
        """Return the declared values with other containers named by their ids."""
        result = dict(self.declared)
        for option in LENT:
            name = str(result.get(option) or "").partition("container:")[2]
            if name in ids:
                result[option] = f"container:{ids[name]}"
        if result.get("volumes_from"):
            parts = (entry.partition(":") for entry in result["volumes_from"])
            result["volumes_from"] = tuple(
                sorted(ids.get(n, n) + colon + ro for n, colon, ro in parts)
            )
        return result

    @property
    def platform(self) -> str:
        """The platform that its image should be for, "" for the engine's."""
        return str(self.declared.get("platform") or "")

    @property
    def networks(self) -> Tuple[str, ...]:
        """The user networks it names."""
        return tuple(self.declared.get("networks") or ())


def _policy(word: str) -> str:
    """Return the pull policy in one spelling; the usual ones cost a no-op nothing."""
    if word in ("always", "missing", "never"):
        return word
    from ..image.pull_policy import parse_policy

    return parse_policy(word, "pull_policy")


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared container of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    parsed = _parsed(params)
    declared = parsed["declared"]
    if parsed["moved_from"] == parsed["name"]:
        hint = "it is the name that the container had before"
        raise InvalidOption("is the same as name", option="moved_from", hint=hint)
    if "networks" in declared or "mac_address" in declared:
        from .fields.endpoints import split_macs

        split_macs(declared)
    if len(declared) > 1:
        from .conflicts import check_conflicts

        check_conflicts(declared, params["state"])
    _join_mode(declared)
    _check_references(declared)
    _check_image(params, declared)
    start_first = False
    if params["deploy"]:
        from .start_first import declares

        start_first = declares(params["deploy"], declared)
    signal = ""
    if params["force_restart"] or params["send_signal"]:
        from .shorthand import handler

        signal = handler(params)
    return Desired(
        **parsed,
        **{option: params[option] for option in _AS_GIVEN},
        reference=declared.get("image", ""),
        send_signal=signal,
        allow=tuple(params["allow"]),
        marks={},
        start_first=start_first,
    )


def _parsed(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what is parsed one by one, by field; raise all that is wrong at once."""
    faults = Faults()
    result: Dict[str, Any] = {}
    for option in ("name", "moved_from"):
        with faults:
            result[option] = _name(params, option)
    for option in ("wait_timeout", "monitor"):
        with faults:
            result[option] = parse_duration(params[option], option) or 0
    with faults:
        result["pull_policy"] = _policy(params["pull_policy"])
    with faults:
        result["ignore"] = ignored(params, option_spec())
    with faults:
        params = _folded(params)
    given = (option for option, value in params.items() if value is not None)
    with faults:
        result["declared"] = declare(rows(declared_subjects(given)), params)
    faults.tell()
    return result


def _name(params: Mapping[str, Any], option: str) -> str:
    """Return a name that a container can be given, "" for none."""
    if params[option] is None:
        return ""
    name = container_name(params[option], option)
    if len(name) < 2:
        raise not_a_name(name, option)
    return name


def _join_mode(declared: Dict[str, Any]) -> None:
    """Let a mode that names a network be that one network, as in Compose."""
    mode = declared.get("network_mode") or "bridge"
    if mode != "bridge" and not fixed_mode(mode):
        declared["networks"] = {mode: {}}


def _check_references(declared: Dict[str, Any]) -> None:
    """Raise InvalidOption for names of others that no engine can be asked for."""
    for option in LENT:
        kind, colon, other = str(declared.get(option) or "").partition(":")
        if colon and kind == "container":
            declared[option] = f"container:{container_name(other, option)}"
    option = "network_mode" if declared.get("network_mode") else "networks"
    for network in declared.get("networks") or ():
        if not fits(f"/{network}"):
            raise InvalidOption(f"'{network}' is not a name", option=option)


def _folded(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write what has no row of its own as rows have it."""
    devices = params.get("devices") or ()
    given = (params.get("healthcheck") or {}).get("disable") or any(map(params.get, _FOLDED))
    if given or any("=" in str(entry) for entry in devices):
        from .shorthand import expand

        params = expand(params)
    return params


def _check_image(params: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    settings = sorted(name for name in declared if name != "image")
    if "image" not in declared and settings and params["state"] != "absent":
        raise InvalidOption(
            f"is required with {', '.join(settings)}",
            option="image",
            hint="without image only the state of an existing container is managed",
        )
