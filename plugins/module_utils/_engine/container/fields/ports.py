# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published and exposed ports.

Canonical `ports`: "80/tcp" → sorted ((host_ip, host_port), …), "" for any.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...._desired.errors import Faults, InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.schema import check_keys
from ...._desired.values import dig
from ...values.ip_addresses import meet, parse_ip, plain_ip
from ...values.strings import parse_text
from .common import flag

Binding = Tuple[str, str]

_SHORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9]+(?:\.[0-9]+){3}):)?"
    r"(?P<host>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)"
    r"(?:/(?P<protocol>[A-Za-z]+))?"
)
# An address and one port: whether it is the host's is unclear; docker's client refuses it too.
_UNCLEAR = re.compile(r"(?P<ip>\[[^]]*\]|[0-9]+(?:\.[0-9]+){3}):(?P<port>[0-9-]+)(?:/[A-Za-z]+)?")
_LONG = ("target", "published", "host_ip", "protocol", "mode", "name", "app_protocol")
_PROTOCOLS = ("tcp", "udp", "sctp")
_LAST_PORT = 65535


def parse_ports(value: Any, where: str) -> Dict[str, Tuple[Binding, ...]]:
    """Return Compose's `ports`, short and long syntax, by container port.

    Raise InvalidOption for an unquoted number (YAML reads 22:22 as 1342), an unknown key, a port
    out of range, or a host port claimed twice.
    """
    ports: Dict[str, List[Binding]] = {}
    claimed: Dict[Tuple[str, str, str], str] = {}
    faults = Faults()
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        with faults:
            for target, protocol, binding in expand_port(read_port(entry, here), here):
                _claim(claimed, binding, protocol, here)
                bindings = ports.setdefault(f"{target}/{protocol}", [])
                if binding not in bindings:
                    bindings.append(binding)
    faults.tell()
    return {port: tuple(sorted(bindings)) for port, bindings in ports.items()}


def _claim(
    claimed: Dict[Tuple[str, str, str], str], binding: Binding, protocol: str, where: str
) -> None:
    ip, port = binding
    if not port or "-" in port:
        return
    for (other_ip, other_port, other_protocol), first in claimed.items():
        if meet(ip, other_ip) and (port, protocol) == (other_port, other_protocol):
            raise InvalidOption(
                f"host port {port}/{protocol} is already used by {first}",
                option=where,
                hint="publish each host port once",
            )
    claimed[(ip, port, protocol)] = where


def read_port(entry: Any, where: str) -> Mapping[str, str]:
    """Return the keys of Compose's long syntax, as texts, of an entry in either syntax."""
    if isinstance(entry, Mapping):
        check_keys(entry, _LONG, where)
        if "target" not in entry:
            raise InvalidOption("has no target", option=where, hint="target: 80")
        return {key: parse_text(item, f"{where}.{key}") for key, item in entry.items()}
    if not isinstance(entry, str):
        raise _not_quoted(entry, where)
    match = _SHORT.fullmatch(entry)
    if match is None:
        hint = 'write "8080:80", "127.0.0.1:8080:80" or "53:53/udp"'
        unclear = _UNCLEAR.fullmatch(entry)
        if unclear:
            ip, port = unclear["ip"], unclear["port"]
            hint = f'write "{ip}:8080:{port}", or "{ip}::{port}" for any free port of the host'
        raise InvalidOption(f"'{entry}' is not a port mapping", option=where, hint=hint)
    return {
        "target": match.group("target"),
        "published": match.group("host") or "",
        "host_ip": (match.group("ip") or "").strip("[]"),
        "protocol": match.group("protocol") or "tcp",
    }


def _not_quoted(entry: Any, where: str) -> InvalidOption:
    """Return the error for an entry that is neither a text nor a mapping, mostly a number."""
    if isinstance(entry, bool) or not isinstance(entry, int):
        hint = 'such as "8080:80"'
        return InvalidOption("must be a quoted string or a mapping", option=where, hint=hint)
    host, target = divmod(entry, 60)  # as YAML reads two numbers with a colon
    if host == target or entry > _LAST_PORT:
        hint = f"quote it: YAML reads {host}:{target:02} without quotes as this number"
    else:
        hint = f'quote it: "8080:{entry}", or "{entry}" for any free port of the host'
    return InvalidOption(f"{entry} is an unquoted number", option=where, hint=hint)


