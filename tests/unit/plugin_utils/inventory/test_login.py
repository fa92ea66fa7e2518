"""How the variables of a docker host become those of its containers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.login import Login, login

PLUGIN = {"ansible_connection": "dockyard.fleet.container"}


def of(variables: dict[str, Any], **options: Any) -> Login:
    """Return the way to a host; a template is written as `<name>`."""

    def template(value: Any) -> Any:
        named = isinstance(value, str) and value.startswith("<")
        return variables[value.strip("<>")] if named else value

    way = login("db1", {"inventory_hostname": "db1", **variables}, template, options)
    assert way is not None
    return way


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"ansible_container_host": "db1"}),
        (
            {"ansible_host": "<address>", "address": "192.0.2.1", "ansible_port": 2222},
            {"ansible_container_host": "192.0.2.1", "ansible_container_host_port": 2222},
        ),
        (
            {"ansible_user": "one", "ansible_ssh_user": "two", "ansible_private_key_file": "/k"},
            {
                "ansible_container_host": "db1",
                "ansible_container_host_user": "two",
                "ansible_container_host_private_key_file": "/k",
            },
        ),
        (
            {"ansible_ssh_common_args": "-J hop"},
            {"ansible_container_host": "db1", "ansible_ssh_common_args": "-J hop"},
        ),
        ({"ansible_connection": "local", "ansible_user": "me"}, {}),
        (
            {"ansible_connection": "ssh", "ansible_become": "yes", "ansible_become_user": "op"},
            {
                "ansible_container_host": "db1",
                "ansible_container_host_become": True,
                "ansible_container_host_become_user": "op",
            },
        ),
        (
            {"ansible_become": False, "ansible_become_user": "op"},
            {"ansible_container_host": "db1"},
        ),
    ],
)
def test_a_login_is_taken_over(variables: dict[str, Any], expected: dict[str, Any]) -> None:
    assert of(variables) == Login("db1", {**PLUGIN, **expected}, {})


def test_passwords_are_referred_to_and_not_copied() -> None:
    way = of(
        {
            "ansible_password": "canary-1",
            "ansible_become": True,
            "ansible_become_password": "<vaulted>",
            "vaulted": "canary-2",
        }
    )
    assert sorted(way.passwords.values()) == ["canary-1", "canary-2"]
    assert "canary" not in str(way.variables)
    assert 'hostvars["db1"].ansible_password' in way.variables["ansible_container_host_password"]
    assert set(way.passwords) < set(way.variables)


def test_options_of_the_file_say_which_engine_and_as_whom() -> None:
    options = {"engine_host": "<socket>", "engine_timeout": 5, "engine_ca": "", "become": True}
    way = of({"socket": "unix:///run/x.sock", "ansible_become": False}, **options)
    expected = {
        "ansible_container_engine_host": "unix:///run/x.sock",
        "ansible_container_engine_timeout": 5,
        "ansible_container_host": "db1",
        "ansible_container_host_become": True,
    }
    assert way.variables == {**PLUGIN, **expected}
    assert (
        "ansible_container_host_become" not in of({"ansible_become": True}, become=False).variables
    )


def test_a_container_is_no_docker_host_and_other_connections_lead_to_none() -> None:
    assert login("web", PLUGIN, lambda value: value, {}) is None
    with pytest.raises(FleetError, match=r"winrm leads to no engine"):
        of({"ansible_connection": "winrm"})
