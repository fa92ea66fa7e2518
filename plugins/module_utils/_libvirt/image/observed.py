# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a base image's versions, and of who is backed by them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.planned import Pending, will_be
from ..._desired.values import nearest
from ..client import storage
from ..client.hypervisor import Hypervisor
from ..client.storage import Pool, Volume
from ..disk import users
from . import files
from .checksum import Checksum
from .desired import Desired

# Pools whose volumes are files in a folder of the host.
_FOLDERS = ("dir", "fs", "netfs")


@dataclass(frozen=True)
class Observed:
    """One look at the pool.

    `checksum` is what identifies the declared image, None if that cannot be known yet; `volume`
    the volume of it, None if it is not there; `others` further versions of the image by volume
    name; `users` who is backed by a volume, in words, by its name (looked up before a removal);
    `parts` names of temporary files; `unknown` what an earlier task of this run would bring
    (`libvirt`, `pool`, `path`, `checksum`, the `image` itself), with its cause; `leaving`: it is to
    be absent.
    """

    name: str
    pool: str
    folder: str = ""
    checksum: Optional[Checksum] = None
    volume: Optional[Volume] = None
    others: Mapping[str, Volume] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    parts: Tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    leaving: bool = False

    @property
    def stem(self) -> str:
        """The declared image's volume name without its ending, "" if it is not known yet."""
        return f"{self.name}-{self.checksum.hex[:12]}" if self.checksum else ""


def observe(
    host: Optional[Hypervisor], desired: Desired, pending: Pending, settled: bool
) -> Observed:
    """Take a snapshot, reading only: libvirt, the source if the image is not there yet.

    Raise InvalidOption for a pool that cannot be used or a source that is not there.
    """
    leaving = desired.state == "absent"
    observed = Observed(
        desired.name, desired.pool, unknown=_foreseen(desired, pending), leaving=leaving
    )
    if host is None:
        observed = replace(
            observed, unknown={**observed.unknown, "libvirt": pending["libvirt"].text}
        )
    pool = _pool(host, desired, observed.unknown) if host else None
    if host is None or pool is None:
        literal = desired.checksum is not None and not desired.checksum.file
        return replace(observed, checksum=desired.checksum if literal else None)
    if leaving:
        return _leaving(host, desired, observed, pool)
    observed = replace(observed, folder=pool.path, parts=files.parts(pool.path, desired.name))
    return _wanted(host, desired, observed, settled)


def _foreseen(desired: Desired, pending: Pending) -> Dict[str, str]:
    keys = {"pool": f"pool/{desired.pool}", "path": desired.path, "checksum": ""}
    if desired.checksum is not None:
        keys["checksum"] = desired.checksum.file
    causes = {key: pending[address].text for key, address in keys.items() if address in pending}
    if "libvirt" in pending and "pool" not in causes:
        causes["pool"] = pending["libvirt"].text
    coming = will_be(pending, desired.address)
    if coming:
        causes["image"] = coming
    return causes


def _pool(host: Hypervisor, desired: Desired, unknown: Mapping[str, str]) -> Optional[Pool]:
    """Return the pool, None if it comes from an earlier task; raise InvalidOption otherwise."""
    pool = storage.find_pool(host, desired.pool)
    if pool is not None and pool.active:
        if pool.kind not in _FOLDERS:
            raise InvalidOption(
                f"{desired.pool} is a pool of type {pool.kind}, and base images are files",
                option="pool",
                hint="name a pool of type dir, fs or netfs",
            )
        return pool
    if "pool" in unknown:
        return None
    if pool is not None:
        raise InvalidOption(
            f"{desired.pool} is not active",
            option="pool",
            hint=f"run virsh pool-start {desired.pool}",
        )
    names = [str(host.call("name", on=entry)) for entry in host.call("listAllStoragePools", 0)]
    hint = nearest(desired.pool, names) if names else "this libvirt has none; kvm_host makes one"
    raise InvalidOption(f"there is no pool '{desired.pool}'", option="pool", hint=hint)


