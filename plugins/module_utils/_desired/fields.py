# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a field table, and what they may look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, Iterable, Mapping, Optional, Tuple

from .values import show


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

    `quiet` are values that servers show for a field that was never set, the usual default first
    (their configuration may choose another). A field that is not in the record counts as unset
    whatever the server shows; without a record, one that shows one of these values does.
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
class Scope:
    """How far a comparison goes.

    `full`: an omitted field means its default; else only declared fields and keys are compared
    (a resource that is foreign). `managed`: field names that count as declared before;
    others that are omitted are left alone (None: every field counts). `ignore`: names left out.
    `private`: keys of map fields whose values must not be shown, by field name. `sealed`: the
    record is that of the creation, so what differs from it may be a live change of our own.
    """

    full: bool = True
    managed: Optional[FrozenSet[str]] = None
    ignore: FrozenSet[str] = frozenset()
    private: Mapping[str, FrozenSet[str]] = field(default_factory=dict)
    sealed: bool = False
