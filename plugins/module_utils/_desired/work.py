# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verb gets, and what a run is about. A no-op does not load this."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Tuple

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

# The mutations of a resource, by name.
Verbs = Mapping[str, Verb]


class Actor(Protocol):
    """What has verbs, such as a resource."""

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
