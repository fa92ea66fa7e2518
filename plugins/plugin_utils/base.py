# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front ends of both sides share: options checked on the controller, one clear result."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._desired.errors import FleetError, InvalidOption
from ..module_utils._desired.run import failure
from ..module_utils._desired.spec import check_known
from .pending import Pending
from .plain import plain


class Base(ActionBase):
    """An action plugin that keeps one `resource`; `module` is its full name as a module."""

    resource: Any = None
    module = ""
    # What options are called elsewhere, and what here (former.py).
    former: Mapping[str, str] = {}
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return the task's result; every failure of ours is one clear message."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        try:
            made = self.work(self._options(), task_vars or {})
        except FleetError as error:
            made = failure(error)
        result.update(made)
        return result

    def connection_options(self) -> Dict[str, Any]:
        """Return the argument spec of the connection."""
        raise NotImplementedError

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Do the task's work with its checked options; return what it came to."""
        raise NotImplementedError

    def host(self, task_vars: Mapping[str, Any]) -> str:
        """Return the name of the host where the work is done."""
        return str(self._task.delegate_to or task_vars.get("inventory_hostname", ""))

    def _options(self) -> Dict[str, Any]:
        """Return the task's options, checked and with defaults; values are never repeated."""
        given = plain(self._task.args)
        spec = {**self.connection_options(), **self.resource.spec()}
        check_known(given, spec, former=self.former)
        for name, entry in spec.items():
            value = given.get(name)
            secret = entry.get("no_log") and entry.get("type") == "dict" and value is not None
            if secret and not isinstance(value, Mapping):
                # core's own message would repeat the value
                raise InvalidOption("takes a mapping of names to values", option=name)
        checked = ArgumentSpecValidator(spec).validate(given)
        if checked.error_messages:
            raise InvalidOption("; ".join(checked.error_messages))
        options: Dict[str, Any] = plain(checked.validated_parameters)
        # Aliases are left beside what they stand for, of which the module would warn.
        return {name: options[name] for name in spec if name in options}


def noted(result: Dict[str, Any], pending: Pending) -> Dict[str, Any]:
    """Return a result without what a check foresees, which is kept for later tasks.

    What was done for real is to come no more: single tasks of a run may be checks of their own.
    """
    foreseen = result.pop("_pending", None)
    if foreseen:
        pending.add(foreseen)
    elif foreseen is None and not result.get("failed"):
        steps = (result.get("plan") or {}).get("steps") or ()
        pending.drop({str(step["address"]) for step in steps})
    return result
