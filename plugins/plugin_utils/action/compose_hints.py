# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a Compose service that a task about one container cannot have, and what to do instead.

Compose Specification, "services"; a test sees that each key is an option or is here.
"""

from __future__ import annotations

from typing import Dict

_COPY = "dockyard.fleet.copy writes files into a container, volumes mounts them"

KEYS: Dict[str, str] = {
    "attach": "a task attaches to no output; dockyard.fleet.logs reads it",
    "build": "dockyard.fleet.image builds it; name the result as image here",
    "configs": _COPY,
    "container_name": "name takes its place here",
    "depends_on": "tasks run in their order: put the other container's task first, with"
    " wait: healthy where Compose has condition: service_healthy",
    "develop": "it is for docker compose watch; a changed context is built anew by"
    " dockyard.fleet.image",
    "extends": "tasks share options by YAML anchors, variables and module_defaults",
    "models": "it is for a model runner, which is not a container",
    "post_start": "dockyard.fleet.exec runs a command in the container once it has started",
    "pre_stop": "a program that is to end in order handles stop_signal; or run"
    " dockyard.fleet.exec before the stop",
    "profiles": "use when: or tags: of the task",
    "provider": "what another program provides is another task",
    "pull_refresh_after": "use pull_policy: every_12h or the like",
    "scale": "a task is about one container: loop over names",
    "secrets": f"secret_environment is for variables; {_COPY}",
    "services": "one task is one container: its keys stand in the task itself",
    "version": "Compose's version has no meaning any more",
}