def _wanted(host: Hypervisor, desired: Desired, observed: Observed, settled: bool) -> Observed:
    checksum = _checksum(desired, observed.unknown)
    if checksum is None:
        return observed
    observed = replace(observed, checksum=checksum)
    volume = storage.find_volume(host, desired.pool, f"{observed.stem}.qcow2")
    if volume is not None:
        return replace(observed, volume=volume)
    if not settled:
        _check_source(desired, observed.unknown)
    return replace(observed, others=_versions(host, desired, observed.stem))


def _checksum(desired: Desired, unknown: Mapping[str, str]) -> Optional[Checksum]:
    """Return the checksum that identifies the image, None if an earlier task makes what tells."""
    known = desired.known.get("checksum")
    if known is None:
        known = _find_out(desired, unknown)
        if known is not None:
            desired.known["checksum"] = known
    return known


def _find_out(desired: Desired, unknown: Mapping[str, str]) -> Optional[Checksum]:
    declared = desired.checksum
    if declared is not None and not declared.file:
        return declared
    # Only a task that has to read something pays for the imports.
    if declared is None:
        from .verbs import digest_of

        if "path" in unknown:
            return None
        _check_source(desired, unknown)
        return Checksum("sha256", digest_of(desired.path, "sha256"))
    from .checksum import find

    if "checksum" in unknown:
        return None
    return find(_text(desired, declared.file), desired.place, declared)


def _text(desired: Desired, address: str) -> str:
    if not address.startswith("/"):
        from .download import Web

        return Web(desired, "checksum").text(address)
    try:
        with open(address, encoding="utf-8", errors="replace") as source:
            return source.read()
    except OSError as error:
        raise InvalidOption(f"{address}: {error.strerror}", option="checksum") from None


def _check_source(desired: Desired, unknown: Mapping[str, str]) -> None:
    """Raise an error if the image cannot be fetched, before anything is written."""
    if desired.url:
        from .download import probe

        return probe(desired)
    if "path" in unknown:
        return None
    try:
        with open(desired.path, "rb"):
            good = os.path.isfile(desired.path)
    except OSError as error:
        words = f"{desired.path}: {error.strerror}"
        hint = "it is a path on the KVM host"
        raise InvalidOption(words, option="path", hint=hint) from None
    if not good:
        raise InvalidOption(
            f"{desired.path} is not a file", option="path", hint="name an image file"
        )
    return None


def _versions(host: Hypervisor, desired: Desired, but: str = "") -> Dict[str, Volume]:
    """Return the volumes of an image's versions by name, without the version of the stem `but`."""
    form = re.compile(rf"{re.escape(desired.name)}-[0-9a-f]{{12}}\.qcow2")
    pool = host.pool(desired.pool)
    versions: Dict[str, Volume] = {}
    for volume in host.call("listAllVolumes", 0, on=pool):
        name = str(host.call("name", on=volume))
        if form.fullmatch(name) and name != f"{but}.qcow2":
            seen = storage.describe(host, desired.pool, volume)
            versions.update({name: seen} if seen else {})
    return versions


def _leaving(host: Hypervisor, desired: Desired, observed: Observed, pool: Pool) -> Observed:
    """Return what a removal takes: the declared version, or all if no checksum is declared."""
    host.call("refresh", 0, on=host.pool(desired.pool))
    checksum = _checksum(desired, observed.unknown) if desired.checksum is not None else None
    observed = replace(observed, checksum=checksum, folder=pool.path)
    volumes, parts = _versions(host, desired), files.parts(pool.path, desired.name)
    if checksum is not None:
        volumes = {
            name: entry for name, entry in volumes.items() if name == f"{observed.stem}.qcow2"
        }
        parts = tuple(entry for entry in parts if files.belongs(entry, observed.stem))
    users = {name: _users(host, volume) for name, volume in volumes.items()}
    return replace(observed, others=volumes, users=users, parts=parts)


def _users(host: Hypervisor, volume: Volume) -> str:
    """Return who is backed by a volume, in words; "" for none."""
    machines = users.users_of(host, volume.path)
    if machines:
        return "machines " + ", ".join(machines) if len(machines) > 1 else f"machine {machines[0]}"
    disks = users.overlays_of(host, volume.path)
    return "disk " + ", ".join(disks) if disks else ""
