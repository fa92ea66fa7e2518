"""A password file keeps what still matches, and is right for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    FleetError,
    InvalidOption,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._htpasswd import (
    answer,
    renewed,
    system_crypt,
)

from tests.lab.registry import HTPASSWD, PASSWORD, USER

# As `htpasswd -B` makes them, of the password "of-htpasswd".
OF_HTPASSWD = "$2y$04$p5xLDoIdLAZAOYN7TN7Z9.MwHvtQgKjpvQLDEt3DAX36X0UDKmVg2"
MD5 = "$apr1$tUd4f5T2$yWPzmBcY6pWw0vTi3TfQh/"


def users(*pairs: Tuple[str, str]) -> List[Dict[str, str]]:
    return [{"name": name, "password": password} for name, password in pairs]


def run(text: str, *pairs: Tuple[str, str]) -> Dict[str, Any]:
    return renewed(text, users(*pairs), system_crypt())


def test_a_hash_stays_while_the_password_matches_it() -> None:
    result = run(HTPASSWD, (USER, PASSWORD))
    assert result == {"content": HTPASSWD, "added": [], "updated": [], "removed": []}


def test_users_are_added_changed_and_removed() -> None:
    before = HTPASSWD + "old:$2b$04$jMYO0J3lzottp5..slfdauV71Cv162.M4AKefuOC2zMotdATxllkO\n"
    result = run(before, ("new", "secret"), (USER, "another"))
    assert (result["added"], result["updated"], result["removed"]) == (["new"], [USER], ["old"])
    names = [line.split(":")[0] for line in result["content"].splitlines()]
    assert names == [USER, "new"]
    again = run(result["content"], (USER, "another"), ("new", "secret"))
    assert again == {**again, "content": result["content"], "added": [], "updated": []}
    for password in ("anothe", "another2", PASSWORD):
        assert run(result["content"], (USER, password))["updated"] == [USER]


def test_equal_passwords_have_different_hashes() -> None:
    lines = run("", ("a", "same"), ("b", "same"))["content"].splitlines()
    assert lines[0][2:] != lines[1][2:]
    assert all(line[2:].startswith("$2b$10$") for line in lines)


@pytest.mark.parametrize(
    "line",
    ["dock", "dock:", "#dock:x", "dock:clear-text", f"dock:{MD5}", "dock:$2b$31$" + "a" * 53],
)  # fmt: skip
def test_what_is_no_bcrypt_hash_is_made_anew_without_being_computed(line: str) -> None:
    """A hash of 2^31 rounds would take days."""
    result = run(f"\n# comment\n{line}\n", ("dock", "secret"))
    assert result["added"] + result["updated"] == ["dock"]
    assert result["content"].startswith("dock:$2b$10$")
    assert len(result["content"].splitlines()) == 1


def test_a_hash_of_htpasswd_is_taken() -> None:
    assert run(f"dock:{OF_HTPASSWD}\n", ("dock", "of-htpasswd"))["updated"] == []


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("", "x", "users[0].name: needs printable characters"),
        (" a", "x", "users[0].name: needs printable characters"),
        ("a\nb", "x", "users[0].name: needs printable characters"),
        ("a:b", "x", "users[0].name: may have no colon"),
        ("#a", "x", "users[0].name: may have no colon, and no #"),
        ("a", "", "users[0].password: is empty"),
        ("a", "canary\0", "users[0].password: is empty, or has a null in it"),
        ("a", "canary" * 20, "users[0].password: has 120 bytes, of which bcrypt would read 72"),
    ],
)
def test_what_cannot_be_in_the_file_is_refused(
    name: str, password: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidOption) as raised:
        answer({"path": str(tmp_path / "none"), "users": users((name, password))})
    assert str(raised.value).startswith(words)
    assert "canary" not in str(raised.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    given = users(("a", "x"), ("a", ""), ("b:c", "y"))
    with pytest.raises(InvalidOption) as raised:
        answer({"path": str(tmp_path / "none"), "users": given})
    assert [entry.option for entry in raised.value.parts] == [
        "users[1].name",
        "users[1].password",
        "users[2].name",
    ]


def test_a_host_without_bcrypt_is_an_error(tmp_path: Path) -> None:
    given = {"path": str(tmp_path / "none"), "users": users(("a", "secret"))}
    with pytest.raises(FleetError, match="has no bcrypt"):
        answer(given, crypt=lambda _password, _setting: "*0")


def test_no_result_has_a_password(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(HTPASSWD)
    result = answer({"path": str(file), "users": users((USER, PASSWORD), ("ci", "canary-two"))})
    assert "canary" not in json.dumps(result)
    assert file.read_text() == HTPASSWD
