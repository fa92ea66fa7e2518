"""What guides name is there: options with values that are taken, return values, roles' variables.

Blocks marked `yaml` are run by other tests; these are the words and blocks within the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible_collections.dockyard.fleet.plugins.inventory import containers
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.facts import SHAPES

from tests.unit.test_docs import MODULES, SPECS, constants, documented, resource
from tests.unit.test_inventory_docs import CACHE, CONSTRUCTED

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "docs").glob("*.md"))
ROLES = ("container_runtime", "kvm_host", "machines", "registry", "workloads")
# Its subject is what others have.
THEIRS = "from-community-docker.md"
_FENCE = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"``?([^`\n]+)``?")
_VARIABLE = re.compile(rf"\b(?:{'|'.join((*ROLES, 'site'))})_[a-z_<>*]+")
_WORD = re.compile(r"[a-z]+(?:_[a-z]+)+")
# Options of modules begin as variables of the role registry do, and so do these of others.
REGISTRY = {"registry_url", "registry_user"}
# Lists that are put together of all variables of such names.
_LISTS = re.compile(r"workloads_(?:images|networks|volumes|containers|stacks|pages)_\S+")
# Groups and variables that the inventory plugin makes.
_CONTAINERS = {*SHAPES, "container_host", "project_shop", "service_web", "health_healthy"}
_CONTAINERS |= {"state_running", "label_com_example_tier_front"}
KEYWORDS = {*Play.fattributes, *Task.fattributes}
# Words of others: files, variables of the environment, Ansible's own tasks and results.
OTHERS = {*ROLES, "known_hosts", "ssh_config", "http_proxy", "https_proxy", "no_proxy"}
OTHERS |= {
    "group_vars",
    "host_vars",
    "container_hosts",
    "wait_for_connection",
    "meta",
    "changed",
    "note",
    "ssh_args",
}
# Compose's keys that no module has as an option of its own.
OTHERS |= {"condition", "depends_on", "update_config", "rollback_config"}
OTHERS |= {"post_start", "pre_stop"}
OTHERS |= {"delay", "failure_action", "max_failure_ratio", "parallelism"}


def texts(page: Path) -> Iterator[str]:
    """Yield what stands as code in a page, blocks marked with a language left out."""
    whole = page.read_text()
    # The definition of an execution environment is ansible-builder's.
    yield from (one for one in _FENCE.findall(whole) if not one.startswith("version: 3\n"))
    yield from _CODE.findall(re.sub(r"(?ms)^```.*?^```$", "", whole))


@cache
def options() -> dict[str, list[dict[str, Any]]]:
    """Return what the modules' documentation says of each option, by name."""
    found: dict[str, list[dict[str, Any]]] = {}

    def add(entries: dict[str, Any]) -> None:
        for name, entry in entries.items():
            for one in (name, *entry.get("aliases", ())):
                found.setdefault(one, []).append(entry)
            add(entry.get("suboptions") or {})

    for path in MODULES:
        add(documented(path)["options"])
    add(yaml.safe_load(containers.DOCUMENTATION)["options"])
    return found


@cache
def returned() -> set[str]:
    """Return the names of all return values, those that only a sample shows too."""

    def names(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield str(key)
                yield from names(inner)
        for inner in value if isinstance(value, list) else ():
            yield from names(inner)

    return {name for path in MODULES for name in names(yaml.safe_load(constants(path)["RETURN"]))}


@cache
def verbs() -> set[str]:
    """Return the verbs of plans."""
    return {verb for name in SPECS for verb in getattr(resource(name), "verbs", ())}


@cache
def variables() -> set[str]:
    """Return the variables of the roles and of the playbook site."""
    found = set(re.findall(r"\bsite_[a-z_]+", (ROOT / "playbooks" / "site.yml").read_text()))
    for role in ROLES:
        meta = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
        for entry in meta["argument_specs"].values():
            found |= set(entry.get("options") or {})
        for path in (ROOT / "roles" / role).glob("tasks/*.yml"):
            found |= set(re.findall(rf"^ *(?:register: )?({role}_[a-z_]+)", path.read_text(), re.M))
    return found


def faults(text: str) -> Iterator[str]:
    """Yield what is wrong with a text that may be YAML: an unknown key, a value not taken."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    for key, item in value.items() if isinstance(value, dict) else ():
        if not re.fullmatch(r"\w+", str(key)) or (isinstance(item, str) and " " in item):
            continue  # a message, or words of others
        if key in options():
            if not any(_is_taken(key, item, entry) for entry in options()[key]):
                yield f"{key}: {item!r} is taken by no module"
        elif not is_known(key):
            yield f"{key}: is no option, keyword or variable"


def is_known(name: str) -> bool:
    """Tell whether a word is a keyword, a variable or a verb, or what a module takes or returns."""
    known = {*options(), *returned(), *variables(), *verbs(), *KEYWORDS, *OTHERS}
    known |= {path.stem for path in MODULES}
    known |= {*_CONTAINERS, *CONSTRUCTED, *CACHE}
    return name in known or bool(_LISTS.fullmatch(name)) or name.startswith("ansible_")


def _is_taken(name: str, value: Any, entry: dict[str, Any]) -> bool:
    def spec(one: dict[str, Any]) -> dict[str, Any]:
        kept = {key: one[key] for key in ("type", "elements", "choices") if key in one}
        inner = {key: spec(sub) for key, sub in (one.get("suboptions") or {}).items()}
        return {**kept, "options": inner} if inner and "dict" in kept.values() else kept

    return not ArgumentSpecValidator({name: spec(entry)}).validate({name: value}).error_messages


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_variables_of_roles_that_a_guide_names_are_there(page: Path) -> None:
    named = {name for text in texts(page) for name in _VARIABLE.findall(text)}
    known = {*variables(), *options(), *REGISTRY}
    assert {one for one in named if one not in known and not _LISTS.match(one)} == set()


@pytest.mark.parametrize(
    "page", [one for one in GUIDES if one.name != THEIRS], ids=lambda page: page.stem
)
def test_options_and_values_that_a_guide_names_are_there(page: Path) -> None:
    found = [fault for text in texts(page) for fault in faults(text)]
    found += [text for text in texts(page) if _WORD.fullmatch(text) and not is_known(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state: absent", []),
        ("state: gone", ["state: 'gone' is taken by no module"]),
        ('build: {context: "x"}', []),
        ("build: {contxt: x}", ["build: {'contxt': 'x'} is taken by no module"]),
        ("secret_enviroment: {A: b}", ["secret_enviroment: is no option, keyword or variable"]),
        ("become: true", []),
        ("engine: did not run", []),
    ],
)
def test_what_is_wrong_with_an_example_is_seen(text: str, said: list[str]) -> None:
    assert list(faults(text)) == said
