"""Which socket is meant, and what a user is told about an address that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel_address import engine_path

from tests.unit.channel.fakes import SshPlugin, action

TASK = [{"DOCKER_HOST": "unix:///outer"}, None, {"OTHER": "x"}, {"DOCKER_HOST": "unix:///{{ t }}"}]


@pytest.mark.parametrize(
    ("option", "environment", "local", "expected"),
    [
        ("unix:///opt", TASK, True, "/opt"),
        (None, TASK, True, "/t"),
        ("", {"DOCKER_HOST": "unix:///one"}, True, "/one"),
        (None, None, True, "/controller"),
        (None, [], False, "/var/run/docker.sock"),
    ],
)
def test_the_first_that_is_set_decides(
    monkeypatch: pytest.MonkeyPatch, option: Any, environment: Any, local: bool, expected: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///controller")
    assert engine_path(action(SshPlugin(), environment), option, local) == expected


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://user:canary@host:2376", ["unix://", "tcp://", "unix:///var/run/docker.sock"]),
        ("ssh://canary@host", ["ssh://"]),
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
        engine_path(action(SshPlugin()), address, False)
    text = str(caught.value)
    assert text.startswith("engine_host: ")
    assert [word for word in words if word not in text] == []
    assert "canary" not in text


def test_the_source_of_a_wrong_address_is_named() -> None:
    with pytest.raises(InvalidOption, match="DOCKER_HOST in the task's environment"):
        engine_path(action(SshPlugin(), [{"DOCKER_HOST": "tcp://x"}]), None, False)
