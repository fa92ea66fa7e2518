# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a container that is there and the declared one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Tuple

from ..._desired.diff import diff
from ..._desired.fields import Context, Scope
from ..._desired.schema import check_supported, for_kind, observed_values
from ..._desired.values import Unknown
from .desired import Desired
from .fields import declared_subjects, rows, seen_subjects
from .fields.process import hidden_keys
from .inspected import Inspect, is_foreign, record_of
from .observed import Observed

if TYPE_CHECKING:
    from ..._desired.steps import Change


@dataclass(frozen=True)
class Difference:
    """What differs between a container and the declared one.

    `of` is the container that was compared: where recovery brings another one, that is compared
    anew. `replaces`: the declared one has to be another container.
    """

    of: Optional[Inspect]
    changes: Tuple[Change, ...] = ()
    replaces: bool = False


def compare(desired: Desired, observed: Observed) -> Difference:
    """Compare the current container with the declared one."""
    current = observed.current
    if current is None or desired.state == "absent" or not desired.reference:
        return Difference(current)
    changes = tuple(changes_of(desired, observed))
    heavy = any(change.impact == "replace" for change in changes)
    replaces = desired.recreate == "always" or (heavy and desired.recreate != "never")
    return Difference(current, changes, replaces)


def context_of(desired: Desired, observed: Observed, base: Mapping[str, Any]) -> Context:
    """Return what the rows may look at: declared values with references resolved, the base."""
    declared = desired.resolved(observed.peers)
    for option, cause in observed.lent.items():
        declared[option] = Unknown(cause)
    record = record_of(observed.current, observed.base, desired.names)
    return Context(declared, base, record, observed.api, observed.kind)


def changes_of(desired: Desired, observed: Observed) -> List[Change]:
    """Return what differs between the current container and the declared one."""
    if observed.current is None or not desired.reference:
        return []
    context = context_of(desired, observed, observed.base or {})
    declared = {**context.declared, "image": _image_id(desired, observed)}
    context = replace(context, declared=declared)
    full = observed.base is not None and not is_foreign(
        observed.current, observed.base, context.record
    )
    shown = _shown(observed.current, context)
    wanted = declared_subjects([*declared, *(context.record.get("digests", {}) if full else ())])
    seen = seen_subjects(shown, context.base) if full else []
    fields = for_kind(rows([*wanted, *seen]), observed.kind)
    check_supported(fields, context)
    private = {"environment": frozenset(hidden_keys(context))}
    scope = Scope(full, ignore=desired.ignore, private=private, sealed=True)
    changes = diff(fields, context, observed_values(fields, shown, context), scope)
    if changes:
        from .relevant import relevant

        changes = relevant(changes, desired, observed, context)
    return changes


def _shown(container: Inspect, context: Context) -> Inspect:
    """Return an inspected container in the terms of the field table, which are Docker's."""
    if context.kind != "podman":
        return container
    from .podman import as_docker

    return as_docker(container, context)


def _image_id(desired: Desired, observed: Observed) -> Any:
    if "image" in observed.unknown:
        return Unknown(observed.unknown["image"])
    if observed.image is not None and (observed.settled or not will_pull(desired, observed)):
        return observed.image["Id"]
    return Unknown(f"{desired.reference} will be pulled")


def pull_policy(desired: Desired, observed: Observed) -> str:
    """Return what the pull policy comes to: the registry was asked only if it is time to."""
    if not desired.pull_policy.startswith("every_"):
        return desired.pull_policy
    return "missing" if observed.remote is None else "always"


def will_pull(desired: Desired, observed: Observed) -> bool:
    """Tell whether the image has to be pulled first, by the task's pull policy."""
    platform = desired.platform
    policy = pull_policy(desired, observed)
    if observed.image is not None and policy != "always" and not platform:
        return False
    from ..image.pull import plan_pull

    return bool(
        plan_pull(desired.reference, policy, observed.image, observed.remote, platform=platform)
    )
