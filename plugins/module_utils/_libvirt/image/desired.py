# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a base image should be: the task's options, checked and in canonical form."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit

from ..._desired.errors import InvalidOption
from ..._desired.fields import FieldSpec
from ..._desired.schema import argument_spec, declare
from ..._desired.values import parse_duration
from ..client.options import DEFAULT_URI, check_uri, plain_name, plain_text, split_url
from .checksum import Checksum, parse_checksum

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SECOND = 1_000_000_000


def _name(value: Any, where: str) -> str:
    if not _NAME.fullmatch(str(value)):
        raise InvalidOption(
            f"'{value}' is not a name", option=where, hint="use letters, digits, '_', '.', '+', '-'"
        )
    return str(value)


def _path(value: Any, where: str) -> str:
    path = plain_text(str(value), where)
    if not path.startswith("/") or "$" in path:
        raise InvalidOption(
            f"'{path}' is not an absolute path on the KVM host",
            option=where,
            hint="~ and $ are not expanded there; write the whole path",
        )
    return posixpath.normpath(path)


def _url(value: Any, where: str) -> str:
    url = str(value)
    parts = split_url(url, where)
    if parts.scheme not in ("https", "http", "file") or not (parts.netloc or parts.path):
        raise InvalidOption(
            f"'{shown(url)}' is not a URL of an image",
            option=where,
            hint="write https://HOST/PATH; an image on the KVM host is given as path",
        )
    if "@" in parts.netloc:
        raise InvalidOption(
            "a password in a URL is shown in logs", option=where, hint="serve the image without one"
        )
    return url


def _checksum(value: Any, where: str) -> Checksum:
    checksum = parse_checksum(value, where)
    file = _local(checksum.file, where)
    if file:
        file = _path(file, where) if file.startswith("/") else _url(file, where)
    return Checksum(checksum.algorithm, checksum.hex, file)


def _local(url: str, where: str) -> str:
    """Return the path that a file: URL means, anything else as it is."""
    return unquote(split_url(url, where).path) if url.startswith("file:") else url


def _seconds(value: Any, where: str) -> float:
    span = parse_duration(value, where)
    if not span:
        raise InvalidOption("must be greater than zero", option=where, hint="such as 30s")
    return span / _SECOND


def _count(value: Any, where: str) -> int:
    if int(value) < 0:
        raise InvalidOption(f"'{value}' is less than zero", option=where, hint="such as 3")
    return int(value)


FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("name", option={"type": "str", "required": True}, parse=_name),
    FieldSpec("url", option={"type": "str"}, parse=_url),
    FieldSpec("path", option={"type": "str"}, parse=_path),
    FieldSpec("checksum", option={"type": "str"}, parse=_checksum),
    FieldSpec("pool", option={"type": "str", "default": "default"}, parse=plain_name),
    FieldSpec("ca_path", option={"type": "str"}, parse=_path),
    FieldSpec("timeout", option={"type": "str", "default": "30s"}, parse=_seconds),
    FieldSpec("retries", option={"type": "int", "default": 3}, parse=_count),
    FieldSpec(
        "state", option={"type": "str", "choices": ["absent", "present"], "default": "present"}
    ),
    FieldSpec("protect", option={"type": "bool", "default": False}),
)


def spec() -> Dict[str, Any]:
    """Return the argument spec of a base image without the connection's options."""
    return argument_spec(FIELDS)


@dataclass(frozen=True)
class Desired:
    """A base image as declared: one of `url` and `path`, unless it is to be absent.

    `checksum` is None where the content of a local file decides; `timeout` is in seconds.
    `known` keeps what is found out once in a task: reading gigabytes twice would be a waste.
    """

    name: str
    state: str
    pool: str
    url: str
    path: str
    checksum: Optional[Checksum]
    ca_path: str
    timeout: float
    retries: int
    protect: bool
    allow: Tuple[str, ...] = ("live", "restart", "replace")
    known: Dict[str, Checksum] = field(default_factory=dict, compare=False)

    @property
    def address(self) -> str:
        """The image's name in plans."""
        return f"vm_image/{self.name}"

    @property
    def source(self) -> str:
        """Where the image comes from, as it may be shown."""
        return self.path or shown(self.url)

    @property
    def option(self) -> str:
        """The option that says where it comes from."""
        return "path" if self.path else "url"

    @property
    def place(self) -> str:
        """The path of the file that is published, on its host."""
        return self.path or unquote(urlsplit(self.url).path)

    @property
    def file(self) -> str:
        """The name of the file that is published."""
        return posixpath.basename(self.place)

    def stem(self, checksum: Checksum) -> str:
        """Return the volume's name without its ending: the checksum is the identity."""
        return f"{self.name}-{checksum.hex[:12]}"


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared base image of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    declared = declare(FIELDS, params)
    check_uri(str(params.get("uri") or DEFAULT_URI))
    url, path = declared.get("url", ""), declared.get("path", "")
    state = declared.get("state", "present")
    _check_source(declared, state, url)
    if url.startswith("file:"):
        url, path = "", _path(_local(url, "url"), "url")
    return Desired(
        name=declared["name"],
        state=state,
        pool=declared.get("pool", "default"),
        url=url,
        path=path,
        checksum=declared.get("checksum"),
        ca_path=declared.get("ca_path", ""),
        timeout=declared.get("timeout", 30.0),
        retries=declared.get("retries", 3),
        protect=declared.get("protect", False),
    )


def _check_source(declared: Mapping[str, Any], state: str, url: str) -> None:
    given = [name for name in ("url", "path") if name in declared]
    if len(given) > 1:
        raise InvalidOption("goes without url", option="path", hint="declare one of the two")
    if state == "present" and not given:
        raise InvalidOption("is missing", option="url", hint="declare url, or path on the KVM host")
    remote = url and not url.startswith("file:")
    if state == "present" and remote and "checksum" not in declared:
        raise InvalidOption(
            "is required for an image from the network",
            option="checksum",
            hint="write sha256:HEX, or the URL of the publisher's checksum file",
        )


def shown(url: str) -> str:
    """Return a URL without what may be a secret: user, password and query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"
