# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules about a container engine share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection, and the attributes of what changes or only reads."""

    DOCUMENTATION = r"""
options:
  engine_host:
    description:
      - Where the engine of the host listens, as C(unix:///PATH).
      - Without it, E(DOCKER_HOST) in the task's C(environment) counts, then
        V(unix:///var/run/docker.sock).
      - The path is one on the host that the task is about.
    type: str
    aliases: [docker_host]
  engine_via:
    description:
      - Where the work is done. Results are equal.
      - V(channel) works from the controller, over a stream to the engine's socket through
        Ansible's own connection; nothing but the engine is needed on the host.
      - V(target) runs as a module on the host, which needs Python there.
      - V(auto) takes the channel, and the module if no channel opens.
    type: str
    choices: [auto, channel, target]
    default: auto
  engine_timeout:
    description:
      - Seconds that the engine may take for one answer.
      - Stopping and waiting have their own time on top; builds and pulls are bounded by silence.
    type: int
    default: 60
    aliases: [timeout]
  pending:
    description:
      - What earlier tasks of a run in check mode would change, by address.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: dict
    default: {}
notes:
  - Docker 20.10 and later and Podman's compatible API are spoken to; the API version is
    negotiated.
"""

    # For modules that change something.
    CHANGING = r"""
attributes:
  check_mode:
    description: Runs in check mode and shows what would be done, without changing anything.
    support: full
  diff_mode:
    description: Shows the plan, a line for each cause, under C(--diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""

    # For modules that only look.
    READING = r"""
attributes:
  check_mode:
    description: Runs in check mode as always, since nothing is changed.
    support: full
  diff_mode:
    description: Has nothing to show, since nothing is changed.
    support: N/A
  idempotent:
    description: A second run changes nothing either.
    support: full
"""
