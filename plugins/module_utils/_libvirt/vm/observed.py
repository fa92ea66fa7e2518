# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a machine and of what it refers to. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ..client.domain_xml import Element, record
from ..client.storage import Pool, Volume
from ..disk.names import NO_DISKS, Disks
from .states import stand

# What a removal's cause adds before the names of the volumes that it leaves.


@dataclass(frozen=True)
class Observed:
    """One look at a hypervisor. Documents are parsed; sizes are in bytes.

    `config` is the inactive document, `running` the active one, None if it is off; `saved` is
    the one of a memory that libvirt keeps, which the next start brings back. Without
    `persistent` the machine ends with its run. `reason` is libvirt's number for the `state`.
    `volumes` are the machine's by name, `images` base images by (pool, name), `seed` the files
    of the seed that is there (they hold private keys: never shown). `macs` map MAC addresses to
    the other machines that have them, `users` volumes to the others that use them, looked at
    only where it matters, as are the names of internal `snapshots`. `shortfall` says in
    words what a running machine lacks of `wait`. `capabilities` are those of
    `capabilities_of`, None if they were not needed or libvirt does not say. `unknown` maps
    "libvirt" and addresses to what an earlier task of this run would do to them; `removed`: one
    removes the machine.
    """

    config: Optional[Element] = None
    running: Optional[Element] = None
    saved: Optional[Element] = None
    state: str = "absent"
    reason: int = 0
    persistent: bool = True
    autostart: bool = False
    disks: Disks = NO_DISKS
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    pools: Mapping[str, Pool] = field(default_factory=dict)
    images: Mapping[Tuple[str, str], Volume] = field(default_factory=dict)
    networks: Mapping[str, Element] = field(default_factory=dict)
    idle_networks: Tuple[str, ...] = ()
    seed: Mapping[str, bytes] = field(default_factory=dict)
    addresses: Tuple[str, ...] = ()
    shortfall: str = ""
    macs: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    snapshots: Tuple[str, ...] = ()
    host_memory: int = 0
    capabilities: Optional[Element] = None
    kvm: bool = False
    arch: str = "x86_64"
    unknown: Mapping[str, str] = field(default_factory=dict)
    removed: bool = False

    @property
    def record(self) -> Dict[str, Any]:
        """Our record in the domain, {} if it is not ours."""
        return record(self.config)

    @property
    def type(self) -> str:
        """What runs the machine, `kvm` or `qemu`; "" if it is not there."""
        return (self.config.get("type") if self.config is not None else None) or ""

    @property
    def uuid(self) -> str:
        """The machine's UUID, "" if it is not there."""
        return (self.config.findtext("uuid") if self.config is not None else None) or ""

    def holds_raw(self, pool: str) -> bool:
        """Tell whether a pool's volumes hold no other format than raw."""
        return pool in self.pools and self.pools[pool].is_raw

    @property
    def runs(self) -> bool:
        """Whether the machine is on."""
        return self.running is not None

    @property
    def live(self) -> Optional[Element]:
        """The document that counts until a restart: the running one, or the saved one."""
        return self.running if self.running is not None else self.saved

    @property
    def stand(self) -> Tuple[str, str]:
        """Why the machine does not go on although it is on (see `states.stand`)."""
        return stand(self.state, self.reason) if self.runs else ("", "")

    @property
    def reservations(self) -> Dict[str, str]:
        """The addresses that the looked-up networks reserve, by MAC."""
        return {mac: address for mac, (_network, address) in self._reserved.items()}

    @property
    def holders(self) -> Dict[str, str]:
        """The looked-up networks that reserve an address for a MAC, by MAC."""
        return {mac: network for mac, (network, _address) in self._reserved.items()}

    @property
    def _reserved(self) -> Dict[str, Tuple[str, str]]:
        reservations: Dict[str, Tuple[str, str]] = {}
        for name, network in self.networks.items():
            for host in network.findall("ip/dhcp/host"):
                if host.get("mac") and host.get("ip"):
                    reservations[str(host.get("mac")).lower()] = (name, str(host.get("ip")))
        return reservations

    def view(self, document: Optional[Element] = None) -> Dict[str, Any]:
        """Return the object that the field table reads, of `config` or another document."""
        from .seed import digest_of

        return {
            "config": self.config if document is None else document,
            "defined": self.config,
            "autostart": self.autostart,
            "disks": self.disks,
            "reservations": self.reservations,
            "seed": digest_of(self.seed),
        }


def machine_type(arch: str) -> str:
    """Return QEMU's machine type of a new machine."""
    return "q35" if arch == "x86_64" else "virt"
