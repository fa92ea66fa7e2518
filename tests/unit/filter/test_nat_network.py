"""The network of role kvm_host: when it is made, and when it is refused."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.nat_network import nat_network

SHIPPED = """<network><name>default</name><forward mode="nat"/>
<ip address="192.168.122.1" netmask="255.255.255.0"><dhcp/></ip></network>"""
OWN = SHIPPED.replace("192.168.122.", "10.9.8.")
WANTED = "192.168.150.0/24"


def judged(subnet: str = WANTED, **present: Any) -> tuple[Any, ...]:
    found = nat_network("default", subnet, **present)
    return found["make"], found["replace"], found["subnet"]


def test_it_is_made_where_there_is_none() -> None:
    assert judged() == (True, False, WANTED)


def test_the_packages_network_is_replaced_while_nobody_uses_it() -> None:
    assert judged(xml=SHIPPED) == (True, True, WANTED)
    assert judged(xml=SHIPPED, info="Autostart:      yes\n") == (False, False, "192.168.122.0/24")
    assert judged("192.168.122.0/24", xml=SHIPPED) == (False, False, "192.168.122.0/24")


def test_a_users_network_stays_even_when_it_is_off() -> None:
    assert judged(xml=OWN) == (False, False, "10.9.8.0/24")
    assert judged(xml="<network><bridge name='br0'/></network>") == (False, False, "")


@pytest.mark.parametrize(
    ("xml", "info", "plan"),
    [
        ("", "", f"made ({WANTED}, NAT), started, started with the host"),
        (
            *(SHIPPED, "Active:         no\nAutostart:      no\n"),
            f"removed (192.168.122.0/24, unused), made ({WANTED}, NAT), started,"
            " started with the host",
        ),
        (OWN, "Active:         yes\nAutostart:      no\n", "started with the host"),
        (OWN, "Active:         yes\nAutostart:      yes\n", ""),
    ],
)
def test_what_will_be_done_is_said(xml: str, info: str, plan: str) -> None:
    found = nat_network("default", WANTED, xml=xml, info=info)
    assert found["plan"] == plan
    assert (found["active"], found["autostart"]) == ("Active:         yes" in info, plan == "")


def test_the_definition_gives_the_host_the_first_address_and_the_rest_to_machines() -> None:
    root = ElementTree.fromstring(nat_network("lan", "10.1.2.0/28")["xml"])
    ip, given = root.find("ip"), root.find("ip/dhcp/range")
    assert root.findtext("name") == "lan"
    assert ip is not None
    assert given is not None
    assert (ip.get("address"), ip.get("netmask")) == ("10.1.2.1", "255.255.255.240")
    assert (given.get("start"), given.get("end")) == ("10.1.2.2", "10.1.2.14")


@pytest.mark.parametrize(
    ("subnet", "words"),
    [
        ("192.168.150.7/24", "has host bits set"),
        ("192.168.150.0", "not an IPv4 subnet of at least eight"),
        ("fd00::/64", "not an IPv4 subnet"),
        ("lan", "does not appear to be"),
    ],
)
def test_a_subnet_that_cannot_be_right_is_named(subnet: str, words: str) -> None:
    problem = nat_network("default", subnet)["problem"]
    assert words in problem
    assert "write it like 192.168.122.0/24" in problem


@pytest.mark.parametrize(
    ("route", "clash"),
    [
        ({"dst": "192.168.150.0/24", "dev": "eth0"}, "192.168.150.0/24 by eth0"),
        ({"dst": "192.168.0.0/16", "dev": "tun0"}, "192.168.0.0/16 by tun0"),
        ({"dst": "192.168.150.9", "dev": "wg0"}, "192.168.150.9 by wg0"),
        ({"type": "blackhole", "dst": "192.168.0.0/16"}, "192.168.0.0/16 by blackhole"),
        ({"dst": "default", "dev": "eth0"}, ""),
        ({"type": "local", "dst": "192.168.150.1", "dev": "eth0", "table": "local"}, ""),
        ({"dst": "192.168.151.0/24", "dev": "eth0"}, ""),
    ],
)
def test_a_route_that_the_subnet_overlaps_is_named(route: dict[str, str], clash: str) -> None:
    assert nat_network("default", WANTED, routes=json.dumps([route]))["clash"] == clash
