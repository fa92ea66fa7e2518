# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a machine: its screen, and the card that draws it.

A machine without these options has neither; one with a screen has a card, also if none is declared.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..._desired.schema import check_keys
from ..client.domain_xml import Element, attribute, child, ensure

_KEYS = ("type", "listen", "port")
_TYPES = ("none", "vnc", "spice")
_VIDEO = ("none", "virtio", "qxl", "vga", "bochs", "cirrus", "ramfb")
_LOOPBACK = "127.0.0.1"
# VNC counts its displays from here, QEMU takes no lower port; SPICE is held to the same.
_FIRST_PORT, _LAST_PORT = 5900, 65535

Graphics = Dict[str, Any]


def _parse_graphics(value: Any, where: str) -> Graphics:
    """Return {type, listen, port}, the port only if it is fixed; {} for no screen."""
    entry = {"type": value} if isinstance(value, str) else value
    check_keys(entry, _KEYS, where)
    kind = str(entry.get("type") or "vnc")
    if kind not in _TYPES:
        raise InvalidOption(
            f"'{kind}' is not a type of screen", option=f"{where}.type", hint=", ".join(_TYPES)
        )
    if kind == "none":
        return {}
    result: Graphics = {"type": kind, "listen": _listen(entry.get("listen"), f"{where}.listen")}
    if entry.get("port") is not None:
        result["port"] = _port(entry["port"], f"{where}.port")
    return result


def _listen(value: Any, where: str) -> str:
    try:
        address = ipaddress.ip_address(str(value or _LOOPBACK))
    except ValueError:
        raise InvalidOption(
            f"'{value}' is not an address of the KVM host", option=where, hint=_LOOPBACK
        ) from None
    if not address.is_loopback:
        raise InvalidOption(
            f"whoever reaches {address} could use the screen, which asks for no password",
            option=where,
            hint=f"leave it at {_LOOPBACK}, and go there by ssh -L, or by virt-viewer -c qemu+ssh",
        )
    return str(address)


def _port(value: Any, where: str) -> int:
    text = str(value)
    if not text.isdecimal() or not _FIRST_PORT <= int(text) <= _LAST_PORT:
        raise InvalidOption(
            f"'{text[:20]}' is not a port from {_FIRST_PORT} to {_LAST_PORT}",
            option=where,
            hint="leave it out, and libvirt takes a free one",
        )
    return int(text)


def _read_graphics(obj: Mapping[str, Any], context: Context) -> Graphics:
    element = obj["config"].find("devices/graphics")
    if element is None:
        return {}
    address = attribute(element, "listen", "address") or element.get("listen")
    result: Graphics = {"type": element.get("type") or "", "listen": address or _LOOPBACK}
    if element.get("autoport") == "no" and (element.get("port") or "").isdecimal():
        result["port"] = int(element.get("port") or 0)
    return result


def _write_graphics(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Write the first screen; further ones are others', and stay."""
    root: Element = result["config"]
    devices = ensure(root, "devices")
    old = devices.find("graphics")
    if old is not None:
        devices.remove(old)
    if value:
        port = value.get("port")
        element = child(devices, "graphics", type_=value["type"])
        element.set("autoport", "yes" if port is None else "no")
        if port is not None:
            element.set("port", str(port))
        child(element, "listen", type_="address", address=value["listen"])
    # The card that is ours by itself comes and goes with it; another one is somebody's choice.
    if "video" not in context.declared and _read_video(result, context) in ("none", "virtio"):
        _write_video(result, "virtio" if value else "none", context)


def _show_graphics(graphics: Optional[Graphics]) -> str:
    if not graphics:
        return "none"
    port = f":{graphics['port']}" if "port" in graphics else ""
    return f"{graphics['type']} {graphics['listen']}{port}"


def _usual_video(context: Context) -> str:
    return "virtio" if context.declared.get("graphics") else "none"


def _parse_video(value: Any, where: str) -> str:
    if str(value) not in _VIDEO:
        raise InvalidOption(f"'{value}' is not a card", option=where, hint=", ".join(_VIDEO))
    return str(value)


def _read_video(obj: Mapping[str, Any], context: Context) -> str:
    return attribute(obj["config"], "devices/video/model", "type") or "none"


def _write_video(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Give the machine one card of a model; settings of another model go with it."""
    devices = ensure(result["config"], "devices")
    card = devices.find("video")
    if card is not None:
        devices.remove(card)
    child(child(devices, "video"), "model", type_=value)


ROWS = (
    FieldSpec(
        "graphics",
        at="devices/graphics",
        option={"type": "raw"},
        parse=_parse_graphics,
        read=_read_graphics,
        write=_write_graphics,
        show=_show_graphics,
        change="restart",
        unset="restart",
    ),
    FieldSpec(
        "video",
        at="devices/video",
        option={"type": "str"},
        parse=_parse_video,
        read=_read_video,
        write=_write_video,
        show=str,
        default=_usual_video,
        change="restart",
        unset="restart",
    ),
)
