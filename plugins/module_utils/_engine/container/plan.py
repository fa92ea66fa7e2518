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
from ..._desired.planned import REMOVAL
from ..._desired.schema import check_supported, for_kind
from ..._desired.steps import Causes, Chain, Change, Step
from ..._desired.values import Unknown, dig
from ..image.pull import plan_pull
from ..values.labels import from_compose
from . import replacement
from .checks import before_creation, before_removal, check_addresses, check_waiting
from .compare import changes_of, context_of, pull_policy
from .desired import Desired
from .fields import FIELDS
from .fields.mounts import anonymous
from .fields.process import OWNER_LABEL
from .inspected import Inspect, bare_name, is_foreign, own_labels_of, record_of, runs
from .observed import Found
from .state import healthy, is_paused, is_settled

RESTART = "force_restart: true"


def steps_of(desired: Desired, found: Found) -> List[Step]:
    """Return the steps, recovery of an interrupted replacement first."""
    chain = Chain(desired.address)
    if found.current is None and "container" in found.unknown:
        _later(chain, desired)
        return chain.steps
    if desired.moved_from:
        from .rename import move

        found = move(chain, desired, found)
    recovered = replacement.recover(chain, desired, found)
    found = recovered.found
    if desired.state == "absent":
        _removal(chain, desired, found, recovered.remove_after)
        return chain.steps
    if desired.reference and "image" not in found.unknown and not found.settled:
        pull(chain, desired, found)
    old = recovered.remove_after
    if old is not None and _calls_for_another(desired, found):
        # Only one container can stand aside: this replacement ends before the next one begins.
        if healthy(found.current or {}, desired.wait) and not found.dependents:
            replacement.forward(chain, desired, found, old)
            found = replace(found, dependents=found.next_dependents)
        else:
            found = replacement.undo(
                chain, desired, replace(found, old=old), replacement.INTERRUPTED
            )
        old = None
    if found.current is None:
        _creation(chain, desired, found)
    else:
        _alteration(chain, desired, found)
        if old is not None:
            replacement.forward(chain, desired, found, old)
    return chain.steps


def _later(chain: Chain, desired: Desired) -> None:
    """Add what there may be to do to a container that an earlier task of this check would make."""
    if desired.state == "absent":
        chain.add("stop", REMOVAL, "replace", maybe=True, on=desired.name)
        chain.add("remove", REMOVAL, "replace", maybe=True, on=desired.name)
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


def _calls_for_another(desired: Desired, found: Found) -> bool:
    """Tell whether the current container is to be replaced (again)."""
    heavy = any(change.impact == "replace" for change in changes_of(desired, found))
    always = desired.recreate == "always" and bool(desired.reference)
    return always or (heavy and desired.recreate != "never")


def refusals(desired: Desired, found: Found, steps: Sequence[Step]) -> List[str]:
    """Return why the steps may not be made; raise InvalidOption for a wish that cannot work."""
    if any(step.verb in ("create", "connect", "start") for step in steps):
        check_addresses(desired, found)
    check_waiting(desired, found, steps)
    made = before_creation(desired, found, steps) + before_removal(desired, found)
    return _gone_refusals(desired, found) + made + _foreign_refusals(desired, found, steps)


def _gone_refusals(desired: Desired, found: Found) -> List[str]:
    status = dig(found.current, "State.Status")
    if status not in ("dead", "removing") or desired.state == "absent":
        return []
    text = "the engine is removing it, or could not; run again, or remove it by state: absent"
    return [f"it is {status}: {text}"]


def remarks(desired: Desired, found: Found, steps: Sequence[Step]) -> Tuple[str, ...]:
    """Return what a user should know of the steps beside their causes."""
    return (*_awaited(desired, found, steps), *_renamed(desired, found, steps))


def _renamed(desired: Desired, found: Found, steps: Sequence[Step]) -> List[str]:
    """Say which other container was made by this name: somebody may have renamed it."""
    new = any(step.verb == "create" and step.args["on"] == desired.name for step in steps)
    notes = []
    for one in found.others if new and not desired.moved_from else ():
        record = parse((one.get("Labels") or {}).get(OWNER_LABEL))
        if record.get("address") == desired.address:
            name = str((one.get("Names") or ["?"])[0]).lstrip("/")
            does = "runs" if one.get("State") == "running" else "is there"
            text = f"{name}, which {does}, was made as {desired.name}; if somebody renamed it, "
            notes.append(f"{text}moved_from: {name} takes it up instead of another one")
    return notes


def _awaited(desired: Desired, found: Found, steps: Sequence[Step]) -> Tuple[str, ...]:
    """Say why there is something to wait for, where nothing else is done."""
    current = found.current or {}
    if not any(step.cause == _awaiting(desired) for step in steps):
        return ()
    restarting = dig(current, "State.Restarting")
    health = dig(current, "State.Health.Status") if desired.wait == "healthy" else None
    return (f"{desired.name} is {'restarting' if restarting else health or 'not up'}",)


def _awaiting(desired: Desired) -> str:
    return f"wait: {desired.wait}"


