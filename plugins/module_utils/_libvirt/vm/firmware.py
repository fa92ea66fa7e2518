# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware of a machine: BIOS, or UEFI with or without Secure Boot.

libvirt chooses the files by the firmware's descriptions on the host. From 9.2 on it writes its
choice into the document, before that it chooses at each start.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..._desired.schema import check_keys
from ..client.domain_xml import Element, attribute, child, ensure

_KEYS = ("type", "secure_boot")
_TYPES = ("bios", "uefi")
# Of both kinds libvirt may take the one that signs, whose keys refuse the kernels of the other: so
# each is said. Debian 12's build for plain UEFI is one with keys.
_FEATURES = ("secure-boot", "enrolled-keys")

Firmware = Dict[str, Any]


def _parse(value: Any, where: str) -> Firmware:
    """Return {type}, with secure_boot for UEFI."""
    entry = {"type": value} if isinstance(value, str) else value
    check_keys(entry, _KEYS, where)
    kind = str(entry.get("type") or "uefi")
    if kind not in _TYPES:
        raise InvalidOption(
            f"'{kind}' is not a firmware", option=f"{where}.type", hint=" or ".join(_TYPES)
        )
    secure = entry.get("secure_boot", False)
    if not isinstance(secure, bool):
        raise InvalidOption(f"'{secure}' is neither true nor false", option=f"{where}.secure_boot")
    if kind == "bios" and secure:
        raise InvalidOption(
            "goes with type: uefi only", option=f"{where}.secure_boot", hint="type: uefi"
        )
    return {"type": kind} if kind == "bios" else {"type": kind, "secure_boot": secure}


def _read(obj: Mapping[str, Any], context: Context) -> Firmware:
    root: Element = obj["config"]
    system = ensure(root, "os")
    loader = system.find("loader")
    is_flash = loader is not None and loader.get("type") == "pflash"
    if system.get("firmware") != "efi" and not is_flash:
        return {"type": "bios"}
    features = {entry.get("name"): entry.get("enabled") for entry in system.iter("feature")}
    secure = features.get("secure-boot") or attribute(root, "os/loader", "secure")
    return {"type": "uefi", "secure_boot": secure == "yes"}


def _write(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Write which one; the files that were chosen for another one go."""
    root: Element = result["config"]
    system = ensure(root, "os")
    for tag in ("loader", "nvram", "firmware"):
        for old in system.findall(tag):
            system.remove(old)
    system.attrib.pop("firmware", None)
    if value["type"] == "bios":
        return
    system.set("firmware", "efi")
    choice = child(system, "firmware")
    for name in _FEATURES:
        child(choice, "feature", enabled="yes" if value["secure_boot"] else "no", name=name)
    ensure(root, "features/acpi")
    if value["secure_boot"]:
        ensure(root, "features/smm").set("state", "on")


def _show(firmware: Firmware) -> str:
    secure = " secure_boot" if firmware.get("secure_boot") else ""
    return f"{firmware['type']}{secure}"


ROWS = (
    FieldSpec(
        "firmware",
        at="os/firmware",
        option={"type": "raw"},
        parse=_parse,
        read=_read,
        write=_write,
        show=_show,
        default=lambda context: {"type": "bios"},
        change="restart",
        unset="restart",
    ),
)
