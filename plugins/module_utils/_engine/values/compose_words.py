# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose's files and a stack both hold to (Compose Specification)."""

from __future__ import annotations

import re

# Labels by which Compose knows its containers.
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONEOFF = "com.docker.compose.oneoff"

# Keys of a service whose commands run in its containers.
HOOKS = ("post_start", "pre_stop")

PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def is_relative(source: str) -> bool:
    """Tell whether the source of a bind is relative to the project's folder on the host."""
    return source[:1] == "."
