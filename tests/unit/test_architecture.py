"""The page about the inside says what is there: packages, imports, files, verbs, secret options."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.others import (
    others_of,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.container import SERVICE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.release_part import (
    RELEASES,
)

from tests.lab.imports import between_packages, imports
from tests.unit.test_docs import SPECS, resource

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
# What all packages may import.
CORE = "_desired"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    below = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert lines, heading
    rows = [line.strip("|\n ").split(" | ") for line in lines[0].splitlines()[2:]]
    return [[cell.strip() for cell in row] for row in rows]


def name(path: Path) -> str:
    """Return a package as the page calls it."""
    return path.relative_to(PLUGINS).as_posix().removeprefix("module_utils/")


def test_every_package_is_there_with_what_it_says_of_itself() -> None:
    told = {row[0].strip("`"): row[1] for row in table("Packages")}
    there = {}
    for path in PLUGINS.glob("*/*/**/__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        there[name(path.parent)] = text.splitlines()[0]
    assert told == there


def test_every_package_imports_what_the_page_says() -> None:
    needs = {
        one.removeprefix("module_utils.").replace(".", "/"): {
            other.removeprefix("module_utils.").replace(".", "/") for other in others
        }
        for one, others in between_packages(imports(PLUGINS)).items()
    }
    for package, _text, said in table("Packages"):
        if not said.startswith("part of "):
            one = package.strip("`")
            assert set(re.findall(r"`([^`]+)`", said)) == needs.get(one, set()) - {CORE}, one


def test_packages_import_those_further_down_only() -> None:
    rows = table("Packages")
    order = [row[0].strip("`") for row in rows]
    for number, (package, _text, said) in enumerate(rows):
        if not said.startswith("part of "):
            assert set(re.findall(r"`([^`]+)`", said)) <= set(order[number + 1 :]), package
    assert order[-1] == CORE


def paths() -> Iterator[tuple[str, str]]:
    """Yield (path, function or "") of all files that the page names, pictures included."""
    for found in re.finditer(r"((?:[\w.*-]+/)+[\w*-]+\.\w+)(?::(\w+))?", PAGE):
        yield found[1], found[2] or ""


@pytest.mark.parametrize(("path", "function"), sorted(set(paths())))
def test_every_file_and_function_that_is_named_is_there(path: str, function: str) -> None:
    # Of two sides alike, `frontend/module.py` stands for both.
    tries = [ROOT / path, PLUGINS / path, PLUGINS / "module_utils" / path, ROOT / "docs" / path]
    found = [one for one in tries if one.is_file()] or list(PLUGINS.rglob(path))
    assert found, path
    if function:
        nodes = ast.walk(ast.parse(found[0].read_text()))
        assert function in {one.name for one in nodes if isinstance(one, ast.FunctionDef)}


def test_verbs_are_those_that_resources_have() -> None:
    told = [
        (row[0].strip("`"), one)
        for row in table("Verbs that plans print")
        for one in row[1].split(", ")
    ]
    there = {(verb, one) for one in SPECS for verb in getattr(resource(one), "verbs", ())}
    beside = [Step("", address, "", ()) for address in ("image/app:1", "container/side")]
    for address, actor in others_of("container/web", beside).items():
        users = ("container", "run") if address.startswith("image/") else ("container",)
        there |= {(verb, one) for one in users for verb in actor.verbs}
    # What only a service's container has.
    there |= {(verb, "stack") for verb in {*SERVICE.verbs} - {*resource("container").verbs}}
    there |= {(verb, "stack") for verb in RELEASES.verbs}  # the only part that no module has
    assert sorted(told) == sorted(there)


def test_options_that_hold_secrets_are_named() -> None:
    text = PAGE.partition("\n## Secrets\n")[2].partition("\n## ")[0]
    for one in SPECS:
        for option, entry in resource(one).spec().items():
            if entry.get("no_log") and not option.startswith("_"):
                assert re.search(rf"`{option}`\s\([^)]*\b{one}\b", text), f"{one}: {option}"
