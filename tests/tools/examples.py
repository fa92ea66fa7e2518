"""Find the examples of the documentation: EXAMPLES of modules and the yaml blocks of pages."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "docs/*.md",
    "roles/container_runtime/README.md",
    "roles/workloads/README.md",
)
_BLOCK = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One example; `kind` is tasks, plays, inventory, source (a file for an inventory plugin) or
    variables; `text` is what a user copies.
    """

    name: str
    kind: str
    text: str
    content: Any


def of_modules(*, machines: bool = False) -> list[Example]:
    """Return the examples of each module as a list of tasks: about containers, or machines."""
    made = []
    for path in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        if (path.stem.partition("_")[0] == "vm") is not machines:
            continue
        for node in ast.parse(path.read_text()).body:
            names = [t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)]
            if names == ["EXAMPLES"]:
                made.append(_example(path.stem, ast.literal_eval(node.value)))
    return made


def twice(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks, each of ours repeated at once, which must change nothing.

    One that only ever plans is not repeated: its plan is the same again; nor is one that restarts.
    """
    made: list[dict[str, Any]] = []
    for task in tasks:
        made.append(task)
        ours = [args for key, args in task.items() if key.startswith("dockyard.fleet.")]
        restarts = any((args or {}).get("force_restart") for args in ours)
        if ours and not task.get("check_mode") and not restarts:
            again = {"that": ["again is skipped or again is not changed"]}
            made += [{**task, "register": "again"}, {"ansible.builtin.assert": again}]
    return made


def pages() -> list[Path]:
    """Return the pages whose yaml blocks are examples about containers."""
    return [page for pattern in PAGES for page in sorted(ROOT.glob(pattern))]


def of_pages() -> list[Example]:
    """Return every yaml block of the pages."""
    return [example for page in pages() for example in of_page(page)]


def of_page(page: Path) -> list[Example]:
    """Return every yaml block of one page."""
    return [
        _example(f"{page.relative_to(ROOT)}-{number}", text)
        for number, text in enumerate(_BLOCK.findall(page.read_text()), 1)
    ]


def _example(name: str, text: str) -> Example:
    content = yaml.safe_load(text)
    if isinstance(content, dict):
        if "plugin" in content:
            return Example(name, "source", text, content)
        groups = all(isinstance(one, dict) and "hosts" in one for one in content.values())
        return Example(name, "inventory" if groups else "variables", text, content)
    return Example(name, "plays" if "hosts" in content[0] else "tasks", text, content)
