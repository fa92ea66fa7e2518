"""Which file of the collection imports which: at its top, late, and for types alone."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Dict, List, Optional, Set

BASE = "ansible_collections.dockyard.fleet.plugins"


def imports(plugins: Path) -> Dict[str, Set[str]]:
    """Return what each file of the collection imports of its own, by dotted names."""
    files = {_name(path, plugins): path for path in sorted(plugins.rglob("*.py"))}
    return {name: _imported(name, path, set(files)) for name, path in files.items()}


def circle(needs: Dict[str, Set[str]]) -> List[str]:
    """Return the names of one circle, each needing the next; [] if there is none."""
    try:
        list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def between_packages(needs: Dict[str, Set[str]]) -> Dict[str, Set[str]]:
    """Return the same between packages; one within another counts as a part of it."""
    made: Dict[str, Set[str]] = {}
    for name, others in needs.items():
        there = {_package(other) for other in others} - {_package(name)}
        made.setdefault(_package(name), set()).update(there)
    return made


def _package(name: str) -> str:
    """Return `module_utils._engine.container` of all that is in it."""
    folder = name.split(".")[:-1]
    return ".".join(folder[:3] if folder[:1] == ["module_utils"] else folder[:2])


def _name(path: Path, plugins: Path) -> str:
    parts = path.relative_to(plugins).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(name: str, path: Path, known: Set[str]) -> Set[str]:
    found: Set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        source = _source(node, name, path) if isinstance(node, ast.ImportFrom) else None
        for alias in node.names if isinstance(node, ast.ImportFrom) and source is not None else ():
            module = f"{source}.{alias.name}" if source else alias.name
            found.add(module if module in known else source or "")
    return found & known


def _source(node: ast.ImportFrom, name: str, path: Path) -> Optional[str]:
    """Return what an import is from, None if that is none of ours."""
    if not node.level:
        whole = node.module or ""
        return whole[len(BASE) + 1 :] if whole.startswith(BASE) else None
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])
