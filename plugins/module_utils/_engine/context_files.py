# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A context's digests by path, folded to a size that fits a label, and their comparison."""

from __future__ import annotations

import hashlib
from typing import Dict, List, Mapping, Tuple

MAX_FILES = 200
# A folded folder is the key `static/*`; `static/` is the folder itself, that is its mode bits.
_FOLDED = "/*"


def fold(files: Mapping[str, str], limit: int = MAX_FILES) -> Dict[str, str]:
    """Return at most `limit` digests by path: whole levels of folders become one entry each."""
    left = dict(files)
    level = max((_depth(path) for path in left), default=0)
    while len(left) > limit and level >= 0:
        left = _fold_level(left, level)
        level -= 1
    return left


def compare(then: Mapping[str, str], now: Mapping[str, str]) -> List[Tuple[str, str]]:
    """Return (path, added | removed | changed) of what differs; a folder's path ends with /.

    Where one side is folded the other is folded alike, so that nothing equal is named. A folder
    that is new or gone stands for all that it holds; `("", "changed")` is the whole.
    """
    folded = [_depth(path) for path in (*then, *now) if path == "*" or path.endswith(_FOLDED)]
    one, other = dict(then), dict(now)
    if folded:
        one, other = _fold_to(one, min(folded)), _fold_to(other, min(folded))
    found: List[Tuple[str, str]] = []
    whole: List[str] = []
    for path in sorted({*one, *other}):
        if one.get(path) == other.get(path) or any(path.startswith(above) for above in whole):
            continue
        word = "changed" if path in one and path in other else "added"
        word = "removed" if path not in other else word
        if path.endswith("/") and word != "changed":
            whole.append(path)
        shown = path[:-1] if path.endswith("*") else path
        found.append((shown, word))
    return found


def _fold_to(files: Dict[str, str], level: int) -> Dict[str, str]:
    for deep in range(max((_depth(path) for path in files), default=0), level, -1):
        files = _fold_level(files, deep)
    return files


def _fold_level(files: Mapping[str, str], level: int) -> Dict[str, str]:
    """Fold every folder that has entries at one depth, the deepest there is."""
    left = dict(files)
    groups: Dict[str, List[str]] = {}
    for path in files:
        if _depth(path) == level:
            groups.setdefault(_plain(path).rpartition("/")[0], []).append(path)
    for folder, members in groups.items():
        if folder and f"{folder}/" in left:
            members.append(f"{folder}/")
        text = "\n".join(f"{path} {left.pop(path)}" for path in sorted(members))
        made = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        left[folder + _FOLDED if folder else "*"] = made[:8]
    return left


def _plain(path: str) -> str:
    return path[:-2] if path.endswith(_FOLDED) else path.rstrip("/")


def _depth(path: str) -> int:
    return -1 if path == "*" else _plain(path).count("/")
