# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at an engine for many resources: what they will ask is asked together, and once."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..client.engine import Client, Query

Request = Tuple[str, Optional[Query]]
CONTAINERS: Request = ("/containers/json", {"all": True})
NETWORKS: Request = ("/networks", None)


class Snapshot:
    """A client of which reads are answered from memory where they were made before.

    Lists of containers by name are answered from the list of all. It is for one look: nothing is
    ever read again. What is no read goes to the client itself.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: Dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def ask(self, requests: Iterable[Request]) -> None:
        """Make reads, in one go, whose answers will be needed."""
        keyed = {_key(*request): request for request in requests}
        fresh = {key: request for key, request in keyed.items() if key not in self._answers}
        self._answers.update(zip(fresh, self._client.get_all(list(fresh.values()))))

    def get_all(self, requests: Sequence[Request]) -> List[Any]:
        """Return the answers to reads as Client.get_all does."""
        self.ask(request for request in requests if _names(*request) is None)
        return [self._answer(*request) for request in requests]

    def get(self, path: str, query: Optional[Query] = None) -> Any:
        """Return the JSON of an answer; raise EngineError as Client.get does."""
        (answer,) = self.get_all([(path, query)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, path: str, query: Optional[Query]) -> Any:
        names = _names(path, query)
        if names is None:
            return self._answers[_key(path, query)]
        key = _key(path, query)
        if key not in self._answers:
            self._answers[key] = self._called(names)
        return self._answers[key]

    def _called(self, names: Sequence[str]) -> Any:
        self.ask([CONTAINERS])
        listed = self._answers[_key(*CONTAINERS)]
        if isinstance(listed, Exception):
            return listed
        patterns = [re.compile(name) for name in names]
        return [entry for entry in listed or () if _is_called(entry, patterns)]


def _key(path: str, query: Optional[Query]) -> str:
    return f"{path}?{json.dumps(query, sort_keys=True)}" if query else path


def _names(path: str, query: Optional[Query]) -> Optional[List[str]]:
    """Return the patterns of a list of containers by name alone, None for any other read."""
    asked = query or {}
    filters = asked.get("filters") or {}
    if path != CONTAINERS[0] or not asked.get("all") or set(filters) != {"name"}:
        return None
    return list(filters["name"])


def _is_called(entry: Mapping[str, Any], patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(
        pattern.search(str(name)) for name in entry.get("Names") or () for pattern in patterns
    )
