# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the hooks of a container: as the module exec runs a command, one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

from ..._desired.errors import FleetError
from ..._desired.option_defaults import defaults_of
from ..._desired.steps import Step
from ..._desired.values import dig
from ..._desired.work import Verb, Work
from ..client.errors import EngineError
from ..container.ids import ref_of
from ..container.inspected import Inspect, record_of, runs
from ..container.observed import Observed as ContainerObserved
from ..container.state import is_paused
from ..container.target import Target
from ..values.compose_words import SERVICE
from .hooks import Hook, of_container

# Characters of a hook's last words in an error or a note.
_SHOWN = 600
# Characters from which on a value is masked in them: shorter ones stand in every number.
_SECRET = 4


def hooks_in(
    container: Inspect, name: str, desired: Any, observed: ContainerObserved, word: str
) -> Tuple[Hook, ...]:
    """Return the hooks of an inspected container that has, or had, a name; `desired` and
    `observed` are of the container that the plan is about."""
    service = str((dig(container, "Config.Labels") or {}).get(SERVICE))
    image = str(container.get("Image"))
    base = observed.bases.get(image)
    if base is None and dig(observed.image, "Id") == image:
        base = dig(observed.image, "Config") or {}
    record = record_of(container, base, (name,))
    return of_container(record, desired.hooks.by_service.get(service), word)


def post_start(work: Work, step: Step) -> None:
    """Run the hooks; raise FleetError for one that fails, or a container that ends meanwhile."""
    ref = ref_of(work, step)
    _run_all(work, step, work.client.get(f"/containers/{ref}/json"))


def pre_stop(work: Work, step: Step) -> Optional[bool]:
    """Run the hooks of a container that runs; one that fails is noted, and keeps nothing from
    being stopped."""
    try:
        container = work.client.get(f"/containers/{ref_of(work, step)}/json")
        if not runs(container):
            return False
        if is_paused(container):
            work.client.post(f"/containers/{container['Id']}/unpause")
        _run_all(work, step, container)
    except FleetError as error:
        if isinstance(error, EngineError) and not error.status:
            raise  # the engine is gone: the stop would not reach it either
        notes = work.shared.setdefault("report", {}).setdefault("notes", [])
        notes.append(f"{step.args['on']} is stopped all the same: {error}")
    return None


def _run_all(work: Work, step: Step, container: Inspect) -> None:
    name = step.address.partition("/")[2]
    hooks = hooks_in(container, name, work.desired, work.snapshot, step.verb)
    for number, hook in enumerate(hooks):
        if not hook.missing:
            _run(work, step, container, hook, f"{step.verb}[{number}]")


def _run(work: Work, step: Step, container: Inspect, hook: Hook, what: str) -> None:
    """Run one hook; raise FleetError with its exit code and its last words."""
    from ..exec.resource import Observed
    from ..exec.verbs import run

    ident, name = str(container["Id"]), step.address.partition("/")[2]
    limit = work.desired.wait_timeout * 1e-9
    work.tell(f"running {what}", limit)
    command = _command(hook, name, limit, work.desired.hooks.hidden)
    inner = Work(work.client, command, Observed(Target(name, ident, True)), {})
    try:
        run(inner, step)
    except FleetError as error:
        _check_running(work, ident, name, what)
        code = error.details.get("rc")
        told = f" exited with code {code}" if code else f": {command.masked(error.message)}"
        text, hint = what + told, (error.hint or "")[:_SHOWN] or None
        if isinstance(error, EngineError):
            error.message, error.address = text, step.address
            raise
        raise FleetError(text, address=step.address, hint=hint) from None


def _command(hook: Hook, name: str, limit: float, hidden: Tuple[str, ...]) -> Any:
    """Return a hook as the module exec has a command; all that it is given is kept secret."""
    from ..exec.desired import desired_of, spec

    params: Dict[str, Any] = {
        **defaults_of(spec()),
        "container": name,
        "command": list(hook.command),
        "secret_environment": dict(hook.environment) or None,
        "user": hook.user or None,
        "working_dir": hook.working_dir or None,
        "privileged": hook.privileged,
    }
    secrets = [*hook.environment.values(), *hidden]
    shown = tuple(text for text in secrets if len(text) >= _SECRET)
    return replace(desired_of(params), limit=limit, hidden=shown)


def _check_running(work: Work, ident: str, name: str, what: str) -> None:
    """Raise FleetError with the evidence if a container does not run, which is why a hook fails."""
    from ..container.diagnose import fault, how_it_ended

    container = work.client.get(f"/containers/{ident}/json")
    if not dig(container, "State.Running") or dig(container, "State.Restarting"):
        how = f"{how_it_ended(container)} before {what} was done"
        raise fault(work.client, container, replace(work.desired, name=name), how)


VERBS: Dict[str, Verb] = {"post_start": post_start, "pre_stop": pre_stop}
