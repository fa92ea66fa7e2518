# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before anything of a machine is written."""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.sizes import show_size
from ..._desired.steps import Change, Step
from ..._desired.values import show
from ..client.domain_xml import Element, copied_record, interfaces, mac_of
from ..client.storage import DEVICES, FILES
from ..disk.entry import read_disk
from .capabilities import most_vcpus
from .desired import Desired, seed_volume
from .disk_observed import volume_of
from .domain import volumes_of
from .fields import host_name
from .observe import leftovers
from .observed import Observed


def check_references(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for a missing network, pool or image, and what does not fit."""
    if "libvirt" in observed.unknown:
        return
    if desired.state == "absent":
        _check_volumes(observed)
        return
    for number, entry in enumerate((desired.declared.get("networks") or {}).values()):
        _check_network(entry, f"networks[{number}]", desired, observed)
    check_macs(desired, observed.macs)
    for number, (name, entry) in enumerate((desired.declared.get("disks") or {}).items()):
        _check_disk(name, entry, f"disks[{number}]", desired, observed)
    if desired.cloud_init is not None:
        # The seed is a volume too.
        pool, _name = seed_volume(desired, observed.record.get("volumes", ()))
        _check_pool(pool, "cloud_init", observed)
    if (
        desired.wait != "none"
        and desired.state == "started"
        and not _has_network(desired, observed)
    ):
        raise InvalidOption(
            f"{desired.wait} needs a network", option="wait", hint="declare networks: [default]"
        )
    if desired.accelerator == "kvm" and observed.config is None and not observed.kvm:
        raise InvalidOption(
            "KVM cannot be used on this host",
            option="accelerator",
            hint="write auto, and it runs under emulation; kvm_host says why",
        )
    _check_size_of_host(desired, observed)


def _check_volumes(observed: Observed) -> None:
    """Raise InvalidOption for volumes that a removal could not delete, and would leave behind."""
    for volume in observed.record.get("volumes", ()):
        pool = observed.pools.get(volume["pool"])
        if pool is not None and not pool.active:
            raise InvalidOption(
                f"the pool {pool.name} is not active, and has volumes of the machine",
                option="state",
                hint="start it",
            )


def _has_network(desired: Desired, observed: Observed) -> bool:
    there = observed.config is not None and bool(interfaces(observed.config))
    return bool(desired.declared.get("networks")) or there


def _check_size_of_host(desired: Desired, observed: Observed) -> None:
    memory, vcpus = desired.declared.get("memory"), desired.declared.get("vcpus")
    if memory and observed.host_memory and memory > observed.host_memory:
        raise InvalidOption(
            f"{show_size(memory)} is more than the host's {show_size(observed.host_memory)}",
            option="memory",
            hint="declare less",
        )
    most = most_vcpus(observed.capabilities, observed.config, observed.arch)
    if vcpus and most and vcpus > most:
        raise InvalidOption(
            f"{vcpus} is more than the {most} CPUs that a machine can have here",
            option="vcpus",
            hint=f"declare {most} or fewer",
        )


def check_macs(desired: Desired, macs: Mapping[str, str]) -> None:
    """Raise InvalidOption for a declared MAC that another machine has."""
    for number, entry in enumerate((desired.declared.get("networks") or {}).values()):
        other = macs.get(entry.get("mac", ""))
        if other:
            raise InvalidOption(
                f"the machine {other} has that address",
                option=f"networks[{number}].mac",
                hint="give another one, or none: then one is generated",
            )


def _check_network(
    entry: Mapping[str, Any], where: str, desired: Desired, observed: Observed
) -> None:
    name = entry["network"]
    network = observed.networks.get(name)
    if network is None:
        if f"network/{name}" in observed.unknown:
            return
        raise InvalidOption(
            f"the network {name} does not exist",
            option=f"{where}.network",
            hint="create it first (the role kvm_host makes the network default)",
        )
    if name in observed.idle_networks and desired.state == "started":
        raise InvalidOption(
            f"the network {name} is not active", option=f"{where}.network", hint="start it"
        )
    if entry.get("address"):
        number = where[len("networks[") : -1]
        own = _own_macs(desired, observed, entry, network, number)
        check_reservation(host_name(desired.name, number), entry["address"], where, network, own)


def check_reservation(
    name: str, address: str, where: str, network: Element, own: Sequence[str]
) -> None:
    """Raise InvalidOption if a network cannot reserve an address by a name for one of our MACs."""
    _check_address(address, f"{where}.address", network, own)
    _check_host_name(name, where, network, own)


def _own_macs(
    desired: Desired, observed: Observed, entry: Mapping[str, Any], network: Element, number: str
) -> List[str]:
    """Return the machine's MACs, and what the network has left of one that was removed by hand."""
    present = interfaces(observed.config) if observed.config is not None else []
    own = [*(mac_of(item) for item in present), entry.get("mac", "")]
    left = leftovers(network, host_name(desired.name, number), entry["address"], own)
    return own + [mac for mac in left if mac not in observed.macs]


def _check_address(address: str, where: str, network: Element, own: Sequence[str]) -> None:
    """Raise InvalidOption for an address that no machine can have (libvirt takes it), or taken."""
    wanted = ipaddress.ip_address(address)
    subnets, served = _subnets(network)
    subnet = next((entry for entry in served if wanted in entry), None)
    if subnet is None:
        shown = ", ".join(str(entry) for entry in served) or "none that libvirt serves"
        other = any(wanted in entry for entry in subnets)
        where_not = "a subnet that its DHCP server serves" if other else "the network's subnet"
        raise InvalidOption(
            f"{address} is not in {where_not}", option=where, hint=f"it has {shown}"
        )
    ends = (subnet.network_address, subnet.broadcast_address)
    if wanted == subnets[subnet] or wanted in ends:
        whose = "stands for all of" if wanted in ends else "is the hypervisor's own in"
        raise InvalidOption(f"{address} {whose} {subnet}", option=where, hint="give another one")
    for host in network.findall("ip/dhcp/host"):
        if host.get("ip") == address and str(host.get("mac")).lower() not in own:
            owner = host.get("name") or host.get("mac")
            raise _reserved(address, owner, where)


def _subnets(network: Element) -> Tuple[Dict[Any, Any], List[Any]]:
    """Return a network's IPv4 subnets with the hypervisor's address, and those that DHCP serves.

    libvirt reserves in the first that has DHCP, or else in the first.
    """
    subnets, served = {}, []
    for ip in network.findall("ip"):
        mask = ip.get("prefix") or ip.get("netmask")
        if ip.get("address") and mask and ip.get("family", "ipv4") == "ipv4":
            whole = ipaddress.ip_network(f"{ip.get('address')}/{mask}", strict=False)
            subnets[whole] = ipaddress.ip_address(str(ip.get("address")))
            served += [whole] if ip.find("dhcp") is not None else []
    return subnets, (served or list(subnets))[:1]


def _reserved(address: str, owner: Any, where: str) -> InvalidOption:
    return InvalidOption(
        f"{address} is reserved for {owner} already",
        option=where,
        hint="give another one, or remove that reservation (virsh net-update)",
    )


def _check_host_name(name: str, where: str, network: Element, own: Sequence[str]) -> None:
    """Raise InvalidOption if the network has that name for another machine; libvirt refuses it."""
    for host in network.findall("ip/dhcp/host"):
        if name and host.get("name") == name and str(host.get("mac")).lower() not in own:
            raise InvalidOption(
                f"the network reserves {host.get('ip')} for another {name}, {host.get('mac')}",
                option=f"{where}.address",
                hint="give this machine another name; if no machine has that MAC, remove that "
                "reservation (virsh net-update)",
            )


def _check_pool(name: str, where: str, observed: Observed) -> None:
    pool = observed.pools.get(name)
    if pool is None and f"pool/{name}" not in observed.unknown:
        raise InvalidOption(
            f"the pool {name} does not exist",
            option=where,
            hint="create it first (the role kvm_host makes the pool default)",
        )
    if pool is not None and not pool.active:
        raise InvalidOption(f"the pool {name} is not active", option=where, hint="start it")


def _check_disk(
    name: str, entry: Mapping[str, Any], where: str, desired: Desired, observed: Observed
) -> None:
    _check_pool(entry["pool"], f"{where}.pool", observed)
    disk = observed.disks.own.get(name)
    if disk is None or disk.is_gone:
        _check_kind(entry["pool"], f"{where}.pool", observed)
        _check_image(entry, where, observed)
    _check_capacity(name, entry, where, desired, observed)


def _check_kind(name: str, where: str, observed: Observed) -> None:
    """Raise InvalidOption for a pool that has no volumes of our names, or none for machines."""
    pool = observed.pools.get(name)
    if pool is not None and pool.kind not in (*FILES, *DEVICES):
        raise InvalidOption(
            f"the pool {name} is of type {pool.kind}, in which disks cannot be created",
            option=where,
            hint=f"name one of type {', '.join(FILES)} or {', '.join(DEVICES)}",
        )


def _check_image(entry: Mapping[str, Any], where: str, observed: Observed) -> None:
    """Raise InvalidOption for an image that no disk can be made of."""
    image, pool = str(entry.get("image") or ""), entry["pool"]
    base = observed.images.get((pool, image))
    coming = any(address.startswith(("vm_image/", "pool/")) for address in observed.unknown)
    if image and observed.holds_raw(pool):
        raise InvalidOption(
            f"the pool {pool} is of type {observed.pools[pool].kind}, and its volumes stand alone",
            option=f"{where}.image",
            hint="leave image out, or name a pool of files (type dir, fs or netfs)",
        )
    if image and base is None and not coming:
        raise InvalidOption(
            f"the pool {pool} has no image {image}",
            option=f"{where}.image",
            hint="bring it with vm_image, and use the volume that it returns",
        )
    if image in observed.users:
        raise InvalidOption(
            f"{observed.users[image]} writes to {image}, so it cannot be a base image",
            option=f"{where}.image",
            hint="bring a base image with vm_image, and use the volume that it returns",
        )
    size = entry.get("size")
    if size and base is not None and size < base.capacity:
        raise InvalidOption(
            f"{show_size(size)} is less than the image's {show_size(base.capacity)}",
            option=f"{where}.size",
            hint="declare as much or more, or leave size out",
        )


def _check_capacity(
    name: str, entry: Mapping[str, Any], where: str, desired: Desired, observed: Observed
) -> None:
    """Raise InvalidOption for a disk that would become smaller."""
    size, disk = entry.get("size"), observed.disks.own.get(name)
    capacity = read_disk(disk, entry).get("size") if disk is not None else None
    if disk is None:
        volume = observed.volumes.get(volume_of(desired.name, name, entry, observed.disks)[1])
        capacity = volume.capacity if volume is not None else None
    if size and capacity and size < capacity:
        raise InvalidOption(
            f"the disk has {show_size(capacity)}, and making it {show_size(size)} would cut"
            " data off",
            option=f"{where}.size",
            hint="declare as much or more; a smaller disk is a new disk",
        )


def refusals(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Return reasons why the steps may not be made."""
    verbs = {step.verb for step in steps}
    if observed.config is not None and not observed.record:
        foreign = verbs - {"start", "wait", "shutdown", "resume"}
        if "shutdown" in verbs and not observed.persistent:
            return [f"{steps[0].cause}: it is not defined, so all of it would be lost"]
        output = (
            f"{steps[0].cause}: this machine was not created by dockyard.fleet{_copied(observed)}"
        )
        return [output] if foreign else []
    ours = [entry["name"] for entry in observed.record.get("volumes", ())]
    if desired.state == "absent":
        return []
    return [
        f"the volume {entry['name']} exists already, and no record says that it is this "
        "machine's; remove it, or give the disk another name"
        for entry in volumes_of(desired, observed.disks, observed.record.get("volumes", ()))
        if entry["name"] in observed.volumes and entry["name"] not in ours
    ]


def _copied(observed: Observed) -> str:
    """Say what a foreign machine was copied from, if its record tells."""
    original = str(copied_record(observed.config).get("address") or "")
    return f": it is a copy of {original}, whose record it carries" if original else ""


# What a change of these keys would lose, and what would be right.
_OTHER_DATA = {
    "image": "a disk from elsewhere is a new disk, with a new name",
    "pool": "declare the pool that it is in; a disk elsewhere is a new disk, with a new name",
}


def data_losses(changes: Sequence[Change], observed: Observed) -> List[str]:
    """Return the changes of disks that would need other data on them."""
    lost = []
    for change in changes:
        before, after = change.before, change.after
        if change.field != "disks" or before is None or after is None:
            continue
        for key, way in _OTHER_DATA.items():
            if before.get(key) != after.get(key):
                reason = _moved_away(change, observed) if key == "pool" else ""
                lost.append(
                    f"disks.{change.key}.{key}: {show(before.get(key))} → {show(after.get(key))}: "
                    + (reason or f"its data would be lost; {way}")
                )
    return lost


def _moved_away(change: Change, observed: Observed) -> str:
    """Say what is right for a disk that the document names where it is not, "" for others."""
    disk = observed.disks.own.get(str(change.key))
    if disk is None or disk.top is None or not disk.is_gone or observed.config is None:
        return ""
    name = observed.config.findtext("name")
    return (
        f"the machine's document names the volume {disk.top.name} in the pool "
        f"{disk.top.pool}, where it is not; if it was moved to {change.after['pool']}, write "
        f"that pool into the disk's <source> (virsh edit {name}) and run again"
    )
