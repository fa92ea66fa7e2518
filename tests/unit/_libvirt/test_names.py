"""Names of reservations, pools, networks and libvirts: what others take them for."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    FleetError,
    InvalidOption,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import report
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.info.readers import MACHINES
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.checks import (
    check_reservation,
)

from tests.lab.hostwork import BenchHost, HostBench
from tests.unit._libvirt.imagework import Images

WEB = {"name": "web", "memory": "64MiB", "state": "stopped"}
LONG = "a-machine-with-a-name-that-is-longer-than-the-labels-of-dns-may-be"


def at(*addresses: str) -> Dict[str, Any]:
    return {"networks": [{"address": f"192.168.122.{one}"} for one in addresses]}


@pytest.fixture
def bench() -> Iterator[HostBench]:
    with HostBench({}) as made:
        made.prepare()
        yield made


def reserved(bench: HostBench) -> List[Any]:
    root = ET.fromstring(bench.picture()["networks"]["default"])
    return [(one.get("name"), one.get("ip")) for one in root.findall("ip/dhcp/host")]


def test_a_machine_with_two_addresses_takes_no_other_machine_s_name(bench: HostBench) -> None:
    assert bench.run({**WEB, **at("41", "42")})["changed"] is True
    other = {**WEB, "name": "web-1", **at("43")}
    assert bench.run(other).get("changed") is True
    assert bench.run(other)["changed"] is False
    found = [("web", "192.168.122.41"), (None, "192.168.122.42"), ("web-1", "192.168.122.43")]
    assert reserved(bench) == found
    bench.run({"name": "web", "state": "absent"})
    assert reserved(bench) == found[2:]


def test_a_name_that_dns_has_no_room_for_keeps_its_reservation(bench: HostBench) -> None:
    """dnsmasq drops such a reservation, and says so in its log alone."""
    first, second = {**WEB, "name": LONG, **at("41")}, {**WEB, "name": f"{LONG}-2", **at("42")}
    for task in (first, second):
        assert bench.run(task)["changed"] is True
        assert bench.run(task)["changed"] is False
    names = [name for name, _address in reserved(bench)]
    assert len(set(names)) == 2
    assert all(len(name) <= 63 and LONG.startswith(name[:50]) for name in names)


TWO = """<network><ip address='192.168.122.1' netmask='255.255.255.0'><dhcp/></ip>
<ip address='10.7.0.1' netmask='255.255.255.0'/></network>"""
# libvirt takes the first where none has DHCP.
NONE = TWO.replace("<dhcp/>", "")


@pytest.mark.parametrize("document", [TWO, NONE], ids=["dhcp", "none"])
def test_an_address_of_a_subnet_that_dhcp_does_not_serve_is_refused(document: str) -> None:
    network = ET.fromstring(document)
    check_reservation("web", "192.168.122.7", "networks[0]", network, [])
    with pytest.raises(InvalidOption) as raised:
        check_reservation("web", "10.7.0.7", "networks[0]", network, [])
    assert str(raised.value) == (
        "networks[0].address: 10.7.0.7 is not in a subnet that its DHCP server serves; it has "
        "192.168.122.0/24"
    )


HOSTILE = ["a\0b", "a\nb", "a/b", "../x", "\x1b[2J", "a\udcffb", "\u202eb"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    "where", ["disks[0].pool", "disks[0].image", "networks[0].network", "cmdline", "kernel", "uri"]
)
def test_no_name_reaches_libvirt_that_cannot_be_one(
    name: str, where: str, bench: HostBench
) -> None:
    options: Dict[str, Dict[str, Any]] = {
        "disks[0].pool": {"disks": [{"size": "8MiB", "pool": name}]},
        "disks[0].image": {"disks": [{"image": name}]},
        "networks[0].network": {"networks": [name]},
        "cmdline": {"kernel": "/k", "cmdline": f"x{name}x"},
        "kernel": {"kernel": f"/{name}"},
    }
    if "/" in name and where not in ("disks[0].pool", "disks[0].image", "networks[0].network"):
        return
    result = bench.run({**WEB, **options[where]} if where in options else {**WEB})
    if where == "uri":
        result = report(MACHINES, {"uri": f"qemu:///{name}", "pending": {}}, lambda: None)
    assert result["failed"] is True
    assert result["msg"].startswith(f"{where}: "), result["msg"]
    assert result["msg"].isprintable()


@pytest.mark.parametrize("name", HOSTILE[:2], ids=ascii)
@pytest.mark.parametrize("where", ["pool", "path", "ca_path"])
def test_no_name_of_an_image_s_task_reaches_the_kernel(
    name: str, where: str, images: Images
) -> None:
    given = {"path": "/a", where: name if where == "pool" else f"/{name}"}
    if where == "ca_path":
        given.update({**images.publish(b""), "path": None})
    result = images.run(**given)
    assert result["msg"].startswith(f"{where}: '"), result["msg"]


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("qemu+ssh://kvm02/system", "is a hypervisor elsewhere, but a task manages the one of its"),
        ("qemu:///session", "is a user's own libvirt, whose machines have no network and no"),
        ("qemu+unix:///session", "is a user's own libvirt"),
    ],
)
def test_a_libvirt_that_a_machine_s_task_cannot_work_with(uri: str, said: str) -> None:
    from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.resource import MACHINE

    options = {key: entry.get("default") for key, entry in MACHINE.spec().items()}
    with pytest.raises(FleetError, match=said) as raised:
        MACHINE.desired({**options, "name": "web", "uri": uri})
    assert raised.value.option == "uri"


@pytest.mark.parametrize(
    ("kvm", "reason"),
    [
        (False, "no usable KVM on this host: it runs under emulation"),
        (True, "it was created that way, although KVM works here: it runs under emulation"),
    ],
)
def test_why_a_machine_runs_under_emulation(kvm: bool, reason: str) -> None:
    document = (
        "<domain type='test'><name>old</name><memory>131072</memory>"
        "<os><type>hvm</type></os></domain>"
    )
    with HostBench({"machines": {"old": document}, "kvm": kvm}) as bench:
        bench.prepare()
        found = report(MACHINES, {"pending": {}}, lambda: BenchHost(bench.world))
    assert found["machines"][0]["accelerator"]["reason"] == reason
