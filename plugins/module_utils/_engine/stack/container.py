# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of a service: one with files that are put into it before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ..._desired.fields import FieldSpec
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.steps import Step
from ..._desired.values import dig
from ..._desired.work import Verb, Work
from ..client.errors import EngineError
from ..container.compare import Difference
from ..container.dependents import LABEL as RECREATED
from ..container.desired import Desired
from ..container.ids import ref_of
from ..container.inspected import record_of
from ..container.observed import Observed
from ..container.resource import Container
from ..container.verbs import VERBS, create_checked, with_hint
from ..values.compose_words import HOOKS
from ..values.compose_words import SERVICE as SERVICE_LABEL
from . import hooks
from .files import File, changes_of, read_files, recorded, write
from .hooks import Declared, Hooks

_ROWS = (
    *(FieldSpec(option, compare="map") for option in ("configs", "secrets")),
    *(FieldSpec(word) for word in HOOKS),
)


@dataclass(frozen=True, repr=False, eq=False)
class ServiceDesired(Desired):
    """A container as its service declares it: `files` are its configs and secrets, by path,
    `hooks` those of the whole project. `restarts` are the causes of a restart that it is to have,
    which may turn out to be needless if `restarts_maybe`; `turns` are the addresses of containers
    that give up what it takes."""

    files: Mapping[str, File]
    hooks: Declared = field(default_factory=Declared)
    restarts: Tuple[str, ...] = ()
    restarts_maybe: bool = False
    turns: Tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The service that it is of, "" for one that is to go."""
        return self.marks.get(SERVICE_LABEL, "")

    @property
    def own_hooks(self) -> Hooks:
        """The hooks of its service."""
        return self.hooks.by_service.get(self.service, {})


@dataclass(frozen=True, repr=False, eq=False)
class ServiceObserved(Observed):
    """A container of a service as it is: `files` are digests of those that were read from it."""

    files: Mapping[str, str] = field(default_factory=dict)


class ServiceContainer(Container):
    """The resource of a service's container (see `_engine/container/resource.py`)."""

    same = ("restart", *HOOKS)

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The mutations by verb."""
        return _VERBS

    def observe(self, client: Any, desired: Any, pending: Pending, settled: bool) -> Observed:
        """Look at the container, and at those of its files of which no record tells."""
        observed = super().observe(client, desired, pending, settled)
        current = observed.current
        if client is None or current is None or not desired.files:
            return observed
        ours = bool(record_of(current, observed.base, desired.names))
        asked = {
            target: file
            for target, file in desired.files.items()
            if not ours or file.option == "secrets"
        }
        if not asked:
            return observed
        files = read_files(client, str(current["Id"]), asked, ours)
        return ServiceObserved(**vars(observed), files=files)

    def compare(self, desired: Any, observed: Observed) -> Difference:
        """Return what differs, files included."""
        difference = super().compare(desired, observed)
        current = observed.current
        if current is None or desired.state == "absent":
            return difference
        record = record_of(current, observed.base, desired.names)
        kept: Mapping[str, str] = record.get("files") or {}
        if RECREATED in (dig(current, "Config.Labels") or {}):
            kept = {}  # made again as a dependent, to which files are not copied
        files = changes_of(desired.files, kept, getattr(observed, "files", {}))
        mounted = {change.key for change in files}
        changes = tuple(
            change
            for change in difference.changes
            # Compose mounts what it has in a file, and the content is the same.
            if not _is_mount_of(change, desired, mounted)
        )
        # Compose's own hash is all that would tell of the hooks of a container that it has made.
        hooked = hooks.changes_of(desired.own_hooks, record.get(hooks.RECORDED) or {})
        changes = (*changes, *files, *(hooked if record else ()))
        replaces = any(change.impact == "replace" for change in changes)
        return replace(difference, changes=changes, replaces=replaces)

    def revert(self, desired: Any, observed: Observed, before: Observed, pace: Any) -> Plan:
        """Plan the way back from an update that is not to be."""
        from .hook_steps import with_hooks
        from .revert import revert

        return with_hooks(revert(desired, observed, before, pace), desired, observed)

    def plan(self, desired: Any, observed: Observed, difference: Difference) -> Plan:
        """Return the steps to the declared state, with the hooks that run before and after."""
        plan = super().plan(desired, observed, difference)
        if not plan.steps:
            return plan
        from .hook_steps import with_hooks
        from .restarts import with_causes

        return with_hooks(with_causes(plan, desired), desired, observed)

    def recover(self, desired: Any, observed: Observed, begun: List[Step]) -> Plan:
        """Plan the recovery after a failure, with the hooks of what is started again."""
        from .hook_steps import with_hooks_of_return

        return with_hooks_of_return(super().recover(desired, observed, begun), desired, observed)

    def declares(self, desired: Any) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names; of files, that they are there."""
        known, values = super().declares(desired)
        files: Dict[str, Dict[str, str]] = {}
        for target, file in desired.files.items():
            files.setdefault(file.option, {})[target] = "set"
        hooked = {
            word: "1 command" if len(some) == 1 else f"{len(some)} commands"
            for word, some in desired.own_hooks.items()
        }
        return (*known, *_ROWS), {**values, **files, **hooked}


def _is_mount_of(change: Any, desired: Any, changed: Any) -> bool:
    mounted_there = change.field == "volumes" and change.key in desired.files
    return mounted_there and change.after is None and change.key not in changed


def _create(work: Work, step: Step) -> None:
    """Create the container with its files; one without them goes again."""
    files: Mapping[str, File] = work.desired.files
    noted = {"files": recorded(files), hooks.RECORDED: hooks.recorded(work.desired.own_hooks)}
    create_checked(work, step, noted)
    if not files:
        return
    try:
        write(work.client, ref_of(work, step), files)
    except EngineError as error:
        error.address = work.desired.address
        if "read-only" in error.message or "read only" in error.message:
            options = " and ".join(sorted({file.option for file in files.values()}))
            error.hint = f"read_only keeps {options} out of it: leave one of them out"
        raise


def _post_start(work: Work, step: Step) -> Any:
    from .hook_verbs import post_start

    return post_start(work, step)


def _pre_stop(work: Work, step: Step) -> Any:
    from .hook_verbs import pre_stop

    return pre_stop(work, step)


_VERBS: Dict[str, Verb] = {
    **VERBS,
    "create": with_hint(_create),
    "post_start": _post_start,
    "pre_stop": _pre_stop,
}
SERVICE = ServiceContainer()
