# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine's platform cannot be on this host, or cannot become."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..._desired.errors import InvalidOption
from ..._desired.steps import Change
from ..._desired.values import nearest
from ..client.domain_xml import Element
from .capabilities import firmwares, models
from .desired import Desired
from .observed import Observed
from .platform import family


def check_platform(desired: Desired, observed: Observed, changes: Sequence[Change]) -> None:
    """Raise InvalidOption for another family of machine types, and what the host cannot give.

    Buses and addresses of all devices belong to the family: a guest would not find its disks.
    """
    for change in changes:
        families = {family(str(change.before)), family(str(change.after))}
        if change.field == "machine" and len(families) > 1:
            raise InvalidOption(
                f"{change.before} cannot become {change.after}: all of its devices would move",
                option="machine",
                hint="make the machine anew, or declare the type that it has",
            )
    cpu = desired.declared.get("cpu") or {}
    kind = observed.type or desired.kind(observed.kvm)
    if kind == "qemu" and cpu.get("mode") == "host-passthrough":
        raise InvalidOption(
            "host-passthrough needs KVM, and the machine runs under emulation",
            option="cpu.mode",
            hint="maximum has all that the emulation can do",
        )
    if observed.capabilities is None:
        return
    if "model" in cpu:
        _check_model(cpu, observed.capabilities)
    _check_firmware(desired.declared.get("firmware") or {}, observed.capabilities)


def _check_model(cpu: Mapping[str, Any], capabilities: Element) -> None:
    known, name = models(capabilities), cpu["model"]
    if known and name not in known:
        raise InvalidOption(
            f"'{name}' is not a model that libvirt has here",
            option="cpu.model",
            hint=nearest(name, known) or "virsh cpu-models lists them",
        )
    policies = set(cpu.get("features", {}).values())
    if not known.get(name, True) and policies.isdisjoint(("disable", "optional")):
        usable = [each for each, can in known.items() if can]
        raise InvalidOption(
            f"this host cannot give a machine all that {name} has",
            option="cpu.model",
            hint=f"it can give {', '.join(sorted(usable))}; or disable features that it lacks",
        )


def _check_firmware(wanted: Mapping[str, Any], capabilities: Element) -> None:
    there = firmwares(capabilities)
    if wanted.get("type") == "uefi" and there and "efi" not in there:
        raise InvalidOption(
            "the host has no firmware for UEFI",
            option="firmware",
            hint="install it, on Debian and Ubuntu the package ovmf",
        )
