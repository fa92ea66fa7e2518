"""What the modules say of themselves: it agrees with what they do, and is all that is needed."""

from __future__ import annotations

import ast
import importlib
import re
import statistics
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.options import (
    engine_options,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields import (
    endpoints,
    ports,
    volumes,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.options import (
    libvirt_options,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init import checks
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import fields as vm_fields

from tests.tools import engines_page
from tests.tools.module_pages import PAGES, pages

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.dockyard.fleet.plugins"
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
# The modules, and where their argument spec comes from.
SPECS = {
    "container": "_engine.container.resource:CONTAINER",
    "container_info": "_engine.info.readers:CONTAINERS",
    "copy": "_engine.copy.resource:COPY",
    "exec": "_engine.exec.resource:EXEC",
    "host_info": "_engine.info.readers:HOST",
    "image": "_engine.image.resource:IMAGE",
    "image_info": "_engine.info.readers:IMAGES",
    "logs": "_engine.info.logs:LOGS",
    "login": "_engine.registry.login:LOGIN",
    "logout": "_engine.registry.login:LOGOUT",
    "network": "_engine.network.resource:NETWORK",
    "network_info": "_engine.info.readers:NETWORKS",
    "prune": "_engine.prune.resource:PRUNE",
    "run": "_engine.run.resource:JOB",
    "stack": "_engine.stack.resource:STACK",
    "volume": "_engine.volume.resource:VOLUME",
    "volume_info": "_engine.info.readers:VOLUMES",
    "vm": "_libvirt.vm.resource:MACHINE",
    "vm_image": "_libvirt.image.resource:VM_IMAGE",
    "vm_info": "_libvirt.info.readers:MACHINES",
}
# Modules that roles use; each has a small spec of its own.
FOR_ROLES = {"declared", "htpasswd", "page", "pending"}
# A module file is documentation and a call.
CODE_LINES = 30


def constants(path: Path) -> Dict[str, str]:
    """Return the texts that a module file assigns: DOCUMENTATION, EXAMPLES, RETURN."""
    return {
        node.targets[0].id: node.value.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


def documented(path: Path) -> Dict[str, Any]:
    """Return a module's documentation with the shared options and attributes in it."""
    made: Dict[str, Any] = yaml.safe_load(constants(path)["DOCUMENTATION"])
    for name in made.get("extends_documentation_fragment", ()):
        file, part = [*name.split(".")[2:], "documentation"][:2]
        fragment = importlib.import_module(f"{PLUGINS}.doc_fragments.{file}").ModuleDocFragment
        shared = yaml.safe_load(getattr(fragment, part.upper()))
        for key in ("options", "attributes"):
            made[key] = {**shared.get(key, {}), **made.get(key, {})}
    return made


# Options whose inner keys are the parsers' business: the argument spec has none of them.
INNER = {
    "container": {
        "ports": ports._LONG,
        "volumes": (*volumes._LONG, *volumes._INNER),
        **{f"volumes.{kind}": keys for kind, keys in volumes._INNER.items()},
        "networks.NETWORK": endpoints._KEYS,
    },
    "vm": {
        "disks": vm_fields.DISK_KEYS,
        "networks": vm_fields.NETWORK_KEYS,
        "cloud_init": (*checks._CHECKS, *checks.SHORTCUTS),
    },
}


def rows(options: Mapping[str, Any], nested: str, where: str = "") -> Iterator[Tuple[str, Any]]:
    """Yield (option, what is said of it) of documentation or of an argument spec."""
    for name, entry in options.items():
        facts = {
            "type": entry.get("type", "str"),
            "elements": entry.get("elements"),
            "required": entry.get("required", False),
            "default": entry.get("default"),
            "choices": sorted(map(str, entry["choices"])) if "choices" in entry else None,
            "aliases": sorted(entry.get("aliases", ())),
        }
        yield f"{where}{name}", facts
        yield from rows(entry.get(nested) or {}, nested, f"{where}{name}.")


def resource(name: str) -> Any:
    """Return what a module keeps or reads."""
    module, _colon, attribute = SPECS[name].partition(":")
    return getattr(importlib.import_module(f"{PLUGINS}.module_utils.{module}"), attribute)


@pytest.mark.parametrize("name", SPECS)
def test_documentation_and_argument_spec_agree(name: str) -> None:
    spec = resource(name).spec()
    said = documented(ROOT / "plugins" / "modules" / f"{name}.py")["options"]
    shared = libvirt_options() if SPECS[name].startswith("_libvirt") else engine_options()
    inner = tuple(f"{one.partition('.')[0]}." for keys in INNER.values() for one in keys)
    told = {key: one for key, one in rows(said, "suboptions") if not key.startswith(inner)}
    assert told == dict(rows({**shared, **spec}, "options"))


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, keys in INNER.items() for option in keys]
)
def test_the_keys_inside_of_an_option_are_documented(name: str, option: str) -> None:
    entry: Dict[str, Any] = {
        "suboptions": documented(ROOT / "plugins" / "modules" / f"{name}.py")["options"]
    }
    for part in option.split("."):
        entry = entry["suboptions"][part]
    assert sorted(entry["suboptions"]) == sorted(INNER[name][option])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_says_how_it_behaves(path: Path) -> None:
    assert set(documented(path)["attributes"]) >= {"check_mode", "diff_mode", "idempotent"}
    text = constants(path)
    assert yaml.safe_load(text["EXAMPLES"])
    assert _without_sample(yaml.safe_load(text["RETURN"])) == []


def _without_sample(values: Mapping[str, Any]) -> List[str]:
    missing = []
    for name, entry in values.items():
        if "contains" in entry:
            missing += [f"{name}.{one}" for one in _without_sample(entry["contains"])]
        elif "sample" not in entry:
            missing.append(name)
    return missing


def test_module_pages_are_fresh() -> None:
    there = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    assert there == pages(), "run make docs"


def test_every_module_has_a_group_and_an_argument_spec_to_compare() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    grouped = sorted(name for group in groups.values() for name in group)
    assert grouped == sorted(SPECS)
    assert {path.stem for path in MODULES} - set(SPECS) == FOR_ROLES


def test_every_module_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert [path.stem for path in MODULES if f"(docs/modules/{path.stem}.md)" not in text] == []


def test_no_page_shows_ansibles_markup() -> None:
    """A reader of Markdown sees O(detach=true) as it stands there, and a.b.c#module:name too."""
    shown = re.compile(r"(?<!`)\b(?:O|V|M|RV|C|E|I|B|P|L|U)\([^)`|]+\)|[\w.]+#[a-z]+:[\w.]+")
    files = [*PAGES.glob("*.md"), *(ROOT / "roles").glob("*/README.md")]
    found = {path.name: shown.findall(path.read_text()) for path in files}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_return_values_that_are_spoken_of_are_there(path: Path) -> None:
    for whole in re.findall(r"\bRV\(([^)=]+)\)", constants(path)["DOCUMENTATION"]):
        place, _hash, name = whole.rpartition(":")
        module = place.partition("#")[0].rpartition(".")[2] or path.stem
        there = yaml.safe_load(constants(path.with_name(f"{module}.py"))["RETURN"])
        for part in name.replace("[]", "").split("."):
            assert part in there, whole
            there = there[part].get("contains") or {}


def test_page_of_engines_is_fresh() -> None:
    assert engines_page.PAGE.read_text() == engines_page.page(), "run make docs"


def test_module_files_are_documentation_and_a_call() -> None:
    sizes = {}
    for path in MODULES:
        tree = ast.parse(path.read_text())
        code = [node for node in tree.body if not _is_text(node)]
        sizes[path.stem] = sum((n.end_lineno or n.lineno) - n.lineno + 1 for n in code)
    print(sizes)
    assert statistics.median(sizes.values()) <= CODE_LINES, sizes


def _is_text(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, (ast.Assign, ast.Expr)) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
