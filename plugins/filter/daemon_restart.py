# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restart of the engine stops or leaves behind: the filter behind role container_runtime."""

from __future__ import annotations

DOCUMENTATION = r"""
name: daemon_restart
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say what a restart of the engine would do to its containers
description:
  - Takes what P(dockyard.fleet.daemon_change#filter) says of a new configuration, and says whether
    running containers would stop, and whether data would be out of the engine's sight.
positional: _input, observed
options:
  _input:
    description: What P(dockyard.fleet.daemon_change#filter) says.
    type: dict
    required: true
  observed:
    description:
      - How many there are in the engine's folders, line by line, of containers, volumes, images,
        parts of images and running containers. Empty where nobody looked.
    type: list
    elements: str
    default: []
  engine:
    description: What C(docker info) says in JSON. Empty where no engine answers.
    type: dict
    default: {}
  live_restore:
    description: Whether the new configuration has containers outlive the engine.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say what a new data-root costs
  ansible.builtin.debug:
    msg: "{{ change | dockyard.fleet.daemon_restart(['3', '2', '5', '0', '1']) }}"
  vars:
    change: "{{ {} | dockyard.fleet.daemon_change({'data-root': '/srv/docker'}) }}"
"""

RETURN = r"""
_value:
  description: What the restart would do.
  type: dict
  contains:
    stops:
      description: Whether running containers would stop.
      type: bool
    moves:
      description: Keys after whose change the engine does not see data that is there.
      type: list
      elements: str
    plan:
      description: All of it in one line.
      type: str
"""

import re
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

_KEPT = ("containers", "volumes", "images", "parts of images")


def daemon_restart(
    change: Mapping[str, Any],
    observed: Sequence[str] = (),
    engine: Optional[Mapping[str, Any]] = None,
    live_restore: bool = False,
) -> Dict[str, Any]:
    """Return what a restart stops or leaves behind; an engine that is off has its folders only."""
    counts = [*map(int, observed), *[0] * (len(_KEPT) + 1 - len(observed))]
    running = int((engine or {}).get("ContainersRunning", counts[-1]))
    restart = change["impact"] == "restart"
    stops = restart and running > 0 and bool(change["stops"] or not live_restore)
    data = ", ".join(f"{count} {kind}" for count, kind in zip(counts, _KEPT) if count)
    moves = list(change["moves"]) if data else []
    text = change["text"]
    if not engine:
        text = re.sub("(reload|restart) of the engine$", "read when the engine starts", text)
    if moves:
        text += f", which would not see what is in {change['root']} any more: {data}"
        text += f" ({', '.join(moves)})"
    elif stops:
        reasons = ", ".join(change["stops"]) or "without live-restore"
        text += f", its {running} containers would stop ({reasons})"
    elif restart and running:
        text += ", containers keep running (live-restore)"
    return {"stops": stops, "moves": moves, "plan": text}


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"daemon_restart": daemon_restart}
