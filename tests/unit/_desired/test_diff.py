"""The comparison: what counts as a difference, where it comes from, and what is shown of it."""

from __future__ import annotations

import json
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.diff import diff, wanted
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import (
    Context,
    FieldSpec,
    Scope,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.record import encode_record
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.schema import observed_values
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.values import MASK, Unknown

SIZE = FieldSpec("size", "size")
LABELS = FieldSpec("labels", "labels", compare="map")
WORDS = FieldSpec("words", "words", compare="list")
TAGS = FieldSpec("tags", "tags", compare="set")
EXTRAS = FieldSpec("extras", "extras", compare="subset")
KEY = FieldSpec("key", "key", secret=True)
Given = Dict[str, Any]


def recorded(rows: Tuple[FieldSpec, ...], **then: Any) -> Given:
    """Return the record of a task that declared these values."""
    record: Given = json.loads(encode_record("tank/a", rows, then, {}))
    return record


def compare(
    *rows: FieldSpec,
    now: Optional[Given] = None,
    seen: Optional[Given] = None,
    then: Optional[Given] = None,
    base: Optional[Mapping[str, Any]] = None,
    **scope: Any,
) -> List[str]:
    """Return the differences in words, with their impact and origin.

    `now` is what is declared, `then` what the record says was, `seen` what the server shows.
    """
    record = {} if then is None else recorded(rows, **then)
    context = Context(now or {}, base or {}, record)
    observed = observed_values(rows, seen or {}, context)
    changes = diff(rows, context, observed, Scope(**scope))
    return [f"{change.words()} [{change.impact}, {change.origin}]" for change in changes]


@pytest.mark.parametrize(
    ("row", "declared", "shown"),
    [
        (SIZE, 5, 5),
        (SIZE, "", None),
        (SIZE, None, ""),
        (LABELS, {"a": "1", "b": "2"}, {"b": "2", "a": "1"}),
        (LABELS, {"a": None}, {}),
        (LABELS, {}, None),
        (WORDS, ("b", "a"), ["b", "a"]),
        (WORDS, (), None),
        (TAGS, ("b", "a", "b"), ["a", "b"]),
        (EXTRAS, {"a": "1"}, {"a": "1", "b": "the server's own"}),
    ],
)
def test_what_is_as_declared_is_no_difference(row: FieldSpec, declared: Any, shown: Any) -> None:
    now = {} if declared is None else {row.name: declared}
    assert compare(row, now=now, seen={row.name: shown}) == []


@pytest.mark.parametrize(
    ("row", "declared", "shown", "words"),
    [
        (SIZE, 5, 4, ["size: 4 → 5"]),
        (SIZE, 5, None, ["size: none → 5"]),
        (LABELS, {"a": "1"}, {"a": "2"}, ["labels.a: 2 → 1"]),
        (
            LABELS,
            {"a": "1", "c": "3"},
            {"b": "2"},
            ["labels.b: 2 → none", "labels.a: none → 1", "labels.c: none → 3"],
        ),
        (LABELS, {"a": None}, {"a": "1"}, ["labels.a: 1 → none"]),
        # that a key is there, and is empty, is not the same as that it is not
        (LABELS, {"a": ""}, {}, ['labels.a: none → ""']),
        (WORDS, ("a", "b"), ["b", "a"], ["words: [b, a] → [a, b]"]),
        (WORDS, ("a",), None, ["words: none → [a]"]),
        (TAGS, ("a", "c"), ["b", "a"], ["tags: [a, b] → [a, c]"]),
        (EXTRAS, {"a": "1"}, {"a": "2", "b": "2"}, ["extras.a: 2 → 1"]),
    ],
)
def test_what_is_otherwise_is_told_by_field_and_key(
    row: FieldSpec, declared: Any, shown: Any, words: List[str]
) -> None:
    expected = [f"{line} [replace, declared]" for line in words]
    found = compare(row, now={row.name: declared}, seen={row.name: shown})
    assert [line.replace("unknown", "declared") for line in found] == expected


def test_changes_come_in_the_order_of_the_table() -> None:
    now = {"words": ("a",), "size": 5}
    assert compare(SIZE, WORDS, now=now) == [
        "size: none → 5 [replace, declared]",
        "words: none → [a] [replace, declared]",
    ]


def test_of_a_field_that_was_not_read_nothing_is_said() -> None:
    assert diff([SIZE], Context({"size": 5}), {}, Scope()) == []


DEFAULT = FieldSpec("size", "size", default=lambda context: context.base.get("size"))


@pytest.mark.parametrize(
    ("now", "shown", "words"),
    [
        ({}, 3, []),
        ({}, 4, ["size: 4 → 3 [replace, unknown]"]),
        ({"size": 5}, 3, ["size: 3 → 5 [replace, declared]"]),
        ({"size": 5}, 5, []),
    ],
)
def test_what_is_omitted_is_to_be_its_default(now: Given, shown: int, words: List[str]) -> None:
    assert compare(DEFAULT, now=now, seen={"size": shown}, base={"size": 3}) == words


def test_what_is_declared_of_a_map_is_laid_over_its_default() -> None:
    row = FieldSpec("labels", compare="map", default=lambda context: context.base["labels"])
    context = Context(
        {"labels": {"a": "mine", "gone": None}}, {"labels": {"a": "1", "b": "2", "gone": "3"}}
    )
    assert wanted(row, context) == {"a": "mine", "b": "2"}
    assert wanted(row, context, full=False) == {"a": "mine"}


def test_of_a_foreign_one_only_declared_fields_and_keys_count() -> None:
    rows = (DEFAULT, LABELS, WORDS)
    seen = {"size": 4, "labels": {"a": "1", "b": "2"}, "words": ["a"]}
    assert compare(*rows, seen=seen, base={"size": 3}, full=False) == []
    found = compare(*rows, now={"labels": {"a": "2"}}, seen=seen, base={"size": 3}, full=False)
    assert found == ["labels.a: 1 → 2 [replace, declared]"]


@pytest.mark.parametrize(
    ("managed", "words"),
    [
        (frozenset(("size",)), ["size: 4 → none [replace, unknown]"]),
        (frozenset(), []),
        (None, ["size: 4 → none [replace, unknown]", "words: [a] → none [replace, unknown]"]),
    ],
)
def test_of_what_is_omitted_only_what_is_managed_counts(
    managed: Optional[FrozenSet[str]], words: List[str]
) -> None:
    seen = {"size": 4, "words": ["a"]}
    assert compare(SIZE, WORDS, seen=seen, managed=managed) == words


def test_ignored_fields_are_left_out_a_dotted_one_by_either_name() -> None:
    rows = (SIZE, FieldSpec("check.every", "every"), FieldSpec("check.test", "test"))
    now = {"size": 1, "check.every": 2, "check.test": 3}
    assert len(compare(*rows, now=now)) == 3
    left = compare(*rows, now=now, ignore=frozenset(("check", "size")))
    assert left == []
    left = compare(*rows, now=now, ignore=frozenset(("check.every",)))
    assert [line.partition(":")[0] for line in left] == ["size", "check.test"]


# What servers show though nobody asked: the usual default, and another that a server may be set to.
QUIET = FieldSpec("size", "size", quiet=(64, 128))


@pytest.mark.parametrize(
    ("then", "shown", "words"),
    [
        # without a record it is one of those
        (None, 64, []),
        (None, 128, []),
        (None, 7, ["size: 7 → none [replace, unknown]"]),
        # nobody asked for any, whatever it is
        ({}, 7, []),
        # what was asked for goes back to the usual default
        ({"size": 128}, 64, []),
        ({"size": 128}, 128, ["size: 128 → none [replace, dropped]"]),
        ({"size": 7}, 7, ["size: 7 → none [replace, dropped]"]),
    ],
)
def test_what_servers_show_unasked_is_no_difference(
    then: Optional[Given], shown: int, words: List[str]
) -> None:
    assert compare(QUIET, then=then, seen={"size": shown}) == words


def test_what_servers_show_unasked_counts_once_it_is_declared() -> None:
    assert compare(QUIET, now={"size": 7}, seen={"size": 64}) == [
        "size: 64 → 7 [replace, declared]"
    ]


@pytest.mark.parametrize(
    ("then", "now", "shown", "words"),
    [
        # the declaration was edited
        ({"size": 4}, {"size": 5}, 4, "size: 4 → 5 [replace, declared]"),
        ({}, {"size": 5}, None, "size: none → 5 [replace, declared]"),
        # taken out of it
        ({"size": 4}, {}, 4, "size: 4 → none [replace, dropped]"),
        # somebody changed it
        ({"size": 4}, {"size": 4}, 9, "size: 9 → 4 (changed outside) [replace, drift]"),
        ({}, {}, 9, "size: 9 → none (changed outside) [replace, drift]"),
        # there is no record to tell
        (None, {"size": 5}, 4, "size: 4 → 5 [replace, declared]"),
        (None, {}, 4, "size: 4 → none [replace, unknown]"),
    ],
)
def test_the_record_tells_an_edited_declaration_from_a_change_by_somebody_else(
    then: Optional[Given], now: Given, shown: Any, words: str
) -> None:
    assert compare(SIZE, then=then, now=now, seen={"size": shown}) == [words]


def test_the_keys_of_a_map_have_origins_of_their_own() -> None:
    then, seen = {"labels": {"a": "1", "b": "2"}}, {"labels": {"a": "1", "b": "2"}}
    assert compare(LABELS, then=then, now={"labels": {"a": "9"}}, seen=seen) == [
        "labels.a: 1 → 9 [replace, declared]",
        "labels.b: 2 → none [replace, dropped]",
    ]
    seen = {"labels": {"a": "1", "b": "2", "c": "by hand"}}
    assert compare(LABELS, then=then, now=then, seen=seen) == [
        "labels.c: by hand → none (changed outside) [replace, drift]"
    ]


def test_what_travels_with_a_companion_has_its_origin() -> None:
    row = FieldSpec("swap", "swap", group="memory")
    assert compare(row, then={}, seen={"swap": 4}) == ["swap: 4 → none [replace, declared]"]


def test_of_a_record_that_cannot_be_renewed_a_live_change_of_our_own_is_no_drift() -> None:
    live = FieldSpec("size", "size", live="update", change="live", unset="live")
    then, seen = {"size": 4}, {"size": 9}
    assert compare(live, then=then, now=then, seen=seen, sealed=True) == [
        "size: 9 → 4 [live, declared]"
    ]
    assert compare(live, then={}, seen=seen, sealed=True) == ["size: 9 → none [live, dropped]"]
    assert compare(live, then=then, now=then, seen=seen) == [
        "size: 9 → 4 (changed outside) [live, drift]"
    ]
    assert compare(SIZE, then=then, now=then, seen=seen, sealed=True) == [
        "size: 9 → 4 (changed outside) [replace, drift]"
    ]


def test_going_back_to_nothing_may_cost_more_than_a_change() -> None:
    row = FieldSpec("size", "size", change="live", unset="replace")
    assert compare(row, now={"size": 5}, seen={"size": 4}) == ["size: 4 → 5 [live, declared]"]
    assert compare(row, seen={"size": 4}) == ["size: 4 → none [replace, unknown]"]
    # to a default that is a value it is a change like any other
    row = FieldSpec("size", "size", change="live", unset="replace", default=lambda context: 3)
    assert compare(row, seen={"size": 4}) == ["size: 4 → 3 [live, unknown]"]


@pytest.mark.parametrize(("was", "to_be"), [("old-hush", "hush"), (None, "hush"), ("hush", None)])
def test_a_secret_is_masked_in_all_that_is_kept_of_a_change(was: Any, to_be: Any) -> None:
    context = Context({} if to_be is None else {"key": to_be}, record=recorded((KEY,), key="hush"))
    (change,) = diff([KEY], context, {"key": was}, Scope())
    assert "hush" not in repr(change)
    assert change.secret is True
    assert (change.before, change.after) == (was and MASK, to_be and MASK)
    shown = [MASK if value else "none" for value in (was, to_be)]
    assert change.words() == f"key: {' → '.join(shown)}"
    # A digest of it would let it be guessed, so nobody knows where it comes from.
    assert change.origin == ("unknown" if to_be is None else "declared")


def test_private_keys_of_a_map_are_masked_and_others_shown() -> None:
    private = {"labels": frozenset(("token",))}
    now = {"labels": {"token": "hush", "a": "1"}}
    seen = {"labels": {"token": "old-hush", "a": "2"}}
    assert compare(LABELS, now=now, seen=seen, private=private) == [
        f"labels.token: {MASK} → {MASK} [replace, declared]",
        "labels.a: 2 → 1 [replace, declared]",
    ]


def test_of_a_guarded_field_only_what_is_declared_is_shown() -> None:
    row = FieldSpec("labels", "labels", compare="map", guarded=True)
    seen = {"labels": {"typed": "hush", "a": "1"}}
    assert compare(row, now={"labels": {"a": "2"}}, seen=seen) == [
        f"labels.typed: {MASK} → none [replace, unknown]",
        "labels.a: 1 → 2 [replace, declared]",
    ]


def test_values_are_shown_in_the_units_of_the_row_but_nothing_unknown_or_masked_is() -> None:
    row = FieldSpec("size", "size", show=lambda value: f"{value + 0} bytes")
    assert compare(row, now={"size": 5}, seen={"size": 4}) == [
        "size: 4 bytes → 5 bytes [replace, declared]"
    ]
    assert compare(row, now={"size": Unknown("a pull")}, seen={"size": 4}) == [
        "size: 4 bytes → (known after apply: a pull) [replace, declared]"
    ]
    secret = FieldSpec("size", "size", show=row.show, secret=True)
    assert compare(secret, now={"size": 5}) == [f"size: none → {MASK} [replace, declared]"]


@pytest.mark.parametrize("row", [SIZE, LABELS, WORDS, TAGS, EXTRAS])
def test_what_is_unknown_may_be_a_difference(row: FieldSpec) -> None:
    unknown = Unknown("a pull")
    (change,) = diff([row], Context({row.name: unknown}), {row.name: None}, Scope())
    assert change.after is unknown
    (change,) = diff([row], Context({row.name: {}}), {row.name: unknown}, Scope())
    assert change.before is unknown
    assert "(known after apply: a pull)" in change.words()
