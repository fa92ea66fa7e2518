# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a changed daemon.json costs: the filter behind the plan of role container_runtime."""

from __future__ import annotations

DOCUMENTATION = r"""
name: daemon_change
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say what a changed daemon.json costs
description:
  - Compares two configurations of the Docker Engine and says which keys differ, which of them the
    engine takes over while it runs (on SIGHUP), which need it to restart, and which of those would
    part it from running containers even with C(live-restore).
  - Checks the names and types of the new configuration, since the engine itself can do so
    (C(dockerd --validate)) from version 23 on only.
positional: _input, new
options:
  _input:
    description:
      - The configuration that the engine runs with, as text or as a dictionary. Empty text is an
        engine without configuration.
    type: raw
    required: true
  new:
    description: The configuration that is wanted.
    type: dict
    required: true
  known_only:
    description:
      - Whether an unknown key is a problem. Switch it off where the engine validates the file
        itself, since a newer engine may know more keys than this collection.
    type: bool
    default: true
  engine:
    description:
      - What C(docker info) says in JSON, by which a setting that the engine chose for itself is
        known. Empty where no engine answers.
    type: dict
    default: {}
  installed:
    description:
      - What C(dockerd --version) says. An engine that still runs as another version has to restart.
        Empty where that is not to be compared.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Say what a smaller log size costs
  ansible.builtin.debug:
    msg: "{{ change.text }}"  # log-opts changed → restart of the engine
  vars:
    old: {log-opts: {max-size: 10m}}
    change: "{{ old | dockyard.fleet.daemon_change({'log-opts': {'max-size': '5m'}}) }}"
"""

RETURN = r"""
_value:
  description:
    - RV(_value.impact) is V(none), V(live) (a reload is enough) or V(restart);
      RV(_value.keys) maps each differing key to what it costs alone;
      RV(_value.stops) lists those that part the engine from running containers;
      RV(_value.moves) those by which it would look for its data elsewhere;
      RV(_value.problems) lists what is wrong with the new configuration, in words;
      RV(_value.text) is one line for a plan.
  type: dict
  contains:
    old:
      description: The old configuration as it was understood.
      type: dict
    impact:
      description: The largest cost of all changes.
      type: str
    keys:
      description: The cost of each differing key.
      type: dict
    stops:
      description: Keys after whose change a restarted engine does not find its containers again.
      type: list
      elements: str
    moves:
      description:
        - Keys after whose change the engine does not see the containers, images and volumes that
          it has, such as C(data-root).
      type: list
      elements: str
    staying:
      description: What to declare so that these stay as they are, in words.
      type: str
    root:
      description: The folder in which the engine has its data now.
      type: str
    unreadable:
      description:
        - Why the old configuration cannot be read, with line and column; empty if it can. Nothing
          is known of what it holds then, and the other values count it as empty.
      type: str
    problems:
      description: What is wrong with the new configuration.
      type: list
      elements: str
    text:
      description: All of it in one line.
      type: str
"""

import json
from difflib import get_close_matches
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from ansible_collections.dockyard.fleet.plugins.plugin_utils.filters.daemon_file import (
    Unreadable,
    moves,
    read,
    root,
    staying,
)

# What the engine takes over on SIGHUP: "Configuration reload behavior" in the dockerd reference of
# 20.10 to 28. Everything else waits for a restart, `features` as well: of those only some reload.
LIVE = {
    "bool": "debug live-restore",
    "int": "max-concurrent-downloads max-concurrent-uploads max-download-attempts shutdown-timeout",
    "str": "default-runtime",
    "list": (
        "allow-nondistributable-artifacts authorization-plugins insecure-registries labels"
        " registry-mirrors"
    ),
    "dict": "runtimes",
}
RESTART = {
    "bool": (
        "allow-direct-routing experimental icc init ip-forward ip-forward-no-drop ip-masq ip6tables"
        " iptables no-new-privileges raw-logs selinux-enabled tls tlsverify userland-proxy"
    ),
    "int": "cpu-rt-period cpu-rt-runtime mtu network-control-plane-mtu oom-score-adjust",
    "str": (
        "api-cors-header cgroup-parent containerd default-cgroupns-mode default-gateway"
        " default-gateway-v6 default-ipc-mode group host-gateway-ip init-path ip log-driver"
        " log-format log-level metrics-addr min-api-version pidfile seccomp-profile"
        " swarm-default-advertise-addr tlscacert tlscert tlskey userland-proxy-path"
    ),
    "list": ("cdi-spec-dirs dns dns-opts dns-search host-gateway-ips hosts node-generic-resources"),
    "dict": "builder default-network-opts default-ulimits features proxies",
    "pools": "default-address-pools",
    "strings": "log-opts",
    "size": "default-shm-size",
}
# "Live restore during restart" in the engine's documentation: a changed bridge address or root
# folder loses the containers; so does whatever stores, names or groups them in another way.
STOPS = {
    "bool": "ipv6",
    "str": (
        "bip bip6 bridge containerd-namespace containerd-plugin-namespace data-root exec-root"
        " fixed-cidr fixed-cidr-v6 graph storage-driver userns-remap"
    ),
    "list": "exec-opts storage-opts",
}


