"""What a check hands on from task to task: how it is written, read and asked for."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.planned import (
    Planned,
    address_now,
    address_then,
    as_data,
    follow,
    read_planned,
    will_be,
    will_change,
    will_go,
)

MOVED = {
    "tank/old": Planned("rename", ("moved",), same_as="tank/new"),
    "tank/new": Planned("create", ("moved",), same_as="tank/old"),
}


def test_what_is_handed_on_is_read_as_it_was_written() -> None:
    told = {**MOVED, "vm/a": Planned("remove", ("gone", "for good"), ("disk",))}
    data = json.loads(json.dumps(as_data(told)))
    assert read_planned(data) == told
    assert "same_as" not in data["vm/a"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("will be installed", Planned("change", ("will be installed",))),
        (7, Planned("change", ("7",))),
        ({"kind": "remove"}, Planned("remove")),
        ({"kind": "change", "causes": [1], "keeps": None}, Planned("change", ("1",))),
    ],
)
def test_a_cause_in_words_announces_a_change(given: Any, read: Planned) -> None:
    assert read_planned({"engine": given}) == {"engine": read}


@pytest.mark.parametrize(
    ("kind", "goes", "word"),
    [
        ("create", False, "a; b"),
        ("change", False, "a; b"),
        ("remove", True, ""),
        ("rename", True, ""),
    ],
)
def test_what_is_removed_or_renamed_is_gone_and_the_rest_will_be(
    kind: str, goes: bool, word: str
) -> None:
    pending = {"tank/a": Planned(kind, ("a", "b"))}
    assert will_go(pending, "tank/a") is goes
    assert will_be(pending, "tank/a") == word
    assert (will_go(pending, "tank/b"), will_be(pending, "tank/b")) == (False, "")


def test_what_will_be_without_a_cause_is_told_by_its_kind() -> None:
    assert will_be({"tank/a": Planned("create")}, "tank/a") == "create"


@pytest.mark.parametrize(
    ("pending", "address", "changes"),
    [
        ({}, "tank/a", False),
        ({"tank/a": Planned("change")}, "tank/a", True),
        ({"tank/a": Planned("remove")}, "tank/a", True),
        # only its name
        (MOVED, "tank/old", False),
        # and more, by a later task
        ({**MOVED, "tank/new": Planned("change", ("moved", "size"))}, "tank/old", True),
        ({"tank/old": MOVED["tank/old"]}, "tank/old", True),
    ],
)
def test_a_rename_alone_changes_nothing_of_it(
    pending: Dict[str, Planned], address: str, changes: bool
) -> None:
    assert will_change(pending, address) is changes


TWICE = {
    "tank/a": Planned("rename", same_as="tank/b"),
    "tank/b": Planned("rename", same_as="tank/c"),
    "tank/c": Planned("create", same_as="tank/b"),
}


@pytest.mark.parametrize(
    ("pending", "now", "then"),
    [
        ({}, "tank/a", "tank/a"),
        (MOVED, "tank/old", "tank/new"),
        (TWICE, "tank/a", "tank/c"),
        ({"tank/a": Planned("change")}, "tank/a", "tank/a"),
    ],
)
def test_renames_are_followed_both_ways(pending: Dict[str, Planned], now: str, then: str) -> None:
    assert address_then(pending, now) == then
    assert address_now(pending, then) == now


def test_what_is_removed_has_no_address_then() -> None:
    assert address_then({"tank/a": Planned("remove")}, "tank/a") == ""


def test_a_renamed_one_is_found_though_its_old_name_is_taken_anew() -> None:
    pending = {**MOVED, "tank/old": Planned("create", ("not there",))}
    assert address_now(pending, "tank/new") == "tank/old"


def test_a_circle_of_links_ends() -> None:
    assert follow({"a": "b", "b": "c", "c": "a"}, "a") == "a"
    assert follow({"a": "a"}, "a") == "a"
