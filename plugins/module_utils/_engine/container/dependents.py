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
from ..._desired.steps import Chain
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
    made = {"of": old["Id"], "running": runs(old), "image": old["Image"]}
    return json.dumps(made, separators=(",", ":"))


def lenders(container: Inspect) -> Tuple[str, ...]:
    """Return the ids of the containers whose namespaces a container uses."""
    modes = (str(dig(container, f"HostConfig.{mode}") or "") for mode in _MODES)
    return tuple(mode.partition(":")[2] for mode in modes if mode.startswith("container:"))


def look(client: Client, observed: Observed, name: str) -> Observed:
    """Return the snapshot with the dependents of the container that is, or was, to be replaced.

    `next_dependents` are those of the current one, where its own replacement is unfinished.
    """
    own = {str(one["Id"]) for one in (observed.current, observed.fresh, observed.old) if one}
    asked = [f"/containers/{one['Id']}/json" for one in observed.others if one["Id"] not in own]
    answers = client.get_all([(path, None) for path in asked])
    boxes: List[Inspect] = [one for one in answers if isinstance(one, dict)]
    boxes.sort(key=bare_name)
    said = _said(client, observed, boxes)
    root, later = observed.old or observed.current, observed.current if observed.old else None
    return replace(
        observed,
        dependents=_below(root, name, boxes, said),
        next_dependents=_below(later, name, boxes, said),
    )


def _said(client: Client, observed: Observed, boxes: List[Inspect]) -> Dict[str, Mapping[str, Any]]:
    """Return by id what containers say in labels of their own of whose place they take."""
    marked = [one for one in boxes if LABEL in (dig(one, "Config.Labels") or {})]
    bases = bases_of(client, marked, observed.image)
    labels = {
        str(one["Id"]): own_labels_of(one, bases.get(str(one["Image"]))).get(LABEL)
        for one in marked
    }
    notes = {ident: ownership.parse(label) for ident, label in labels.items()}
    return {ident: note for ident, note in notes.items() if isinstance(note.get("of"), str)}


def _below(
    root: Optional[Inspect], name: str, boxes: List[Inspect], said: Mapping[str, Mapping[str, Any]]
) -> Tuple[Dependent, ...]:
    """Return the dependents of a container and those of theirs, parents first."""
    if root is None:
        return ()
    news = {said[one["Id"]]["of"]: one for one in boxes if one["Id"] in said}
    names: Dict[str, str] = {str(root["Id"]): name}
    made: List[Dependent] = []
    grown = True
    while grown:
        grown = False
        for box in boxes:
            parent = next((names[one] for one in lenders(box) if one in names), None)
            if parent is not None and box["Id"] not in names:
                one = _dependent(box, parent, news.get(box["Id"]), said)
                names[one.id] = one.name
                made.append(one)
                grown = True
    return tuple(made)


def _dependent(
    box: Inspect, parent: str, new: Optional[Inspect], said: Mapping[str, Mapping[str, Any]]
) -> Dependent:
    name = bare_name(box)
    aside = _ASIDE.fullmatch(name)
    # Without one that takes its place, it is nobody's that was set aside.
    if new is not None and aside and name == aside_name(str(box["Id"]), aside.group(1)):
        name = aside.group(1)
    ran = new is not None and said[new["Id"]].get("running") is True
    took = str(said.get(box["Id"], {}).get("of", ""))
    return Dependent(name, box, parent, new, took, ran)


def some_went(observed: Observed) -> bool:
    """Tell whether old dependents were removed already, whose places new ones have taken."""
    there = {one.id for one in observed.dependents}
    taken = [one.took for one in observed.next_dependents]
    return any(ident not in there for ident in taken if ident)


def as_before(dependents: Iterable[Dependent]) -> Tuple[Dependent, ...]:
    """Return dependents as they are when the old ones were brought back."""
    made = []
    for one in dependents:
        state = {**one.old["State"], "Running": one.ran}
        host = dict(one.old["HostConfig"])
        if one.new is not None:
            host["RestartPolicy"] = one.new["HostConfig"]["RestartPolicy"]
        old = {**one.old, "Name": f"/{one.name}", "State": state, "HostConfig": host}
        made.append(Dependent(one.name, old, one.parent))
    return tuple(made)


