# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The top level of a Compose file, in one form: services, networks, volumes, configs, secrets."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from ...module_utils._desired.errors import Faults, InvalidOption
from .forms import Parser, flag, items, marked, named, pairs, table, text, text_or_texts, unknown
from .service import MODELS, service

SECTIONS = ("services", "networks", "volumes", "configs", "secrets")
REFUSED: Dict[str, str] = {
    "models": MODELS,
}
# compose-spec.json, patternProperties of services and the like.
_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def _external(value: Any, where: str) -> Any:
    # `external: {name: …}` is the deprecated form; resource() makes the other one of it.
    return table({"name": text})(value, where) if isinstance(value, Mapping) else flag(value, where)


_COMMON: Dict[str, Parser] = {"name": text, "external": _external, "labels": pairs()}
_NETWORK = table(
    {
        **_COMMON,
        "driver": text,
        "driver_opts": pairs(),
        "ipam": table(
            {
                "driver": text,
                "config": items(
                    table(
                        {
                            "subnet": text,
                            "ip_range": text,
                            "gateway": text,
                            "aux_addresses": pairs(),
                        }
                    )
                ),
                "options": pairs(),
            }
        ),
        "internal": flag,
        "attachable": flag,
        "enable_ipv4": flag,
        "enable_ipv6": flag,
    }
)
_VOLUME = table({**_COMMON, "driver": text, "driver_opts": pairs()})
_CONTENT: Dict[str, Parser] = {
    **_COMMON,
    **dict.fromkeys(("file", "environment", "content", "driver", "template_driver"), text),
    "driver_opts": pairs(),
}


def _resource(parser: Parser) -> Parser:
    """Return a parser of a network or the like: `external: {name: X}` is the older form."""

    def parse(value: Any, where: str) -> Dict[str, Any]:
        result: Dict[str, Any] = parser(value, where)
        outside = result.get("external")
        if isinstance(outside, Mapping):
            result["external"] = True
            result.setdefault("name", outside.get("name"))
        if result.get("external") is True:
            others = sorted(set(result) - {"name", "external", "labels"})
            if others:
                hint = "it is made elsewhere; leave one of the two out"
                option = f"{where}.{others[0]}"
                raise InvalidOption("excludes external", option=option, hint=hint)
        return result

    return parse


def _include(value: Any, where: str) -> List[Dict[str, Any]]:
    entry = table({"path": text_or_texts, "project_directory": text, "env_file": text_or_texts})

    def entry_of(given: Any, here: str) -> Dict[str, Any]:
        result = entry(given if isinstance(given, Mapping) else {"path": given}, here)
        if not result.get("path"):
            raise InvalidOption("has no path", option=here, hint="name the file")
        return dict(result)

    return list(items(entry_of)(value, where))


def _section(parser: Parser) -> Parser:
    """Return a parser of entries by names that engines and plans can have."""
    entries = named(parser)

    def parse(value: Any, where: str) -> Dict[str, Any]:
        result: Dict[str, Any] = entries(value, where)
        for name in result:
            if not _NAME.fullmatch(name):
                hint = "letters, digits, '.', '_' and '-'"
                raise InvalidOption("is not a name", option=f"{where}.{name}", hint=hint)
        return result

    return parse


ROWS: Dict[str, Parser] = {
    "version": lambda value, where: value,
    "name": text,
    "include": _include,
    "services": _section(service),
    "networks": _section(_resource(_NETWORK)),
    "volumes": _section(_resource(_VOLUME)),
    "configs": _section(_resource(table(_CONTENT))),
    "secrets": _section(_resource(table(_CONTENT))),
}


def model(value: Any, prefix: str) -> Dict[str, Any]:
    """Return a document of a Compose file with every key in its one form.

    `prefix` stands before key paths (`definition.` for what stands in the task). Raise
    InvalidOption for all that is wrong in it.
    """
    if not isinstance(value, Mapping):
        hint = "write services: first"
        raise InvalidOption("a Compose file is a mapping", option=prefix.rstrip("."), hint=hint)
    result: Dict[str, Any] = {}
    faults = Faults()
    for key, item in value.items():
        parser = ROWS.get(key)
        where = f"{prefix}{key}"
        with faults:
            if parser is not None and item is not None:
                result[key] = marked(parser, item, where)
            elif parser is None and not str(key).startswith("x-"):
                raise unknown(key, where, ROWS, REFUSED)
    faults.tell()
    return result
