# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine is called beside its name, and which system is on it."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, Optional
from xml.etree import ElementTree as ET

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..client.domain_xml import Element, ensure, put_text
from ..client.options import plain_text

# libosinfo's element in a machine's metadata, as virt-install writes it.
_OSINFO = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
_HOLDER, _OS = f"{{{_OSINFO}}}libosinfo", f"{{{_OSINFO}}}os"
ET.register_namespace("libosinfo", _OSINFO)
# libosinfo's short ids lead to its URLs by rule; those of its database that do not are written out.
_SITES = {
    "almalinux": "almalinux.org",
    "alpinelinux": "alpinelinux.org",
    "centos-stream": "centos.org",
    "debian": "debian.org",
    "fedora": "fedoraproject.org",
    "freebsd": "freebsd.org",
    "opensuse": "opensuse.org",
    "rhel": "redhat.com",
    "rocky": "rockylinux.org",
    "ubuntu": "ubuntu.com",
}
_SHORT = re.compile(r"([a-z-]+?)([0-9][0-9.]*)")
_LONGEST = 4096


def _parse_title(value: Any, where: str) -> str:
    return plain_text(str(value).strip(), where)


def _parse_description(value: Any, where: str) -> str:
    """Return a text of some lines; XML has no other control characters than these."""
    text = str(value).rstrip("\n")
    plain_text(text.replace("\n", " ").replace("\t", " "), where)
    if len(text) > _LONGEST:
        raise InvalidOption(
            f"has {len(text)} characters", option=where, hint=f"at most {_LONGEST} are kept"
        )
    return text


def _parse_osinfo(value: Any, where: str) -> str:
    """Return libosinfo's URL of an operating system."""
    text = plain_text(str(value).strip(), where)
    short = _SHORT.fullmatch(text)
    if short and short[1] in _SITES:
        return f"http://{_SITES[short[1]]}/{short[1]}/{short[2]}"
    if not re.fullmatch(r"https?://[^\s/]+/\S+", text):
        raise InvalidOption(
            f"'{text}' is no operating system that is known here",
            option=where,
            hint="such as debian12, or its URL (osinfo-query os)",
        )
    return text


def _read_osinfo(obj: Mapping[str, Any], context: Context) -> Optional[str]:
    entry = obj["config"].find(f"metadata/{_HOLDER}/{_OS}")
    return None if entry is None else entry.get("id")


def _write_osinfo(result: Dict[str, Any], value: Any, context: Context) -> None:
    root: Element = result["config"]
    if value is not None:
        ensure(ensure(ensure(root, "metadata"), _HOLDER), _OS).set("id", value)
        return
    for holder in root.findall(f"metadata/{_HOLDER}"):
        for entry in holder.findall(_OS):
            holder.remove(entry)


def text_row(name: str, path: str, parse: Callable[[Any, str], str], impact: str) -> FieldSpec:
    """Return the row of an option that is the text of one element of the document."""

    def read(obj: Mapping[str, Any], context: Context) -> Optional[str]:
        return obj["config"].findtext(path) or None

    def write(result: Dict[str, Any], value: Any, context: Context) -> None:
        put_text(result["config"], path, value)

    return FieldSpec(
        name,
        at=path,
        option={"type": "str"},
        parse=parse,
        read=read,
        write=write,
        change=impact,
        unset=impact,
    )


ROWS = (
    text_row("title", "title", _parse_title, "none"),
    text_row("description", "description", _parse_description, "none"),
    FieldSpec(
        "osinfo",
        at="metadata/libosinfo",
        option={"type": "str"},
        parse=_parse_osinfo,
        read=_read_osinfo,
        write=_write_osinfo,
        change="none",
        unset="none",
    ),
)
