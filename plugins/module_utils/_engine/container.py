# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container: declared against observed, and the steps between them. Nothing here mutates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from .._desired.diff import Scope, diff
from .._desired.errors import InvalidOption
from .._desired.model import Chain, Change, Context, Plan, Step
from .._desired.owned import fingerprint
from .._desired.spec import check_supported, for_kind, observed
from .._desired.values import MASK, Unknown, dig
from . import swap
from .container_checks import before_creation
from .container_fields import FIELDS
from .container_fields.process import secret_keys, split_env
from .container_found import Found, Inspect, is_foreign, record_of, require_references
from .container_found import observe as look
from .container_found import unreachable, with_others
from .container_verbs import VERBS
from .container_wish import Wish, spec, wish
from .image_pull import plan_pull


class Container:
    """The resource `container` (see `_desired.run.Resource`)."""

    name = "container"
    verbs = VERBS
    reveals = ("pull",)

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Wish:
        """Return the declared container; raise InvalidOption for what cannot be right."""
        return wish(params)

    def observe(
        self, client: Any, desired: Wish, pending: Mapping[str, str], settled: bool
    ) -> Found:
        """Take a snapshot; look at all other containers only if one is to be created."""
        if client is None:
            return unreachable(desired, pending)
        found = look(client, desired, pending, settled)
        creates = any(step.verb == "create" for step in self._steps(desired, found))
        return with_others(client, found) if creates else found

    def plan(self, desired: Wish, found: Found) -> Plan:
        """Return the steps from the snapshot to the declared state, recovery first."""
        require_references(desired, found)
        steps = self._steps(desired, found)
        refused = before_creation(desired, found, steps)
        refused += _foreign_refusals(desired, found, steps)
        notes = _notes(desired, found)
        return Plan(tuple(steps), notes, refused=tuple(refused), fingerprint=_mark(found))

    def recover(self, desired: Wish, found: Found, begun: List[Step]) -> Plan:
        """Return the way back after a failure: the old one, or nothing, as it was before."""
        chain = Chain(desired.address)
        if found.fresh is not None or found.old is not None:
            swap.recover(chain, desired, found, failed=True)
        elif found.current is not None:
            _undo_first(chain, desired, found.current, frozenset(step.verb for step in begun))
        return Plan(tuple(chain.steps))

    def present(self, found: Found) -> Optional[Dict[str, Any]]:
        """Return the container as the engine describes it, secret values masked."""
        if found.current is None:
            return None
        return masked(found.current, record_of(found.current, found.base, _bare(found.current)))

    def _steps(self, desired: Wish, found: Found) -> List[Step]:
        chain = Chain(desired.address)
        recovered = swap.recover(chain, desired, found)
        found = recovered.found
        if desired.state == "absent":
            _removal(chain, desired, found, recovered.remove_after)
            return chain.steps
        if desired.reference and "image" not in found.unknown and not found.settled:
            _pull(chain, desired, found)
        if found.current is None:
            _creation(chain, desired, found)
        else:
            _alteration(chain, desired, found)
        if recovered.remove_after is not None:
            _remove(chain, recovered.remove_after, swap.INTERRUPTED, "none")
        return chain.steps


