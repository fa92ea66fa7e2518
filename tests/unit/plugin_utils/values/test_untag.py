"""Values as ansible-core hands them over come out as plain Python values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret, VaultSecretsContext
from ansible_collections.dockyard.fleet.plugins.plugin_utils.values.untag import plain

TEXT = """
name: web
count: 3
share: 1.5
on: true
nothing:
list: [a, 1, {deep: [x]}]
"""


def types(value: Any) -> set[type]:
    """Return the exact types met anywhere in a value, keys included."""
    found = {type(value)}
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    else:
        parts = list(value) if isinstance(value, list) else []
    return found.union(*(types(part) for part in parts))


def test_values_read_by_ansible_lose_their_tags_and_nothing_else() -> None:
    loaded = DataLoader().load(TEXT)
    assert types(loaded) - {str, int, float, bool, type(None), list, dict}, "nothing was tagged"
    assert plain(loaded) == {
        "name": "web",
        "count": 3,
        "share": 1.5,
        True: True,
        "nothing": None,
        "list": ["a", 1, {"deep": ["x"]}],
    }
    assert types(plain(loaded)) <= {str, int, float, bool, type(None), list, dict}


@pytest.mark.parametrize(
    ("value", "expected"),
    [((1, ("a",)), [1, ["a"]]), ({3}, [3]), (b"raw", b"raw"), (True, True)],
)
def test_other_containers_become_lists_and_other_values_stay(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


def test_a_subclass_cannot_change_the_text() -> None:
    class Loud(str):
        def __str__(self) -> str:
            return self.upper()

    assert json.dumps(plain({"a": Loud("soft")})) == '{"a": "soft"}'


def test_a_vaulted_value_becomes_its_clear_text(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [("default", VaultSecret(b"key"))]
    monkeypatch.setattr(VaultSecretsContext, "_current", VaultSecretsContext(secrets))
    vaulted = VaultLib(secrets).encrypt("canary").decode()
    text = "token: !vault |\n" + "".join(f"  {line}\n" for line in vaulted.splitlines())
    value = plain(DataLoader().load(text))
    assert value == {"token": "canary"}
    assert value["token"].__class__ is str
