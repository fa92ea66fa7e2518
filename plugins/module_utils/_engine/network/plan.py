# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a network that is there to the declared one, loaded only if there are any.

Replacing: 1 note (endpoints and the old network's body survive in it) · 2 disconnect every
container · 3 remove the old network: its name and its subnet are free · 4 create the new one ·
5 connect every container with the settings it had · 6 forget the note. Containers keep running.
A forced removal with containers is the same without 4 and 5.

| seen at the next run | what happens, shown in the plan |
|---|---|
| note, and a network of the name, old or new | missing endpoints are connected; forget; plan anew |
| note, and no network | the declared one is made; endpoints are connected; forget |
| note, `state: absent` | refused while containers wait for the network; `force`: removed, forget |

A step that fails makes the run go back itself: the old network is made again from the note.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any, Iterable, List, Mapping, Sequence, Tuple

from ..._desired.create_body import body
from ..._desired.errors import InvalidOption
from ..._desired.fields import Context
from ..._desired.plan import Plan
from ..._desired.planned import REMOVAL
from ..._desired.schema import check_supported, for_kind
from ..._desired.steps import Cause, Chain, Change, Step
from ..._desired.values import dig
from ..values.ip_addresses import plain_ip, reserved
from .desired import Desired
from .endpoint_settings import fixed_mac
from .fields import FIELDS
from .observed import Inspect, Observed, endpoints, is_foreign, note_name, note_of, record_of

INTERRUPTED = "an earlier run was interrupted"
FAILED = "it did not work"


def steps_of(desired: Desired, observed: Observed, changes: Sequence[Change]) -> List[Step]:
    """Return the steps, recovery of an interrupted replacement first."""
    chain = Chain(desired.address)
    if desired.state == "absent":
        _removal(chain, desired, observed)
        return chain.steps
    if observed.current is None:
        cause = tuple(filter(None, ("not there", observed.unknown.get("engine"))))
        chain.add("create", cause, effect="create", on=desired.name)
    if observed.notes:
        _connect(chain, desired, observed, observed.missing, INTERRUPTED)
        _remove_note(chain, observed.notes, INTERRUPTED)
    if changes and observed.current is not None:
        _replacement(chain, desired, observed, observed.current, tuple(changes))
    return chain.steps


def _replacement(
    chain: Chain, desired: Desired, observed: Observed, old: Inspect, changes: Tuple[Change, ...]
) -> None:
    cause = tuple(change.words() for change in changes)
    containers = (*observed.users, *observed.missing)
    chain.add("save_note", cause, "replace", on=note_name(old))
    _disconnect(chain, desired, observed, containers, cause)
    chain.add("remove", cause, "replace", on=desired.name, id=str(old["Id"]))
    chain.add("create", cause, "replace", changes, on=desired.name)
    _connect(chain, desired, observed, containers, cause, "replace")
    chain.add("remove_note", cause, "replace", on=note_name(old))


def _removal(chain: Chain, desired: Desired, observed: Observed) -> None:
    cause, old = REMOVAL, observed.current
    # The note of an interrupted removal has the containers that it has disconnected.
    noted = bool(observed.users) and not _is_old(observed)
    maybe = all(str(entry["Id"]) in observed.unsure for entry in observed.users)
    if old is None and observed.comes:
        # An earlier task of this check would make it.
        chain.add("remove", cause, "replace", maybe=True, effect="remove", on=desired.name)
    if old is not None:
        if noted:
            chain.add("save_note", cause, "replace", maybe=maybe, on=note_name(old))
        _disconnect(chain, desired, observed, observed.users, cause)
        args = {"on": desired.name, "id": str(old["Id"])}
        chain.add("remove", cause, "replace", args=args, effect="remove")
        if noted:
            chain.add("remove_note", cause, "replace", maybe=maybe, on=note_name(old))
    _remove_note(chain, observed.notes, cause)


def plan_recovery(desired: Desired, observed: Observed, begun: Sequence[Step]) -> Plan:
    """Plan the recovery after a failure: the old network, or none, as it was before."""
    chain = Chain(desired.address)
    current = observed.current
    ours = current is not None and bool(record_of(current, desired.name))
    verbs = {step.verb for step in begun}
    if observed.notes and (ours or current is None or _is_old(observed)):
        _recover_old(chain, desired, observed)
    elif (
        current is not None
        and ours
        and "create" in verbs
        and not verbs & {"save_note", "remove_note"}
    ):
        chain.add("remove", "its task failed", on=desired.name, id=str(current["Id"]))
    return Plan(tuple(chain.steps))


def _is_old(observed: Observed) -> bool:
    ident = (observed.current or {}).get("Id")
    return any(note_of(note).get("id") == ident for note in observed.notes)


def _recover_old(chain: Chain, desired: Desired, observed: Observed) -> None:
    containers = observed.missing
    if observed.current is None or not _is_old(observed):
        if observed.current is not None:
            containers = (*observed.users, *observed.missing)
            _disconnect(chain, desired, observed, observed.users, FAILED)
            chain.add("remove", FAILED, on=desired.name, id=str(observed.current["Id"]))
        chain.add("recreate", FAILED, on=desired.name)
    _connect(chain, desired, observed, containers, FAILED)
    _remove_note(chain, observed.notes, FAILED)


def _disconnect(
    chain: Chain,
    desired: Desired,
    observed: Observed,
    containers: Iterable[Inspect],
    cause: Cause,
) -> None:
    for container in containers:
        args = {"on": _name(container), "to": desired.name, "id": str(container["Id"])}
        maybe = args["id"] in observed.unsure
        chain.add("disconnect", cause, "replace", maybe=maybe, args=args)


def _connect(
    chain: Chain,
    desired: Desired,
    observed: Observed,
    containers: Iterable[Inspect],
    cause: Cause,
    impact: str = "live",
) -> None:
    for container in containers:
        args = {"on": _name(container), "to": desired.name, "id": str(container["Id"])}
        chain.add("connect", cause, impact, maybe=args["id"] in observed.unsure, args=args)


def _remove_note(chain: Chain, notes: Iterable[Inspect], cause: Cause) -> None:
    for note in notes:
        chain.add("remove_note", cause, on=str(note["Name"]), id=str(note["Id"]))


def _name(container: Inspect) -> str:
    return str(container["Name"]).lstrip("/")


# -- what must hold before anything is written ------------------------------------------------


def refusals(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Return why the steps may not be made; raise InvalidOption for a wish that cannot work."""
    causes = {step.verb: step.cause for step in steps}
    refused: List[str] = []
    if "create" in causes:
        _check_creation(desired, observed)
        refused += [f"{causes['create']}: {reason}" for reason in _unfit(desired, observed)]
    refused += [_ignored(change) for step in steps for change in step.changes if _stays(change)]
    foreign = observed.current is not None and is_foreign(observed.current, desired.name)
    if foreign and "remove" in causes and not desired.adopt:
        reason = (
            "this network was not created by dockyard.fleet or Compose; "
            "set adopt: true to replace or remove it"
        )
        refused.append(f"{causes['remove']}: {reason}")
    all_of = (*observed.users, *observed.missing)
    containers = [entry for entry in all_of if str(entry["Id"]) not in observed.unsure]
    if desired.state == "absent" and containers and not desired.force:
        names = ", ".join(map(_name, containers))
        refused.append(f"used by {names}; remove the containers, or set force: true")
    return refused


def _stays(change: Change) -> bool:
    """Tell whether a network differs though it was created as declared: none can be changed, so the
    engine did that, and would again."""
    return change.origin == "drift"


def _ignored(change: Change) -> str:
    words = replace(change, origin="declared").words()
    return (
        f"{words}: the engine has created the network this way, although another one was "
        "requested; declare what it supports, or name the option in ignore_changes (if it is "
        "another engine now, remove the network first)"
    )


def _check_creation(desired: Desired, observed: Observed) -> None:
    context = Context(desired.declared, {}, {}, observed.api, observed.kind)
    check_supported(for_kind(FIELDS, observed.kind), context)
    if observed.kind == "podman":
        from .podman import check_declared

        check_declared(desired.declared)
        if " " in desired.name:
            raise InvalidOption(
                f"podman does not allow blanks in a name, and '{desired.name}' has one",
                option="name",
                hint="write '-' or '_' instead",
            )
    if desired.declared.get("driver", "bridge") != "bridge" or "ipam.driver" in desired.declared:
        return  # other drivers have rules of their own
    subnets = list(desired.declared.get("ipam.config") or ())
    taken = {
        str(entry["Subnet"]): str(other["Name"])
        for other in observed.others
        if other.get("Driver") == "bridge"
        for entry in dig(other, "IPAM.Config") or ()
        if entry.get("Subnet")
    }
    for number, subnet in enumerate(subnets):
        for other, name in taken.items():
            if _overlap(subnet, other):
                raise InvalidOption(
                    f"{subnet} overlaps with {other} of the network {name}",
                    option=f"ipam.config[{number}].subnet",
                    hint="choose another subnet, or remove that network first",
                )
    needs = observed.kind == "docker" and observed.api < (1, 46)
    if needs and desired.declared.get("enable_ipv6") and not any(":" in item for item in subnets):
        raise InvalidOption(
            "this engine does not choose IPv6 subnets by itself",
            option="enable_ipv6",
            hint="declare one in ipam.config, such as fd00:1::/64; Docker 27 chooses one",
        )


def _overlap(entry: str, other: str) -> bool:
    mine, theirs = (ipaddress.ip_network(text, strict=False) for text in (entry, other))
    return mine.version == theirs.version and mine.overlaps(theirs)


def _unfit(desired: Desired, observed: Observed) -> List[str]:
    """Containers that could not be connected to the new network as they were to the old one."""
    names = {
        str(container["Id"]): _name(container) for container in (*observed.users, *observed.missing)
    }
    subnets = [ipaddress.ip_network(entry) for entry in desired.declared.get("ipam.config") or ()]
    context = Context(desired.declared, {}, {}, observed.api, observed.kind)
    new = body(for_kind(FIELDS, observed.kind), context, lambda at: at)
    taken = {address: what for what, address in reserved({"Driver": "bridge", **new})}
    refused = []
    for ident, settings in endpoints(observed).items():
        for address in map(plain_ip, _fixed(settings) if ident in names else ()):
            if not any(ipaddress.ip_address(address) in entry for entry in subnets):
                refused.append(
                    f"{names[ident]} has the fixed address {address}, which no declared subnet "
                    "contains; change the container first, or declare the subnet in "
                    "ipam.config"
                )
            elif address in taken:
                refused.append(
                    f"{names[ident]} has the fixed address {address}, which would be "
                    f"{taken[address]}; change the container first, or choose another one"
                )
    old = str((observed.current or {}).get("Id", "-"))
    for container in observed.users:
        if old.startswith(str(dig(container, "HostConfig.NetworkMode") or "?")):
            refused.append(
                f"{_name(container)} refers to the network by its id; recreate it with the "
                "network's name"
            )
        mac = fixed_mac(container, desired.name, observed.kind, observed.api, {})
        if mac:
            refused.append(
                f"{_name(container)} has the fixed MAC address {mac}, which this engine sets "
                "only when a container is created; remove the container first, and run its "
                "task again then"
            )
    return refused


def _fixed(settings: Mapping[str, Any]) -> List[str]:
    asked = settings.get("IPAMConfig") or {}
    return [asked[key] for key in ("IPv4Address", "IPv6Address") if asked.get(key)]
