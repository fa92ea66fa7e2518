# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of `build`: Compose's build keys, and what buildx has beyond them."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import FieldSpec
from ...._desired.sizes import parse_size
from ...values.image_reference import parse_reference
from ...values.mappings import parse_labels, parse_map
from ...values.strings import parse_text

# os[/architecture[/variant]], as in the OCI image specification.
_PLATFORM = re.compile(r"[a-z0-9]+(/[a-z0-9_]+(/[a-z0-9.]+)?)?")
LIST = {"type": "list", "elements": "str"}


def parse_strings(value: Any, where: str) -> Tuple[str, ...]:
    """Return a list of texts without repetitions."""
    return tuple(dict.fromkeys(parse_text(entry, f"{where}[{n}]") for n, entry in enumerate(value)))


def parse_platform(value: Any, where: str) -> str:
    """Return a platform; raise InvalidOption for what cannot be one."""
    if not _PLATFORM.fullmatch(str(value)):
        raise InvalidOption(
            f"'{value}' is not a platform", option=where, hint="write it like linux/arm64"
        )
    return str(value)


def parse_tags(value: Any, where: str) -> Tuple[str, ...]:
    """Return references that an image can be given, in their short form."""
    result = []
    for number, entry in enumerate(value):
        reference = parse_reference(str(entry), f"{where}[{number}]")
        if reference.digest:
            raise InvalidOption(
                f"'{entry}': a digest cannot be given to an image",
                option=f"{where}[{number}]",
                hint="write a tag, such as app:1",
            )
        result.append(str(reference))
    return tuple(dict.fromkeys(result))


def _platforms(value: Any, where: str) -> Tuple[str, ...]:
    return tuple(sorted({parse_platform(entry, f"{where}[{n}]") for n, entry in enumerate(value)}))


def _hosts(value: Any, where: str) -> Tuple[str, ...]:
    """Return `host:address` entries, whatever the form (Compose Specification, `extra_hosts`)."""
    if isinstance(value, Mapping):
        pairs = [
            (str(host), str(entry))
            for host, addresses in value.items()
            for entry in (addresses if isinstance(addresses, (list, tuple)) else [addresses])
        ]
    elif isinstance(value, (list, tuple)):
        cut = [re.split("[=:]", str(entry), maxsplit=1) for entry in value]
        pairs = [(entry[0], entry[1] if len(entry) > 1 else "") for entry in cut]
    else:
        raise InvalidOption("is neither a mapping nor a list", option=where)
    for host, address in pairs:
        if not host or not address:
            hint = "write host=address, such as db=10.0.0.7"
            raise InvalidOption(f"'{host}' has no address", option=where, hint=hint)
    return tuple(sorted({f"{host}:{address.strip('[]')}" for host, address in pairs}))


def _ulimits(value: Any, where: str) -> Dict[str, str]:
    """Return `soft:hard` by name; one number stands for both."""
    result = {}
    for name, limit in value.items():
        both = limit if isinstance(limit, Mapping) else {"soft": limit, "hard": limit}
        try:
            result[str(name)] = f"{int(both['soft'])}:{int(both['hard'])}"
        except (KeyError, TypeError, ValueError):
            raise InvalidOption(
                "is not a limit",
                option=f"{where}.{name}",
                hint="write a number, or soft and hard, each a number",
            ) from None
    return result


def _secrets(value: Any, where: str) -> Dict[str, str]:
    """Return by the id that the Dockerfile uses the name under which build_secrets has it."""
    result = {}
    for number, entry in enumerate(value):
        given = entry if isinstance(entry, Mapping) else {"source": entry}
        unknown = sorted({*given} - {"source", "target"})
        if unknown or not given.get("source"):
            raise InvalidOption(
                f"{unknown[0]} is not supported by builders" if unknown else "source is missing",
                option=f"{where}[{number}]",
                hint="write a name, or source and target",
            )
        result[str(given.get("target") or given["source"])] = str(given["source"])
    return result


def _ssh(value: Any, where: str) -> Dict[str, str]:
    """Return the key's path by id; "" stands for the agent of who runs the task."""
    if isinstance(value, Mapping):
        return {str(key): str(path or "") for key, path in value.items()}
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)):
        raise InvalidOption("is neither a mapping nor a list", option=where, hint="[default]")
    return {key: path for key, _equals, path in (str(entry).partition("=") for entry in words)}


def _size(value: Any, where: str) -> Optional[str]:
    size = parse_size(value, where)
    return str(size) if size else None


_FLAG = {"type": "bool", "default": False}
_TEXT = {"type": "str"}
_RAW = {"type": "raw"}
_RAWS = {"type": "list", "elements": "raw"}

BUILD_FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("build.context", option={"type": "str", "required": True}),
    FieldSpec("build.dockerfile", option=_TEXT),
    FieldSpec("build.dockerfile_inline", option=_TEXT),
    FieldSpec("build.args", compare="map", option=_RAW, parse=parse_map),
    FieldSpec("build.target", option=_TEXT),
    FieldSpec("build.labels", compare="map", option=_RAW, parse=parse_labels),
    FieldSpec("build.network", option=_TEXT),
    FieldSpec("build.no_cache", option=_FLAG),
    FieldSpec("build.pull", option=_FLAG),
    FieldSpec("build.shm_size", option=_TEXT, parse=_size),
    FieldSpec("build.extra_hosts", compare="list", option=_RAW, parse=_hosts),
    FieldSpec("build.ulimits", compare="map", option={"type": "dict"}, parse=_ulimits),
    FieldSpec("build.isolation", option=_TEXT),
    FieldSpec("build.cache_from", compare="list", option=LIST, parse=parse_strings),
    FieldSpec("build.cache_to", compare="list", option=LIST, parse=parse_strings),
    FieldSpec("build.platforms", compare="list", option=LIST, parse=_platforms),
    # Names only: the values are in build_secrets.
    FieldSpec("build.secrets", compare="map", option={**_RAWS, "no_log": False}, parse=_secrets),
    FieldSpec("build.ssh", compare="map", option=_RAW, parse=_ssh),
    FieldSpec("build.privileged", option=_FLAG),
    FieldSpec("build.entitlements", compare="list", option=LIST, parse=parse_strings),
    FieldSpec("build.additional_contexts", compare="map", option=_RAW, parse=parse_map),
    FieldSpec("build.provenance", option=_RAW, parse=parse_text),
    FieldSpec("build.sbom", option=_RAW, parse=parse_text),
    FieldSpec("build.outputs", compare="list", option=LIST, parse=parse_strings),
    FieldSpec("build.tags", compare="list", option=LIST, parse=parse_tags),
    FieldSpec("build.builder", option={"type": "str", "default": "auto"}),
)
# What decides that an image is built anew, beside the context and the base images. The rest says
# how a build is made, not what comes of it: caches, the builder; tags have steps of their own.
DECIDING = (
    "dockerfile",
    "dockerfile_inline",
    "args",
    "target",
    "labels",
    "network",
    "shm_size",
    "extra_hosts",
    "ulimits",
    "isolation",
    "platforms",
    "secrets",
    "ssh",
    "privileged",
    "entitlements",
    "additional_contexts",
    "provenance",
    "sbom",
    "outputs",
)
# What the classic builder does not know (moby, api/server/router/build).
BUILDKIT_ONLY = (
    "additional_contexts",
    "cache_to",
    "entitlements",
    "outputs",
    "privileged",
    "provenance",
    "sbom",
    "secrets",
    "ssh",
)
