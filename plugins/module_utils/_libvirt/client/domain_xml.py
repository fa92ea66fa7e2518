# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain documents: parsed, patched at managed places, and written back as they were."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional
from xml.etree import ElementTree as ET

Element = ET.Element

# Our element in a domain's <metadata>; libvirt keeps one element per namespace.
NAMESPACE = "https://dockyard.fleet/xmlns/machine/1"
_RECORD = f"{{{NAMESPACE}}}record"

ET.register_namespace("dockyard", NAMESPACE)


def parse(text: str) -> Element:
    """Return the root element of a document that libvirt gave."""
    return ET.fromstring(text)


def document(tag: str, **attributes: str) -> Element:
    """Return the root element of a new document."""
    return ET.Element(tag, {key.rstrip("_"): value for key, value in attributes.items()})


def text_of(root: Element) -> str:
    """Return a document for libvirt."""
    return ET.tostring(root, encoding="unicode")


def ensure(root: Element, path: str) -> Element:
    """Return the element at a path of tags below `root`, made where it is not there.

    A tag with a namespace, which has slashes of its own, stands alone.
    """
    here = root
    for tag in [path] if path.startswith("{") else path.split("/"):
        below = here.find(tag)
        here = below if below is not None else ET.SubElement(here, tag)
    return here


def put_text(root: Element, path: str, text: Optional[str]) -> None:
    """Set the text of the element at a path; None removes the element."""
    if text is not None:
        ensure(root, path).text = text
        return
    parent, _slash, tag = path.rpartition("/")
    holder = root.find(parent) if parent else root
    below = holder.find(tag) if holder is not None else None
    if holder is not None and below is not None:
        holder.remove(below)


def child(parent: Element, tag: str, **attributes: str) -> Element:
    """Append an element; an attribute's trailing underscore is dropped (`type_`)."""
    return ET.SubElement(parent, tag, {key.rstrip("_"): value for key, value in attributes.items()})


def attribute(root: Element, path: str, name: str) -> Optional[str]:
    """Return an attribute of the element at a path, None if either is not there."""
    element = root.find(path)
    return None if element is None else element.get(name)


def disks(root: Element) -> List[Element]:
    """Return a domain's disks that are no CD-ROM or floppy."""
    entries = root.findall("devices/disk")
    return [disk for disk in entries if disk.get("device", "disk") == "disk"]


def interfaces(root: Element) -> List[Element]:
    """Return a domain's network interfaces in order."""
    return root.findall("devices/interface")


def mac_of(interface: Element) -> str:
    """Return an interface's MAC address, "" before it is defined."""
    return (attribute(interface, "mac", "address") or "").lower()


def raw_record(root: Optional[Element]) -> str:
    """Return the text of our record in a domain's metadata, "" if there is none."""
    if root is None:
        return ""
    return root.findtext(f"metadata/{_RECORD}") or ""


def record(root: Optional[Element]) -> Dict[str, Any]:
    """Return our record in a domain's metadata, {} if there is none or it cannot be read.

    One that names another UUID came with a copied document (virt-clone copies metadata), and
    speaks of the original's volumes: it does not count here.
    """
    copied = copied_record(root)
    uuid = None if root is None else root.findtext("uuid")
    return copied if copied.get("instance") == uuid else {}


def copied_record(root: Optional[Element]) -> Dict[str, Any]:
    """Return the record in a domain's metadata, whosever it is; {} if it cannot be read."""
    try:
        content = json.loads(raw_record(root) or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def put_alias(element: Element, name: str) -> None:
    """Write the alias of a device, which libvirt keeps if it begins with `ua-`."""
    ensure(element, "alias").set("name", name)


def put_record(root: Element, text: str) -> None:
    """Write our record into a domain's metadata, beside whatever others keep there."""
    metadata = ensure(root, "metadata")
    present = metadata.find(_RECORD)
    target = present if present is not None else ET.SubElement(metadata, _RECORD)
    target.text = text