def expand_port(entry: Mapping[str, str], where: str) -> Iterator[Tuple[int, str, Binding]]:
    """Yield (container port, protocol, binding) of an entry, one for each port of its ranges."""
    protocol = entry.get("protocol", "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise InvalidOption(
            f"'{protocol}' is not a protocol", option=where, hint="tcp, udp or sctp"
        )
    ip = entry.get("host_ip", "")
    ip = parse_ip(ip, f"{where}.host_ip") if ip else ip
    targets = _range(entry["target"], where)
    published = entry.get("published", "")
    hosts = _range(published, where) if published else range(0)
    if len(targets) == len(hosts):
        for target, host in zip(targets, hosts):
            yield target, protocol, (ip, str(host))
    elif len(hosts) and len(targets) > 1:
        raise InvalidOption("the ranges of host and container ports differ in length", option=where)
    else:
        # One container port on a host range: any free port of it, kept as the text of the range.
        for target in targets:
            yield target, protocol, (ip, published)


def _range(text: str, where: str) -> range:
    first, _dash, last = text.partition("-")
    numbers = [int(n) if n.isdigit() else 0 for n in (first, last or first)]
    if not 0 < numbers[0] <= numbers[1] <= _LAST_PORT:
        raise InvalidOption(
            f"'{text}' is not a port or a range of ports",
            option=where,
            hint="ports go from 1 to 65535",
        )
    return range(numbers[0], numbers[1] + 1)


def _read(obj: Mapping[str, Any], context: Context) -> Dict[str, Tuple[Binding, ...]]:
    bindings = dig(obj, "HostConfig.PortBindings") or {}
    return {
        port if "/" in port else f"{port}/tcp": tuple(sorted({_binding(entry) for entry in asked}))
        for port, asked in bindings.items()
        if asked
    }


def _binding(entry: Mapping[str, Any]) -> Binding:
    return plain_ip(entry.get("HostIp") or ""), str(entry.get("HostPort") or "")


def _write(body: Dict[str, Any], value: Any, context: Context) -> None:
    # Engine 20.10 silently publishes nothing for a port that is not exposed as well.
    body.setdefault("ExposedPorts", {}).update({port: {} for port in value})
    body.setdefault("HostConfig", {})["PortBindings"] = {
        port: [{"HostIp": ip, "HostPort": host} for ip, host in bindings]
        for port, bindings in value.items()
    }


def _show(bindings: Tuple[Binding, ...]) -> str:
    pairs = ((f"[{ip}]" if ":" in ip else ip, port) for ip, port in bindings)
    return ", ".join(":".join(part for part in entry if part) or "any" for entry in pairs)


def _parse_expose(value: Any, where: str) -> Tuple[str, ...]:
    ports = []
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        text, _slash, protocol = parse_text(entry, here).partition("/")
        for target, kind, _binding in expand_port(
            {"target": text, "protocol": protocol or "tcp"}, here
        ):
            ports.append(f"{target}/{kind}")
    return tuple(sorted(set(ports)))


def _read_exposed(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    """Leave out what the image exposes and what is published: both are exposed all the same."""
    known = {
        *(context.base.get("ExposedPorts") or ()),
        *(dig(obj, "HostConfig.PortBindings") or ()),
    }
    known -= set(context.declared.get("expose") or ())
    exposed = set(dig(obj, "Config.ExposedPorts") or ()) - known
    return tuple(sorted(port if "/" in port else f"{port}/tcp" for port in exposed))


def _write_exposed(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("ExposedPorts", {}).update({port: {} for port in value})


FIELDS = (
    FieldSpec(
        "expose",
        at="Config.ExposedPorts",
        option={"type": "list", "elements": "str"},
        compare="set",
        parse=_parse_expose,
        read=_read_exposed,
        write=_write_exposed,
    ),
    flag("publish_all_ports", "HostConfig.PublishAllPorts"),
    FieldSpec(
        "ports",
        at="HostConfig.PortBindings",
        option={"type": "list", "elements": "raw"},
        compare="map",
        parse=parse_ports,
        read=_read,
        write=_write,
        show=_show,
    ),
)
