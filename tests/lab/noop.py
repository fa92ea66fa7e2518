"""Run a no-op of one container on the fake engine and say what of ours it loaded."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, Dict

# What the module on a target is, beside the core: it finds the engine, and holds the lock.
FRONT = "ansible_collections.dockyard.fleet.plugins.module_utils._engine.frontend.module"


def code_lines(source: str) -> int:
    """Count the lines that hold code: no blank ones, no comments, no docstrings."""
    tree = ast.parse(source)
    said = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for n, line in lines if n not in said and line.strip()[:1] not in ("", "#"))


def main() -> None:
    """Print the files of the collection that a no-op loads, with their lines, and the sum."""
    from tests.lab.fake_engine import FakeEngine

    before = set(sys.modules)
    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"])
        params: Dict[str, Any] = {"name": "web", "image": "app:1", "environment": {"LOG": "info"}}
        _once(fake.socket_path, params)
        for name in [name for name in sys.modules if name not in before]:
            # Loaded by the creation; a no-op loads its own.
            if "dockyard.fleet.plugins" in name or name == "tests.lab.core":
                del sys.modules[name]
        import_module(FRONT)
        result = _once(fake.socket_path, params)
    if result["changed"]:
        raise SystemExit("the second run changed something")
    files: Dict[str, int] = {}
    packages: Counter[str] = Counter()
    for name, module in sorted(sys.modules.items()):
        if "dockyard.fleet.plugins" in name and getattr(module, "__file__", None):
            short = name.rpartition("plugins.")[2]
            files[short] = code_lines(Path(str(module.__file__)).read_text())
            packages[short if hasattr(module, "__path__") else short.rpartition(".")[0]] += files[
                short
            ]
    for title, counts in (("files", files), ("packages", packages)):
        print(f"{title}:")
        for name, lines in counts.items():
            print(f"{lines:6} {name}")
    print(sum(files.values()))


def _once(socket_path: str, params: Dict[str, Any]) -> Dict[str, Any]:
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
        Client,
        unix_dial,
    )
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
        CONTAINER,
    )

    from tests.lab.core import run_task

    return run_task(CONTAINER, params, lambda: Client(unix_dial(socket_path), 10))
