"""Which engine is meant, and what a user is told about an address that cannot be used."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import resolve as module
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.address import (
    Address,
    Tls,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.parse_address import (
    parse_address,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.resolve import (
    find_address,
    usual_socket,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.address import wanted_address

from tests.unit.plugin_utils.channel.fakes import SshPlugin, action, options

TASK = [{"DOCKER_HOST": "unix:///outer"}, None, {"OTHER": "x"}, {"DOCKER_HOST": "unix:///{{ t }}"}]


@pytest.mark.parametrize(
    ("option", "environment", "local", "expected"),
    [
        ("unix:///opt", TASK, True, "unix:///opt"),
        (None, TASK, True, "unix:///t"),
        ("", {"DOCKER_HOST": "unix:///one"}, True, "unix:///one"),
        (None, None, True, "unix:///controller"),
        (None, [], False, "unix://"),
    ],
)
def test_the_first_that_is_set_decides(
    monkeypatch: pytest.MonkeyPatch, option: Any, environment: Any, local: bool, expected: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///controller")
    found = wanted_address(action(SshPlugin(), environment), options(option), local)
    assert str(found) == expected


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://user:canary@host:2376", ["tcp://HOST:PORT", "a login"]),
        ("tcp://host:2376/canary", ["with a path", "tcp://HOST:PORT"]),
        ("tcp://host:port", ["port", "1 to 65535"]),
        ("tcp://host:70000", ["port", "1 to 65535"]),
        ("tcp://:2375", ["host name"]),
        ("ssh://user:canary@host", ["a login", "ssh://[USER@]HOST[:PORT]"]),
        ("ssh://-oProxyCommand=canary", ["host name"]),
        ("ssh://host;canary", ["host name"]),
        ("https://canary@host", ["unix://, tcp:// and ssh://", "https://"]),
        ("localhost:2375", ["unix://"]),
        ("/var/run/docker.sock", ["write unix:///var/run/docker.sock"]),
        ("unix://run/docker.sock", ["not an absolute path"]),
        ("unix://", ["not an absolute path"]),
        ("unix://~/docker.sock", ["'~'", "in full"]),
        ("unix:///run/$UID/docker.sock", ["'$'", "in full"]),
        ("unix:///run/a\nb", ["not an absolute path"]),
        ("unix:///" + "long" * 30, ["107 bytes"]),
        (5, ["must be a string"]),
    ],
)
def test_an_unusable_address_is_refused_in_words(address: Any, words: list[str]) -> None:
    with pytest.raises(InvalidOption) as caught:
        find_address(options(address), {}, False)
    text = str(caught.value)
    assert text.startswith("engine_host: ")
    assert [word for word in words if word not in text] == []
    assert "canary" not in text


def test_the_source_of_a_wrong_address_is_named() -> None:
    with pytest.raises(InvalidOption, match="DOCKER_HOST in the environment"):
        find_address(options(), {"DOCKER_HOST": "http://x"}, False)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("tcp://h:1", Address("tcp://", "", "h", 1)),
        ("tcp://[::1]:2376", Address("tcp://", "", "::1", 2376)),
        ("ssh://h", Address("ssh://", "", "h")),
        ("ssh://me@h:22/run/podman.sock", Address("ssh://", "/run/podman.sock", "h", 22, "me")),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, read: Address) -> None:
    assert parse_address(text) == read
    assert str(read) == text


CERTIFICATES = {"engine_ca": "/ca", "engine_cert": "/c", "engine_key": "/k"}


@pytest.mark.parametrize(
    ("given", "environment", "port", "tls"),
    [
        (CERTIFICATES, {}, 2376, Tls("/ca", "/c", "/k", "far")),
        ({"engine_tls": True, "engine_tls_hostname": "n"}, {}, 2376, Tls(name="n")),
        ({"engine_tls": False}, {"DOCKER_TLS_VERIFY": "1"}, 2375, None),
        ({}, {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/none"}, 2376, Tls(name="far")),
    ],
)
def test_how_a_port_is_secured(
    given: dict[str, Any], environment: dict[str, str], port: int, tls: Tls | None
) -> None:
    found = find_address(options("tcp://far", **given), environment, False)
    assert (found.port, found.tls) == (port, tls)


def test_dockers_own_folder_of_certificates_is_used(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    environment = {"DOCKER_HOST": "tcp://far:1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = find_address(options(), {**environment, "DOCKER_TLS_VERIFY": "1"}, False)
    files = [str(tmp_path / f"{name}.pem") for name in ("ca", "cert", "key")]
    assert found.tls == Tls(*files, "far")


@pytest.mark.parametrize(
    ("given", "option", "words"),
    [
        ({"engine_host": "tcp://far:2375"}, "engine_host", "engine_tls: false"),
        ({"engine_host": "tcp://far", "engine_cert": "/c"}, "engine_cert", "engine_key"),
        ({"engine_host": "tcp://far", "engine_key": "/k"}, "engine_key", "engine_cert"),
        ({"engine_host": "unix:///s", "engine_ca": "/c"}, "engine_ca", "tcp://"),
        ({"engine_host": "tcp://far", "engine_tls": False, "engine_ca": "/c"}, "engine_tls", "TLS"),
        ({"engine_host": "unix:///s", "engine_context": "c"}, "engine_context", "engine_host"),
    ],
)
def test_options_that_do_not_fit_together(given: dict[str, Any], option: str, words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        find_address({**options(), **given}, {}, False)
    assert str(caught.value).startswith(f"{option}: ")
    assert words in str(caught.value)


def test_loopback_needs_no_certificates() -> None:
    assert find_address(options("tcp://127.0.0.1:2375"), {}, False).tls is None


class Contexts:
    """A folder as docker's client keeps it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"DOCKER_CONFIG": str(folder)}

    def add(self, name: str, host: str, skip: bool = False, tls: bool = False) -> None:
        identity = hashlib.sha256(name.encode()).hexdigest()
        meta = self.folder / "contexts/meta" / identity
        meta.mkdir(parents=True)
        endpoint = {"Host": host, "SkipTLSVerify": skip}
        text = json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
        (meta / "meta.json").write_text(text)
        if tls:
            files = self.folder / "contexts/tls" / identity / "docker"
            files.mkdir(parents=True)
            (files / "ca.pem").touch()

    def choose(self, name: str) -> None:
        (self.folder / "config.json").write_text(json.dumps({"currentContext": name}))

    def find(self, own: bool = True, context: str | None = None, **environment: str) -> Address:
        everything = {**self.environment, **environment}
        return find_address(options(engine_context=context), everything, own)


