# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a container so that it cannot be lost, and going on after an interruption.

The old one can never be labelled, so the label of the new one says what it replaces, and keeps the
old one's restart policy and run state. Whatever step was the last, the names and that label tell
the next run (or this one, after a failure) what to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from ..._desired.steps import Cause, Chain, Change, Step
from ..._desired.values import dig
from . import dependents
from .dependent import Dependent
from .desired import Desired
from .fields.limits import read_restart, restart_of, restart_text
from .inspected import Inspect, aside_name, bare_name, record_of, runs, temporary_name
from .observed import Observed
from .state import healthy, is_paused

INTERRUPTED = "an earlier replacement was interrupted"
FAILED = "the replacement did not come up"
# A new container that has to go takes the anonymous volumes along that were made with it; those
# it took over are mounted by name, and the engine keeps them.
OWN = "own"


def may_run(container: Inspect) -> bool:
    """Tell whether a container runs, or may at any moment: Podman shows nothing of a restart to
    come."""
    begun = dig(container, "State.Status") != "created"
    return runs(container) or (begun and read_restart(container)[0] != "no")


def end(
    chain: Chain,
    observed: Observed,
    container: Inspect,
    cause: Cause,
    impact: str = "none",
    name: str = "",
) -> None:
    """Add the stop of a container that is to go, and that stays stopped.

    Docker restarts none that it was told to stop; Podman does, if it happens between two runs.
    """
    args = {"on": name or bare_name(container), "id": str(container["Id"])}
    if observed.kind == "podman" and read_restart(container)[0] != "no":
        chain.add("disable_restart", cause, impact, args=args)
    chain.add("stop", cause, impact, args=args)


def add_steps(
    chain: Chain,
    desired: Desired,
    old: Inspect,
    cause: Cause,
    changes: Tuple[Change, ...],
    networks: Tuple[str, ...] = (),
    maybe: bool = False,
    others: Tuple[Dependent, ...] = (),
) -> None:
    """Add the steps that replace `old`: the new one exists before the old one stops.

    `others` are the dependents that are replaced with it.
    `networks` are those that must be connected after creation (before API 1.44 all but the first).
    """
    ident, name = str(old["Id"]), desired.name
    temporary, aside = temporary_name(ident, name), aside_name(ident, name)

    def add(verb: str, **args: str) -> None:
        chain.add(verb, cause, "replace", changes if verb == "create" else (), maybe, args=args)

    ran = "paused" if is_paused(old) else str(runs(old)).lower()
    first = _starts_first(desired, old)
    order = {"order": "start-first"} if first else {}
    policy = restart_text(read_restart(old))
    add("create", on=temporary, replaces=ident, policy=policy, ran=ran, **order)
    for network in networks:
        add("connect", on=temporary, to=network)
    if first:
        _add_first(chain, desired, old, cause, maybe)
        return
    if read_restart(old)[0] != "no":
        # A restart of the engine would revive the old one beside the new one.
        add("disable_restart", on=name, id=ident)
    gone = runs(old) and bool(dig(old, "HostConfig.AutoRemove"))
    if runs(old):
        add("stop", on=name, id=ident)
    if gone:
        add("await_removal", on=name, id=ident)
    else:
        add("rename", on=name, to=aside, id=ident)
    # Before the start: the log driver takes the name at that moment.
    add("rename", on=temporary, to=name)
    for verb in _running(desired, old):
        add(verb, on=name)
    dependents.forward(chain, others, desired.wait != "none", maybe)
    dependents.clear(chain, others, maybe)
    # Last of all: as long as it is there, the next run knows that there is something to finish.
    if not gone:
        add("remove", on=aside, id=ident)


def _starts_first(desired: Desired, old: Inspect) -> bool:
    """Tell whether the new one is to be up before the old one stops."""
    up = runs(old) and not is_paused(old) and not dig(old, "HostConfig.AutoRemove")
    return desired.start_first and up and desired.state in ("started", "present")


