# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine alone may have: its MAC addresses, and what networks reserve for them."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator, Tuple

from ..._desired.errors import FleetError
from ..._desired.lock import lock
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.domain_xml import Element, document, mac_of, parse, text_of
from ..client.hypervisor import Hypervisor, LibvirtError
from ..client.options import hypervisor_name
from .checks import check_macs, check_reservation
from .fields import host_name
from .interface_names import own_interfaces
from .observe import macs_of_others


def need(work: Work) -> Any:
    """Return the machine's virDomain; raise FleetError if it is gone meanwhile."""
    domain = work.client.domain(work.desired.name)
    if domain is None:
        raise FleetError(
            "the machine is gone: somebody has removed it", address=work.desired.address
        )
    return domain


def config_of(host: Hypervisor, domain: Any) -> Element:
    """Return the inactive document of a domain, passwords included."""
    flags = host.lib.VIR_DOMAIN_XML_INACTIVE | host.lib.VIR_DOMAIN_XML_SECURE
    return parse(host.call("XMLDesc", flags, on=domain))


@contextlib.contextmanager
def alone_with_macs(work: Work) -> Iterator[None]:
    """Look once more at the declared MACs, while no other task can define a machine with one.

    Machines are made side by side, so another task may have looked before this one wrote. Raise
    InvalidOption for one that another machine has got meanwhile.
    """
    entries = (work.desired.declared.get("networks") or {}).values()
    if not any("mac" in entry for entry in entries):
        yield
        return
    with lock(f"MAC addresses of {hypervisor_name(work.client.uri)}"):
        check_macs(work.desired, macs_of_others(work.client, work.desired, None, {}))
        yield


def reserve_address(work: Work, step: Step) -> None:
    """Reserve an address for an interface's MAC, in the running network and its document."""
    domain = need(work)
    mac = mac_of(own_interfaces(config_of(work.client, domain))[step.args["nic"]])
    network, address = step.args["to"], step.args["on"]
    name = host_name(work.desired.name, step.args["nic"])
    _drop_reservation(work.client, network, mac, (name, address))
    host = document("host", mac=mac, **({"name": name} if name else {}), ip=address)
    try:
        _update_network(work.client, network, "VIR_NETWORK_UPDATE_COMMAND_ADD_LAST", host)
    except LibvirtError as error:
        there = work.client.network(network)
        if there is not None:
            # Another task may have got it since this one looked.
            network_xml = parse(work.client.call("XMLDesc", 0, on=there))
            check_reservation(name, address, f"networks[{step.args['nic']}]", network_xml, [mac])
        raise FleetError(
            f"the network {network} cannot reserve {address}: {error.message}",
            address=work.desired.address,
        ) from None


def release_address(work: Work, step: Step) -> None:
    _drop_reservation(work.client, step.args["to"], step.args["on"])


def _drop_reservation(
    host: Hypervisor, name: str, mac: str, left: Tuple[str, str] = ("", "")
) -> None:
    """Give back what a network reserves for a MAC, or has `left` by a name and an address."""
    network = host.network(name)
    if network is None:
        return
    for entry in parse(host.call("XMLDesc", 0, on=network)).findall("ip/dhcp/host"):
        is_left = bool(left[0]) and (entry.get("name"), entry.get("ip")) == left
        if str(entry.get("mac")).lower() == mac or is_left:
            _update_network(host, name, "VIR_NETWORK_UPDATE_COMMAND_DELETE", entry)


def _update_network(host: Hypervisor, name: str, command: str, entry: Element) -> None:
    lib = host.lib
    network = host.network(name)
    flags = lib.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    if host.call("isActive", on=network):
        # Both, or the change is gone when the network starts again.
        flags |= lib.VIR_NETWORK_UPDATE_AFFECT_LIVE
    section = lib.VIR_NETWORK_SECTION_IP_DHCP_HOST
    host.call("update", getattr(lib, command), section, -1, text_of(entry), flags, on=network)
