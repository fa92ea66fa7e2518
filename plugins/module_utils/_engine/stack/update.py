# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of services in batches: `deploy.update_config` and `deploy.rollback_config`.

Compose Deploy Specification. A service without `update_config` has its replicas replaced at once.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Union

from ..._desired.errors import Faults, InvalidOption
from ..._desired.group import Needs
from ..._desired.part import Part
from ..._desired.rolling import Pace, Rolling
from ..._desired.values import parse_duration
from .replicas import by_service

_NANO = 1e-9
_ACTIONS = {
    "pause": "the update ends there",
    "continue": "the others go on",
    "rollback": "all go back",
}
Keyed = Mapping[str, Mapping[str, Any]]


def check_updates(services: Keyed) -> None:
    """Raise InvalidOption for all words of updates that cannot be right."""
    faults = Faults()
    for name, service in services.items():
        for option in ("update_config", "rollback_config"):
            given = (service.get("deploy") or {}).get(option)
            if given:
                where = f"services.{name}.deploy.{option}"
                with faults:
                    pace_of(given, where)
                if option == "rollback_config" and given.get("failure_action") == "rollback":
                    faults.errors.append(
                        InvalidOption(
                            "a rollback cannot be rolled back",
                            option=f"{where}.failure_action",
                            hint="use pause or continue",
                        )
                    )
    faults.tell()


def pace_of(given: Mapping[str, Any], where: str) -> Pace:
    """Return how an update goes on, in the words of Compose; raise InvalidOption."""
    parallelism = int(1 if given.get("parallelism") is None else given["parallelism"])
    if parallelism < 0:
        hint = "0 is for all at once"
        raise InvalidOption(f"{parallelism} is negative", option=f"{where}.parallelism", hint=hint)
    ratio = float(given.get("max_failure_ratio") or 0)
    if not 0 <= ratio <= 1:
        raise InvalidOption(
            f"{ratio:g} is not between 0 and 1", option=f"{where}.max_failure_ratio"
        )
    action = str(given.get("failure_action") or "pause")
    if action not in _ACTIONS:
        raise InvalidOption(
            f"'{action}' is not an action",
            option=f"{where}.failure_action",
            hint=", ".join(_ACTIONS),
        )
    return Pace(
        parallelism,
        _seconds(given, "delay", where),
        action,
        ratio,
        given.get("order") == "start-first",
        _seconds(given, "monitor", where),
    )


def _seconds(given: Mapping[str, Any], key: str, where: str) -> float:
    return (parse_duration(given.get(key), f"{where}.{key}") or 0) * _NANO


def rollings(services: Keyed, parts: Sequence[Part]) -> Dict[str, Rolling]:
    """Return by service how its containers are replaced, where that is done in batches.

    `parts` are planned; a service's containers are in the order of their numbers.
    """
    result: Dict[str, Rolling] = {}
    for name, members in by_service(parts).items():
        deploy = services.get(name, {}).get("deploy") or {}
        given = deploy.get("update_config")
        updated = [part for part in members if _is_updated(part)]
        if given and updated:
            where = f"services.{name}.deploy"
            pace = pace_of(given, f"{where}.update_config")
            rollback = pace_of(deploy.get("rollback_config") or {}, f"{where}.rollback_config")
            # What an interrupted update left is put in order first.
            updated.sort(key=_is_whole)
            begun = [part for part in updated if part.observed.old is not None]
            result[name] = Rolling(name, updated, pace, rollback, begun)
    return result


def _is_whole(part: Part) -> bool:
    left = (getattr(part.observed, "old", None), getattr(part.observed, "fresh", None))
    return left == (None, None)


def _is_updated(part: Part) -> bool:
    if part.desired.state == "stopped":
        return False
    return not _is_whole(part) or any(step.verb in ("stop", "restart") for step in part.plan.steps)


def sequence(
    services: Keyed, parts: Sequence[Part], needs: Needs
) -> List[Union[List[Part], Rolling]]:
    """Return the parts that have steps in the order in which they are done: those in one list
    together.

    Services are updated one after the other. What needs one comes after it, all else before.
    """
    rolling = rollings(services, parts)
    slow = {part.address for update in rolling.values() for part in update.parts}
    left = [part for part in parts if part.plan.steps and part.address not in slow]
    result: List[Union[List[Part], Rolling]] = []
    for update in rolling.values():
        behind = _behind(needs, {part.address for part in update.parts})
        now = [part for part in left if part.address not in behind]
        left = [part for part in left if part.address in behind]
        result += [now, update] if now else [update]
    return [*result, left] if left else result


def _behind(needs: Needs, addresses: Set[str]) -> Set[str]:
    """Return what needs some of these to be done before, directly or not."""
    result: Set[str] = set()
    newest = addresses
    while newest:
        newest = {
            address
            for address, before in needs.items()
            if address not in result and newest.intersection(at for at, _early in before)
        }
        result |= newest
    return result


def notes_of(rolling: Mapping[str, Rolling]) -> List[str]:
    """Say how services are updated."""
    return [_note(name, update) for name, update in rolling.items()]


def _note(name: str, update: Rolling) -> str:
    count, pace = len(update.parts), update.pace
    at_once = min(pace.parallelism or count, count)
    delay = f" with {pace.delay:g} s between" if pace.delay and at_once < count else ""
    ratio = f" more than {pace.ratio:.0%} do not" if pace.ratio else " one does not"
    if count == 1:
        return f"{name}: its container is replaced; if it does not come up, it goes back"
    return (
        f"{name}: {count} containers are replaced, {at_once} at a time{delay}; "
        f"if{ratio} come up, {_ACTIONS[pace.action]}"
    )
