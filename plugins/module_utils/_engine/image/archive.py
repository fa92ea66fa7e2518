# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of images, as docker save and OCI tools write them: which images are in them.

The image specification says both ways: `manifest.json` names configurations (Docker's image ids),
`index.json` names manifests (ids of engines that keep images in containerd).
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.safe_files import words
from ..tar.file import TarFile, unpacked, without_zstd
from ..tar.reader import BadArchive, Tar, shown
from ..values.image_reference import short

_PIECE = 1 << 18
# What no archive of images comes near to.
_MAX_MEMBERS = 100_000
_MAX_JSON = 8 << 20
_MAX_LEVELS = 4
_SHOWN = 20  # references in a message
_BLOCK = 512
_CONFIG: Tuple[str, ...] = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels")
_CONFIG += ("StopSignal", "User", "Volumes", "WorkingDir")
_REFERENCES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


@dataclass(frozen=True)
class Member:
    """One image of an archive: every id that an engine may know it by, and its references.

    `manifest` is what an archive without manifest.json lacks for older engines, None otherwise.
    `content` is what an image of an archive without index.json is made of, {} otherwise: an engine
    that keeps images in containerd makes a manifest for it, and knows it by that.
    """

    ids: Tuple[str, ...]
    tags: Tuple[str, ...]
    manifest: Optional[Mapping[str, Any]] = None
    content: Mapping[str, Any] = field(default_factory=dict)

    def is_same(self, image: Optional[Mapping[str, Any]]) -> bool:
        """Tell whether an inspected image is this one."""
        if image is None or image["Id"] in self.ids:
            return image is not None
        return bool(self.content) and self.content == content_of(image)


def content_of(image: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what an inspected image is made of, by whatever id its engine knows it."""
    layers = (image.get("RootFS") or {}).get("Layers")
    return _content(image, layers, "Created", "Config")


def _content(image: Mapping[str, Any], layers: Any, created: str, config: str) -> Dict[str, Any]:
    """Return what tells images apart that are known by different ids."""
    settings = image.get(config) or {}
    kept = {key: settings[key] for key in _CONFIG if settings.get(key)}
    return {"layers": list(layers or ()), "created": image.get(created), "config": kept}


def find_image(path: str, name: str, option: str) -> Member:
    """Return the image of this name in the archive at `path`, or the only one that it holds.

    Raise InvalidOption, which names the `option`, if there is none, or the file is no archive.
    """
    members = _members(path, option)
    named = [entry for entry in members if name in entry.tags]
    if named or len(members) == 1:
        return (named or members)[0]
    names = ", ".join([tag for entry in members for tag in entry.tags][:_SHOWN]) or "no image"
    raise InvalidOption(
        f"{path} holds {names}, not {name}", option=option, hint="name one that it holds"
    )


def find_images(path: str, option: str) -> List[Member]:
    """Return all images of an archive; raise InvalidOption, which names the `option`, for none."""
    return _members(path, option)


def pieces(path: str, *members: Member) -> Iterator[bytes]:
    """Yield the archive so that every engine can load these images: unpacked where older ones
    could not do it, with a manifest.json in front where there is none."""
    manifests = [entry.manifest for entry in members if entry.manifest is not None]
    if not manifests:
        with without_zstd(path, "load") as plain:
            yield from iter(lambda: plain.read(_PIECE), b"")
        return
    data = json.dumps(manifests).encode("utf-8")
    head = tarfile.TarInfo("manifest.json")
    head.size = len(data)
    yield head.tobuf() + data + b"\0" * (-len(data) % _BLOCK)
    with unpacked(path, "load") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


def _members(path: str, option: str) -> List[Member]:
    try:
        return _read(path, option)
    except (BadArchive, OSError) as exc:
        reason = (
            words(exc) if isinstance(exc, OSError) else f"{path}: it is not an archive of images"
        )
        raise InvalidOption(
            f"cannot read {reason}" + (f" ({exc})" if isinstance(exc, BadArchive) else ""),
            option=option,
            hint="name an archive that docker save, or a tool for OCI images, has written",
        ) from None


class _Files:
    """What an archive holds, by name, and the JSON in it, which is of the sizes of such files."""

    def __init__(self, file: TarFile) -> None:
        self._file = file
        self._places: Dict[str, Tuple[int, int]] = {}
        for member, _content_of in Tar(file, _MAX_MEMBERS):
            if member.kind == "file":
                self._places[member.name] = (file.tell(), member.size)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def json(self, name: str) -> Any:
        at, size = self._places.get(name, (0, -1))
        if size < 0:
            raise BadArchive(f"it lacks {shown(name)}")
        if size > _MAX_JSON:
            raise BadArchive(f"{shown(name)} has {size} bytes")
        self._file.seek(at)
        try:
            return json.loads(self._file.read(size))
        except (ValueError, RecursionError):
            raise BadArchive(f"{shown(name)} is not JSON") from None


def _read(path: str, option: str) -> List[Member]:
    with TarFile(path, option) as file:
        files = _Files(file)
        members: Dict[Tuple[str, ...], Member] = {}
        if "index.json" in files:
            for entry in _list(_map(files.json("index.json")).get("manifests")):
                member = _of_index(files, _map(entry))
                members[member.ids[-1:]] = member
        if "manifest.json" in files:
            for entry in _list(files.json("manifest.json")):
                member = _of_manifest(files, _map(entry), members)
                members[member.ids[-1:]] = member
    if not members:
        raise BadArchive("it has neither index.json nor manifest.json")
    return list(members.values())


def _of_manifest(
    files: _Files, entry: Mapping[str, Any], members: Mapping[Tuple[str, ...], Member]
) -> Member:
    """Return the image of an entry of manifest.json, with what index.json says of it."""
    at = _text(entry.get("Config"))
    ident = "sha256:" + at.rpartition("/")[2].partition(".")[0]
    tags = tuple(short(_text(tag)) for tag in _list(entry.get("RepoTags")))
    known = members.get((ident,), Member((), ()))
    content: Mapping[str, Any] = {}
    if not known.ids and at in files:
        config = _map(files.json(at))
        layers = _list(_map(config.get("rootfs")).get("diff_ids"))
        config = {**config, "config": _map(config.get("config"))}
        content = _content(config, layers, "created", "config")
    return Member((*known.ids, ident), tuple(dict.fromkeys((*known.tags, *tags))), None, content)


def _of_index(files: _Files, entry: Mapping[str, Any]) -> Member:
    """Return the image behind an entry of index.json; its configuration's id comes last."""
    ids = [_text(entry.get("digest"))]
    manifest = _map(files.json(_blob(entry)))
    while "config" not in manifest:
        # An index of platforms: those that were left out of the archive do not count.
        inner = [_map(item) for item in _list(manifest.get("manifests"))]
        choice = next((item for item in inner if _blob(item) in files), None)
        if choice is None or len(ids) > _MAX_LEVELS:
            raise BadArchive("an index in it leads to no image")
        ids.append(_text(choice.get("digest")))
        manifest = _map(files.json(_blob(choice)))
    config = _map(manifest["config"])
    ids.append(_text(config.get("digest")))
    notes = _map(entry.get("annotations"))
    tags = [short(_text(notes[key])) for key in _REFERENCES if ":" in _text(notes.get(key, ""))]
    docker = {
        "Config": _blob(config),
        "RepoTags": tags[:1],
        "Layers": [_blob(_map(layer)) for layer in _list(manifest.get("layers"))],
    }
    return Member(tuple(ids), tuple(tags), None if "manifest.json" in files else docker)


def _blob(entry: Mapping[str, Any]) -> str:
    return "blobs/" + _text(entry.get("digest")).replace(":", "/")


def _map(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise BadArchive("a file in it has a value where a mapping belongs")
    return value or {}


def _list(value: Any) -> List[Any]:
    if value is not None and not isinstance(value, list):
        raise BadArchive("a file in it has a value where a list belongs")
    return value or []


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadArchive("a file in it lacks a string, such as a digest")
    return value
