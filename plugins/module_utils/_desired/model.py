# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the desired-state engine as types: fields, changes, steps, plans."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from .values import show

# What a change costs, mildest first. `destroy` loses data.
IMPACTS = ("none", "live", "restart", "replace", "destroy")


def worst(impacts: List[str]) -> str:
    """Return the gravest of some impacts; `none` for an empty list."""
    return max(impacts, key=IMPACTS.index, default="none")


@dataclass(frozen=True, repr=False, eq=False)
class Context:
    """What the rows of a field table may look at besides their own value.

    `declared` holds the canonical values of this task by field name, `base` what the resource
    inherits (for a container: its image's configuration), `record` the ownership record (empty
    when there is none), `api` and `kind` the server's version and family, `extra` whatever one
    resource's rows need beyond that.
    """

    declared: Mapping[str, Any]
    base: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    api: Tuple[int, int] = (0, 0)
    kind: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False, eq=False)
class FieldSpec:
    """One row of a field table: all that the collection knows about one option.

    A dotted `name` (`healthcheck.interval`) is a key inside a dict option. Canonical values are
    what `parse` and `read` return: JSON-like, with None, (), and {} for "not set".

    name: the option; `at`: dotted path in the observed object; `option`: argument-spec entry
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

    `quiet` are values that servers show when nobody asked (their own defaults, which their
    configuration may change): a row that has some counts as unset if it was not declared, now or
    when the record was written, or if it shows one of them.
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
    only: Tuple[str, ...] = ()
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One field, before and after; a map field gives one change a key.

    Values that must not be shown are replaced by MASK when the change is made, so that a plan can
    be printed and saved as it is. `origin` tells why: the user edited the declaration (`declared`),
    took an entry out of it (`dropped`), somebody else edited the resource (`drift`), or there is
    no record to tell (`unknown`). `text` is the change in the row's own units.
    """

    field: str
    key: str
    before: Any
    after: Any
    impact: str
    origin: str = "unknown"
    secret: bool = False
    text: str = ""

    def words(self) -> str:
        """Say the change in one line: `environment.LOG: info → debug`."""
        where = f"{self.field}.{self.key}" if self.key else self.field
        drift = " (changed outside)" if self.origin == "drift" else ""
        return f"{where}: {self.text}{drift}"


@dataclass(frozen=True)
class Step:
    """One mutation with its cause.

    `args` holds ids and names only, never bodies or secrets: `on` is what the verb acts on, `to`
    its target. `needs` are ids of steps that must be done before. A `maybe` step may turn out to
    be needless once the steps before it are done.
    """

    id: str
    address: str
    verb: str
    cause: str
    impact: str = "none"
    changes: Tuple[Change, ...] = ()
    needs: Tuple[str, ...] = ()
    maybe: bool = False
    args: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> str:
        """Say what the step does: `rename web → web.old-0123456789ab`."""
        target = f" → {self.args['to']}" if "to" in self.args else ""
        text = f"{self.verb} {self.args.get('on', self.address)}{target}"
        return f"{text} (maybe)" if self.maybe else text

    def public(self) -> Dict[str, Any]:
        """Return the step as a JSON-able dict for results and saved plans."""
        return {
            "id": self.id,
            "address": self.address,
            "verb": self.verb,
            "cause": self.cause,
            "impact": self.impact,
            "maybe": self.maybe,
            "needs": list(self.needs),
            "args": dict(self.args),
        }


class Chain:
    """Builds the steps of one address, each needing the one before it."""

    def __init__(self, address: str, first: int = 1) -> None:
        self.address = address
        self.steps: List[Step] = []
        self._number = first

    def add(
        self,
        verb: str,
        cause: str,
        impact: str = "none",
        changes: Tuple[Change, ...] = (),
        maybe: bool = False,
        address: str = "",
        args: Optional[Mapping[str, str]] = None,
        **names: str,
    ) -> None:
        """Append a step; `args` and `names` are ids and names (`on`, `to`, `id`)."""
        needs = (self.steps[-1].id,) if self.steps else ()
        where = address or self.address
        number = str(self._number + len(self.steps))
        self.steps.append(
            Step(
                number, where, verb, cause, impact, changes, needs, maybe, {**(args or {}), **names}
            )
        )


@dataclass(frozen=True, repr=False, eq=False)
class Plan:
    """Ordered steps with their needs, and what else the user should know.

    `refused` holds sentences that forbid the whole plan; `pending` what waits for a restart;
    `fingerprint` is a digest of the observed values that were compared.
    """

    steps: Tuple[Step, ...] = ()
    notes: Tuple[str, ...] = ()
    pending: Tuple[str, ...] = ()
    refused: Tuple[str, ...] = ()
    fingerprint: str = ""

    def text(self) -> str:
        """Print the plan: an address a paragraph, its causes, then its steps in order."""
        lines: List[str] = []
        for address in dict.fromkeys(step.address for step in self.steps):
            lines += self._paragraph(address)
        lines += [f"refused: {reason}" for reason in self.refused]
        lines += [f"note: {note}" for note in self.notes]
        lines += [f"pending: {what}" for what in self.pending]
        return "\n".join(lines) + "\n" if lines else "nothing to do\n"

    def public(self) -> Dict[str, Any]:
        """Return the plan as a JSON-able dict for results and saved plans."""
        return {
            "steps": [step.public() for step in self.steps],
            "notes": list(self.notes),
            "pending": list(self.pending),
            "refused": list(self.refused),
            "fingerprint": self.fingerprint,
            "text": self.text(),
        }

    def _paragraph(self, address: str) -> List[str]:
        steps = [step for step in self.steps if step.address == address]
        lines = [address]
        for cause in dict.fromkeys(step.cause for step in steps):
            same = [step for step in steps if step.cause == cause]
            impact = worst([step.impact for step in same])
            changes = [change.words() for step in same for change in step.changes]
            lines += [f"  {part} [{impact}]" for part in _parts(cause, changes)]
            lines.append("    " + " · ".join(step.words() for step in same))
        return lines


def _parts(cause: str, changes: List[str]) -> List[str]:
    """Split a cause at "; ", but keep what a change says whole: its values may hold that too."""
    parts: List[str] = []
    while cause:
        whole = [said for said in changes if f"{cause}; ".startswith(f"{said}; ")]
        parts.append(max(whole, key=len) if whole else cause.partition("; ")[0])
        cause = cause[len(parts[-1]) + 2 :]
    return parts
