"""Accounts at registries: proven, kept where Docker's client keeps them, and never told."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.registry.credentials import (
    HUB,
    find,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.registry.login import (
    LOGIN,
    LOGOUT,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

REGISTRY, CANARY = "registry.example.com", "canary-of-a-password"
# Keeps what it is given in a file beside it, as the protocol of credential helpers wants.
HELPER = """#!/bin/sh
kept="$(dirname "$0")/kept"
case "$1" in
store) cat >"$kept" ;;
get) cat "$kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm -f "$kept" ;;
esac
"""


@pytest.fixture(autouse=True)
def accounts(web_engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web_engine.state.accounts[REGISTRY] = {"deploy": CANARY, "other": CANARY}
    web_engine.state.accounts[HUB] = {"deploy": CANARY}
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    program = tmp_path / "bin" / "docker-credential-lab"
    program.parent.mkdir()
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "docker" / "config.json"


def write(config: Path, **content: Any) -> None:
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps(content))


def login(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    given = {"registry": REGISTRY, "username": "deploy", "password": CANARY, **params}
    result = do(LOGIN, web_engine.socket_path, **given)
    assert CANARY not in json.dumps(result)
    return result


def logout(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    return do(LOGOUT, web_engine.socket_path, **{"registry": REGISTRY, **params})


def test_complaint_containers_13_plain_text_needs_a_word(
    web_engine: FakeEngine, config: Path
) -> None:
    result = login(web_engine)
    assert result["msg"] == (
        f"plain_text: no credential helper is named in {config}, so the password would be kept as"
        " plain text there; name a helper as credsStore in that file, or accept it by"
        " plain_text: true"
    )
    assert not config.exists()
    assert web_engine.writes == []


def test_plain_text_is_the_owners_alone_and_leaves_the_rest(
    web_engine: FakeEngine, config: Path
) -> None:
    rest = {"auths": {"else.example.com": {"auth": "eA=="}}, "HttpHeaders": {"X": "1"}}
    write(config, **rest)
    config.chmod(0o644)
    check = login(web_engine, plain_text=True, check=True)
    assert json.loads(config.read_text()) == rest
    assert [call.path for call in web_engine.writes] == ["/auth"]  # of which nothing is kept
    result = login(web_engine, plain_text=True)
    assert result["plan"]["text"] == check["plan"]["text"]
    assert result["login"] == {
        "registry": REGISTRY,
        "username": "deploy",
        "logged_in": True,
        "store": "plain text",
        "config_path": str(config),
    }
    kept = json.loads(config.read_text())
    pair = base64.b64encode(f"deploy:{CANARY}".encode()).decode()
    assert kept["auths"].pop(REGISTRY) == {"auth": pair}
    assert kept == rest
    assert config.stat().st_mode & 0o777 == 0o600
    assert os.listdir(config.parent) == ["config.json"]
    assert login(web_engine, plain_text=True)["changed"] is False
    assert [call.path for call in web_engine.writes] == ["/auth", "/auth"]


def test_a_helper_keeps_the_password(web_engine: FakeEngine, config: Path, tmp_path: Path) -> None:
    pair = base64.b64encode(b"deploy:forgotten").decode()
    write(config, credsStore="lab", auths={f"https://{REGISTRY}/v2/": {"auth": pair}})
    result = login(web_engine)
    assert (result["changed"], result["login"]["store"]) == (True, "lab")
    assert json.loads(config.read_text()) == {"credsStore": "lab", "auths": {REGISTRY: {}}}
    given = json.loads((tmp_path / "bin" / "kept").read_text())
    assert given == {"ServerURL": REGISTRY, "Username": "deploy", "Secret": CANARY}
    assert login(web_engine)["changed"] is False
    assert logout(web_engine)["changed"] is True
    assert not (tmp_path / "bin" / "kept").exists()
    assert json.loads(config.read_text()) == {"credsStore": "lab", "auths": {}}
    assert logout(web_engine)["changed"] is False


def test_a_helper_of_one_registry_goes_first(web_engine: FakeEngine, config: Path) -> None:
    write(config, credHelpers={REGISTRY: "lab"}, credsStore="none")
    assert login(web_engine)["login"]["store"] == "lab"
    result = login(web_engine, registry="docker.io")
    assert result["failed"] is True
    assert "docker-credential-none failed" in result["msg"]


def test_a_wrong_password_is_told_in_check_mode(web_engine: FakeEngine, config: Path) -> None:
    check = login(web_engine, plain_text=True, password="another", check=True)
    assert check["msg"].endswith("the registry does not accept this username with this password")
    assert login(web_engine, plain_text=True, password="another")["msg"] == check["msg"]
    assert not config.exists()


def test_a_wrong_password_changes_nothing(web_engine: FakeEngine, config: Path) -> None:
    login(web_engine, plain_text=True)
    before = config.read_text()
    web_engine.state.accounts[REGISTRY] = {"deploy": "another"}
    result = login(web_engine, plain_text=True, username="other")
    assert result["msg"] == (
        f"login/{REGISTRY}: Get https://{REGISTRY}/v2/: unauthorized: incorrect username or"
        " password; the registry does not accept this username with this password"
    )
    assert config.read_text() == before


def test_what_changed_is_said_without_the_password(web_engine: FakeEngine) -> None:
    login(web_engine, plain_text=True)
    result = login(web_engine, plain_text=True, username="other")
    assert result["plan"]["steps"][0]["cause"] == "username: deploy → other"
    web_engine.state.accounts[REGISTRY]["other"] = "new-canary"
    result = login(web_engine, plain_text=True, username="other", password="new-canary")
    assert result["plan"]["steps"][0]["cause"] == "password: changed"
    assert "new-canary" not in json.dumps(result)


@pytest.mark.parametrize("store", ["lab", ""])
def test_an_identity_token_is_kept_instead_of_the_password(
    store: str, web_engine: FakeEngine, config: Path
) -> None:
    write(config, **({"credsStore": store} if store else {}))
    web_engine.state.tokens[REGISTRY] = "token-canary"
    result = login(web_engine, plain_text=True)
    assert result["changed"] is True
    assert "token-canary" not in json.dumps(result)
    kept = find(REGISTRY, str(config))
    assert kept is not None
    assert (kept.token, kept.password) == ("token-canary", "")
    assert CANARY not in config.read_text()
    assert login(web_engine, plain_text=True)["changed"] is False


def test_docker_hub_has_many_names(web_engine: FakeEngine, config: Path) -> None:
    names = ("docker.io", "index.docker.io", "https://index.docker.io/v1/")
    changed = [login(web_engine, registry=name, plain_text=True)["changed"] for name in names]
    assert changed == [True, False, False]
    assert list(json.loads(config.read_text())["auths"]) == [HUB]
    assert web_engine.writes[0].body["serveraddress"] == HUB
    assert logout(web_engine, registry="docker.io")["login"]["logged_in"] is False


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"registry": "a b"}, "registry: 'a b' is not a registry; write host[:port]"),
        ({"username": ""}, "username: is empty"),
        ({"password": ""}, "password: is empty"),
        ({"config_path": "docker.json"}, "config_path: 'docker.json' is not absolute"),
        ({"registry": "gone.example.com"}, "login/gone.example.com: Get "),
    ],
)
def test_bad_options_are_named(
    web_engine: FakeEngine, params: Dict[str, Any], message: str
) -> None:
    result = login(web_engine, plain_text=True, **params)
    assert result["failed"] is True
    assert result["msg"].startswith(message)


def test_a_broken_file_is_not_written_over(web_engine: FakeEngine, config: Path) -> None:
    write(config)
    config.write_text('{"auths": ')
    result = login(web_engine, plain_text=True)
    assert result["msg"].startswith(f"cannot use {config}: it is not JSON")
    assert config.read_text() == '{"auths": '


def test_a_link_stays_a_link(web_engine: FakeEngine, config: Path, tmp_path: Path) -> None:
    config.parent.mkdir()
    (tmp_path / "real.json").write_text("{}")
    config.symlink_to(tmp_path / "real.json")
    login(web_engine, plain_text=True)
    assert config.is_symlink()
    assert REGISTRY in (tmp_path / "real.json").read_text()


def test_to_forget_takes_no_engine(config: Path) -> None:
    write(config, auths={REGISTRY: {}})
    assert do(LOGOUT, "/nowhere.sock", registry=REGISTRY)["changed"] is True
