# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NAT network of a KVM host: the filter behind role kvm_host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nat_network
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Judge a host's NAT network and describe the one that is wanted
description:
  - Says whether a network of libvirt has to be made, or made anew, and whether its addresses
    overlap those that the host reaches elsewhere.
  - A network that exists is taken as it is. The only exception is the one that the distribution's
    packages bring (C(192.168.122.0/24)) while it is not used and another subnet is wanted.
positional: _input, subnet
options:
  _input:
    description: The name of the network.
    type: str
    required: true
  subnet:
    description: The subnet that is wanted, such as V(192.168.122.0/24).
    type: str
    required: true
  routes:
    description: What C(ip -4 -json route show table all) says on the host.
    type: str
    default: ''
  xml:
    description: What libvirt says of the present network. Empty when there is none.
    type: str
    default: ''
  info:
    description: What C(virsh net-info) says of it. Empty when there is none.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Say what is wrong with a subnet
  ansible.builtin.debug:
    msg: "{{ ('default' | dockyard.fleet.nat_network('192.168.122.7/24')).problem }}"
"""

RETURN = r"""
_value:
  description: The judgement.
  type: dict
  contains:
    problem:
      description: What is wrong with the subnet that is wanted. Empty when nothing is.
      type: str
    old:
      description: The subnet of the present network. Empty when it has none.
      type: str
    subnet:
      description: The subnet that the network will have.
      type: str
    make:
      description: Whether a network has to be defined.
      type: bool
    replace:
      description: Whether the present one has to be removed before.
      type: bool
    theirs:
      description: Whether the network is one that the role does not change.
      type: bool
    clash:
      description: The route that the subnet overlaps, and its device. Empty when there is none.
      type: str
    xml:
      description: The definition of the network that is wanted.
      type: str
    active:
      description: Whether the present network is active.
      type: bool
    autostart:
      description: Whether it starts with the host.
      type: bool
    plan:
      description: What will be done with the network, in words. Empty when nothing is to do.
      type: str
"""

import json
import re
from ipaddress import IPv4Network, ip_network
from typing import Any, Callable, Dict
from xml.etree import ElementTree

# What libvirt-daemon-config-network defines.
SHIPPED = "192.168.122.0/24"
# The host, two machines, and the network's own two addresses.
SMALLEST = 29
# Words of `virsh net-info`.
_STATES = ("Active", "Autostart")


def nat_network(
    name: str, subnet: str, routes: str = "", xml: str = "", info: str = ""
) -> Dict[str, Any]:
    """Judge the present network and describe the one that is wanted."""
    problem = _problem(subnet)
    old = _subnet(xml) if xml.strip() else ""
    active, autostart = (bool(re.search(f"{word}: +yes", info)) for word in _STATES)
    unused = not (active or autostart)
    replace = not problem and unused and old == SHIPPED and old != subnet
    make = not problem and (replace or not xml.strip())
    final = subnet if make else old
    todo = {
        f"removed ({old}, unused)": replace,
        f"made ({final}, NAT)": make,
        "started": not active,
        "started with the host": not autostart,
    }
    return {
        "problem": problem,
        "old": old,
        "subnet": final,
        "make": make,
        "replace": replace,
        "theirs": not make and old != SHIPPED,
        "clash": _clash(final, routes) if final else "",
        "xml": "" if problem else _definition(name, IPv4Network(subnet)),
        "active": active,
        "autostart": autostart,
        "plan": ", ".join(words for words, needed in todo.items() if needed),
    }


def _problem(subnet: str) -> str:
    try:
        network = ip_network(subnet)
    except ValueError as error:
        return f"{error}; write it like {SHIPPED}"
    if network.version != 4 or network.prefixlen > SMALLEST:
        return (
            f"{subnet} is not an IPv4 subnet of at least eight addresses; write it like {SHIPPED}"
        )
    return ""


def _subnet(xml: str) -> str:
    """Return the first IPv4 subnet of a network's definition, "" when it has none."""
    for ip in ElementTree.fromstring(xml).iter("ip"):
        if ip.get("family", "ipv4") == "ipv4" and ip.get("address"):
            size = ip.get("prefix") or ip.get("netmask") or "32"
            return str(IPv4Network(f"{ip.get('address')}/{size}", strict=False))
    return ""


def _clash(subnet: str, routes: str) -> str:
    """Return the first route that overlaps; local and broadcast ones say nothing of their own."""
    wanted = IPv4Network(subnet)
    for route in json.loads(routes or "[]"):
        target = route.get("dst", "default")
        if target == "default" or route.get("type", "unicast") in ("local", "broadcast"):
            continue
        if wanted.overlaps(IPv4Network(target)):
            return f"{target} by {route.get('dev', route.get('type', 'another table'))}"
    return ""


def _definition(name: str, subnet: IPv4Network) -> str:
    """Return a network with NAT and DHCP; libvirt chooses uuid, bridge and MAC itself."""
    root = ElementTree.Element("network")
    ElementTree.SubElement(root, "name").text = name
    ElementTree.SubElement(root, "forward", mode="nat")
    address = {"address": str(subnet[1]), "netmask": str(subnet.netmask)}
    ip = ElementTree.SubElement(root, "ip", address)
    dhcp = ElementTree.SubElement(ip, "dhcp")
    ElementTree.SubElement(dhcp, "range", start=str(subnet[2]), end=str(subnet[-2]))
    return ElementTree.tostring(root, encoding="unicode")


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"nat_network": nat_network}
