"""What is taken over from an engine's description of a container, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.facts import (
    LONGEST,
    MOST,
    are_facts,
    facts_of,
)

INSPECT: dict[str, Any] = {
    "Id": "1" * 64,
    "Name": "/web",
    "Image": "sha256:" + "2" * 64,
    "Created": "2026-03-01T12:00:00Z",
    "State": {"Status": "running", "Health": {"Status": "healthy"}},
    "Config": {
        "Image": "shop/web:1",
        "Env": ["TOKEN=canary"],
        "Cmd": ["--token", "canary"],
        "Labels": {
            "tier": "front",
            "com.docker.compose.project": "shop",
            "dockyard.fleet.container": "{}",
            "long": "x" * (LONGEST + 1),
        },
    },
    "NetworkSettings": {
        "Networks": {
            "front": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": "fd00::2"},
            "six": {"IPAddress": "", "GlobalIPv6Address": "fd01::2"},
            "none": {"IPAddress": ""},
        },
        "Ports": {
            "80/tcp": [
                {"HostIp": "0.0.0.0", "HostPort": "8080"},
                {"HostIp": "::", "HostPort": "8080"},
            ],
            "443/tcp": None,
        },
    },
}


def test_a_description_becomes_variables() -> None:
    facts = facts_of(INSPECT)
    assert are_facts(facts)
    assert facts == {
        "container_name": "web",
        "container_id": "1" * 64,
        "container_state": "running",
        "container_health": "healthy",
        "container_image": "shop/web:1",
        "container_image_id": "sha256:" + "2" * 64,
        "container_created": "2026-03-01T12:00:00Z",
        "container_project": "shop",
        "container_service": "",
        "container_labels": {"tier": "front", "com.docker.compose.project": "shop"},
        "container_networks": {"front": "172.18.0.2", "six": "fd01::2", "none": ""},
        "container_ports": {"80/tcp": ["0.0.0.0:8080", ":::8080"]},
    }


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ({"Status": "running"}, "none"),
        ({"Status": "running", "Health": None}, "none"),
        ({"Status": "running", "Health": {"Status": "none"}}, "none"),
        ({"Status": "running", "Health": {"Status": ""}}, "none"),  # Podman
        ({"Status": "running", "Healthcheck": {"Status": "starting"}}, "starting"),  # Podman 3
    ],
)
def test_health_is_a_word_always(state: Any, health: str) -> None:
    assert facts_of({**INSPECT, "State": state})["container_health"] == health


@pytest.mark.parametrize(
    "spoilt",
    [
        {"Name": "/../web"},
        {"Name": None},
        {"Name": "{{ x }}"},
        {"Id": 7},
        {"Created": "x" * (LONGEST + 1)},
        {"State": {"Status": ["running"]}},
        {"Config": {"Labels": {str(number): "" for number in range(MOST + 1)}}},
        {"Config": {"Labels": ["a=b"]}},
        {"NetworkSettings": {"Networks": {"front": {"IPAddress": 5}}}},
    ],
)
def test_what_describes_no_container_is_refused(spoilt: Any) -> None:
    with pytest.raises(FleetError):
        facts_of({**INSPECT, **spoilt})


def test_only_whole_facts_are_facts() -> None:
    facts = facts_of(INSPECT)
    assert not are_facts({**facts, "ansible_connection": "local"})
    assert not are_facts({**facts, "container_labels": "tier=front"})
    assert not are_facts({key: facts[key] for key in facts if key != "container_id"})
    assert not are_facts([])
