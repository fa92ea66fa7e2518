# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in the namespaces of one that is replaced: recreated with it, or brought back.

An engine keeps `network_mode: container:NAME` as an id, which a replacement makes a dead one. Each
of them is replaced as the one it depends on is: the new one is made beside the old one, which goes
last of all, after all of them are up. The label of the new one says whose place it takes.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired import ownership
from ..._desired.steps import Cause, Chain
from ..._desired.values import dig
from ..client.engine import Client
from .dependent import Dependent
from .fields.limits import read_restart, restart_text
from .inspected import Inspect, aside_name, bare_name, own_labels_of, runs, temporary_name
from .observed import Observed
from .reads import bases_of

LABEL = "dockyard.fleet.dependent"
OWN = "own"
_MODES = ("NetworkMode", "PidMode", "IpcMode")
_ASIDE = re.compile(r"(.+)\.old-[0-9a-f]{12}")


def label(old: Inspect) -> str:
    """Return the label's value for a container that takes the place of another."""
    # The image is the same one: see `labels.own_labels` for what its id is good for.
    result = {"of": old["Id"], "running": runs(old), "image": old["Image"]}
    return json.dumps(result, separators=(",", ":"))


def lenders(container: Inspect) -> Tuple[str, ...]:
    """Return the ids of the containers whose namespaces a container uses."""
    modes = (str(dig(container, f"HostConfig.{mode}") or "") for mode in _MODES)
    return tuple(mode.partition(":")[2] for mode in modes if mode.startswith("container:"))


def look(client: Client, observed: Observed, name: str) -> Observed:
    """Return the snapshot with the dependents of the container that is, or was, to be replaced.

    `next_dependents` are those of the current one, where its own replacement is unfinished.
    """
    own = {str(entry["Id"]) for entry in (observed.current, observed.fresh, observed.old) if entry}
    asked = [
        f"/containers/{entry['Id']}/json" for entry in observed.others if entry["Id"] not in own
    ]
    answers = client.get_all([(path, None) for path in asked])
    containers: List[Inspect] = [entry for entry in answers if isinstance(entry, dict)]
    containers.sort(key=bare_name)
    output = _claims(client, observed, containers)
    root, later = observed.old or observed.current, observed.current if observed.old else None
    return replace(
        observed,
        dependents=_below(root, name, containers, output),
        next_dependents=_below(later, name, containers, output),
    )


def _claims(
    client: Client, observed: Observed, containers: List[Inspect]
) -> Dict[str, Mapping[str, Any]]:
    """Return by id what containers say in labels of their own of whose place they take."""
    marked = [entry for entry in containers if LABEL in (dig(entry, "Config.Labels") or {})]
    bases = bases_of(client, marked, observed.image)
    labels = {
        str(entry["Id"]): own_labels_of(entry, bases.get(str(entry["Image"]))).get(LABEL)
        for entry in marked
    }
    notes = {ident: ownership.parse(label) for ident, label in labels.items()}
    return {ident: note for ident, note in notes.items() if isinstance(note.get("of"), str)}


def _below(
    root: Optional[Inspect],
    name: str,
    containers: List[Inspect],
    output: Mapping[str, Mapping[str, Any]],
) -> Tuple[Dependent, ...]:
    """Return the dependents of a container and those of theirs, parents first."""
    if root is None:
        return ()
    news = {output[entry["Id"]]["of"]: entry for entry in containers if entry["Id"] in output}
    names: Dict[str, str] = {str(root["Id"]): name}
    result: List[Dependent] = []
    grown = True
    while grown:
        grown = False
        for container in containers:
            parent = next((names[entry] for entry in lenders(container) if entry in names), None)
            if parent is not None and container["Id"] not in names:
                entry = _dependent(container, parent, news.get(container["Id"]), output)
                names[entry.id] = entry.name
                result.append(entry)
                grown = True
    return tuple(result)


def _dependent(
    container: Inspect, parent: str, new: Optional[Inspect], output: Mapping[str, Mapping[str, Any]]
) -> Dependent:
    name = bare_name(container)
    aside = _ASIDE.fullmatch(name)
    # Without a successor, it was not set aside by a replacement.
    if new is not None and aside and name == aside_name(str(container["Id"]), aside.group(1)):
        name = aside.group(1)
    ran = new is not None and output[new["Id"]].get("running") is True
    took = str(output.get(container["Id"], {}).get("of", ""))
    return Dependent(name, container, parent, new, took, ran)


def some_went(observed: Observed) -> bool:
    """Tell whether old dependents were removed already, whose places new ones have taken."""
    there = {entry.id for entry in observed.dependents}
    taken = [entry.took for entry in observed.next_dependents]
    return any(ident not in there for ident in taken if ident)


