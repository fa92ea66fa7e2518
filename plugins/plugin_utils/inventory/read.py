# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of one host, read by the way that tasks in them will go."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.info.readers import CONTAINERS
from ..connection.engine import Link
from ..connection.open import open_link
from .facts import facts_of
from .login import PLUGIN, Login

# Containers of one host; an engine with more is not asked for all of them.
MOST = 10_000


class Job(NamedTuple):
    """Which containers of which host, as the module `container_info` has `filters`."""

    way: Login
    filters: Mapping[str, Any]


class EngineLink(Link):
    """The connection plugin's link, for questions about no container in particular."""

    host = ""

    @property
    def address(self) -> str:
        """How messages name the engine."""
        return f"the engine of {self.host}"


def read(job: Job) -> List[Dict[str, Any]]:
    """Return the facts of a host's containers, sorted by name; FleetError if they cannot be read.

    A forward through ssh is left for the tasks that follow, as between tasks.
    """
    context = PlayContext()
    plugin = connection_loader.get(PLUGIN, context)
    way = job.way
    inherited = {"inventory_hostname": way.host}
    plugin.set_options(var_options={**inherited, **way.variables, **way.passwords})
    link = EngineLink(plugin, context, open_link)
    link.host = way.host
    try:
        answer = link.ask(lambda client: CONTAINERS.read(client, {"filters": job.filters}))
    finally:
        link.close()
    containers = answer["containers"]
    if len(containers) > MOST:
        raise FleetError(f"{link.address}: it has {len(containers)} containers, {MOST} is the most")
    return sorted(map(facts_of, containers), key=lambda facts: str(facts["container_name"]))
