"""Run one task of any resource or reader in this process, as the front ends do."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import report
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.core import run_validated, validated


def do(
    what: Any,
    socket: str,
    *,
    check: bool = False,
    pending: Optional[Mapping[str, Any]] = None,
    **params: Any,
) -> Dict[str, Any]:
    """Return the task's result; `what` is a Resource or a Reader."""
    options = validated(what.spec(), params)
    with Client(unix_dial(socket), 10) as client:
        if hasattr(what, "read"):
            return report(what, {**options, "pending": dict(pending or {})}, lambda: client)
        return run_validated(what, options, lambda: client, check, pending)
