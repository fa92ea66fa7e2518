"""The ownership record: what counts as ours, and what is read of what anybody may have written."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import ownership
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import (
    Context,
    FieldSpec,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.record import encode_record

ROWS = (FieldSpec("size"), FieldSpec("labels", compare="map"), FieldSpec("key", secret=True))
DECLARED = {"size": 5, "labels": {"b": "2", "a": "1"}, "key": "hush-hush", "other": "no row"}


def record(**declared: Any) -> Dict[str, Any]:
    """Return the record of a task that declared these values."""
    return ownership.read(encode_record("tank/a", ROWS, declared, {}), "tank/a")


def test_what_is_written_is_read_again() -> None:
    text = encode_record("tank/a", ROWS, DECLARED, {"carried": ["x"], "replaces": {}, "of": ""})
    read = ownership.read(text, "tank/a")
    assert read == json.loads(text)
    assert (read["v"], read["address"], read["carried"]) == (ownership.VERSION, "tank/a", ["x"])
    assert set(read["digests"]) == {"size", "labels"}
    assert {"replaces", "of"} & set(read) == set(), "what is empty is left out"


def test_no_value_is_in_a_record_and_no_digest_of_a_secret() -> None:
    text = encode_record("tank/a", ROWS, {"labels": {"a": "plain-text"}, "key": "hush-hush"}, {})
    assert "plain-text" not in text
    assert "hush" not in text
    assert set(json.loads(text)["digests"]) == {"labels"}


def test_equal_values_of_two_records_have_different_digests() -> None:
    """Or a table of digests made once would do for all of them."""
    one, other = record(size=5), record(size=5)
    assert one["salt"] != other["salt"]
    assert len(one["salt"]) == 16
    assert one["digests"]["size"] != other["digests"]["size"]


def test_equal_values_of_two_fields_have_different_digests() -> None:
    assert ownership.digest("salt", "a", "1") != ownership.digest("salt", "b", "1")
    assert ownership.digest("salt", "a", "1") == ownership.digest("salt", "a", "1")
    assert len(ownership.digest("salt", "a", "1")) == 12


@pytest.mark.parametrize(
    ("addresses", "ours"),
    [
        (("tank/a",), True),
        (("tank/new", "tank/a"), True),
        (("tank/b",), False),
        (("tank/a2",), False),
        (("",), False),
        ((), False),
    ],
)
def test_a_record_of_another_address_does_not_count(addresses: Any, ours: bool) -> None:
    assert bool(ownership.read(encode_record("tank/a", ROWS, {}, {}), *addresses)) is ours


@pytest.mark.parametrize(
    "label",
    [
        None,
        7,
        {"address": "tank/a"},
        b'{"address": "tank/a"}',
        "",
        "{",
        "tank/a",
        '"tank/a"',
        "null",
        '["tank/a"]',
        '{"address": "tank/a"} x',
        '{"address": "tank/a", "salt": NaN}',
        '{"address": "tank/a", "n": 1e999}',
        '{"address": "tank/a", "n": ' + "[" * 100 + "]" * 100 + "}",
        '{"address": "tank/a", "n": ' + "[" * 200_000,
        '{"address": ["tank/a"]}',
        '{"address": {"tank/a": "tank/a"}}',
        '{"address": null}',
        "{}",
    ],
)
def test_what_is_no_record_makes_nothing_ours(label: Any) -> None:
    assert ownership.read(label, "tank/a") == {}


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("salt", "x", True),
        ("salt", ["x"], False),
        ("salt", None, False),
        ("digests", {"size": "x"}, True),
        ("digests", {"size": {}}, False),
        ("digests", ["size"], False),
        ("digests", "size", False),
        ("digests", None, False),
        ("carried", ["x"], True),
        ("carried", "x", False),
        ("carried", [["x"]], False),
        ("carried", {"x": "x"}, False),
        ("bases", {"a": 1}, False),
        ("replaces", {"id": "x", "restart": ["always", 0]}, True),
        ("replaces", {"id": "x"}, False),
        ("replaces", {"id": 7, "restart": ["always", 0]}, False),
        ("replaces", {"id": "x", "restart": ["always"]}, False),
        ("replaces", {"id": "x", "restart": ["always", "0"]}, False),
        ("replaces", {"id": "x", "restart": ["always", True]}, False),
        ("replaces", {"id": "x", "restart": {"always": 0}}, False),
        ("replaces", ["x"], False),
        # what a later version may write
        ("later", {"any": ["thing"]}, True),
    ],
)
def test_parts_of_another_type_are_left_out_and_the_rest_counts(
    key: str, value: Any, kept: bool
) -> None:
    found = ownership.read(json.dumps({"address": "tank/a", key: value}), "tank/a")
    assert found == {"address": "tank/a", **({key: value} if kept else {})}


def test_a_long_record_is_read_and_half_a_character_is_mended() -> None:
    long = {"address": "tank/a", "digests": {str(number): "x" * 12 for number in range(50_000)}}
    assert ownership.read(json.dumps(long), "tank/a") == long
    broken = '{"address": "tank/a", "salt": "\\ud800", "digests": {"\\udfff": "x"}}'
    found = ownership.read(broken, "tank/a")
    assert json.dumps(found, ensure_ascii=False).encode()
    assert set(found) == {"address", "salt", "digests"}


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        ({"size": 5}, {"size": 5}, True),
        ({"size": 5}, {"size": 6}, False),
        ({"size": 5}, {"size": "5"}, False),
        ({"size": 5}, {}, False),
        ({}, {"size": 5}, False),
        ({}, {}, True),
    ],
)
def test_whether_a_field_is_declared_as_it_was(then: Any, now: Any, same: bool) -> None:
    assert ownership.as_recorded(Context(now, record=record(**then)), "size") is same


def test_the_order_of_keys_is_no_other_declaration() -> None:
    context = Context({"labels": {"a": "1", "b": "2"}}, record=record(labels={"b": "2", "a": "1"}))
    assert ownership.as_recorded(context, "labels") is True


def test_a_digest_counts_with_the_salt_of_its_own_record() -> None:
    theirs = {**record(size=5), "salt": record(size=5)["salt"]}
    assert ownership.as_recorded(Context({"size": 5}, record=theirs), "size") is False
    del theirs["salt"]
    assert ownership.as_recorded(Context({"size": 5}, record=theirs), "size") is False


def test_it_is_found_out_once_for_each_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key of a map asks for it, and a map may have thousands."""
    context = Context({"size": 5, "labels": {}}, record=record(size=5, labels={"a": "1"}))
    asked = []

    def digest(salt: str, name: str, text: str) -> str:
        asked.append(name)
        return whole(salt, name, text)

    whole = ownership.digest
    monkeypatch.setattr(ownership, "digest", digest)
    found = [ownership.as_recorded(context, name) for name in ("size", "labels", "size", "labels")]
    assert found == [True, False, True, False]
    assert asked == ["size", "labels"]


def test_a_fingerprint_is_that_of_the_values() -> None:
    one = ownership.fingerprint({"a": 1, "b": ["x"]})
    assert one == ownership.fingerprint({"b": ["x"], "a": 1})
    assert one != ownership.fingerprint({"a": 1, "b": ["y"]})
    assert len(one) == 16
