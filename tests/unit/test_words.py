# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names have the words of docs/architecture.md, one for each thing: no private ones."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Iterator

import pytest

ROOT = Path(__file__).parents[2]

# The private word, and what to write in its place.
OLD = {
    "wish": "desired",
    "wishes": "desired",
    "found": "observed; of a local result what it is: match, entries, paths, result",
    "box": "container, entry",
    "boxes": "containers, entries",
    "one": "entry, or what it is",
    "made": "what was made",
    "said": "output, answer",
    "moment": "timestamp",
    "moments": "timestamps",
    "fold": "merge, expand",
    "folds": "shorthand",
    "together": "conflicts",
    "why": "diagnose, cause",
    "inside": "target",
    "back": "recover",
    "bring": "recover, download, import",
    "swap": "replace",
    "hold": "disable_restart",
    "held": "what holds what",
    "mark": "what is marked: mark_removal, fingerprint",
    "forget": "remove",
    "grow": "resize",
}
# Names of others, and names in which the word has its usual meaning.
ALLOWED = {
    "FileNotFoundError": "Python's",
    "AnsibleFileNotFound": "Ansible's",
    "start_mark": "PyYAML's",
    "mark_incomplete": "a verb that plans print",
    "_mark_removal": "a verb that plans print",
    "swap": "of memory: memswap_limit",
    "_parse_swap": "of memory: memswap_limit",
    "_default_swap": "of memory: memswap_limit",
}


def words_of(name: str) -> list[str]:
    """Return the words of an identifier, split at underscores and capitals, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each identifier with its line: what is defined, passed, read, or imported."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield line, node.name
        elif isinstance(node, ast.arg):
            yield line, node.arg
        elif isinstance(node, ast.Name):
            yield line, node.id
        elif isinstance(node, ast.Attribute):
            yield line, node.attr
        elif isinstance(node, (ast.keyword, ast.alias)):
            known = node.arg if isinstance(node, ast.keyword) else node.asname or node.name
            yield from ((line, part) for part in (known or "").split("."))
        elif isinstance(node, ast.ExceptHandler):
            yield line, node.name or ""


def old_words() -> list[tuple[str, str]]:
    """Return each private word in a name below plugins/, with its place and the name."""
    result = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        names = [(0, part) for part in (*path.parent.relative_to(ROOT).parts, path.stem)]
        names += names_in(ast.parse(path.read_text(encoding="utf-8")))
        for line, name in names:
            for word in set(words_of(name)) & set(OLD):
                if name not in ALLOWED:
                    result.append((word, f"{place}:{line}: {name} ({OLD[word]})"))
    return result


def test_no_private_word_is_a_name() -> None:
    assert [where for _word, where in old_words()] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bring_back", ["bring", "back"]),
        ("_Found", ["found"]),
        ("FileNotFoundError", ["file", "not", "found", "error"]),
        ("backup", ["backup"]),
    ],
)
def test_names_are_split_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


if __name__ == "__main__":  # the count of each word, for a comparison of two commits
    for word, count in Counter(word for word, _where in old_words()).most_common():
        print(f"{count:5} {word}")