def obstacles(observed: Observed) -> List[str]:
    """Return why dependents cannot be recreated, each in words."""
    made = []
    for one in observed.dependents:
        if dig(one.old, "HostConfig.AutoRemove"):
            made.append(f"{one.name} is removed by the engine when it stops (auto_remove)")
        elif observed.api < (1, 44) and len(dig(one.old, "NetworkSettings.Networks") or ()) > 1:
            made.append(f"{one.name} is in several networks, which needs API 1.44")
    return made


def forward(chain: Chain, dependents: Iterable[Dependent], waits: bool, maybe: bool) -> None:
    """Add the steps that replace each dependent, but not the removal of the old ones."""
    for one in dependents:
        cause = f"in the namespaces of {one.parent}, which is replaced"
        temporary = temporary_name(one.id, one.name)

        def add(verb: str, one: Dependent = one, cause: str = cause, **args: str) -> None:
            chain.add(verb, cause, "replace", (), maybe, one.address, args)

        if one.new is None:
            add("recreate", on=temporary, id=one.id)
        if bare_name(one.old) == one.name:
            if read_restart(one.old)[0] != "no":
                add("hold", on=one.name, id=one.id)
            if runs(one.old):
                add("stop", on=one.name, id=one.id)
            add("rename", on=one.name, to=aside_name(one.id, one.name), id=one.id)
        if one.new is None or bare_name(one.new) == temporary:
            add("rename", on=temporary, to=one.name)
        if one.ran and (one.new is None or not runs(one.new)):
            add("start", on=one.name)
            if waits:
                add("watch", on=one.name)


def clear(chain: Chain, dependents: Tuple[Dependent, ...], maybe: bool) -> None:
    """Add the removal of the old ones, once all new ones are up.

    Parents last: the next run finds dependents by the ids of their parents.
    """
    for one in reversed(dependents):
        cause = f"in the namespaces of {one.parent}, which is replaced"
        args = {"on": aside_name(one.id, one.name), "id": one.id}
        chain.add("remove", cause, "replace", (), maybe, one.address, args)


def step_back(chain: Chain, dependents: Tuple[Dependent, ...], cause: str) -> None:
    """Take new dependents out of the way and give the old ones their names back."""
    for one in reversed(dependents):
        if one.new is not None:
            ident = str(one.new["Id"])
            if runs(one.new):
                _add(chain, one, "stop", cause, on=one.name, id=ident)
            if bare_name(one.new) == one.name:
                temporary = temporary_name(one.id, one.name)
                _add(chain, one, "rename", cause, on=one.name, to=temporary, id=ident)
        if bare_name(one.old) != one.name:
            _add(chain, one, "rename", cause, on=bare_name(one.old), to=one.name, id=one.id)


def bring_back(chain: Chain, dependents: Tuple[Dependent, ...], root_ran: bool, cause: str) -> None:
    """Let old dependents run again, as they did, in namespaces that are there again.

    `root_ran`: the container whose namespaces they use had not been stopped. Otherwise those that
    run still use dead ones.
    """
    for one in dependents:
        policy = read_restart(one.new) if one.new is not None else read_restart(one.old)
        if policy != read_restart(one.old):
            text = restart_text(policy)
            _add(chain, one, "restore", cause, on=one.name, id=one.id, policy=text)
        if runs(one.old):
            if not root_ran:
                _add(chain, one, "restart", cause, on=one.name, id=one.id)
        elif one.ran:
            _add(chain, one, "start", cause, on=one.name, id=one.id)
    for one in dependents:
        if one.new is not None:
            temporary = temporary_name(one.id, one.name)
            ident = str(one.new["Id"])
            _add(chain, one, "remove", cause, on=temporary, id=ident, volumes=OWN)


def _add(chain: Chain, one: Dependent, verb: str, cause: str, **args: str) -> None:
    chain.add(verb, cause, address=one.address, args=args)
