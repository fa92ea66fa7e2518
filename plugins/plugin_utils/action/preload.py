# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules loaded once, before Ansible forks a process for each host and task.

On a target, what only a change needs is imported by the function that needs it. On the controller
each changed host would pay for that again: so an action plugin loads it all with itself, which
Ansible does in the process that it forks from.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Iterable

_CORE = __name__.rpartition(".plugin_utils.")[0] + ".module_utils"
_SHARED = ("_desired", "_engine.client", "_engine.values")
# Of other resources, what a new container may need.
_PULL = ("_engine.image.progress", "_engine.image.pull", "_engine.registry.credentials")
OF_CONTAINERS = ("_engine.container", "_engine.container.fields", *_PULL)


def preload(names: Iterable[str]) -> None:
    """Import modules of the core, and packages with all modules that are in them.

    `names` are relative to module_utils; what all resources of an engine share is added.
    """
    for name in (*_SHARED, *names):
        module = import_module(f"{_CORE}.{name}")
        for entry in iter_modules(getattr(module, "__path__", ())):
            if not entry.ispkg:
                import_module(f"{module.__name__}.{entry.name}")
