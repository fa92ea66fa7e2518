"""The page for those who come from community.docker names every option of theirs, and real ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.compose_hints import KEYS
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.option_hints import (
    RENAMED,
    answers,
)

from tests.lab.front import Front
from tests.unit.test_docs import MODULES, documented

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "from-community-docker.md"
THEIRS: Dict[str, List[str]] = yaml.safe_load(
    (ROOT / "tests" / "cases" / "peer_options.yml").read_text()
)
WITHOUT = THEIRS.pop("without")
_CODE = re.compile(r"`([^`]+)`")


def sections() -> Dict[str, str]:
    """Return the page's sections by their heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def table(text: str) -> List[Tuple[List[str], List[str]]]:
    """Return for each row of a section's table what stands as code in its first two cells."""
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    return [(_CODE.findall(one), _CODE.findall(other)) for one, other in rows]


@pytest.mark.parametrize("section", THEIRS)
def test_every_option_of_theirs_is_named_once(section: str) -> None:
    named = [name for theirs, _ours in table(sections()[section]) for name in theirs]
    assert sorted(named) == sorted(THEIRS[section])


@pytest.mark.parametrize("section", [name for name in THEIRS if " " not in name])
def test_ours_are_options_of_the_modules_that_the_section_names(section: str) -> None:
    text = sections()[section]
    modules = set(re.findall(r"\(modules/(\w+)\.md\)", text))
    known = [documented(path)["options"] for path in MODULES if path.stem in modules]
    ours = [name.partition(":")[0] for _theirs, names in table(text) for name in names]
    assert ours
    assert [name for name in ours if not any(_has(one, name) for one in known)] == []


def _keys(options: Dict[str, Any], name: str) -> Dict[str, Any]:
    """Return the keys of an option that hints are given for; a parser's own are none of them."""
    for part in name.split("."):
        entry = options.get(part, {})
        raw = "raw" in (entry.get("type"), entry.get("elements"))
        options = {} if raw else entry.get("suboptions") or {}
    return options


def _has(options: Dict[str, Any], name: str) -> bool:
    for part in name.split("."):
        if part not in options:
            return False
        options = options[part].get("suboptions") or {}
    return True


def test_the_hint_is_in_the_message() -> None:
    result = Front("/no/engine").run({"name": "web", "image": "app:1", "memory": "64m"})
    assert result["msg"] == "memory: unknown option; mem_limit takes its place here"


def test_an_alias_is_read_as_what_it_stands_for_alone() -> None:
    """The module would warn of both."""
    front = Front("/no/engine")
    front.run({"name": "web", "docker_host": "unix:///run/x.sock", "timeout": 5})
    options = front._action._options()
    assert (options["engine_host"], options["engine_timeout"]) == ("unix:///run/x.sock", 5)
    assert not {"docker_host", "timeout"}.intersection(options)


def test_what_has_no_counterpart_is_named() -> None:
    text = sections()["What has no counterpart"]
    assert sorted(set(WITHOUT) - set(_CODE.findall(text))) == []


def test_variables_of_the_connection_are_those_it_has() -> None:
    ours = [name for _theirs, names in table(sections()["connection plugins"]) for name in names]
    plugin = (ROOT / "plugins" / "connection" / "container.py").read_text()
    assert [name for name in ours if name not in plugin] == []


def test_whoever_writes_an_old_name_is_told_the_one_here() -> None:
    """The hint on an unknown option is the row of the page, for what a near word would not find."""
    rows = table(sections()["docker_container"])
    known = documented(ROOT / "plugins" / "modules" / "container.py")["options"]
    renamed = {
        name: ours[0]
        for theirs, ours in rows
        if ours
        for name in theirs
        if "." not in name and name not in known and ours[0] not in ("cleanup",)
    }
    assert {**renamed, "container_name": "name"} == RENAMED["container"]


def _modules(section: str) -> List[str]:
    """Return our modules that a section of the page is about."""
    if section == "connection":
        return ["container", "image", "logs"]
    found = re.search(r"^Ours: (.*?)\.\s", sections()[section], re.MULTILINE | re.DOTALL)
    names = re.findall(r"\(modules/(\w+)\.md\)", found.group(1) if found else "")
    return [name for name in names if section != "docker_host_info" or name == "host_info"]


def _unanswered(module: str, names: List[str]) -> List[str]:
    """Return the options of theirs that a module neither has nor has an answer of its own for."""
    options = documented(ROOT / "plugins" / "modules" / f"{module}.py")["options"]
    aliases = {alias for entry in options.values() for alias in entry.get("aliases", ())}
    return [
        name
        for name in names
        # What is in an option that is unknown here, or has no keys, is never reached.
        if not (_has(options, name) or name in aliases or name in answers(module))
        and ("." not in name or _keys(options, name.rpartition(".")[0]))
    ]


@pytest.mark.parametrize("section", [name for name in THEIRS if " " not in name])
def test_every_option_of_theirs_has_an_answer_of_its_own(section: str) -> None:
    modules = _modules(section)
    assert modules
    assert {one: _unanswered(one, THEIRS[section]) for one in modules} == {
        one: [] for one in modules
    }


@pytest.mark.parametrize("module", sorted(path.stem for path in MODULES))
def test_no_answer_is_about_an_option_that_is_there(module: str) -> None:
    """But run has those of container as well, and not all of its options."""
    options = documented(next(path for path in MODULES if path.stem == module))["options"]
    stale = {name for name in answers(module) if _has(options, name)}
    assert stale - (set(answers("container")) if module == "run" else set()) == set()


def test_every_key_of_compose_is_an_option_or_has_an_answer_of_its_own() -> None:
    keys = yaml.safe_load((ROOT / "tests" / "cases" / "compose_keys.yml").read_text())
    for module in ("container", "run"):
        assert _unanswered(module, keys) == []
    named = [name for theirs, _ours in table(sections()["Keys of Compose"]) for name in theirs]
    assert sorted(named) == sorted(set(KEYS) - {"services", "version"})


def test_all_that_is_wrong_with_a_task_is_told_at_once() -> None:
    old = dict.fromkeys([*RENAMED["container"]][:18], "x")
    task = {"name": "w", "image": "App:1", "ports": ["1:2:3:4", 22], "state": "healthy", **old}
    message = Front("/no/engine").run(task)["msg"]
    first, *told = message.split("\n- ")
    assert first == "23 options are wrong:"
    assert [one for one in told if "unknown option" in one] == [
        f"{name}: unknown option; {answers('container')[name]}" for name in old
    ]
    assert [one.partition(":")[0] for one in told if "unknown option" not in one] == [
        "state",
        "name",
        "image",
        "ports[0]",
        "ports[1]",
    ]
    assert "state: 'healthy' is not known; write state: started, and wait: healthy" in told


def test_what_needs_several_options_is_looked_at_when_each_is_right() -> None:
    task = {"name": "web", "network_mode": "host", "ports": ["80:80"], "imgae": "app:1"}
    message = Front("/no/engine").run(task)["msg"]
    assert message == "imgae: unknown option; did you mean image?"
