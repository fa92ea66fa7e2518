# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of a service: commands that run in its containers after a start, and before a stop.

Compose Specification, "post_start" and "pre_stop". What a container was made with stands in its
record: so a changed hook is seen, and a container that stops runs its own hooks, whatever its
service declares by then. Values of `environment` may be secrets, and are not in the record, nor
are words of a command that hold one: they come from the declaration.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..._desired.bounded_json import decode
from ..._desired.errors import Faults, InvalidOption
from ..._desired.option_defaults import defaults_of
from ..._desired.ownership import digest
from ..._desired.secrets import hide
from ..._desired.steps import Change
from ..._desired.values import MASK, canonical
from ..values.compose_words import HOOKS

# The key of a record under which hooks are, by their two words.
RECORDED = "hooks"
# Characters of the digest of all values of hooks: enough to notice that one has changed, too few
# to confirm what a secret was guessed to be.
_CHECK = 4
# From this length on, secret texts of the project are looked for in commands.
_LONG = 8


@dataclass(frozen=True, repr=False)
class Hook:
    """One command. `shown` are its words without secrets, `command` the words themselves, none if
    they are not known; `names` are the variables that it needs, `environment` those whose values
    are known."""

    command: Tuple[str, ...]
    shown: Tuple[str, ...]
    user: str = ""
    working_dir: str = ""
    privileged: bool = False
    names: Tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> List[str]:
        """The variables whose values nobody declares any more, and "command" if it is that."""
        result = [name for name in self.names if name not in self.environment]
        return result if self.command else ["command", *result]

    def plain(self) -> Dict[str, Any]:
        """Return it without secrets, as a record has it."""
        return {
            "command": list(self.shown),
            "user": self.user,
            "working_dir": self.working_dir,
            "privileged": self.privileged,
            "environment": list(self.names),
        }


# The hooks of one service by the two words.
Hooks = Mapping[str, Tuple[Hook, ...]]


@dataclass(frozen=True, repr=False)
class Declared:
    """The hooks of a whole project by service, and the secret texts that none may print."""

    by_service: Mapping[str, Hooks] = field(default_factory=dict)
    hidden: Tuple[str, ...] = ()


def hooks_of(
    services: Mapping[str, Mapping[str, Any]], hidden: Sequence[str] = ()
) -> Dict[str, Hooks]:
    """Return the hooks of each service that has any; raise InvalidOption for all that is wrong.

    `services` are in the loader's long form (plugin_utils/compose/service.py), `hidden` the secret
    texts of the project.
    """
    faults = Faults()
    result: Dict[str, Hooks] = {}
    for service, entry in services.items():
        hooks: Dict[str, Tuple[Hook, ...]] = {}
        for word in HOOKS:
            entries: List[Hook] = []
            for number, given in enumerate(entry.get(word) or ()):
                with faults:
                    entries.append(_parsed(given, f"services.{service}.{word}[{number}]", hidden))
            if entries:
                hooks[word] = tuple(entries)
        if hooks:
            result[service] = hooks
    faults.tell()
    return result


def _parsed(given: Mapping[str, Any], where: str, hidden: Sequence[str]) -> Hook:
    """Return a hook; raise InvalidOption, as the module exec does of such a command."""
    pairs = (given.get("environment") or {}).items()
    environment = {str(key): str(value) for key, value in pairs if value is not None}
    from ..exec.desired import desired_of as exec_of
    from ..exec.desired import spec as exec_spec

    params = {
        **defaults_of(exec_spec()),
        "container": "any",
        "command": given.get("command"),
        "user": given.get("user"),
        "working_dir": given.get("working_dir"),
        "privileged": bool(given.get("privileged")),
    }
    try:
        checked = exec_of(params)
    except InvalidOption as error:
        for part in error.parts:
            part.option = f"{where}.{part.option}"
        raise
    # Of short texts most are no secrets, and stand in many words.
    secrets = [*environment.values(), *(text for text in hidden if len(text) >= _LONG)]
    return Hook(
        checked.command,
        tuple(hide(entry, secrets) for entry in checked.command),
        checked.user,
        checked.working_dir,
        checked.privileged,
        tuple(sorted(environment)),
        environment,
    )


def recorded(hooks: Hooks) -> Dict[str, str]:
    """Return what the record of a container keeps of its hooks, each word's as one JSON text."""
    return {word: _text(some) for word, some in hooks.items()}


def _text(some: Sequence[Hook]) -> str:
    result: Dict[str, Any] = {"run": [hook.plain() for hook in some]}
    if any(_keeps(hook) for hook in some):
        salt = os.urandom(8).hex()
        result.update(salt=salt, values=_check(salt, some))
    return json.dumps(result, sort_keys=True, separators=(",", ":"))


def _keeps(hook: Hook) -> bool:
    """Tell whether there is something that a record may not have."""
    return bool(hook.names) or hook.shown != hook.command


def _check(salt: str, some: Sequence[Hook]) -> str:
    values = canonical([[dict(hook.environment), list(hook.command)] for hook in some])
    return digest(salt, "environment", values)[:_CHECK]


def read(text: str) -> Tuple[List[Hook], Mapping[str, Any]]:
    """Return the hooks of a word of a record, without values, and all that is written there.

    Anyone can write such a label: what is of another shape counts as no hook.
    """
    try:
        whole = decode(text)
        return [_read(entry) for entry in whole["run"]], whole
    except (ValueError, TypeError, KeyError, AttributeError):
        return [], {}


def _read(entry: Mapping[str, Any]) -> Hook:
    command, names = entry["command"], entry["environment"]
    texts = [*command, *names, entry["user"], entry["working_dir"]]
    lists = isinstance(command, list) and isinstance(names, list) and command
    if not lists or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a hook")
    return Hook(
        () if any(MASK in text for text in command) else tuple(command),
        tuple(command),
        entry["user"],
        entry["working_dir"],
        entry["privileged"] is True,
        tuple(names),
    )


def changes_of(hooks: Hooks, kept: Mapping[str, str]) -> List[Change]:
    """Return how declared hooks differ from those in the record of a container."""
    result: List[Change] = []
    for word in HOOKS:
        declared, text = hooks.get(word, ()), kept.get(word)
        if not declared and text is None:
            continue
        if not declared or text is None:
            words = "set → none" if text is not None else "none → set"
        elif _same(declared, text):
            continue
        else:
            words = "changed"
        result.append(Change(word, "", "", "", "replace", "declared", True, words))
    return result


def _same(declared: Sequence[Hook], text: str) -> bool:
    entries, whole = read(text)
    if [hook.plain() for hook in entries] != [hook.plain() for hook in declared]:
        return False
    salt = str(whole.get("salt", ""))
    kept = any(_keeps(hook) for hook in declared)
    return not kept or whole.get("values") == _check(salt, declared)


def of_container(
    record: Mapping[str, Any], declared: Optional[Hooks], word: str
) -> Tuple[Hook, ...]:
    """Return the hooks of a container: those that it was made with, where its record tells, else
    those of its service, which Compose has started it with.

    Values of variables, and words that are secret, are those of the declared hook at its place.
    """
    now = (declared or {}).get(word, ())
    if not record:
        return now
    entries, _whole = read((record.get(RECORDED) or {}).get(word, ""))
    return tuple(
        _filled(hook, now[number]) if number < len(now) else hook
        for number, hook in enumerate(entries)
    )


def _filled(hook: Hook, declared: Hook) -> Hook:
    same = not hook.command and hook.shown == declared.shown
    command = declared.command if same else hook.command
    values = {name: text for name, text in declared.environment.items() if name in hook.names}
    return replace(hook, command=command, environment=values)
