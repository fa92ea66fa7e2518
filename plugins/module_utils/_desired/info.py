# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from parameters to what is there, for everything that only reads."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Protocol

from .errors import STRANGE, EngineMissing
from .run import failure


class Reader(Protocol):
    """Something that can be looked at: `nothing` is what there is without its `server`."""

    server: str

    def spec(self) -> Dict[str, Any]: ...

    def read(self, client: Any, params: Mapping[str, Any]) -> Dict[str, Any]: ...

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]: ...


def report(reader: Reader, params: Mapping[str, Any], connect: Callable[[], Any]) -> Dict[str, Any]:
    """Return Ansible's result of a look, or `failed` and `msg`.

    In check mode a server that an earlier task would install is not missing: it is empty.
    """
    from .planned import read_planned

    params = {**params, "pending": read_planned(params["pending"])}
    try:
        try:
            return {"changed": False, **reader.read(connect(), params)}
        except EngineMissing:
            if reader.server not in params["pending"]:
                raise
            return {"changed": False, **reader.nothing(params)}
    except STRANGE as error:
        from .unexpected import as_fleet_error

        return failure(as_fleet_error(error))
