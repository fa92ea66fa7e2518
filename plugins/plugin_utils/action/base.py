# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the front ends of both sides share: options checked on the controller, one clear result."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Dict, Iterator, Mapping, NoReturn, Optional, Set

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ...module_utils._desired.errors import Faults, FleetError, InvalidOption
from ...module_utils._desired.input_checks import check_known
from ...module_utils._desired.progress import Progress
from ...module_utils._desired.run import failure
from ..progress.of_task import prepare, progress_of
from ..values.number_spelling import check_spelling
from ..values.untag import plain
from .option_hints import answers
from .planned import Pending

prepare()

# In place of a required option that is missing, to see what is wrong with others.
_STAND_IN = "xx"
# Where the path of what is inside of an option begins.
_INDEX = re.compile(r"[.\[]")


class Base(ActionBase):
    """An action plugin that keeps one `resource`; `module` is its full name as a module."""

    resource: Any = None
    module = ""
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return the task's result; every failure of ours is one clear message."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        try:
            built = self.work(self._options(), task_vars or {})
        except FleetError as error:
            built = failure(error)
        result.update(with_nulls(built, plain(self._task.args), self.resource.spec()))
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

    def progress(self, ends: contextlib.ExitStack, host: str) -> Optional[Progress]:
        """Return what shows the task's progress, until `ends` does; None if nothing does."""
        progress = progress_of(host, self._task)
        if progress is not None:
            ends.callback(progress.close)
        return progress

    def run_module(self, args: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the module where the work is done; return its result. Of what it does there nothing
        is known until it ends, but that it goes on."""
        kind = self.module.rpartition(".")[2]
        with contextlib.ExitStack() as ends:
            progress = self.progress(ends, self.host(task_vars))
            if progress is not None and not self._task.async_val:
                address = f"{kind}/{args.get('name') or args.get('container') or ''}".rstrip("/")
                ends.enter_context(progress.step(address, "the module runs on the host"))
            result: Dict[str, Any] = self._execute_module(
                module_name=self.module,
                module_args=args,
                task_vars=task_vars,
                wrap_async=self._task.async_val,
            )
            return result

    def values(self, params: Dict[str, Any]) -> None:
        """Raise InvalidOption for values that cannot be right; only called to tell more of them."""
        desired = getattr(self.resource, "desired", None)
        if desired is not None:
            desired(params)

    def _options(self) -> Dict[str, Any]:
        """Return the task's options, checked and with defaults; values are never repeated.

        Raise InvalidOption with all that is wrong with single options.
        """
        given = plain(self._task.args)
        spec = {**self.connection_options(), **self.resource.spec()}
        secret = tuple(name for name, entry in spec.items() if entry.get("no_log"))
        faults = Faults()
        with faults:
            check_spelling(self._task.args, secret)
        misread = len(faults.errors)
        with faults:
            check_known(given, spec, answers=answers(self.module.rpartition(".")[2]))
        if faults.errors:
            wrong = {_INDEX.split(str(item.option))[0] for item in faults.errors[misread:]}
            self._tell(given, spec, wrong, faults)
        return _validated(given, spec)

    def _tell(
        self, given: Mapping[str, Any], spec: Mapping[str, Any], wrong: Set[str], faults: Faults
    ) -> NoReturn:
        """Raise InvalidOption with what is wrong with the values of the other options as well."""
        kept = {name: value for name, value in given.items() if name not in wrong}
        needed = {name: _STAND_IN for name in wrong if spec.get(name, {}).get("required")}
        try:
            self.values(_validated({**kept, **needed}, spec))
        except InvalidOption as error:
            for entry in error.parts if error.single else ():
                with faults:
                    if _INDEX.split(str(entry.option))[0] not in wrong:
                        raise entry from None
        faults.tell()
        raise AssertionError("there was a fault")


def _validated(given: Mapping[str, Any], spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return options with defaults, in the types that are asked for; raise InvalidOption."""
    checked = ArgumentSpecValidator(spec).validate(given)
    if checked.error_messages:
        raise InvalidOption("; ".join(checked.error_messages))
    options: Dict[str, Any] = plain(checked.validated_parameters)
    # Aliases are left beside what they stand for, of which the module would warn.
    return {name: options[name] for name in spec if name in options}


def with_nulls(
    result: Dict[str, Any], given: Mapping[str, Any], spec: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return a result whose plan says which options of a task count as not given, being null.

    That is what ansible-core makes of null, and what Compose does. Mostly it is meant so; but an
    option of which all entries were commented out takes away what they had brought.
    """
    plan = result.get("plan") or {}
    notes = [f"{path} is null, which counts as not given" for path in _nulls(given, spec)]
    if not notes or not plan.get("steps", result.get("failed") and plan):
        return result
    text = plan["text"] + "".join(f"note: {note}\n" for note in notes)
    plan = {**plan, "text": text}
    if "notes" in plan:  # a plan that failed is its text alone
        plan["notes"] = [*plan["notes"], *notes]
    diff = {"diff": {"prepared": text}} if "diff" in result else {}
    return {**result, "plan": plan, **diff}


def _nulls(given: Mapping[str, Any], spec: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield the options that are null; inside of a mapping of the user's own it means something."""
    for name, value in given.items():
        inner = (spec.get(name) or {}).get("options")
        if value is None:
            yield f"{where}{name}"
        elif inner and isinstance(value, Mapping):
            yield from _nulls(value, inner, f"{where}{name}.")


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
