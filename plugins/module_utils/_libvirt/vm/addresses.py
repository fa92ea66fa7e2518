# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine tells of itself, or makes others tell: nothing of it is believed unchecked.

Whoever is root in a guest chooses what its agent answers, what it asks DHCP for, what it answers
in ARP and what stands on its console. Every address that comes from there passes `unicast`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple, Union

from ..client.domain_xml import Element, attribute, interfaces, mac_of, parse
from ..client.hypervisor import Hypervisor

Ip = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

# No agent, no support, machine just stopped: another source may still know.
_NO_ANSWER = (1, 3, 38, 55, 62, 74, 86)
# A guest may answer with as many as it likes.
_MANY = 32
_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [A-Za-z0-9_.@-]+)?")


def unicast(text: Any) -> Optional[Ip]:
    """Return the address that a text is, None for anything that cannot be one machine's.

    Not one machine's alone, or not reachable by others: loopback, link-local, multicast,
    unspecified and reserved addresses, and IPv4 in IPv6's clothes. A scope (`%eth0`) may hold any
    text, so there is none.
    """
    try:
        address = ipaddress.ip_address(text if isinstance(text, str) else "")
    except ValueError:
        return None
    if getattr(address, "scope_id", None) or getattr(address, "ipv4_mapped", None):
        return None
    local = address.is_loopback or address.is_link_local or address.is_unspecified
    return None if local or address.is_multicast or address.is_reserved else address


def checked(machine: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a machine as the controller may take it from a hypervisor.

    `address` and `addresses` become arguments of ssh there, `ssh_host_keys` lines of known_hosts.
    """
    result = {**machine}
    if "addresses" in machine:
        result["addresses"] = [entry for entry in machine["addresses"] or () if unicast(entry)]
    if "address" in machine:
        result["address"] = machine["address"] if unicast(machine["address"]) else None
    if "ssh_host_keys" in machine:
        keys = machine["ssh_host_keys"] or ()
        result["ssh_host_keys"] = [entry for entry in keys if _KEY.fullmatch(str(entry))]
    return result


@dataclass(frozen=True)
class Lan:
    """What a network of libvirt says of its addresses: the machine's can be no others of these."""

    subnets: Tuple[Any, ...] = ()
    own: Tuple[Ip, ...] = ()
    reserved: Tuple[Tuple[str, str], ...] = ()

    def takes(self, address: Ip, mac: str) -> bool:
        """Tell whether an interface with a MAC can have an address; any where none is known."""
        if not self.subnets:
            return True
        home = next((entry for entry in self.subnets if address in entry), None)
        if home is None or address in self.own:
            return False
        ends = (home.network_address, home.broadcast_address) if home.version == 4 else ()
        others = {ip for owner, ip in self.reserved if owner != mac}
        return address not in ends and str(address) not in others


def lan(network: Element) -> Lan:
    """Return what a network's document says of its addresses."""
    subnets, own = [], []
    for ip in network.findall("ip"):
        size = ip.get("prefix") or ip.get("netmask")
        if ip.get("address") and size:
            subnets.append(ipaddress.ip_network(f"{ip.get('address')}/{size}", strict=False))
            own.append(ipaddress.ip_address(str(ip.get("address"))))
    hosts = network.findall("ip/dhcp/host")
    reserved = [(str(entry.get("mac")).lower(), str(entry.get("ip"))) for entry in hosts]
    return Lan(tuple(subnets), tuple(own), tuple(reserved))


def addresses(host: Hypervisor, domain: Any) -> List[str]:
    """Return a running machine's addresses: leases of its own MACs, the newest first, else the
    guest agent's, else the kernel's ARP table's.

    Only what `unicast` lets pass counts, and where libvirt knows the network's subnets, only what
    is in them and is not the hypervisor's own or reserved for another.
    """
    lans = _lans(host, parse(host.call("XMLDesc", 0, on=domain)))
    for told in _sources(host, domain, lans):
        result: Dict[str, None] = {}
        for mac, text in told:
            address = unicast(text)
            if address is not None and mac in lans and lans[mac].takes(address, mac):
                result[str(address)] = None
        if result:
            return list(result)[:_MANY]
    return []


def _lans(host: Hypervisor, root: Element) -> Dict[str, Lan]:
    """Return by MAC what is known of the network that an interface is in."""
    names = {mac_of(entry): attribute(entry, "source", "network") for entry in interfaces(root)}
    networks = {name: host.network(name) for name in set(names.values()) if name}
    known = {
        name: lan(parse(host.call("XMLDesc", 0, on=network)))
        for name, network in networks.items()
        if network is not None
    }
    return {mac: known.get(name or "", Lan()) for mac, name in names.items()}


def _sources(host: Hypervisor, domain: Any, macs: Iterable[str]) -> Iterator[List[Tuple[str, Any]]]:
    """Yield what each source tells, as (MAC, text)."""
    lib = host.lib
    leases = _answers(host, domain, lib.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE)
    yield leases if len(leases) < 2 else _newest_first(host, domain, leases)
    yield _answers(host, domain, lib.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    yield list(_neighbours(set(macs)))


def _answers(host: Hypervisor, domain: Any, source: int) -> List[Tuple[str, Any]]:
    answer = host.call("interfaceAddresses", source, 0, on=domain, missing=_NO_ANSWER)
    return [
        (str(entry.get("hwaddr") or "").lower(), item.get("addr"))
        for entry in (answer or {}).values()
        for item in entry.get("addrs") or ()
    ]


def _newest_first(
    host: Hypervisor, domain: Any, leases: List[Tuple[str, Any]]
) -> List[Tuple[str, Any]]:
    """Sort leases: a guest that asked again under another name has several for one MAC."""
    ends: Dict[Tuple[str, str], int] = {}
    root = parse(host.call("XMLDesc", 0, on=domain))
    for name in sorted({attribute(entry, "source", "network") or "" for entry in interfaces(root)}):
        network = host.network(name) if name else None
        if network is None:
            continue
        for entry in host.call("DHCPLeases", on=network, missing=_NO_ANSWER) or ():
            ends[(str(entry["mac"]).lower(), str(entry["ipaddr"]))] = int(entry["expirytime"])
    order = list(dict.fromkeys(mac_of(entry) for entry in interfaces(root)))
    places = {mac: number for number, mac in enumerate(order)}
    return sorted(leases, key=lambda entry: (places.get(entry[0], len(order)), -ends.get(entry, 0)))


def _neighbours(macs: Set[str]) -> Iterator[Tuple[str, str]]:
    """Yield what the kernel's ARP table has for our MACs (proc(5), /proc/net/arp)."""
    try:
        with open("/proc/net/arp", encoding="ascii") as table:
            rows = [line.split() for line in table][1:]
    except OSError:
        return
    for row in rows:
        if len(row) > 3 and row[3].lower() in macs and row[2] != "0x0":
            yield row[3].lower(), row[0]
