"""Write the index of a container's field table from its rows: what a no-op needs to know of them.

`python -m tests.tools.field_index` rewrites the file, `--check` only says whether it is stale.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "plugins/module_utils/_engine/container/fields"
INDEX = FOLDER / "index.py"
PACKAGE = "ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields"
_HEAD = '''\
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made from the rows by `make docs`; do not edit. By subject: options, and the paths of inspect."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

# fmt: off
'''


def text() -> str:
    """Return what the file should hold."""
    sys.path[:0] = [str(ROOT / "collections")]
    package = importlib.import_module(PACKAGE)
    options: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for subject in package.SUBJECTS:
        rows = importlib.import_module(f"{PACKAGE}.{subject}").FIELDS
        options[subject] = {row.name: dict(row.option) for row in rows if row.option is not None}
        paths[subject] = tuple(
            (path, row.quiet if path == row.at else ())
            for row in rows
            for path in (row.at, *row.beside)
            if path and (row.read or path)
        )
    parts = [
        ("OPTIONS: Mapping[str, Mapping[str, Dict[str, Any]]] =", options),
        ("PATHS: Mapping[str, Tuple[Tuple[str, Tuple[Any, ...]], ...]] =", paths),
    ]
    return _HEAD + "\n".join(f"{name} {_packed(value)}" for name, value in parts)


def _packed(value: dict[str, Any]) -> str:
    lines = ["{"]
    for key, entry in value.items():
        named = isinstance(entry, dict)
        parts = [f"{name!r}: {one!r}" for name, one in entry.items()] if named else map(repr, entry)
        opening, closing = ("{", "}") if named else ("(", ")")
        lines += [f'    "{key}": {opening}', *_wrapped(part.replace("'", '"') for part in parts)]
        lines.append(f"    {closing},")
    return "\n".join([*lines, "}", ""])


def _wrapped(parts: Iterable[str]) -> list[str]:
    """Return lines of whole entries: pycodestyle wants nested ones not to be broken."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) > 90:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{part},"
    return [f"        {line}" for line in lines]


def main() -> None:
    """Write the file, or compare it with `--check`."""
    if "--check" in sys.argv:
        raise SystemExit(0 if INDEX.read_text() == text() else "stale: run make docs")
    if not INDEX.exists():
        INDEX.write_text(_HEAD + "OPTIONS: Dict[str, Any] = {}\nPATHS: Dict[str, Any] = {}\n")
    INDEX.write_text(text())


if __name__ == "__main__":
    main()
