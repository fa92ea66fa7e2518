# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a volume that is there to the declared one, loaded only if there are any."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.planned import REMOVAL
from ..._desired.steps import Cause, Chain, Change, Step
from .desired import Desired
from .helpers import ANEW, RESTORE, helper_name
from .observed import Observed, is_foreign, record_of

INTERRUPTED = "an earlier restore was interrupted"


def steps_of(desired: Desired, observed: Observed, changes: Sequence[Change]) -> List[Step]:
    """Return the steps: the backup first, then what changes, then the restore."""
    chain = Chain(desired.address)
    if desired.backup and not observed.settled:
        _backup(chain, desired, observed)
    if desired.state == "absent":
        _remove(chain, desired, observed, REMOVAL)
        return chain.steps
    half_full = _half_full(desired, observed)
    words = [change.words() for change in changes]
    if observed.current is not None and not half_full and _is_other(desired, observed):
        words.append("restore: another archive")
    if not words and observed.current is None:
        words = ["not there"]
        if "engine" in observed.unknown:
            words.append(observed.unknown["engine"])
    cause = tuple(words)
    if words:
        _make(chain, desired, observed, cause, tuple(changes))
    if desired.restore:
        _restore(chain, desired, observed, cause or (INTERRUPTED if half_full else ""))
    return chain.steps


def plan_recovery(desired: Desired, observed: Observed) -> List[Step]:
    """Return the steps that remove a volume that this run has made for an archive, and in vain.

    The mark says that the archive is not in it; whose it is says the record.
    """
    chain = Chain(desired.address)
    marked = helper_name(ANEW, desired.name) in observed.helpers
    restored = record_of(observed.current or {"Name": ""}).get("restored")
    if marked and observed.archive and restored == observed.archive and not observed.users:
        _remove(chain, desired, observed, "the restore failed")
    return chain.steps


def _make(
    chain: Chain, desired: Desired, observed: Observed, cause: Cause, changes: Tuple[Change, ...]
) -> None:
    helper = {"on": helper_name(ANEW, desired.name)} if desired.restore else {}
    if observed.current is not None:
        _remove_helpers(chain, observed, cause)
        if helper:
            chain.add("mark_incomplete", cause, args=helper)
        chain.add("remove", cause, "destroy", on=desired.name)
    elif helper:
        chain.add("mark_incomplete", cause, args=helper)
    anew = observed.current is not None
    impact, effect = ("replace", "change") if anew else ("none", "create")
    chain.add("create", cause, impact, changes, effect=effect, on=desired.name)


def _half_full(desired: Desired, observed: Observed) -> bool:
    """Tell whether a restore was interrupted, so that the volume holds a part of an archive."""
    if observed.current is None:
        return False
    restored = record_of(observed.current).get("restored")
    result = helper_name(ANEW, desired.name) in observed.helpers and restored == observed.archive
    return result or helper_name(RESTORE, desired.name) in observed.helpers


def _is_other(desired: Desired, observed: Observed) -> bool:
    """Tell whether the data is to be replaced by that of an archive it did not come from."""
    record = record_of(observed.current or {"Name": ""})
    return bool(desired.restore and desired.destroys and record.get("restored") != observed.archive)


def _backup(chain: Chain, desired: Desired, observed: Observed) -> None:
    if observed.current is None and not observed.unknown:
        if desired.state == "absent":
            return
        raise InvalidOption(
            "there is nothing to back up: the volume does not exist",
            option="backup",
            hint="leave it out until there is one",
        )
    if observed.kind == "podman":
        raise InvalidOption(
            "podman does not report who owns the files, so all would be root's when restored",
            option="backup",
            hint="podman volume export on its host does, and restore accepts what it writes",
        )
    args = {"on": desired.name, "to": desired.backup}
    chain.add("backup", "backup, if the data is another", "none", maybe=True, args=args)


def _restore(chain: Chain, desired: Desired, observed: Observed, cause: Cause) -> None:
    args = {"on": desired.name}
    if cause:
        chain.add("restore", cause, args=args)
        return
    _remove_helpers(chain, observed, INTERRUPTED)
    if not observed.settled and not record_of(observed.current or {"Name": ""}).get("restored"):
        chain.add("restore_if_empty", "restore, if the volume is empty", maybe=True, args=args)


def _remove(chain: Chain, desired: Desired, observed: Observed, cause: Cause) -> None:
    _remove_helpers(chain, observed, cause)
    if observed.current is not None:
        chain.add("remove", cause, "destroy", effect="remove", on=desired.name)
    elif "volume" in observed.unknown:
        # An earlier task of this check would make it.
        chain.add("remove", cause, "destroy", maybe=True, effect="remove", on=desired.name)


def _remove_helpers(chain: Chain, observed: Observed, cause: Cause) -> None:
    for name, ident in observed.helpers.items():
        chain.add("remove_helper", cause, on=name, id=ident)


def refusals(desired: Desired, observed: Observed, steps: Tuple[Step, ...]) -> List[str]:
    """Return why the steps may not be made: what goes with its data is asked for by name."""
    causes = [step.cause for step in steps if step.verb == "remove"]
    if not causes:
        return []
    refused = []
    if not desired.destroys:
        refused.append(
            f"{causes[0]}: the data in the volume would be lost; set destroy: {desired.name} "
            "to allow it"
        )
    if observed.current is not None and is_foreign(observed.current) and not desired.adopt:
        refused.append(
            f"{causes[0]}: this volume was not created by dockyard.fleet or Compose; set "
            "adopt: true to replace or remove it"
        )
    if observed.users:
        refused.append(f"used by {', '.join(observed.users)}; remove the containers first")
    return refused
