"""What a registry's configuration becomes, and what is said of the change."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.filter.registry_config import (
    OURS,
    FilterModule,
    registry_config,
)

SETTINGS: Dict[str, Any] = {
    "version": 0.1,
    "storage": {"filesystem": {"rootdirectory": "/srv/r"}, "delete": {"enabled": True}},
    "http": {"addr": ":5000"},
}


def settled(result: Dict[str, Any]) -> Any:
    return yaml.safe_load(result["text"])


def test_its_own_text_has_no_change() -> None:
    first = registry_config("", SETTINGS)
    again = registry_config(first["text"], SETTINGS)
    assert settled(first) == SETTINGS
    assert first["changes"] == ["version", "storage", "http"]
    assert not first["ours"]
    assert (again["text"], again["changes"], again["ours"]) == (first["text"], [], True)
    assert again["leaves"] == ""


def test_the_order_of_settings_is_of_no_account() -> None:
    turned = {key: SETTINGS[key] for key in reversed(SETTINGS)}
    assert registry_config("", turned)["text"] == registry_config("", SETTINGS)["text"]


def test_what_is_null_is_taken_away_however_deep() -> None:
    more = {"storage": {"filesystem": None, "s3": {"bucket": "b", "region": None}}}
    made = settled(registry_config("", SETTINGS, more))
    assert made["storage"] == {"s3": {"bucket": "b"}, "delete": {"enabled": True}}


def test_a_setting_of_the_role_may_be_null() -> None:
    assert settled(registry_config("", {**SETTINGS, "auth": None})) == SETTINGS


def test_changes_are_named_without_their_values() -> None:
    old = registry_config("", SETTINGS, {"proxy": {"password": "canary"}, "log": {"level": "info"}})
    more = {"http": {"addr": ":5001"}, "proxy": {"password": "canary-two"}}
    result = registry_config(old["text"], SETTINGS, more)
    assert result["changes"] == ["http.addr", "proxy.password", "log"]


def test_only_the_maintenance_of_a_read_only_one_differs() -> None:
    result = registry_config("", SETTINGS)
    read_only = yaml.safe_load(result["read_only"])
    assert read_only["storage"].pop("maintenance") == {"readonly": {"enabled": True}}
    assert read_only == SETTINGS
    assert registry_config(result["read_only"], SETTINGS)["changes"] == ["storage.maintenance"]


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("storage: {filesystem: {rootdirectory: /data}}", "/data"),
        ("storage: {filesystem: }", "/var/lib/registry"),
        ("storage: filesystem", "/var/lib/registry"),
        ("storage: {filesystem: {rootdirectory: /srv/r}}", ""),
        ("storage: {s3: {bucket: b}}", ""),
        ("storage: [a]", ""),
        ("{}", ""),
        ("", ""),
    ],
)
def test_where_data_would_be_left_behind(text: str, folder: str) -> None:
    result = registry_config(text, SETTINGS)
    assert (result["leaves"], result["problem"]) == (folder, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b\nc: [", "is no YAML in line 2"),
        ("- a\n- b", "is no mapping of settings"),
        ("word", "is no mapping of settings"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, words: str) -> None:
    assert registry_config(text, SETTINGS)["problem"] == words


@pytest.mark.parametrize("line", [OURS, f"{OURS}\n"])
def test_who_wrote_it(line: str) -> None:
    assert registry_config(line, SETTINGS)["ours"]
    assert not registry_config(f"version: 0.1\n{line}", SETTINGS)["ours"]


def test_ansible_gets_it() -> None:
    names: List[str] = list(FilterModule().filters())
    assert names == ["registry_config"]
