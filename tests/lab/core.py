"""A task without Ansible: its arguments checked as Ansible does, then the core."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, Callable, ContextManager, Dict, Mapping, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import failure, run

Json = Dict[str, Any]


class WrongArguments(AssertionError):
    """Arguments that do not fit the argument spec: a defect of the test, unless it catches this."""


def validated(spec: Mapping[str, Any], params: Mapping[str, Any], known: bool = False) -> Json:
    """Return a task's options with defaults, in their types; raise WrongArguments.

    `known`: raise InvalidOption, as on the controller, for what the core itself refuses by the
    argument spec, such as a misspelt option.
    """
    if known:
        # The gate on what a no-op loads counts it nowhere else.
        from ansible_collections.dockyard.fleet.plugins.module_utils._desired import input_checks

        input_checks.check_known(params, spec)
    checked = ArgumentSpecValidator(spec).validate(params)
    if checked.error_messages:
        raise WrongArguments("; ".join(checked.error_messages))
    return dict(checked.validated_parameters)


def run_validated(
    resource: Any,
    options: Mapping[str, Any],
    connect: Callable[[], Any],
    check: bool = False,
    pending: Optional[Mapping[str, Any]] = None,
    lock: Callable[[], ContextManager[Any]] = contextlib.nullcontext,
) -> Json:
    """Return the result of a task whose options have been checked.

    `pending` is what earlier tasks of a check would do; what is applied is not told of it.
    """
    task = SimpleNamespace(check_mode=check)
    return run(resource, options, connect, task, (pending or {}) if check else {}, lock)


def run_task(
    resource: Any,
    params: Mapping[str, Any],
    connect: Callable[[], Any],
    check: bool = False,
    pending: Optional[Mapping[str, Any]] = None,
    lock: Callable[[], ContextManager[Any]] = contextlib.nullcontext,
    known: bool = False,
) -> Json:
    """Check a task's arguments (see `validated`), run the core, and return the result."""
    try:
        options = validated(resource.spec(), params, known)
    except FleetError as error:
        return failure(error)
    return run_validated(resource, options, connect, check, pending, lock)
