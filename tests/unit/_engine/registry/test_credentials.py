"""Credentials as Docker's client keeps them: the file, helpers, and what is never said."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.registry.credentials import (
    HUB,
    Login,
    find,
    registry_of,
)

CANARY = "canary-of-a-password"
HELPER = """#!/bin/sh
read server
case "$1 $server" in
"get known.example.com") echo '{"ServerURL":"x","Username":"dock","Secret":"%s"}' ;;
"get token.example.com") echo '{"ServerURL":"x","Username":"<token>","Secret":"%s"}' ;;
"get broken.example.com") echo "the keychain is locked"; exit 1 ;;
*) echo "credentials not found in native keychain"; exit 1 ;;
esac
"""


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def config(folder: Path, **content: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    program.write_text(HELPER.replace("%s", CANARY))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("app:1", HUB),
        ("team/app:1", HUB),
        ("docker.io/library/app", HUB),
        ("registry.example.com/app:1", "registry.example.com"),
        ("127.0.0.1:5000/team/app@sha256:aa", "127.0.0.1:5000"),
        ("localhost/app", "localhost"),
    ],
)
def test_which_registry(name: str, registry: str) -> None:
    assert registry_of(name) == registry


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("registry.example.com", "registry.example.com"),
        ("https://registry.example.com/v1/", "registry.example.com"),
        (HUB, HUB),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
    ],
)
def test_the_file(tmp_path: Path, key: str, registry: str) -> None:
    path = config(tmp_path, auths={key: {"auth": auth("dock", f"{CANARY}:x")}, "other": {}})
    assert find(registry, path) == Login("dock", f"{CANARY}:x")
    assert find("else.example.com", path) is None


def test_an_identity_token_and_plain_fields(tmp_path: Path) -> None:
    entries: Dict[str, Any] = {
        "a.example.com": {"auth": auth("dock", ""), "identitytoken": CANARY},
        "b.example.com": {"username": "dock", "password": CANARY},
        "c.example.com": {},
    }
    path = config(tmp_path, auths=entries)
    assert find("a.example.com", path) == Login(token=CANARY)
    assert find("b.example.com", path) == Login("dock", CANARY)
    assert find("c.example.com", path) is None


@pytest.mark.usefixtures("helper")
def test_helpers_come_before_the_file(tmp_path: Path) -> None:
    in_file = {"known.example.com": {"auth": auth("file", "x")}}
    path = config(tmp_path, auths=in_file, credHelpers={"known.example.com": "vault"})
    assert find("known.example.com", path) == Login("dock", CANARY)
    path = config(tmp_path, auths=in_file, credsStore="vault")
    assert find("token.example.com", path) == Login(token=CANARY)
    assert find("unknown.example.com", path) is None


@pytest.mark.usefixtures("helper")
def test_a_helper_that_fails_is_named(tmp_path: Path) -> None:
    path = config(tmp_path, credsStore="vault")
    with pytest.raises(FleetError, match="docker-credential-vault failed: the keychain is locked"):
        find("broken.example.com", path)
    path = config(tmp_path, credsStore="nowhere")
    with pytest.raises(FleetError, match="docker-credential-nowhere failed: No such file"):
        find("known.example.com", path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert find(HUB, str(tmp_path / "none" / "config.json")) is None
    path = tmp_path / "config.json"
    for text in ("{" + CANARY, "[]", json.dumps({"auths": {HUB: {"auth": "###"}}})):
        path.write_text(text)
        with pytest.raises(FleetError, match=r"cannot use .*config\.json") as caught:
            find(HUB, str(path))
        assert CANARY not in str(caught.value)


def test_the_header_says_it_to_the_engine_alone() -> None:
    login = Login("dock", CANARY)
    said = json.loads(base64.urlsafe_b64decode(login.header("registry.example.com")))
    assert said == {
        "serveraddress": "registry.example.com",
        "username": "dock",
        "password": CANARY,
    }
    assert CANARY not in repr(login)
    token = json.loads(base64.urlsafe_b64decode(Login(token="t").header("r")))
    assert token == {"serveraddress": "r", "identitytoken": "t"}
