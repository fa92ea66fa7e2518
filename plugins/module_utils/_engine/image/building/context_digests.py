# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A context's digests by path, folded to a size that fits a label, and their comparison."""

from __future__ import annotations

import hashlib
from typing import Callable, Dict, List, Mapping, Tuple

MAX_FILES = 200
# A folded folder is the key `static/*`; `static/` is the folder itself, that is its mode bits.
_FOLDED = "/*"


def merge_folders(files: Mapping[str, str], limit: int = MAX_FILES) -> Dict[str, str]:
    """Return at most `limit` digests by path: whole levels of folders become one entry each."""
    return _folded(files, lambda left, _level: len(left) > limit)


def compare(then: Mapping[str, str], now: Mapping[str, str]) -> List[Tuple[str, str]]:
    """Return (path, added | removed | changed) of what differs; a folder's path ends with /.

    Where one side is folded the other is folded alike, so that nothing equal is named. A folder
    that is new or gone stands for all that it holds; `("", "changed")` is the whole.
    """
    folded = [_depth(path) for path in (*then, *now) if path == "*" or path.endswith(_FOLDED)]
    entry, other = dict(then), dict(now)
    if folded:
        entry, other = _merge_to(entry, min(folded)), _merge_to(other, min(folded))
    differences: List[Tuple[str, str]] = []
    whole: List[str] = []
    for path in sorted({*entry, *other}):
        if entry.get(path) == other.get(path) or any(path.startswith(above) for above in whole):
            continue
        word = "changed" if path in entry and path in other else "added"
        word = "removed" if path not in other else word
        if path.endswith("/") and word != "changed":
            whole.append(path)
        shown = path[:-1] if path.endswith("*") else path
        differences.append((shown, word))
    return differences


def _merge_to(files: Dict[str, str], level: int) -> Dict[str, str]:
    return _folded(files, lambda _left, deep: deep > level)


def _folded(
    files: Mapping[str, str], goes_on: Callable[[Dict[str, str], int], bool]
) -> Dict[str, str]:
    """Fold level by level from the deepest, each path once, for as long as it `goes_on`."""
    left = dict(files)
    levels: Dict[int, List[str]] = {}
    for path in left:
        levels.setdefault(_depth(path), []).append(path)
    level = max(levels, default=0)
    while level >= 0 and goes_on(left, level):
        there = [path for path in levels.get(level, ()) if path in left]
        levels.setdefault(level - 1, []).extend(_merge_level(left, there))
        level -= 1
    return left


def _merge_level(left: Dict[str, str], paths: List[str]) -> List[str]:
    """Fold every folder that has entries at one depth, the deepest there is; return the keys."""
    groups: Dict[str, List[str]] = {}
    result: List[str] = []
    for path in paths:
        groups.setdefault(_plain(path).rpartition("/")[0], []).append(path)
    for folder, members in groups.items():
        if folder and f"{folder}/" in left:
            members.append(f"{folder}/")
        text = "\n".join(f"{path} {left.pop(path)}" for path in sorted(members))
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        result.append(folder + _FOLDED if folder else "*")
        left[result[-1]] = digest[:8]
    return result


def _plain(path: str) -> str:
    return path[:-2] if path.endswith(_FOLDED) else path.rstrip("/")


def _depth(path: str) -> int:
    return -1 if path == "*" else _plain(path).count("/")
