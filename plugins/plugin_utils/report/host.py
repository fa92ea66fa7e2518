# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What results of tasks tell of a host: addresses, verbs, ways, times, the first words of pages.

Nothing else is kept.

Results come from modules, some of them from hosts: each value may have any shape and length. What
does not look as it should is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

# The modules that keep what is declared, by the key under which their results show it.
KINDS = ("image", "network", "volume", "container", "vm", "vm_image")
PREFIX = "dockyard.fleet."
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_TAG = re.compile(r"<[^>]*>")
# Steps, rungs and pages of one result that are read, and characters of a page.
_MOST, _PAGE = 200, 4096


@dataclass
class Machine:
    """How a machine came up: `rungs` are (name, seconds since its start), `missed` the next one."""

    accelerator: str = ""
    rungs: List[Tuple[str, float]] = field(default_factory=list)
    missed: str = ""


@dataclass
class Host:
    """What is told of one host.

    `verbs` are the verbs of steps by (address, whether a check foresees them), `unchanged` counts
    by kind, `others` changed tasks of other modules by (role or "", whether a check foresees
    them), `pages` are (address, words) and `failed` says where its last failure was.
    """

    verbs: Dict[Tuple[str, bool], List[str]] = field(default_factory=dict)
    unchanged: Dict[str, int] = field(default_factory=dict)
    others: Dict[Tuple[str, bool], int] = field(default_factory=dict)
    machines: Dict[str, Machine] = field(default_factory=dict)
    pages: List[Tuple[str, str]] = field(default_factory=list)
    ways: List[str] = field(default_factory=list)
    failed: str = ""

    def take(self, action: str, role: str, result: Mapping[str, Any], check: bool) -> None:
        """Take over what the result of one task, or of one item of its loop, tells.

        `action` is the full name of its module.
        """
        if not action.startswith(PREFIX):
            self._count_change(role, result, check)
            return
        way = _word(_mapping(result.get("engine_way")).get("name"))
        if way and way not in self.ways:
            self.ways.append(way)
        module = action[len(PREFIX) :]
        if module == "page":
            self._take_page(result)
        elif isinstance(result.get("plan"), Mapping):
            self._take_plan(module, result, check)
        if module in ("vm", "declared"):
            self._take_machine(result)

    def _count_change(self, role: str, result: Mapping[str, Any], check: bool) -> None:
        if result.get("changed") is True:
            key = (role, check)
            self.others[key] = self.others.get(key, 0) + 1

    def _take_plan(self, module: str, result: Mapping[str, Any], check: bool) -> None:
        steps = list(_steps(result["plan"]))
        if result.get("changed"):
            for address, verb in steps:
                verbs = self.verbs.setdefault((address, check), [])
                if verb not in verbs:
                    verbs.append(verb)
        elif module in (*KINDS, "declared"):
            kind = next((kind for kind in KINDS if kind in result), "")
            if kind and not result.get("failed"):
                self.unchanged[kind] = self.unchanged.get(kind, 0) + 1

    def _take_machine(self, result: Mapping[str, Any]) -> None:
        shown = _mapping(result.get("vm"))
        rungs, missed = list(_rungs(result.get("ready"))), _word(result.get("rung"))
        if not (shown or rungs or missed):
            return
        name = shown.get("name")
        address = f"vm/{name}" if isinstance(name, str) else "machine"
        kind = _word(_mapping(shown.get("accelerator")).get("kind"))
        self.machines[address] = Machine(kind, rungs, missed)

    def _take_page(self, result: Mapping[str, Any]) -> None:
        url, content = result.get("url"), result.get("content")
        if isinstance(url, str) and isinstance(content, str) and len(self.pages) < _MOST:
            words = " ".join(_TAG.sub(" ", content[:_PAGE]).split())
            self.pages.append((bare_address(url), words))


def bare_address(url: str) -> str:
    """Return an address without what may be secret in it: a login, a query, a fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _steps(plan: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """Yield (address, verb) of a plan's steps."""
    for step in _list(plan.get("steps")):
        address, verb = _mapping(step).get("address"), _word(_mapping(step).get("verb"))
        if isinstance(address, str) and verb:
            yield address, verb


def _rungs(ready: Any) -> Iterator[Tuple[str, float]]:
    for entry in _list(ready):
        name, seconds = _word(_mapping(entry).get("rung")), _mapping(entry).get("seconds")
        if name and isinstance(seconds, (int, float)):
            yield name, float(seconds)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> List[Any]:
    return value[:_MOST] if isinstance(value, list) else []


def _word(value: Optional[Any]) -> str:
    """Return a word such as a verb, or "" for what is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""
