# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a resource is to the engine of desired states: the shapes that `run` works with."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple

from .plan import Plan
from .planned import Pending
from .steps import Step


class Task(Protocol):
    """What both front ends (a module, an action plugin's task) say about the run."""

    check_mode: bool


class Desired(Protocol):
    """What every desired state carries beside its own fields."""

    address: str
    allow: Tuple[str, ...]
    protect: bool


class Work:
    """What a verb gets: the worker's client, the desired state, the snapshot, a shared notebook.

    In the notebook, `report` goes into the task's result, its `notes` into the plan; what can be
    closed is closed at the end. `tell(words, seconds)` says what is being done, without a secret,
    and how long that may take, for whoever watches a long run.
    """

    tell: Callable[..., None] = staticmethod(lambda _words, _limit=0: None)

    def __init__(self, client: Any, desired: Any, snapshot: Any, shared: Dict[str, Any]) -> None:
        self.client = client
        self.desired = desired
        self.snapshot = snapshot
        self.shared = shared

    def note(self, step: Step, **names: str) -> None:
        """Tell the way back that a step was begun, though it fails, and what it made."""
        self.shared.setdefault("notes", {}).setdefault(step.id, {}).update(names)


Verb = Callable[[Work, Step], Optional[bool]]


class Resource(Protocol):
    """A kind of thing that the engine keeps as declared.

    `name` is the resource's key in results, `server` the address of what keeps it (`engine`,
    `libvirt`), which an earlier task of the run may bring. `reveals` are verbs whose outcome tells
    whether `maybe` steps are needed. `observe` only reads; `plan` and `recover` are pure.
    `recover` plans the way back after a failure, given the steps that were begun.

    Six more are optional: `looks`, verbs that change nothing, such as a wait; `exclusive` False
    for what may run beside other writers, `outcome(desired, plan, before, foreseen)`, what the
    result says beside the plan, given the snapshot from before it (`foreseen` in check mode),
    `identity(snapshot)`, the id of what has the name, "" for nothing, `declares(desired)`, the rows
    and declared values by field name that a plan names when the resource is made, and `private`,
    suboptions (`build.args`) whose values are not to be shown.
    """

    name: str
    server: str
    verbs: Mapping[str, Verb]
    reveals: Tuple[str, ...]

    def desired(self, params: Mapping[str, Any]) -> Any: ...

    def observe(self, client: Any, desired: Any, pending: Pending, settled: bool) -> Any: ...

    def plan(self, desired: Any, snapshot: Any) -> Plan: ...

    def recover(self, desired: Any, snapshot: Any, begun: List[Step]) -> Plan: ...

    def present(self, snapshot: Any) -> Any: ...