def pull(chain: Chain, desired: Desired, found: Found) -> None:
    """Add the pull of the image, if the task's policy asks for one."""
    if "engine" in found.unknown:
        return
    policy, platform = pull_policy(desired, found), desired.platform
    step = plan_pull(desired.reference, policy, found.image, found.remote, platform=platform)
    if step is not None:
        chain.add(step.verb, step.cause, address=step.address, maybe=step.maybe, args=step.args)


def _creation(chain: Chain, desired: Desired, found: Found) -> None:
    if not desired.reference:
        raise InvalidOption(
            "is required: there is no container of this name", option="image", hint="name one"
        )
    base = dig(found.image, "Config") or {}
    check_supported(for_kind(FIELDS, found.kind), context_of(desired, found, base))
    cause = Causes(filter(None, ("not there", found.unknown.get("engine"))))
    chain.add("create", cause, on=desired.name)
    for network in later_networks(desired, found.api):
        chain.add("connect", cause, on=desired.name, to=network)
    if replacement.will_run(desired, False):
        _start(chain, desired, cause)
    if desired.state == "paused":
        chain.add("pause", cause, on=desired.name)


def later_networks(desired: Desired, api: Tuple[int, int]) -> Tuple[str, ...]:
    """Return the networks that a create body cannot hold: before API 1.44 all but the first."""
    names = tuple(desired.declared.get("networks", ()))
    return names[1:] if api < (1, 44) else ()


def _start(chain: Chain, desired: Desired, cause: str, ident: str = "") -> None:
    args = {"on": desired.name, **({"id": ident} if ident else {})}
    chain.add("start", cause, args=args)
    _wait(chain, desired, cause, args)


def _alteration(chain: Chain, desired: Desired, found: Found) -> None:
    current = found.current or {}
    changes = changes_of(desired, found)
    if not _calls_for_another(desired, found):
        _lighter(chain, desired, current, changes)
        return
    known = [change for change in changes if not isinstance(change.after, Unknown)]
    words = [change.words() for change in changes] or ["recreate: always"]
    sure = desired.recreate == "always" or "image" in found.unknown
    maybe = not sure and not any(change.impact == "replace" for change in known)
    networks = later_networks(desired, found.api)
    others = found.dependents if desired.dependents == "replace" else ()
    replacement.swap(
        chain, desired, current, Causes(words), tuple(changes), networks, maybe, others
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
    if desired.state in ("started", "paused") and not running:
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


def _wait(chain: Chain, desired: Desired, cause: str, args: Mapping[str, str]) -> None:
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
        cause = Causes(change.words() for change in updates)
        chain.add("update", cause, "live", updates, on=desired.name, id=ident)
    networks = [change for change in changes if change.field not in limits]
    if networks:
        from .networks import add_steps

        add_steps(chain, desired, ident, networks)


def _removal(chain: Chain, desired: Desired, found: Found, extra: Optional[Inspect]) -> None:
    cause = REMOVAL
    impact = "destroy" if desired.remove_volumes else "replace"
    for container in (found.current, extra, found.old):
        if container is not None:
            if runs(container):
                chain.add(
                    "stop", cause, "replace", on=bare_name(container), id=str(container["Id"])
                )
            _remove(chain, container, cause, impact)
    record = record_of(found.current, found.base, desired.names)
    keep = _volumes_of_others(found)
    # The record of a container says only which of those that it has were carried over.
    has = {name for _target, name in anonymous(found.current or {})}
    for volume in record.get("carried", ()) if desired.remove_volumes else ():
        if volume in has and volume not in keep:
            chain.add("remove_volume", cause, "destroy", on=volume)


def _volumes_of_others(found: Found) -> FrozenSet[str]:
    """Return the volumes that other containers use, such as by volumes_from: they stay."""
    own = {str(one["Id"]) for one in (found.current, found.fresh, found.old) if one is not None}
    others = (one for one in found.others if one["Id"] not in own)
    mounts = (mount for one in others for mount in one.get("Mounts") or ())
    return frozenset(str(one.get("Name")) for one in mounts if isinstance(one, dict))


def _remove(chain: Chain, container: Inspect, cause: str, impact: str) -> None:
    chain.add("remove", cause, impact, on=bare_name(container), id=str(container["Id"]))


def _foreign_refusals(desired: Desired, found: Found, steps: Sequence[Step]) -> List[str]:
    if found.current is None or desired.adopt:
        return []
    record = record_of(found.current, found.base, desired.names)
    heavy = [step for step in steps if step.impact in ("replace", "destroy")]
    if not heavy or not is_foreign(found.current, found.base, record):
        return []
    who = "nobody here made this container"
    if found.base is None and _labelled(found.current):
        who = "its image is gone, so nothing tells whether its labels are its own"
    return [f"{heavy[0].cause}: {who}; {_permit(found, found.current)}"]


def _labelled(container: Inspect) -> bool:
    labels = dig(container, "Config.Labels") or {}
    return OWNER_LABEL in labels or from_compose(labels)


def _permit(found: Found, container: Inspect) -> str:
    """Say what permits to replace or remove a foreign container; a renamed one says its name."""
    record = parse(own_labels_of(container, found.base).get(OWNER_LABEL))
    renamed = re.fullmatch(r"container/([\w.-]+)", record.get("address", ""))
    former = f"moved_from: {renamed.group(1)}, if that was its name, or " if renamed else ""
    return f"{former}adopt: true permits it"