def _table(rows: Mapping[str, str]) -> Dict[str, str]:
    return {name: kind for kind, names in rows.items() for name in names.split()}


KINDS = {**_table(LIVE), **_table(RESTART), **_table(STOPS)}
CHECKS: Dict[str, Callable[[Any], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "list": lambda value: (
        isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    ),
    "pools": lambda value: (
        isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)
    ),
    "dict": lambda value: isinstance(value, Mapping),
    "size": lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
}
WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "str": "a string",
    "list": "a list of strings",
    "pools": "a list of dictionaries",
    "dict": "a dictionary",
    "strings": "a dictionary of strings",
    "size": "a size such as 64m",
}


def daemon_change(
    old: Union[str, Mapping[str, Any]],
    new: Mapping[str, Any],
    known_only: bool = True,
    engine: Optional[Mapping[str, Any]] = None,
    installed: str = "",
) -> Dict[str, Any]:
    """Compare two daemon.json and say what the way from one to the other costs."""
    before, unreadable = _old(old)
    problems = [text for name in new for text in _problems(name, new[name], known_only)]
    names = [n for n in sorted({*before, *new}) if before.get(n) != new.get(n)]
    costs = {name: _cost(name, new) for name in names}
    impact = "none"
    if costs:
        impact = "restart" if "restart" in costs.values() else "live"
    text = _text(names, before, new, impact)
    running = _outdated(engine or {}, installed)
    if running:
        what = f"{text.partition(' → ')[0]}; " if costs else ""
        impact = "restart"
        text = f"{what}engine still runs as {running} → restart of the engine"
    moved = [] if problems else moves(before, new, engine or {})
    return {
        "old": dict(before),
        "impact": impact,
        "keys": costs,
        "stops": [name for name in names if name in _table(STOPS) or _moves(name, moved)],
        "moves": moved,
        "staying": staying(before, moved),
        "root": root(before, engine or {}),
        "unreadable": unreadable,
        "problems": problems,
        "text": text,
    }


def _old(config: Union[str, Mapping[str, Any]]) -> Any:
    try:
        return read(config), ""
    except Unreadable as error:
        return {}, str(error)


def _outdated(engine: Mapping[str, Any], installed: str) -> str:
    """Return the version of a running engine that is not the one installed, "" if it is."""
    running = str(engine.get("ServerVersion") or "")
    return "" if not installed or f"version {running}," in installed else running


def _moves(name: str, moved: List[str]) -> bool:
    return any(entry == name or entry.startswith(f"{name}.") for entry in moved)


def _cost(name: str, new: Mapping[str, Any]) -> str:
    # A reload looks at the keys that are there: one that was taken out keeps its old value.
    return "live" if name in new and name in _table(LIVE) else "restart"


def _problems(name: str, value: Any, known_only: bool) -> List[str]:
    kind = KINDS.get(name)
    if kind is None:
        near = get_close_matches(name, KINDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return [f"{name}: the engine has no such setting{hint}"] if known_only else []
    if kind == "strings":
        if not isinstance(value, Mapping):
            return [f"{name}: must be {WORDS[kind]}, not {value!r}"]
        wrong = {key: item for key, item in value.items() if not isinstance(item, str)}
        return [
            f"{name}.{key}: must be a string; write {json.dumps(str(item).lower())}"
            for key, item in wrong.items()
        ]
    return [] if CHECKS[kind](value) else [f"{name}: must be {WORDS[kind]}, not {value!r}"]


def _text(names: List[str], old: Mapping[str, Any], new: Mapping[str, Any], impact: str) -> str:
    if not names:
        return "no change"
    groups = {
        "added": [name for name in names if name not in old],
        "changed": [name for name in names if name in old and name in new],
        "removed": [name for name in names if name not in new],
    }
    what = "; ".join(f"{', '.join(part)} {verb}" for verb, part in groups.items() if part)
    cost = "reload of the engine" if impact == "live" else "restart of the engine"
    return f"{what} → {cost}"


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"daemon_change": daemon_change}
