# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options about releases, checked. A task without them does not load this."""

from __future__ import annotations

from typing import Any, Mapping

from ..._desired.errors import Faults, InvalidOption
from ..values.release_tags import can_be_tagged

# More would only fill the engine with images.
_MOST = 100


def check_releases(name: str, params: Mapping[str, Any]) -> None:
    """Raise InvalidOption for what cannot be kept, or be returned to."""
    faults = Faults()
    keep = params["keep_releases"]
    if keep is not None:
        with faults:
            _check_number(keep)
        for service in (params.get("project") or {}).get("services") or ():
            with faults:
                _check_tag(name, service)
    if params["rollback"] and params["state"] != "started":
        with faults:
            hint = "use state: started, or leave rollback out"
            raise InvalidOption(f"cannot end {params['state']}", option="rollback", hint=hint)
    faults.tell()


def _check_number(keep: int) -> None:
    if not 0 <= keep <= _MOST:
        hint = f"write a number from 0 to {_MOST}; 2 keeps the release that is up and the last one"
        raise InvalidOption(f"{keep} is not possible", option="keep_releases", hint=hint)


def _check_tag(name: str, service: str) -> None:
    if not can_be_tagged(name, service):
        raise InvalidOption(
            "its image cannot get a tag by which it is kept",
            option=f"services.{service}",
            hint="use shorter names of the project or the service, or leave out keep_releases",
        )
