"""Run one task of any resource or reader in this process, as the front ends do."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import report
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import run
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)


def do(
    what: Any,
    socket: str,
    *,
    check: bool = False,
    pending: Optional[Mapping[str, Any]] = None,
    **params: Any,
) -> Dict[str, Any]:
    """Return the task's result; `what` is a Resource or a Reader."""
    checked = ArgumentSpecValidator(what.spec()).validate(params)
    assert not checked.error_messages, checked.error_messages
    given = checked.validated_parameters
    foreseen = dict(pending or {})
    with Client(unix_dial(socket), 10) as client:
        if hasattr(what, "read"):
            return report(what, {**given, "pending": foreseen}, lambda: client)
        task = SimpleNamespace(check_mode=check)
        return run(what, given, lambda: client, task, foreseen, contextlib.nullcontext)
