# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a resource: what `run` needs of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from .plan import Plan

if TYPE_CHECKING:
    from .fields import FieldSpec
    from .planned import Pending
    from .steps import Step
    from .work import Verbs


class Resource:
    """A kind of thing that the engine keeps as declared; what most have in common is here.

    `name` is the resource's key in results, `server` the address of what keeps it (`engine`,
    `libvirt`), which an earlier task of the run may bring. `reveals` are verbs whose outcome tells
    whether `maybe` steps are needed, `looks` verbs that change nothing, such as a wait. What is
    not `exclusive` may run beside other writers; `lock_by` is the option by whose value a lock is
    taken, if not the whole server is to be locked. `private` are suboptions (`build.args`) whose
    values are not to be shown. `group` is what makes a Part of it, if it consists of others.

    `observe` and `survey` only read; `compare`, `plan` and `recover` are pure.
    """

    name: str
    server: str
    reveals: Tuple[str, ...] = ()
    looks: Tuple[str, ...] = ()
    exclusive = True
    lock_by = ""
    private: Tuple[str, ...] = ()
    group: Any = None

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        raise NotImplementedError

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        raise NotImplementedError

    def desired(self, params: Mapping[str, Any]) -> Any:
        """Return the declared state; raise InvalidOption for what cannot be right."""
        raise NotImplementedError

    def observe(self, client: Any, desired: Any, pending: Pending, settled: bool) -> Any:
        """Return what is there, as far as every plan needs it; without a client all is unknown.

        `pending` is what earlier tasks of a check would do. `settled`: what tells whether `maybe`
        steps are needed has been done, or the steps themselves have.
        """
        raise NotImplementedError

    def look(self, client: Any, desired: Any, pending: Pending, settled: bool) -> Tuple[Any, Any]:
        """Return what is there, and how it differs from what is declared."""
        observed = self.observe(client, desired, pending, settled)
        difference = self.compare(desired, observed)
        if client is not None:
            observed = self.survey(client, desired, observed, difference, pending)
        return observed, difference

    def compare(self, desired: Any, observed: Any) -> Any:
        """Return what differs, in a form of the resource's own; None if its plan tells alone."""
        return None

    def survey(
        self, client: Any, desired: Any, observed: Any, difference: Any, pending: Pending
    ) -> Any:
        """Return the observed state with what only a plan that has steps needs to know."""
        return observed

    def plan(self, desired: Any, observed: Any, difference: Any) -> Plan:
        """Return the steps to the declared state; what an earlier run left comes first."""
        raise NotImplementedError

    def recover(self, desired: Any, observed: Any, begun: List[Step]) -> Plan:
        """Return the way back after a failure, given the steps that were begun.

        Mostly there is nothing to go back to: what fails leaves all as it was, or to the next run.
        """
        return Plan()

    def present(self, observed: Any) -> Any:
        """Return what the result says of the resource, None if it is not there."""
        raise NotImplementedError

    def outcome(self, desired: Any, plan: Plan, before: Any, foreseen: bool) -> Dict[str, Any]:
        """Return what the result says beside the plan, given what was observed before it.

        `foreseen`: in check mode.
        """
        return {}

    def identity(self, observed: Any) -> Optional[str]:
        """Return the id of what has the name, "" for nothing; None if ids tell nothing."""
        return None

    def declares(self, desired: Any) -> Optional[Tuple[Iterable[FieldSpec], Mapping[str, Any]]]:
        """Return the rows and the declared values by field name that a plan names when the
        resource is made; None if it names none."""
        return None