def masked(container: Inspect, record: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an inspected container with the values of its secret environment masked."""
    hidden = set(record.get("secret", ()))
    env = split_env(dig(container, "Config.Env"))
    shown = [
        f"{key}={MASK}" if key in hidden else key if value is None else f"{key}={value}"
        for key, value in env.items()
    ]
    return {**container, "Config": {**container["Config"], "Env": shown}}


def context_of(desired: Wish, found: Found, base: Mapping[str, Any]) -> Context:
    """Return what the rows may look at: declared values with references resolved, the base."""
    declared = dict(desired.declared)
    mode = str(declared.get("network_mode") or "")
    peer = mode.partition("container:")[2]
    if peer in found.peers:
        declared["network_mode"] = f"container:{found.peers[peer]}"
    record = record_of(found.current, found.base, desired.name)
    return Context(declared, base, record, found.api, found.kind)


def changes_of(desired: Wish, found: Found) -> List[Change]:
    """Return what differs between the current container and the declared one."""
    if found.current is None or not desired.reference:
        return []
    context = context_of(desired, found, found.base or {})
    declared = {**context.declared, "image": _image_id(desired, found)}
    context = replace(context, declared=declared)
    fields = for_kind(FIELDS, found.kind)
    check_supported(fields, context)
    full = found.base is not None and not is_foreign(found.current, context.record)
    private = {"environment": frozenset(secret_keys(context))}
    scope = Scope(full, desired.ignore, private)
    return diff(fields, context, observed(fields, found.current, context), scope)


def _image_id(desired: Wish, found: Found) -> Any:
    if "image" in found.unknown:
        return Unknown(found.unknown["image"])
    if found.image is not None and (found.settled or not _will_pull(desired, found)):
        return found.image["Id"]
    return Unknown(f"{desired.reference} will be pulled")


def _will_pull(desired: Wish, found: Found) -> bool:
    return bool(plan_pull(desired.reference, desired.pull_policy, found.image, found.remote))


def _pull(chain: Chain, desired: Wish, found: Found) -> None:
    if "engine" in found.unknown:
        return
    step = plan_pull(desired.reference, desired.pull_policy, found.image, found.remote)
    if step is not None:
        chain.add(step.verb, step.cause, address=step.address, maybe=step.maybe, **step.args)


def _creation(chain: Chain, desired: Wish, found: Found) -> None:
    if not desired.reference:
        raise InvalidOption(
            "is required: there is no container of this name", option="image", hint="name one"
        )
    base = dig(found.image, "Config") or {}
    check_supported(for_kind(FIELDS, found.kind), context_of(desired, found, base))
    cause = f"not there; {found.unknown['engine']}" if "engine" in found.unknown else "not there"
    chain.add("create", cause, on=desired.name)
    for network in later_networks(desired, found.api):
        chain.add("connect", cause, on=desired.name, to=network)
    if desired.state == "started":
        _start(chain, desired, cause)


def later_networks(desired: Wish, api: Tuple[int, int]) -> Tuple[str, ...]:
    """Return the networks that a create body cannot hold: before API 1.44 all but the first."""
    names = tuple(desired.declared.get("networks", ()))
    return names[1:] if api < (1, 44) else ()


def _start(chain: Chain, desired: Wish, cause: str) -> None:
    chain.add("start", cause, on=desired.name)
    if desired.wait != "none":
        chain.add("wait", cause, on=desired.name)


def _alteration(chain: Chain, desired: Wish, found: Found) -> None:
    current = found.current or {}
    changes = changes_of(desired, found)
    heavy = [change for change in changes if change.impact == "replace"]
    if desired.recreate == "never":
        changes = [change for change in changes if change.impact != "replace"]
    elif heavy or (desired.recreate == "always" and desired.reference):
        words = [change.words() for change in changes] or ["recreate: always"]
        maybe = bool(changes) and all(isinstance(change.after, Unknown) for change in changes)
        maybe = maybe and "image" not in found.unknown
        networks = later_networks(desired, found.api)
        swap.swap(chain, desired, current, "; ".join(words), tuple(changes), networks, maybe)
        return
    _live(chain, desired, current, changes)
    running = swap.runs(current)
    if desired.state == "started" and not running:
        _start(chain, desired, f"state: {dig(current, 'State.Status')} → started")
    elif desired.state == "stopped" and running:
        ident = str(current["Id"])
        chain.add("stop", "state: running → stopped", "restart", on=desired.name, id=ident)


def _live(chain: Chain, desired: Wish, current: Inspect, changes: List[Change]) -> None:
    """Add what the engine can change while the container runs: limits together, networks singly."""
    ident = str(current["Id"])
    limits = {row.name for row in FIELDS if row.live == "update"}
    updates = tuple(change for change in changes if change.field in limits)
    if updates:
        cause = "; ".join(change.words() for change in updates)
        chain.add("update", cause, "live", updates, on=desired.name, id=ident)
    networks = [change for change in changes if change not in updates]
    # Joining before leaving, so that the container is never without a network.
    for change in sorted(networks, key=lambda c: c.before is not None):
        args = {"on": desired.name, "id": ident, "to": change.key}
        if change.before is not None:
            chain.add("disconnect", change.words(), "live", (change,), **args)
        if change.after is not None:
            chain.add("connect", change.words(), "live", (change,), **args)


def _removal(chain: Chain, desired: Wish, found: Found, extra: Optional[Inspect]) -> None:
    cause = "state: absent"
    impact = "destroy" if desired.remove_volumes else "replace"
    for container in (found.current, extra, found.old):
        if container is not None:
            if swap.runs(container):
                chain.add("stop", cause, "replace", on=_bare(container), id=str(container["Id"]))
            _remove(chain, container, cause, impact)
    record = record_of(found.current, found.base, desired.name)
    for volume in record.get("carried", ()) if desired.remove_volumes else ():
        chain.add("remove_volume", cause, "destroy", on=volume)


def _remove(chain: Chain, container: Inspect, cause: str, impact: str) -> None:
    chain.add("remove", cause, impact, on=_bare(container), id=str(container["Id"]))


def _undo_first(chain: Chain, desired: Wish, current: Inspect, verbs: FrozenSet[str]) -> None:
    """Undo a creation or a start that failed: what was not there goes, what stood still stops."""
    cause, ident = "it did not come up", str(current["Id"])
    if swap.runs(current) and verbs & {"create", "start"}:
        chain.add("stop", cause, on=desired.name, id=ident)
    if "create" in verbs:
        chain.add("remove", cause, on=desired.name, id=ident)


def _foreign_refusals(desired: Wish, found: Found, steps: List[Step]) -> List[str]:
    if found.current is None or desired.adopt:
        return []
    record = record_of(found.current, found.base, desired.name)
    heavy = [step for step in steps if step.impact in ("replace", "destroy")]
    if not heavy or not is_foreign(found.current, record):
        return []
    return [f"{heavy[0].cause}: nobody here made this container; adopt: true permits it"]


def _notes(desired: Wish, found: Found) -> Tuple[str, ...]:
    notes = [f"{what}: {cause}" for what, cause in found.unknown.items()]
    if desired.recreate == "never":
        heavy = [c.words() for c in changes_of(desired, found) if c.impact == "replace"]
        notes += [f"recreate: never leaves {words}" for words in heavy]
    return tuple(notes)


def _mark(found: Found) -> str:
    """Digest what the plan rests on; a container's settings cannot change without its id or
    its host configuration changing."""
    parts = [dig(found.image, "Id")]
    for one in (found.current, found.fresh, found.old):
        parts += [dig(one, "Id"), dig(one, "Name"), dig(one, "State.Running")]
        parts += [dig(one, "HostConfig"), sorted(dig(one, "NetworkSettings.Networks") or ())]
    return fingerprint(parts)


def _bare(container: Inspect) -> str:
    return str(container["Name"]).lstrip("/")


CONTAINER = Container()
