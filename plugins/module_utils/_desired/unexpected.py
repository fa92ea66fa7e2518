# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unexpected errors: a server may answer anything, and not every value's type is checked."""

from __future__ import annotations

import os
from typing import Any

from .errors import FleetError


def explained(error: Exception) -> FleetError:
    """Return the error of what was read, and turned out to have another shape.

    Its text is left out for a KeyError and the like of values: it could hold a secret.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "somewhere"
    if place is not None:
        name = os.path.basename(place.tb_frame.f_code.co_filename)
        where = f"{name}, line {place.tb_lineno}"
    return FleetError(
        f"what the server answered cannot be read ({type(error).__name__} in {where})",
        hint="check what is listening there; if it is a common server, please report a bug",
    )


def whole(value: Any) -> Any:
    """Return a value of JSON with U+FFFD for halves of characters."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [whole(entry) for entry in value]
    if isinstance(value, dict):
        return {whole(key): whole(entry) for key, entry in value.items()}
    return value


def as_fleet_error(error: Exception) -> FleetError:
    """Return an error as one of ours: of what is none, where it happened stands for the rest."""
    if isinstance(error, FleetError):
        return error
    return explained(error)