def as_before(dependents: Iterable[Dependent]) -> Tuple[Dependent, ...]:
    """Return dependents as they are when the old ones were brought back."""
    result = []
    for entry in dependents:
        state = {**entry.old["State"], "Running": entry.ran}
        host = dict(entry.old["HostConfig"])
        if entry.new is not None:
            host["RestartPolicy"] = entry.new["HostConfig"]["RestartPolicy"]
        old = {**entry.old, "Name": f"/{entry.name}", "State": state, "HostConfig": host}
        result.append(Dependent(entry.name, old, entry.parent))
    return tuple(result)


def obstacles(observed: Observed) -> List[str]:
    """Return why dependents cannot be recreated, each in words."""
    result = []
    for entry in observed.dependents:
        if dig(entry.old, "HostConfig.AutoRemove"):
            result.append(f"{entry.name} is removed by the engine when it stops (auto_remove)")
        elif observed.api < (1, 44) and len(dig(entry.old, "NetworkSettings.Networks") or ()) > 1:
            result.append(f"{entry.name} is in several networks, which needs API 1.44")
    return result


def forward(chain: Chain, dependents: Iterable[Dependent], waits: bool, maybe: bool) -> None:
    """Add the steps that replace each dependent, but not the removal of the old ones."""
    for entry in dependents:
        cause = f"in the namespaces of {entry.parent}, which is replaced"
        temporary = temporary_name(entry.id, entry.name)

        def add(verb: str, entry: Dependent = entry, cause: Cause = cause, **args: str) -> None:
            chain.add(verb, cause, "replace", (), maybe, entry.address, args)

        if entry.new is None:
            add("recreate", on=temporary, id=entry.id)
        if bare_name(entry.old) == entry.name:
            if read_restart(entry.old)[0] != "no":
                add("disable_restart", on=entry.name, id=entry.id)
            if runs(entry.old):
                add("stop", on=entry.name, id=entry.id)
            add("rename", on=entry.name, to=aside_name(entry.id, entry.name), id=entry.id)
        if entry.new is None or bare_name(entry.new) == temporary:
            add("rename", on=temporary, to=entry.name)
        if entry.ran and (entry.new is None or not runs(entry.new)):
            add("start", on=entry.name)
            if waits:
                add("watch", on=entry.name)


def clear(chain: Chain, dependents: Tuple[Dependent, ...], maybe: bool) -> None:
    """Add the removal of the old ones, once all new ones are up.

    Parents last: the next run finds dependents by the ids of their parents.
    """
    for entry in reversed(dependents):
        cause = f"in the namespaces of {entry.parent}, which is replaced"
        args = {"on": aside_name(entry.id, entry.name), "id": entry.id}
        chain.add("remove", cause, "replace", (), maybe, entry.address, args)


def recover_names(chain: Chain, dependents: Tuple[Dependent, ...], cause: Cause) -> None:
    """Stop and rename new dependents, and give the old ones their names back."""
    for entry in reversed(dependents):
        if entry.new is not None:
            ident = str(entry.new["Id"])
            if runs(entry.new):
                _add(chain, entry, "stop", cause, on=entry.name, id=ident)
            if bare_name(entry.new) == entry.name:
                temporary = temporary_name(entry.id, entry.name)
                _add(chain, entry, "rename", cause, on=entry.name, to=temporary, id=ident)
        if bare_name(entry.old) != entry.name:
            _add(chain, entry, "rename", cause, on=bare_name(entry.old), to=entry.name, id=entry.id)


def recover_runs(
    chain: Chain, dependents: Tuple[Dependent, ...], root_ran: bool, cause: Cause
) -> None:
    """Run old dependents again, as they ran before, in the recovered namespaces.

    `root_ran`: the container whose namespaces they use had not been stopped. Otherwise those that
    run still use dead ones.
    """
    for entry in dependents:
        policy = read_restart(entry.new) if entry.new is not None else read_restart(entry.old)
        if policy != read_restart(entry.old):
            text = restart_text(policy)
            _add(chain, entry, "enable_restart", cause, on=entry.name, id=entry.id, policy=text)
        if runs(entry.old):
            if not root_ran:
                _add(chain, entry, "restart", cause, on=entry.name, id=entry.id)
        elif entry.ran:
            _add(chain, entry, "start", cause, on=entry.name, id=entry.id)
    for entry in dependents:
        if entry.new is not None:
            temporary = temporary_name(entry.id, entry.name)
            ident = str(entry.new["Id"])
            _add(chain, entry, "remove", cause, on=temporary, id=ident, volumes=OWN)


def _add(chain: Chain, entry: Dependent, verb: str, cause: Cause, **args: str) -> None:
    chain.add(verb, cause, address=entry.address, args=args)