@pytest.fixture
def contexts(tmp_path: Path) -> Contexts:
    made = Contexts(tmp_path)
    made.add("rootless", "unix:///run/user/1/docker.sock")
    made.add("far", "tcp://far:2376", tls=True)
    return made


def test_a_context_is_taken_by_name_by_environment_and_as_the_current_one(
    contexts: Contexts,
) -> None:
    far = contexts.find(context="far")
    assert far.tls is not None
    assert (far.host, far.tls.name, bool(far.tls.ca)) == ("far", "far", True)
    assert contexts.find(DOCKER_CONTEXT="far") == far
    assert str(contexts.find()) == "unix://"
    contexts.choose("rootless")
    assert str(contexts.find()) == "unix:///run/user/1/docker.sock"
    assert str(contexts.find(DOCKER_HOST="unix:///s")) == "unix:///s"
    assert contexts.find(context="far", DOCKER_HOST="unix:///s") == far
    assert str(contexts.find(own=False)) == "unix://"
    assert str(contexts.find(context="default")) == "unix://"


def test_a_context_that_cannot_be_used_is_one_clear_error(contexts: Contexts) -> None:
    contexts.add("loose", "tcp://far:2376", skip=True)
    for name, words in (("none", "no docker context none"), ("loose", "skips the verification")):
        with pytest.raises(InvalidOption, match=words) as caught:
            contexts.find(context=name)
        assert caught.value.option == "engine_context"


def test_the_usual_sockets_are_looked_for_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker.sock"
    monkeypatch.setattr(module, "DEFAULT_SOCKET", str(docker))
    monkeypatch.setattr(module, "USUAL", (str(tmp_path / "none"),))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert usual_socket() == str(docker), "what a message has to name"
    os.makedirs(tmp_path / "run/podman")
    for path in (tmp_path / "run/podman/podman.sock", tmp_path / "run/docker.sock", docker):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
        assert usual_socket() == str(path)
