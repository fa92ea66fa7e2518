"""Whatever stands at any place of a Compose file: a project or an error, and never a traceback."""

from __future__ import annotations

import copy
import random
from typing import Any, Dict, Iterator, List, Tuple

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose.project import load

from tests.lab.composing import all_cases

VALUES: Tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, float("inf"), b"x"),
    *("", "x", "a=b", "a:b:c", "::", "${A}", "$", "1g"),
    *([], ["x"], [None], [[]], [{}], [5], [True], ["=x"], {}, {"a": None}, {"a": []}, {"a": {}}),
    *({5: 6}, {None: 1}, {True: []}, {"external": {"name": None}}, {"limits": {"cpus": "x"}}),
    *([{"target": None}], [{"type": "bind", "source": None}], [{"source": None}]),
)
RUNS = 600


class Tagged:
    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def represent(dumper: Any, tagged: Tagged) -> Any:
    node = dumper.represent_data(tagged.value)
    node.tag = tagged.tag
    return node


Dumper.add_representer(Tagged, represent)


def models() -> List[Dict[str, Any]]:
    """Return what the cases about single services write, as one model each."""
    result = []
    for param in all_cases():
        case = param.values[0]
        if "error" in case or "service" not in case or "!" in case["service"]:
            continue
        beside = yaml.safe_load(case.get("beside", "")) or {}
        if "db" not in beside:
            service = {"image": "a", **yaml.safe_load(case["service"])}
            result.append({"services": {"web": service}, **beside})
    return result


MODELS = models()


def places(value: Any, path: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
    if path:
        yield path
    items: Any = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else items:
        yield from places(item, (*path, key))


def changed(model: Dict[str, Any], dice: random.Random) -> Dict[str, Any]:
    """Return a model with another value at one place."""
    result: Any = copy.deepcopy(model)
    *parents, last = dice.choice(list(places(result)))
    inner = result
    for key in parents:
        inner = inner[key]
    inner[last] = copy.deepcopy(dice.choice(VALUES))
    return dict(result)


def tagged(value: Any, dice: random.Random) -> Any:
    """Return a value with tags here and there."""
    if isinstance(value, dict):
        value = {key: tagged(item, dice) for key, item in value.items()}
    elif isinstance(value, list):
        value = [tagged(item, dice) for item in value]
    if value is not None and dice.random() < 0.08:
        return Tagged(dice.choice(("!reset", "!override")), value)
    return value


def is_loaded(sources: Any, **more: Any) -> bool:
    try:
        project = load(sources, name="demo", basedir="/p", environment={"A": "x"}, **more)
    except InvalidOption:
        return False
    text = repr((project.services, project.networks, project.volumes))
    assert "RESET" not in text
    assert "Override" not in text
    return True


@pytest.mark.parametrize("seed", [1, 2])
def test_another_value_at_any_place(seed: int) -> None:
    dice = random.Random(seed)
    assert len(MODELS) > 100
    loaded = 0
    for _run in range(RUNS):
        sources = [changed(dice.choice(MODELS), dice)]
        sources += [dice.choice(MODELS)] if dice.random() < 0.5 else []
        loaded += is_loaded(sources, read=lambda path: b"A=1")
    assert 0 < loaded < RUNS


@pytest.mark.parametrize("seed", [1, 2])
def test_tags_at_any_place(seed: int) -> None:
    dice = random.Random(seed)
    loaded = 0
    for _run in range(RUNS):
        first, second = (copy.deepcopy(dice.choice(MODELS)) for _file in range(2))
        first["services"]["base"] = {"image": "b", "ports": ["5:5"], "labels": {"q": "1"}}
        second["services"]["web"]["extends"] = {"service": "base", "file": "a.yaml"}
        first["include"] = ["c.yaml"]
        third = {"services": {"more": {"image": "x", "labels": {"a": "b"}}}}
        files = {"/p/a.yaml": first, "/p/b.yaml": second, "/p/c.yaml": third}
        texts = {
            path: yaml.dump(
                {key: tagged(item, dice) for key, item in model.items()}, Dumper=Dumper
            ).encode()
            for path, model in files.items()
        }
        loaded += is_loaded(
            ["a.yaml", "b.yaml"], read=lambda path, texts=texts: texts.get(path, b"")
        )
    assert 0 < loaded < RUNS
