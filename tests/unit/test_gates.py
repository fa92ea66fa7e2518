"""Gates that keep the design true, whatever is added."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List, Set

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields import FIELDS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.fields import (
    FIELDS as IMAGE_FIELDS,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.fields import (
    FIELDS as NETWORK_FIELDS,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.fields import (
    FIELDS as VOLUME_FIELDS,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.fields import (
    FIELDS as VM_FIELDS,
)

from tests.lab.imports import between_packages, circle, imports

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "unit" / "cases"
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
# Lines of code of ours (no comments, no documentation) that a no-op may load on a target: each
# hundred cost a millisecond. What only a declared option or a change needs is imported inside the
# function that needs it (parsers, bodies, refusals in words).
TARGET_LINES = 2700


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from (f"{key}.{inner}" for inner in _keys(item))


def _declared(kind: str) -> Set[str]:
    found: Set[str] = set()
    for path in (CASES / kind).glob("*.yml"):
        for case in yaml.safe_load(path.read_text()):
            for params in [case.get("task", {}), *case.get("before", ())]:
                found.update(_keys(params))
    return found


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("container", FIELDS),
        ("image", IMAGE_FIELDS),
        ("network", NETWORK_FIELDS),
        ("vm", VM_FIELDS),
        ("volume", VOLUME_FIELDS),
    ],
)
def test_every_field_row_appears_in_a_case(kind: str, fields: Any) -> None:
    declared = _declared(kind)
    assert [row.name for row in fields if row.name not in declared] == []


def test_check_mode_is_looked_at_in_one_file() -> None:
    readers: List[str] = []
    for path in PLUGINS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "check_mode":
                readers.append(str(path.relative_to(ROOT / "plugins")))
    # The report only chooses its words by it.
    assert set(readers) == {"module_utils/_desired/run.py", "callback/report.py"}


def test_the_engine_of_desired_states_knows_nothing_of_containers_or_machines() -> None:
    for path in (ROOT / "plugins" / "module_utils" / "_desired").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert "_engine" not in (node.module or ""), path
                assert "_libvirt" not in (node.module or ""), path


def test_no_two_files_and_no_two_packages_need_each_other() -> None:
    """Late imports count, and those for types: who reads one file has to read the other too."""
    needs = imports(ROOT / "plugins")
    assert "module_utils._desired.plan" in needs["module_utils._engine.container.resource"]
    assert circle(needs) == []
    assert circle(between_packages(needs)) == []
    assert circle({"a": {"b"}, "b": {"a"}}), "it sees one"


def test_no_file_is_too_long_to_read() -> None:
    files = [p for p in [*PLUGINS, *(ROOT / "tests").rglob("*.py")] if "modules" not in p.parts]
    assert [str(p) for p in files if len(p.read_text().splitlines()) > 400] == []


def test_a_no_op_loads_few_lines_on_the_target() -> None:
    """Count what a container no-op imports of ours, front end and core, in a process of its own."""
    program = (
        "import sys; sys.path[:0] = ['collections', '.']\nfrom tests.lab.noop import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = int(done.stdout.split()[-1])
    print(done.stdout)
    assert 0 < lines <= TARGET_LINES
