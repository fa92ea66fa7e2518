"""The connection to another host: its own variables, and no password of the task's host."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar, trust_as_template
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.transfer.other_host import action_on

SECRET = "canary-of-the-first-host"


class HostVars(dict):  # type: ignore[type-arg]
    def raw_get(self, host: str) -> Any:
        return self[host]


def action(**task: Any) -> Any:
    context = SimpleNamespace(timeout=7, no_log=False, password=SECRET, become_pass=SECRET)
    context.remote_user, context.remote_addr = "first-user", "first-host"
    made = Task()
    for name, value in task.items():
        setattr(made, name, value)
    made.connection = made.connection or "ssh"
    shell = SimpleNamespace(_shell=SimpleNamespace())
    return SimpleNamespace(
        _play_context=context,
        _task=made,
        _templar=Templar(loader=DataLoader()),
        _connection=shell,
    )


def other(variables: dict[str, Any], mine: dict[str, Any] | None = None, **task: Any) -> Any:
    hosts = HostVars(other=variables)
    task_vars = {"hostvars": hosts, **(mine or {})}
    return action_on(action(**task), "other", task_vars)._connection


def test_its_own_variables_decide() -> None:
    connection = other(
        {
            "ansible_host": trust_as_template("{{ address }}"),
            "address": "10.0.0.9",
            "ansible_user": "deploy",
            "ansible_port": 2200,
            "ansible_ssh_private_key_file": "/keys/other",
        }
    )
    assert connection.get_option("host") == "10.0.0.9"
    assert connection.get_option("remote_user") == "deploy"
    assert connection.get_option("port") == 2200
    assert connection.get_option("private_key_file") == "/keys/other"
    assert connection._play_context.remote_addr == "10.0.0.9"
    assert connection.become is None


def test_nothing_of_the_tasks_own_host_is_taken() -> None:
    mine = {"ansible_password": SECRET, "ansible_become_password": SECRET}
    connection = other({"inventory_hostname": "other"}, mine, become=True, become_method="sudo")
    assert connection.get_option("password") is None
    assert not connection._play_context.password
    assert connection.become.get_option("become_pass") is None
    assert connection._play_context.remote_user is None
    assert connection._play_context.remote_addr == "other"


def test_a_password_that_was_asked_for_is_for_all_hosts() -> None:
    connection = other({}, become=True, become_method="sudo")
    assert connection._play_context.password == SECRET
    assert connection.become.get_option("become_pass") == SECRET


@pytest.mark.parametrize("given", [{}, {"ansible_become_password": "own"}])
def test_its_own_become_password_comes_first(given: dict[str, Any]) -> None:
    variables = {"ansible_become": True, "ansible_become_method": "sudo", **given}
    connection = other(variables)
    assert connection.become.get_option("become_pass") == given.get(
        "ansible_become_password", SECRET
    )
    assert other({**variables, "ansible_become": "false"}, become=True).become is None


def test_a_host_that_the_inventory_lacks_is_told() -> None:
    with pytest.raises(InvalidOption, match="from_host: the inventory has no host nowhere"):
        action_on(action(), "nowhere", {"hostvars": HostVars(other={})})