def _add_first(chain: Chain, desired: Desired, old: Inspect, cause: Cause, maybe: bool) -> None:
    """Add the steps by which the new one, under its temporary name, takes over while both run."""
    ident, name = str(old["Id"]), desired.name
    temporary, aside = temporary_name(ident, name), aside_name(ident, name)

    def add(verb: str, **args: str) -> None:
        chain.add(verb, cause, "replace", (), maybe, args=args)

    add("start", on=temporary)
    if desired.wait != "none":
        add("wait", on=temporary)
    add("rename", on=name, to=aside, id=ident)
    add("rename", on=temporary, to=name)
    if read_restart(old)[0] != "no":
        add("disable_restart", on=aside, id=ident)
    add("stop", on=aside, id=ident)
    add("remove", on=aside, id=ident)


def _running(desired: Desired, old: Inspect) -> Iterator[str]:
    """Yield the verbs that have the new one run, and be paused, as is declared."""
    if will_run(desired, runs(old)):
        yield "start"
        if desired.wait != "none":
            yield "wait"
    if desired.state == "paused" or (desired.state == "present" and is_paused(old)):
        yield "pause"


def will_run(desired: Desired, ran: bool) -> bool:
    """Tell whether the container is to run, given whether it (or its predecessor) did."""
    return desired.state in ("started", "paused") or (desired.state == "present" and ran)


@dataclass(frozen=True)
class Recovered:
    """What recovery makes of a snapshot.

    `remove_after` is the replaced container, which has to go once the current one is proven to
    be up; until then `recover_old` can bring it back.
    """

    observed: Observed
    remove_after: Optional[Inspect] = None


def recover(chain: Chain, desired: Desired, observed: Observed, failed: bool = False) -> Recovered:
    """Add the steps that finish or undo an interrupted replacement; return what they lead to.

    `failed`: the replacement is known not to work, so the old one comes back.
    """
    cause = FAILED if failed else INTERRUPTED
    if observed.fresh is not None:
        return Recovered(_from_temporary(chain, desired, observed, cause))
    if observed.old is None:
        return Recovered(observed)
    if observed.current is None:
        aside = str(observed.old["Id"])
        chain.add("rename", cause, on=aside_name(aside, desired.name), to=desired.name, id=aside)
        return Recovered(replace(observed, current=_named(observed.old, desired), old=None))
    record = record_of(observed.current, observed.base, desired.names)
    replaces = record.get("replaces") or {}
    if replaces.get("id") != observed.old["Id"]:
        return Recovered(observed)
    verdict = healthy(observed.current, desired.wait)
    if dependents.some_went(observed):
        # All were up, and there is no way back any more: what is left is for the next run.
        return Recovered(observed if failed else replace(observed, old=None), observed.old)
    if not failed and (verdict is not False or not replaces.get("running")):
        return Recovered(replace(observed, old=None), remove_after=observed.old)
    return Recovered(recover_old(chain, desired, observed, cause))


def _from_temporary(chain: Chain, desired: Desired, observed: Observed, cause: Cause) -> Observed:
    """Keep the old one while the new one has only its temporary name."""
    fresh = observed.fresh or {}
    base = observed.bases.get(str(fresh.get("Image")))
    replaces = record_of(fresh, base, desired.names).get("replaces") or {}
    kept = observed.current or observed.old
    if kept is None:
        chain.add("rename", cause, on=bare_name(fresh), to=desired.name, id=str(fresh["Id"]))
        return replace(observed, current=_named(fresh, desired), fresh=None)
    others = observed.dependents
    if may_run(fresh):  # another run has taken the name from it while its own run started it
        end(chain, observed, fresh, cause)
    if kept["Id"] == replaces.get("id"):
        dependents.recover_names(chain, others, cause)
        kept = recover_state(chain, desired, kept, replaces, cause, others, str(fresh["Id"]))
        others = dependents.as_before(others)
    chain.add("remove", cause, on=bare_name(fresh), id=str(fresh["Id"]), volumes=OWN)
    return replace(observed, current=kept, fresh=None, old=None, dependents=others)


