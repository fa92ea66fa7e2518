# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builders this machine has."""

from __future__ import annotations

import os

from ...._desired.errors import InvalidOption

# Where Docker's client looks for its plugins (docker/cli, cli-plugins/manager).
_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


_NAME = "docker-buildx"


def program() -> str:
    """Return the path of docker buildx on this machine, "" if it is not there."""
    own = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    path = os.environ.get("PATH", "").split(os.pathsep)
    for folder in (os.path.join(own, "cli-plugins"), *_FOLDERS, *path):
        file = os.path.join(folder, _NAME)
        if os.access(file, os.X_OK) and os.path.isfile(file):
            return file
    return ""


def require(option: str) -> None:
    """Raise InvalidOption if docker buildx, which an option needs, is not on this machine."""
    if not program():
        raise InvalidOption(
            "needs BuildKit, but there is no docker buildx where this task runs",
            option=option,
            hint="install Docker's plugin buildx there (usually the controller)",
        )
