"""Steps and changes: their words, how a chain is built, and what later tasks of a check hear."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.planned import Planned
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import (
    IMPACTS,
    Chain,
    Change,
    Step,
    foretold,
    grouped,
    with_doubt,
    worst,
)


def step(verb: str = "do", *causes: str, address: str = "tank/a", **more: Any) -> Step:
    """Return a step."""
    return Step("1", address, verb, causes, **more)


@pytest.mark.parametrize(
    ("impacts", "gravest"),
    [
        ((), "none"),
        (("none", "live"), "live"),
        (("replace", "live"), "replace"),
        (("restart", "live"), "restart"),
        (IMPACTS, "destroy"),
    ],
)
def test_the_gravest_impact_counts(impacts: Tuple[str, ...], gravest: str) -> None:
    assert worst(list(impacts)) == gravest


@pytest.mark.parametrize(
    ("key", "origin", "words"),
    [
        ("", "declared", "env: 1 → 2"),
        ("LOG", "declared", "env.LOG: 1 → 2"),
        ("", "drift", "env: 1 → 2 (changed outside)"),
        ("LOG", "dropped", "env.LOG: 1 → 2"),
    ],
)
def test_a_change_says_its_field_key_and_whether_somebody_else_made_it(
    key: str, origin: str, words: str
) -> None:
    assert Change("env", key, 1, 2, "live", origin, text="1 → 2").words() == words


@pytest.mark.parametrize(
    ("args", "maybe", "words"),
    [
        ({}, False, "stop tank/a"),
        ({"on": "a"}, False, "stop a"),
        ({"on": "a", "to": "b", "id": "7"}, False, "stop a → b"),
        ({"on": "a"}, True, "stop a (maybe)"),
    ],
)
def test_a_step_says_what_it_acts_on(args: Dict[str, str], maybe: bool, words: str) -> None:
    assert step("stop", args=args, maybe=maybe).words() == words


def test_what_a_plan_shows_of_a_step_has_neither_changes_nor_what_its_verb_noted() -> None:
    change = Change("key", "", "old", "new", "live", text="old → new")
    shown = step("stop", "b", "a; c", changes=(change,), noted={"id": "7"}, needs=("0",)).public()
    assert shown == {
        "id": "1",
        "address": "tank/a",
        "verb": "stop",
        "cause": "b; a; c",
        "impact": "none",
        "maybe": False,
        "needs": ["0"],
        "args": {},
    }


def test_in_a_chain_each_step_needs_the_one_before() -> None:
    chain = Chain("tank/a")
    chain.add("stop", "one cause", on="a")
    chain.add("rename", ("two", "causes"), "replace", args={"id": "7"}, on="a", to="b")
    chain.add("pull", "another", address="image/x")
    first, second, third = chain.steps
    assert [entry.id for entry in chain.steps] == ["1", "2", "3"]
    assert [entry.needs for entry in chain.steps] == [(), ("1",), ("2",)]
    assert [entry.address for entry in chain.steps] == ["tank/a", "tank/a", "image/x"]
    assert (first.causes, second.causes) == (("one cause",), ("two", "causes"))
    assert second.args == {"id": "7", "on": "a", "to": "b"}
    assert (first.impact, second.impact, third.effect) == ("none", "replace", "change")


def test_a_chain_may_go_on_counting_from_another() -> None:
    chain = Chain("tank/a", first=4)
    chain.add("stop", "it")
    chain.add("start", "it")
    assert [(entry.id, entry.needs) for entry in chain.steps] == [("4", ()), ("5", ("4",))]


def test_groups_stand_where_their_first_step_does() -> None:
    steps = [step(verb, address=f"tank/{name}") for verb, name in zip("123", "bab")]
    groups = grouped(lambda entry: entry.address, steps)
    assert list(groups) == ["tank/b", "tank/a"]
    assert [entry.verb for entry in groups["tank/b"]] == ["1", "3"]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], {}),
        ([step("set", "a: 1 → 2")], {"tank/a": Planned("change", ("a: 1 → 2",))}),
        # causes once each, in their order
        (
            [step("stop", "b", "a"), step("start", "a", "c")],
            {"tank/a": Planned("change", ("b", "a", "c"))},
        ),
        (
            [step("create", "not there", effect="create"), step("start", "not there")],
            {"tank/a": Planned("create", ("not there",))},
        ),
        # what is removed and made again is made
        (
            [step("remove", "x", effect="remove"), step("create", "x", effect="create")],
            {"tank/a": Planned("create", ("x",))},
        ),
        (
            [step("remove", "gone", effect="remove", keeps=("disk",)), step("x", keeps=("disk",))],
            {"tank/a": Planned("remove", ("gone",), ("disk",))},
        ),
        (
            [step("pull", "newer", address="image/x"), step("stop", "newer", maybe=True)],
            {"image/x": Planned("change", ("newer",)), "tank/a": Planned("change", ("newer",))},
        ),
        # nothing has the old address any more, and what has the new one is new to later tasks
        (
            [step("rename", "moved", address="tank/b", effect="rename", same_as="tank/a")],
            {
                "tank/a": Planned("rename", ("moved",), same_as="tank/b"),
                "tank/b": Planned("create", ("moved",), same_as="tank/a"),
            },
        ),
        (
            [step("tag", "t", effect="create", same_as="image/x")],
            {"tank/a": Planned("create", ("t",), same_as="image/x")},
        ),
    ],
)
def test_what_later_tasks_of_a_check_are_told(steps: Any, told: Dict[str, Planned]) -> None:
    assert foretold(steps) == told


@pytest.mark.parametrize(
    ("pending", "maybe"),
    [
        ({}, False),
        ({"tank/a": Planned("change", ("a", "b"))}, True),
        ({"tank/a": Planned("create", ("b", "a", "c"))}, True),
        # for one of them it would be made all the same
        ({"tank/a": Planned("change", ("a",))}, False),
        ({"tank/b": Planned("change", ("a", "b"))}, False),
        # what is gone by then is no reason to do anything
        ({"tank/a": Planned("remove", ("a", "b"))}, False),
        ({"tank/a": Planned("rename", ("a", "b"))}, False),
    ],
)
def test_what_an_earlier_task_makes_already_is_a_maybe(
    pending: Dict[str, Planned], maybe: bool
) -> None:
    sure, without_cause = step("set", "a", "b"), step("set")
    doubtful, kept = with_doubt([sure, without_cause], pending)
    assert doubtful == dataclasses.replace(sure, maybe=maybe)
    assert kept == without_cause
