# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a release: what was declared, without a secret, as the only file of an image.

Left out are the values of env files' variables and the contents of secrets, of which it has the
names, wherever they stand (release_secrets.py); and how images are built, since a release has its
images. Contents of configs are in it.
"""

from __future__ import annotations

import io
import zlib
from base64 import b64encode
from hashlib import sha256
from typing import Any, Dict, Iterator, Mapping

from ..._desired.bounded_json import decode
from ..._desired.errors import STRANGE, FleetError
from ..._desired.values import canonical
from ..client.container_archive import Source
from ..client.engine import Client
from ..client.raw_stream import Raw
from ..tar.reader import BadArchive, Tar
from .desired import Desired
from .files import File, archive
from .release_secrets import sealing
from .releases import VERSION, Release
from .service import image_name

_NAME = "release.json"
# Bytes of such a file, and of an archive that an engine makes of its image.
LARGEST = 16 << 20
_MOST = LARGEST + (4 << 20)
_MEMBERS = 100
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: the largest window, and a head of gzip
_LEFT_OUT = ("build", "secret_environment")
# What is in it, with the type of each part: a mapping holds values of the second type.
_SHAPE: Mapping[str, Any] = {
    "services": (dict, dict),
    "networks": (dict, (dict, type(None))),
    "volumes": (dict, (dict, type(None))),
    "disabled": (list, str),
    "environment": (dict, list),
    "configs": (dict, dict),
}


def file_of(desired: Desired) -> bytes:
    """Return the file of a declared stack; raise FleetError for one that is too large."""
    project = desired.project
    services: Dict[str, Any] = {}
    environment: Dict[str, Any] = {}
    configs: Dict[str, Any] = {}
    for name, entry in project.services.items():
        kept = {key: value for key, value in entry.items() if key not in _LEFT_OUT}
        services[name] = {**kept, "image": image_name(project.name, name, entry)}
        if entry.get("secret_environment"):
            environment[name] = sorted(entry["secret_environment"])
        for config in entry.get("configs") or ():
            key = str(config["source"])
            configs[key] = _config(project.contents["configs"][key])
    declared = {
        "services": services,
        "networks": project.networks,
        "volumes": project.volumes,
        "configs": configs,
    }
    names = {"disabled": sorted(desired.disabled), "environment": environment}
    whole = {"v": VERSION, **names, **sealing(project)(declared)}
    data = canonical(whole).encode()
    if len(data) > LARGEST:
        raise FleetError(
            f"the declaration comes to {len(data) >> 20} MiB with its configs, which is more than "
            f"the {LARGEST >> 20} MiB that a release may have",
            option="keep_releases",
            hint="put large files into an image or a volume",
        )
    return data


def _config(content: bytes) -> Dict[str, str]:
    """Return the content of a config: as text, if it is one, so that secrets in it are seen."""
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode()}


def packed(data: bytes) -> Iterator[bytes]:
    """Yield the file system of a release's image."""
    return archive({_NAME: File("configs", _NAME, data)})


def read_file(client: Client, release: Release) -> Mapping[str, Any]:
    """Return what the file of a release says, by the keys of `_SHAPE`.

    Raise FleetError if the engine has not got what was written, or it is no declaration.
    """
    try:
        data = _file(_layer(client, release.name))
        if sha256(data).hexdigest() != release.file:
            raise BadArchive("its file is not the one that was kept")
        return _checked(decode(data))
    except (BadArchive, zlib.error, *STRANGE) as error:
        if isinstance(error, FleetError):
            raise
        text = str(error) if isinstance(error, BadArchive) else type(error).__name__
        raise FleetError(
            f"release {release.serial} cannot be read: {text}",
            address=f"release/{release.project}",
            hint=f"remove the image {release.name}, whose place the one before it takes",
        ) from None


def _layer(client: Client, name: str) -> bytes:
    """Return the only layer of an image, from the archive that the engine makes of it."""
    files: Dict[str, bytes] = {}
    left = _MOST
    with Raw(client, "GET", f"/images/{name}/get") as raw:
        for member, content in Tar(Source(raw.pieces()), _MEMBERS):
            if member.kind != "file":
                continue
            left -= member.size
            if left < 0:
                raise BadArchive("it is larger than any release")
            files[member.name] = content.read()
    (listed,) = decode(files["manifest.json"])
    (layer,) = listed["Layers"]
    data = files[layer]
    if not data.startswith(_GZIP):
        return data
    # An engine that keeps images in containerd packs what it imports.
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    data = unpacking.decompress(data, _MOST)
    if not unpacking.eof:
        raise BadArchive("its layer is damaged, or larger than any release")
    return data


def _file(layer: bytes) -> bytes:
    for member, content in Tar(io.BytesIO(layer), _MEMBERS):
        if member.kind == "file" and member.name == _NAME:
            return content.read()
    raise BadArchive(f"it has no {_NAME}")


def _checked(whole: Any) -> Mapping[str, Any]:
    """Return what a file says if it has the shape that we write."""
    if not isinstance(whole, dict) or whole.get("v") != VERSION:
        raise BadArchive("it was written by another version")
    for key, (kind, inner) in _SHAPE.items():
        value = whole.get(key)
        entries = value.values() if isinstance(value, dict) else value
        if not isinstance(value, kind) or not all(isinstance(e, inner) for e in entries or ()):
            raise BadArchive(f"its {key} are no such things")
    return whole
