# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a container that is there to the declared one, loaded only if there are any."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import FrozenSet, List, Mapping, Optional, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.ownership import parse
from ..._desired.plan import Plan
from ..._desired.planned import REMOVAL
from ..._desired.schema import check_supported, for_kind
from ..._desired.steps import Cause, Chain, Change, Step
from ..._desired.values import Unknown, dig
from ..image.pull import plan_pull
from ..values.labels import from_compose
from . import replacement
from .checks import before_creation, before_removal, check_addresses, check_waiting
from .compare import Difference, compare, context_of, pull_policy
from .desired import Desired
from .fields import FIELDS
from .fields.mounts import anonymous
from .fields.process import OWNER_LABEL
from .inspected import Inspect, bare_name, is_foreign, own_labels_of, record_of, runs
from .observed import Observed
from .others import others_of
from .state import awaited, healthy, is_paused, is_settled

RESTART = "force_restart: true"


def plan_of(desired: Desired, observed: Observed, difference: Difference) -> Plan:
    """Return the steps with what is to be said of them; raise InvalidOption for what cannot be."""
    from .volumes import left_behind

    steps = tuple(steps_of(desired, observed, difference))
    if not steps:
        return Plan()
    refused = tuple(refusals(desired, observed, steps))
    left = left_behind(desired, observed, steps)
    notes = (*left, *remarks(desired, observed, steps))
    return Plan(steps, notes, refused=refused, others=others_of(desired.address, steps))


def steps_of(desired: Desired, observed: Observed, difference: Difference) -> List[Step]:
    """Return the steps, recovery of an interrupted replacement first."""
    chain = Chain(desired.address)
    if observed.current is None and "container" in observed.unknown:
        _later(chain, desired)
        return chain.steps
    if desired.moved_from:
        from .rename import move

        observed = move(chain, desired, observed)
        difference = replace(difference, of=observed.current)
    recovered = replacement.recover(chain, desired, observed)
    observed = recovered.observed
    if desired.state == "absent":
        _removal(chain, desired, observed, recovered.remove_after)
        return chain.steps
    if desired.reference and "image" not in observed.unknown and not observed.settled:
        pull(chain, desired, observed)
    old = recovered.remove_after
    difference = _again(desired, observed, difference)
    if old is not None and difference.replaces:
        # Only one container can stand aside: this replacement ends before the next one begins.
        if healthy(observed.current or {}, desired.wait) and not observed.dependents:
            replacement.forward(chain, desired, observed, old)
            observed = replace(observed, dependents=observed.next_dependents)
        else:
            observed = replacement.recover_old(
                chain, desired, replace(observed, old=old), replacement.INTERRUPTED
            )
        old = None
    difference = _again(desired, observed, difference)
    if observed.current is None:
        _creation(chain, desired, observed)
    else:
        _alteration(chain, desired, observed, difference)
        if old is not None:
            replacement.forward(chain, desired, observed, old)
    return chain.steps


def _later(chain: Chain, desired: Desired) -> None:
    """Add what there may be to do to a container that an earlier task of this check would make."""
    if desired.state == "absent":
        chain.add("stop", REMOVAL, "replace", maybe=True, on=desired.name)
        chain.add("remove", REMOVAL, "replace", maybe=True, effect="remove", on=desired.name)
    elif desired.state == "stopped":
        chain.add("stop", "state: running → stopped", "restart", maybe=True, on=desired.name)
    elif desired.state == "paused":
        chain.add("pause", "state: running → paused", "restart", maybe=True, on=desired.name)
    elif desired.send_signal:
        _signal(chain, desired, {"on": desired.name}, maybe=True)
    elif desired.force_restart:
        chain.add("restart", RESTART, "restart", maybe=True, on=desired.name)
        if desired.wait != "none":
            chain.add("wait", RESTART, maybe=True, on=desired.name)


def _again(desired: Desired, observed: Observed, difference: Difference) -> Difference:
    """Return what differs, compared once more if recovery has brought another container."""
    return difference if observed.current is difference.of else compare(desired, observed)


