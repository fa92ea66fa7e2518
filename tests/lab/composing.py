"""Cases about Compose files: files and arguments in, the project or the error out.

A case has `files` (text by name), or `service` (the text of the service `web`, with `over` laid
over it, and `beside` below it), or `value` (the text of its variable V); arguments of `load`
(`sources`, `env`, `env_files`, `profiles`, `project`); and what is expected: `gives` (of `service`
its keys, null for one that is not there; of `value` V), `expect` (values by path), `warnings`, or
`error`. `differs` says why docker compose has otherwise.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose.project import Project, load

CASES = Path(__file__).parents[1] / "unit" / "cases" / "compose"


def all_cases() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}/{case['name']}")


def write(case: Mapping[str, Any], folder: Path) -> None:
    """Write the files of a case."""
    files: Dict[str, str] = dict(case.get("files") or {})
    if "value" in case:
        text = json.dumps(case["value"], ensure_ascii=False)
        files["compose.yaml"] = (
            f"services:\n  web:\n    image: app\n    environment:\n      V: {text}\n"
        )
    if "service" in case:
        text = textwrap.indent(case["service"], "    ")
        files["compose.yaml"] = f"services:\n  web:\n    image: app\n{text}\n"
        files["compose.yaml"] += case.get("beside", "")
    if "over" in case:
        text = textwrap.indent(case["over"], "    ")
        files["over.yaml"] = f"services:\n  web:\n{text}\n"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def arguments(case: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the arguments of `load`."""
    files = ["compose.yaml", *(["over.yaml"] if "over" in case else ())]
    result: Dict[str, Any] = {
        "sources": case.get("sources", files),
        "name": case.get("project", "demo"),
    }
    for key, option in (("env", "environment"), ("env_files", "env_files")):
        if key in case:
            result[option] = case[key]
    if "profiles" in case:
        result["profiles"] = case["profiles"]
    return result


def loaded(case: Mapping[str, Any], folder: Path) -> Project:
    """Load the project of a case."""
    given = arguments(case)
    others = {option: value for option, value in given.items() if option != "sources"}
    return load(given["sources"], basedir=str(folder), **others)


def at(project: Project, path: str) -> Any:
    """Return what stands at a path of a project; bytes as text."""
    first, *rest = path.split("/")
    value = getattr(project, first)
    for part in rest:
        value = value[int(part)] if isinstance(value, (list, tuple)) else value.get(part)
    if isinstance(value, tuple):
        return list(value)
    return value.decode() if isinstance(value, bytes) else value
