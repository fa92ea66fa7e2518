"""The table of endpoints, and what leaves the engine: everything but keys that begin with `_`."""

from __future__ import annotations

import re
from typing import Any, Callable, List, Optional, Pattern, Tuple

from .serving import Request, Response

Handler = Callable[..., Response]
_ROUTES: List[Tuple[str, Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler; `{ref}` stands for one or more path segments."""
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>.+)", path) + r"\Z")

    def register(handler: Handler) -> Handler:
        _ROUTES.append((method, pattern, handler))
        return handler

    return register


def find(request: Request) -> Optional[Tuple[Handler, dict[str, str]]]:
    for method, pattern, handler in _ROUTES:
        match = pattern.match(request.path)
        if match and method == request.method:
            return handler, match.groupdict()
    return None


def public(value: Any) -> Any:
    """Copy a value without what the fake notes for itself."""
    if isinstance(value, dict):
        return {k: public(v) for k, v in value.items() if not str(k).startswith("_")}
    if isinstance(value, list):
        return [public(one) for one in value]
    return value
