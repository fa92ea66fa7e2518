"""A container task's whole way in this process: options checked by the action plugin, the core."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, Mapping

from ansible_collections.dockyard.fleet.plugins.action.container import ActionModule
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import failure
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.core import run_validated


class Front:
    """Runs container tasks against the engine at a socket; `options` is the argument spec."""

    def __init__(self, socket: str) -> None:
        self.client = Client(unix_dial(socket), 20)
        # Ansible makes plugins with much that only a play has; checking options needs none of it.
        self._action: Any = object.__new__(ActionModule)
        self.options = {**self._action.connection_options(), **CONTAINER.spec()}

    def run(self, params: Mapping[str, Any], check: bool = False) -> Dict[str, Any]:
        """Return the result of a task; whatever is no FleetError is raised."""
        self._action._task = SimpleNamespace(args={"monitor": "1ms", **params})
        try:
            checked = self._action._options()
        except FleetError as error:
            return failure(error)
        return run_validated(CONTAINER, checked, lambda: self.client, check)
