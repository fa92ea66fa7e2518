"""Role machines: machines of one play that declare the same MAC or reservation."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.machine_twins import machine_twins

ADDRESS = "192.168.122.51"
MAC = "52:54:00:00:00:aa"


def machine(*networks: Any, on: str = "hv1", **options: Any) -> dict[str, Any]:
    return {"hypervisor": on, "vm": {"networks": list(networks), **options}}


@pytest.mark.parametrize(
    ("one", "two", "option", "value"),
    [
        ({"mac": MAC}, {"mac": "52-54-00-00-00-AA"}, "mac", MAC),
        ({"mac": MAC, "network": "lan"}, {"mac": MAC}, "mac", MAC),
        ({"address": ADDRESS}, {"network": "default", "address": ADDRESS}, "address", ADDRESS),
    ],
)
def test_both_twins_are_told_of_each_other(one: Any, two: Any, option: str, value: str) -> None:
    found = machine_twins({"web01": machine(one), "web02": machine("lan", two), "db": machine()})
    end = f"on hv1 has {value} as well; give each machine its own"
    assert found == {
        "web01": f"machines_vm.networks[0].{option}: web02 {end}",
        "web02": f"machines_vm.networks[1].{option}: web01 {end}",
    }


def test_one_libvirt_has_two_names() -> None:
    two = machine({"mac": MAC}, uri="qemu+unix:///system")
    assert len(machine_twins({"web01": machine({"mac": MAC}), "web02": two})) == 2


@pytest.mark.parametrize(
    "other",
    [
        machine({"mac": MAC, "address": ADDRESS}, on="hv2"),
        machine({"mac": MAC, "address": ADDRESS}, uri="qemu:///session"),
        machine({"mac": MAC, "address": ADDRESS}, state="absent"),
        machine({"address": ADDRESS, "network": "lan"}),
        # What cannot be right is for vm to refuse, by the option's name.
        machine(5, "default", {"mac": None}),
        {"hypervisor": "hv1", "vm": {"networks": "default"}},
        {"hypervisor": "hv1", "vm": "large"},
        {},
    ],
)
def test_others_are_in_nobodys_way(other: dict[str, Any]) -> None:
    assert machine_twins({"web01": machine({"mac": MAC, "address": ADDRESS}), "x": other}) == {}
