# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hypervisor can give a machine: libvirt's domain capabilities."""

from __future__ import annotations

from typing import Dict, FrozenSet, Optional

from ..._desired.fields import Context
from ..client.domain_xml import Element, attribute, parse
from ..client.hypervisor import Hypervisor, LibvirtError
from .desired import Desired
from .fields import FIELDS
from .observed import machine_type

# On x86, more CPUs need an IOMMU with extended interrupts, which new machines have not; the domain
# capabilities do not count that in (libvirt 9.0).
_WITHOUT_IOMMU = 255
# Options whose values are held against them.
_ASKING = ("vcpus", "cpu", "firmware")


def capabilities_of(
    host: Hypervisor, desired: Desired, config: Optional[Element], arch: str, kvm: bool
) -> Optional[Element]:
    """Return the capabilities, for a task that would change what they bound; None if it would not,
    or libvirt has none to tell."""
    if not any(_would_change(name, desired, config) for name in _ASKING):
        return None
    emulator, machine, kind = None, machine_type(arch), desired.kind(kvm)
    machine = str(desired.declared.get("machine") or machine)
    if config is not None:
        emulator, kind = config.findtext("devices/emulator"), str(config.get("type"))
        arch = attribute(config, "os/type", "arch") or arch
        machine = attribute(config, "os/type", "machine") or machine
    try:
        return parse(host.call("getDomainCapabilities", emulator, arch, machine, kind))
    except LibvirtError:  # such as a kind that this host has not, of which others speak
        return None


def _would_change(name: str, desired: Desired, config: Optional[Element]) -> bool:
    if name not in desired.declared or config is None:
        return name in desired.declared
    row = next(row for row in FIELDS if row.name == name)
    view = {"config": config, "defined": config}
    context = Context(desired.declared)
    return row.read is not None and row.read(view, context) != desired.declared[name]


def most_vcpus(capabilities: Optional[Element], config: Optional[Element], arch: str) -> int:
    """Return how many CPUs a machine can have, 0 if that is not known."""
    if capabilities is None:
        return 0
    most = int(attribute(capabilities, "vcpu", "max") or 0)
    bare = config is None or config.find("devices/iommu") is None
    return min(most, _WITHOUT_IOMMU) if bare and arch in ("x86_64", "i686") else most


def firmwares(capabilities: Element) -> FrozenSet[str]:
    """Return the kinds of firmware that libvirt finds files for: bios, efi."""
    entries = capabilities.findall("os/enum[@name='firmware']/value")
    return frozenset(entry.text or "" for entry in entries)


def models(capabilities: Element) -> Dict[str, bool]:
    """Return the models of processors by name, with whether this host can give each."""
    entries = capabilities.findall("cpu/mode[@name='custom']/model")
    return {str(entry.text): entry.get("usable") != "no" for entry in entries}