def refusals(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Return why the steps may not be made; raise InvalidOption for a wish that cannot work."""
    if any(step.verb in ("create", "connect", "start") for step in steps):
        check_addresses(desired, observed)
    check_waiting(desired, observed, steps)
    result = before_creation(desired, observed, steps) + before_removal(desired, observed)
    return _gone_refusals(desired, observed) + result + _foreign_refusals(desired, observed, steps)


def _gone_refusals(desired: Desired, observed: Observed) -> List[str]:
    status = dig(observed.current, "State.Status")
    if status not in ("dead", "removing") or desired.state == "absent":
        return []
    text = "the engine is removing it, or failed to; run again, or remove it with state: absent"
    return [f"it is {status}: {text}"]


def remarks(desired: Desired, observed: Observed, steps: Sequence[Step]) -> Tuple[str, ...]:
    """Return what a user should know of the steps beside their causes."""
    return (*_awaited(desired, observed, steps), *_renamed(desired, observed, steps))


def _renamed(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Name another container that was created with this name: it may have been renamed by hand."""
    new = any(step.verb == "create" and step.args["on"] == desired.name for step in steps)
    notes = []
    for entry in observed.others if new and not desired.moved_from else ():
        record = parse((entry.get("Labels") or {}).get(OWNER_LABEL))
        if record.get("address") == desired.address:
            name = str((entry.get("Names") or ["?"])[0]).lstrip("/")
            does = "runs" if entry.get("State") == "running" else "is there"
            text = (
                f"{name}, which {does}, was created as {desired.name}; if it was renamed by hand, "
            )
            notes.append(f"{text}moved_from: {name} keeps it instead of creating another one")
    return notes


def _awaited(desired: Desired, observed: Observed, steps: Sequence[Step]) -> Tuple[str, ...]:
    """Say why there is something to wait for, where nothing else is done."""
    current = observed.current or {}
    if not any(step.causes == (_awaiting(desired),) for step in steps):
        return ()
    restarting = dig(current, "State.Restarting")
    health = dig(current, "State.Health.Status") if awaited(desired.wait) == "healthy" else None
    return (f"{desired.name} is {'restarting' if restarting else health or 'not up'}",)


def _awaiting(desired: Desired) -> str:
    return f"wait: {awaited(desired.wait)}"


def pull(chain: Chain, desired: Desired, observed: Observed) -> None:
    """Add the pull of the image, if the task's policy asks for one."""
    if "engine" in observed.unknown:
        return
    policy, platform = pull_policy(desired, observed), desired.platform
    step = plan_pull(desired.reference, policy, observed.image, observed.remote, platform=platform)
    if step is not None:
        chain.add(step.verb, step.causes, address=step.address, maybe=step.maybe, args=step.args)


def _creation(chain: Chain, desired: Desired, observed: Observed) -> None:
    if not desired.reference:
        raise InvalidOption(
            "is required: there is no container with this name", option="image", hint="name one"
        )
    base = dig(observed.image, "Config") or {}
    check_supported(for_kind(FIELDS, observed.kind), context_of(desired, observed, base))
    cause = tuple(filter(None, ("not there", observed.unknown.get("engine"))))
    chain.add("create", cause, effect="create", on=desired.name)
    for network in later_networks(desired, observed.api):
        chain.add("connect", cause, on=desired.name, to=network)
    if replacement.will_run(desired, False):
        _start(chain, desired, cause)
    if desired.state == "paused":
        chain.add("pause", cause, on=desired.name)


def later_networks(desired: Desired, api: Tuple[int, int]) -> Tuple[str, ...]:
    """Return the networks that a create body cannot hold: before API 1.44 all but the first."""
    names = tuple(desired.declared.get("networks", ()))
    return names[1:] if api < (1, 44) else ()


def _start(chain: Chain, desired: Desired, cause: Cause, ident: str = "") -> None:
    args = {"on": desired.name, **({"id": ident} if ident else {})}
    chain.add("start", cause, args=args)
    _wait(chain, desired, cause, args)


def _alteration(chain: Chain, desired: Desired, observed: Observed, difference: Difference) -> None:
    current = observed.current or {}
    changes = list(difference.changes)
    if not difference.replaces:
        _lighter(chain, desired, current, changes)
        return
    known = [change for change in changes if not isinstance(change.after, Unknown)]
    words = [change.words() for change in changes] or ["recreate: always"]
    sure = desired.recreate == "always" or "image" in observed.unknown
    maybe = not sure and not any(change.impact == "replace" for change in known)
    networks = later_networks(desired, observed.api)
    others = observed.dependents if desired.dependents == "replace" else ()
    replacement.add_steps(
        chain, desired, current, tuple(words), tuple(changes), networks, maybe, others
    )
    if maybe:
        # If the pull brings nothing new, this is what is left to do.
        light = Chain(desired.address, len(chain.steps) + 1)
        _lighter(light, desired, current, known)
        chain.steps += [replace(step, maybe=True) for step in light.steps]


def _lighter(chain: Chain, desired: Desired, current: Inspect, changes: List[Change]) -> None:
    """Add what needs no other container: live changes, and the run state."""
    _live(chain, desired, current, _bearable(changes))
    running, paused = runs(current), is_paused(current)
    args = {"on": desired.name, "id": str(current["Id"])}
    shown = dig(current, "State.Status")
    over = desired.wait == "completed" and healthy(current, desired.wait) is True
    if desired.state in ("started", "paused") and not running and not over:
        _start(chain, desired, f"state: {shown} → {desired.state}", args["id"])
    elif desired.state == "stopped" and running:
        was = "paused" if paused else "running"
        chain.add("stop", f"state: {was} → stopped", "restart", args=args)
    elif desired.force_restart and running:
        chain.add("restart", RESTART, "restart", args=args)
        _wait(chain, desired, RESTART, args)
    elif desired.state == "started" and paused:
        cause = "state: paused → started"
        chain.add("unpause", cause, args=args)
        _wait(chain, desired, cause, args)
    elif not is_settled(current, "present", desired.wait):
        _wait(chain, desired, _awaiting(desired), args)
    if desired.send_signal and running:
        _signal(chain, desired, args)
    if desired.state == "paused" and not paused:
        impact = "restart" if running else "none"
        chain.add("pause", f"state: {shown} → paused", impact, args=args)


def _wait(chain: Chain, desired: Desired, cause: Cause, args: Mapping[str, str]) -> None:
    if desired.wait != "none":
        chain.add("wait", cause, args=args)


def _signal(chain: Chain, desired: Desired, args: Mapping[str, str], maybe: bool = False) -> None:
    """Add a signal to the container's first process; what it does with it is its own affair."""
    signal = desired.send_signal
    cause = f"send_signal: {signal}"
    chain.add("kill", cause, "restart", maybe=maybe, args={**args, "to": signal})


def _bearable(changes: List[Change]) -> List[Change]:
    """Return the changes that need no other container, nor another field that does."""
    heavy = {change.field for change in changes if change.impact == "replace"}
    # In another network mode there are other networks.
    heavy |= {"networks"} if "network_mode" in heavy else set()
    return [change for change in changes if change.field not in heavy]


def _live(chain: Chain, desired: Desired, current: Inspect, changes: List[Change]) -> None:
    """Add what the engine can change while the container runs: limits together, networks singly."""
    ident = str(current["Id"])
    limits = {row.name for row in FIELDS if row.live == "update"}
    updates = tuple(change for change in changes if change.field in limits)
    if updates:
        cause = tuple(change.words() for change in updates)
        chain.add("update", cause, "live", updates, on=desired.name, id=ident)
    networks = [change for change in changes if change.field not in limits]
    if networks:
        from .networks import add_steps

        add_steps(chain, desired, ident, networks)


def _removal(chain: Chain, desired: Desired, observed: Observed, extra: Optional[Inspect]) -> None:
    cause = REMOVAL
    impact = "destroy" if desired.remove_volumes else "replace"
    for container in (observed.current, extra, observed.old):
        if container is not None:
            if runs(container):
                replacement.end(chain, observed, container, cause, "replace")
            _remove(chain, container, cause, impact)
    record = record_of(observed.current, observed.base, desired.names)
    keep = _volumes_of_others(observed)
    # The record of a container says only which of those that it has were carried over.
    has = {name for _target, name in anonymous(observed.current or {})}
    for volume in record.get("carried", ()) if desired.remove_volumes else ():
        if volume in has and volume not in keep:
            chain.add("remove_volume", cause, "destroy", on=volume)


def _volumes_of_others(observed: Observed) -> FrozenSet[str]:
    """Return the volumes that other containers use, such as by volumes_from: they stay."""
    own = {
        str(entry["Id"])
        for entry in (observed.current, observed.fresh, observed.old)
        if entry is not None
    }
    others = (entry for entry in observed.others if entry["Id"] not in own)
    mounts = (mount for entry in others for mount in entry.get("Mounts") or ())
    return frozenset(str(entry.get("Name")) for entry in mounts if isinstance(entry, dict))


def _remove(chain: Chain, container: Inspect, cause: Cause, impact: str) -> None:
    args = {"on": bare_name(container), "id": str(container["Id"])}
    chain.add("remove", cause, impact, args=args, effect="remove")


def _foreign_refusals(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    if observed.current is None or desired.adopt:
        return []
    record = record_of(observed.current, observed.base, desired.names)
    heavy = [step for step in steps if step.impact in ("replace", "destroy")]
    if not heavy or not is_foreign(observed.current, observed.base, record):
        return []
    who = "this container was not created by dockyard.fleet or Compose"
    if observed.base is None and _labelled(observed.current):
        who = "its image is gone, so it is unknown whether its labels are its own"
    return [f"{heavy[0].cause}: {who}; {_permit(observed, observed.current)}"]


def _labelled(container: Inspect) -> bool:
    labels = dig(container, "Config.Labels") or {}
    return OWNER_LABEL in labels or from_compose(labels)


def _permit(observed: Observed, container: Inspect) -> str:
    """Say what permits to replace or remove a foreign container; a renamed one says its name."""
    record = parse(own_labels_of(container, observed.base).get(OWNER_LABEL))
    renamed = re.fullmatch(r"container/([\w.-]+)", record.get("address", ""))
    former = f"moved_from: {renamed.group(1)} if that was its name, or " if renamed else ""
    return f"set {former}adopt: true to replace or remove it"