def recover_old(chain: Chain, desired: Desired, observed: Observed, cause: Cause) -> Observed:
    """Stop and rename the new one, and recover the old one."""
    new, old = observed.current or {}, observed.old or {}
    replaces = record_of(new, observed.base, desired.names).get("replaces") or {}
    temporary = temporary_name(str(old["Id"]), desired.name)
    others = observed.dependents
    dependents.recover_names(chain, others, cause)
    if may_run(new):
        end(chain, observed, new, cause, name=desired.name)
    # The new one goes last: its label says what is still to be restored.
    chain.add("rename", cause, on=desired.name, to=temporary, id=str(new["Id"]))
    kept = recover_state(chain, desired, old, replaces, cause, others, str(new["Id"]))
    chain.add("remove", cause, on=temporary, id=str(new["Id"]), volumes=OWN)
    return replace(observed, current=kept, old=None, dependents=dependents.as_before(others))


def forward(chain: Chain, desired: Desired, observed: Observed, old: Inspect) -> None:
    """Add the steps that end an interrupted replacement: the old one goes, if the new one is up.

    That it runs proves nothing yet: it may not have been healthy when the run was interrupted.
    """
    current = observed.current or {}
    waits = any(step.verb == "wait" for step in chain.steps)
    if not waits and desired.wait != "none" and runs(current) and will_run(desired, True):
        chain.add("wait", INTERRUPTED, on=desired.name, id=str(current["Id"]))
    record = record_of(current, observed.base, desired.names)
    if runs(old) and dig(record, "replaces.order") == "start-first":
        chain.add("stop", INTERRUPTED, "replace", on=bare_name(old), id=str(old["Id"]))
    others = observed.dependents
    if desired.dependents == "replace" or any(entry.new is not None for entry in others):
        dependents.forward(chain, others, desired.wait != "none", False)
        dependents.clear(chain, others, False)
    chain.add("remove", INTERRUPTED, on=bare_name(old), id=str(old["Id"]))


def recover_state(
    chain: Chain,
    desired: Desired,
    kept: Inspect,
    replaces: Mapping[str, Any],
    cause: Cause,
    others: Tuple[Dependent, ...],
    new: str,
) -> Inspect:
    """Give the old container and its dependents their names, policies and run states back.

    `replaces` is what the record of the new one, `new` by id, says of it.
    """
    ident, root_ran = str(kept["Id"]), runs(kept)
    args = {"on": desired.name, "id": ident, "of": new}
    if bare_name(kept) != desired.name:
        chain.add("rename", cause, args={**args, "on": bare_name(kept), "to": desired.name})
    policy = tuple(replaces.get("restart") or ("no", 0))
    if replaces.get("id") == ident and policy != read_restart(kept):
        chain.add("enable_restart", cause, args={**args, "policy": restart_text(policy)})
        kept = _with_policy(kept, policy)
    if replaces.get("id") == ident and replaces.get("running") and not root_ran:
        chain.add("start", cause, args=args)
        kept = started(kept)
        if replaces.get("paused"):
            chain.add("pause", cause, args=args)
            kept = {**kept, "State": {**kept["State"], "Paused": True, "Status": "paused"}}
    dependents.recover_runs(chain, others, root_ran, cause)
    return _named(kept, desired)


def replaced_by(step: Step) -> Dict[str, Any]:
    """Return what the record of a new container says of the old one, given its create step.

    That is how it was when the plan was made: another run may have held or stopped it since.
    """
    ran = step.args["ran"]
    policy = list(restart_of(step.args["policy"]))
    result = {"id": step.args["replaces"], "restart": policy, "running": ran != "false"}
    if "order" in step.args:
        result["order"] = step.args["order"]
    return {**result, "paused": True} if ran == "paused" else result


def _named(container: Inspect, desired: Desired) -> Inspect:
    return {**container, "Name": f"/{desired.name}"}


def started(container: Inspect) -> Inspect:
    """Return a container as it is once it runs: in its networks, too."""
    settings = container.get("NetworkSettings") or {}
    points = (settings.get("Networks") or {}).items()
    joined = {
        n: {**(p or {}), "EndpointID": (p or {}).get("EndpointID") or "new"} for n, p in points
    }
    return {
        **container,
        "State": {**container["State"], "Running": True, "Status": "running"},
        "NetworkSettings": {**settings, "Networks": joined},
    }


def _with_policy(container: Inspect, policy: Tuple[Any, ...]) -> Dict[str, Any]:
    restart = {"Name": policy[0], "MaximumRetryCount": policy[1]}
    return {**container, "HostConfig": {**container["HostConfig"], "RestartPolicy": restart}}
