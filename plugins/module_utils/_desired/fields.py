# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the desired-state engine as types: fields and plans. What plans hold: steps.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

from .values import show

if TYPE_CHECKING:
    from .steps import Step


# The cause of a removal's steps. Later tasks of a check know by it what is gone then.
REMOVAL = "state: absent"


def will_go(pending: Mapping[str, str], address: str) -> bool:
    """Tell whether an earlier task of this check removes what has an address."""
    return pending.get(address, "").startswith(REMOVAL)


@dataclass(frozen=True, repr=False, eq=False)
class Context:
    """What the rows of a field table may look at besides their own value.

    `declared` holds the canonical values of this task by field name, `base` what the resource
    inherits (for a container: its image's configuration), `record` the ownership record (empty
    when there is none), `api` and `kind` the server's version and family, `extra` whatever one
    resource's rows need beyond that. `recorded` is what owned.as_recorded has found out already.
    """

    declared: Mapping[str, Any]
    base: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    api: Tuple[int, int] = (0, 0)
    kind: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    recorded: Dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, repr=False, eq=False)
class FieldSpec:
    """One row of a field table: all that the collection knows about one option.

    A dotted `name` (`healthcheck.interval`) is a key inside a dict option. Canonical values are
    what `parse` and `read` return: JSON-like, with None, (), and {} for "not set".

    name: the option; `at`: dotted path in the observed object, `beside` further ones that `read`
    looks at; `option`: argument-spec entry
    (None: not an option of its own); `compare`: exact, list, set, map or subset;
    `parse(value, key_path)` turns the user's value into the canonical one or raises InvalidOption;
    `read(observed, context)` takes the canonical value out of the observed object;
    `write(body, value, context)` puts it into a create body; `show(value)` prints it in plans;
    `default(context)` is the canonical value when nothing is declared; `change` and `unset` are
    the impacts of a new value and of going back to the default; `live` the verb when either is
    live; fields of one `group` travel together; `secret` rows are never shown or digested; a
    `guarded` row shows only what the task itself declares (`environment`: a value found on the
    host may be a secret); `since`: the API version that first honours the field, `until` the first
    that does not any more; `inner(value)` yields (key path, API version) of what inside a value
    needs a later one; `only`: the kinds of server that honour it; `overrides`: replacements of the
    above by kind of server.

    `quiet` are values that servers show when nobody asked, the usual default first (the server's
    configuration may choose another). What the record says that nobody asked for counts as unset,
    whatever it shows; without a record, what shows one of them does.
    """

    name: str
    at: str = ""
    option: Optional[Mapping[str, Any]] = None
    compare: str = "exact"
    parse: Optional[Callable[[Any, str], Any]] = None
    read: Optional[Callable[[Mapping[str, Any], Context], Any]] = None
    write: Optional[Callable[[Dict[str, Any], Any, Context], None]] = None
    show: Callable[[Any], str] = show
    default: Optional[Callable[[Context], Any]] = None
    change: str = "replace"
    unset: str = "replace"
    live: str = ""
    group: str = ""
    secret: bool = False
    guarded: bool = False
    since: Tuple[int, int] = (0, 0)
    until: Tuple[int, int] = (0, 0)
    inner: Optional[Callable[[Any], Iterable[Tuple[str, Tuple[int, int]]]]] = None
    quiet: Tuple[Any, ...] = ()
    beside: Tuple[str, ...] = ()
    only: Tuple[str, ...] = ()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, repr=False, eq=False)
class Plan:
    """Ordered steps with their needs, and what else the user should know.

    `refused` holds sentences that forbid the whole plan; `pending` what waits for a restart;
    `fingerprint` is a digest of the observed values that were compared. `declared` says in lines
    what is declared for a resource that is made, by address.
    """

    steps: Tuple[Step, ...] = ()
    notes: Tuple[str, ...] = ()
    pending: Tuple[str, ...] = ()
    refused: Tuple[str, ...] = ()
    fingerprint: str = ""
    declared: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)

    def text(self) -> str:
        """Print the plan: an address a paragraph, its causes, then its steps in order."""
        if not (self.steps or self.notes or self.pending or self.refused):
            return "nothing to do\n"
        from .steps import text

        return text(self)

    def public(self) -> Dict[str, Any]:
        """Return the plan as a JSON-able dict for results and saved plans."""
        return {
            "steps": [step.public() for step in self.steps],
            "notes": list(self.notes),
            "pending": list(self.pending),
            "refused": list(self.refused),
            "fingerprint": self.fingerprint,
            "declared": {address: list(lines) for address, lines in self.declared.items()},
            "text": self.text(),
        }
