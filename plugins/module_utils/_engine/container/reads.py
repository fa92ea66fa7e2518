# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of one kind, sent together: what is not there is None."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from ..client.engine import Client, Query
from ..client.errors import EngineError
from ..client.names import absent, meant
from .inspected import Inspect

Request = Tuple[str, Optional[Query]]
# All containers that are called as a replacement calls its two: asked for each container alike, so
# that one answer does for a stack.
ASIDE: Request = (
    "/containers/json",
    {"all": True, "filters": {"name": ["^/?([0-9a-f]{12}_.+|.+\\.old-[0-9a-f]{12})$"]}},
)


def ask(client: Client, requests: Mapping[str, Request]) -> Dict[str, Any]:
    """Answer each request by its key, `KIND NAME` of what is named: None for what does not exist;
    other errors are raised."""
    result: Dict[str, Any] = {}
    for key, answer in zip(requests, client.get_all(list(requests.values()))):
        if isinstance(answer, EngineError) and not absent(answer):
            if key.startswith("network ") and answer.status < 500:  # several have that name
                answer.hint = f"networks: remove all {key[8:]} but one by id"
            raise answer
        kind, _blank, name = key.partition(" ")
        kind = "container" if kind in ("current", "peer") else kind
        result[key] = meant(kind, name, answer) if name else _there(answer)
    return result


def _there(answer: Any) -> Any:
    return None if isinstance(answer, EngineError) else answer


def bases_of(
    client: Client, containers: Iterable[Optional[Inspect]], image: Optional[Inspect] = None
) -> Dict[str, Mapping[str, Any]]:
    """Return the configurations of the containers' images by id; only others than `image` cost."""
    known = {str(image["Id"]): image} if image is not None else {}
    ids = {str(container["Image"]) for container in containers if container is not None}
    ids.difference_update(known)
    for ident, got in ask(
        client, {entry: (f"/images/{entry}/json", None) for entry in ids}
    ).items():
        if got is not None:
            known[ident] = got
    return {ident: entry.get("Config") or {} for ident, entry in known.items()}
