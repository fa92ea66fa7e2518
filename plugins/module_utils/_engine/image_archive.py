# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of images, as docker save and OCI tools write them: which images are in them.

The image specification says both ways: `manifest.json` names configurations (Docker's image ids),
`index.json` names manifests (ids of engines that keep images in containerd).
"""

from __future__ import annotations

import contextlib
import json
import tarfile
from dataclasses import dataclass, field
from typing import IO, Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .._desired.errors import InvalidOption
from .reference import short

_PIECE = 1 << 18
_BLOCK = 512
_ZSTD = b"\x28\xb5\x2f\xfd"
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
        layers = (image.get("RootFS") or {}).get("Layers")
        return bool(self.content) and self.content == _content(image, layers, "Created", "Config")


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
    named = [one for one in members if name in one.tags]
    if named or len(members) == 1:
        return (named or members)[0]
    held = ", ".join(tag for one in members for tag in one.tags) or "no image"
    raise InvalidOption(
        f"{path} holds {held}, not {name}", option=option, hint="name one that it holds"
    )


def find_images(path: str, option: str) -> List[Member]:
    """Return all images of an archive; raise InvalidOption, which names the `option`, for none."""
    return _members(path, option)


def pieces(path: str, *members: Member) -> Iterator[bytes]:
    """Yield the archive so that every engine can load these images: unpacked where older ones
    could not do it, with a manifest.json in front where there is none."""
    manifests = [one.manifest for one in members if one.manifest is not None]
    if not manifests:
        with opened(path, "load") as plain:
            yield from iter(lambda: plain.read(_PIECE), b"")
        return
    data = json.dumps(manifests).encode("utf-8")
    head = tarfile.TarInfo("manifest.json")
    head.size = len(data)
    yield head.tobuf() + data + b"\0" * (-len(data) % _BLOCK)
    with _unpacked(path) as file:
        yield from iter(lambda: file.read(_PIECE), b"")


def opened(path: str, option: str) -> IO[bytes]:
    """Open an archive; what zstd has packed is unpacked, since Docker 20.10 cannot do that.

    Raise InvalidOption if nothing here can.
    """
    with open(path, "rb") as file:
        magic = file.read(len(_ZSTD))
    return _without_zstd(path, option) if magic == _ZSTD else open(path, "rb")


def _without_zstd(path: str, option: str) -> IO[bytes]:
    """Return the content of a file that zstd has packed, by Python 3.14 or by the program."""
    import importlib
    import shutil
    import subprocess
    import tempfile

    with contextlib.suppress(ImportError):
        made: IO[bytes] = importlib.import_module("compression.zstd").open(path)
        return made
    program = shutil.which("zstd")
    if program is None:
        raise InvalidOption(
            f"{path} is packed by zstd, which nothing on this machine can unpack",
            option=option,
            hint="install zstd here, or unpack it",
        )
    command = [program, "-dcq", "--", path]
    with contextlib.ExitStack() as until_whole:
        content = until_whole.enter_context(tempfile.TemporaryFile())
        done = subprocess.run(command, stdout=content, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise ValueError(done.stderr.decode("utf-8", "replace"))
        content.seek(0)
        until_whole.pop_all()
        return content


def _unpacked(path: str) -> IO[bytes]:
    with open(path, "rb") as file:
        magic = file.read(6)
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        # It reads bytes as IO does; its type is another one.
        return gzip.open(path)  # type: ignore[return-value]
    if magic.startswith((b"BZh", b"\xfd7zXZ")):
        import bz2
        import lzma

        return bz2.open(path) if magic.startswith(b"BZh") else lzma.open(path)
    return opened(path, "load")


def _members(path: str, option: str) -> List[Member]:
    try:
        with opened(path, option) as file, tarfile.open(fileobj=file) as archive:
            return _read(archive)
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is not an archive"
        raise InvalidOption(
            f"cannot read {path}: {why} of images"
            if why.startswith("it")
            else f"cannot read {path}: {why}",
            option=option,
            hint="name an archive that docker save, or a tool for OCI images, has written",
        ) from None


def _read(archive: tarfile.TarFile) -> List[Member]:
    names = set(archive.getnames())
    found: Dict[Tuple[str, ...], Member] = {}
    if "index.json" in names:
        for entry in _json(archive, "index.json")["manifests"]:
            member = _of_index(archive, names, entry)
            found[member.ids[-1:]] = member
    if "manifest.json" in names:
        for entry in _json(archive, "manifest.json"):
            ident = "sha256:" + str(entry["Config"]).rpartition("/")[2].partition(".")[0]
            tags = tuple(short(tag) for tag in entry.get("RepoTags") or ())
            known = found.get((ident,), Member((), ()))
            content: Mapping[str, Any] = {}
            if not known.ids and entry["Config"] in names:
                config = _json(archive, entry["Config"])
                layers = (config.get("rootfs") or {}).get("diff_ids")
                content = _content(config, layers, "created", "config")
            ids = (*known.ids, ident)
            found[(ident,)] = Member(ids, tuple(dict.fromkeys((*known.tags, *tags))), None, content)
    if not found:
        raise ValueError("neither index.json nor manifest.json")
    return list(found.values())


def _of_index(archive: tarfile.TarFile, names: Any, entry: Mapping[str, Any]) -> Member:
    """Return the image behind an entry of index.json; its configuration's id comes last."""
    ids = [str(entry["digest"])]
    manifest = _json(archive, _blob(entry))
    while "config" not in manifest:
        # An index of platforms: those that were left out of the archive do not count.
        inner = next(one for one in manifest["manifests"] if _blob(one) in names)
        ids.append(str(inner["digest"]))
        manifest = _json(archive, _blob(inner))
    ids.append(str(manifest["config"]["digest"]))
    notes = entry.get("annotations") or {}
    tags = [short(notes[key]) for key in _REFERENCES if ":" in notes.get(key, "")]
    docker = {
        "Config": _blob(manifest["config"]),
        "RepoTags": tags[:1],
        "Layers": [_blob(layer) for layer in manifest["layers"]],
    }
    return Member(tuple(ids), tuple(tags), None if "manifest.json" in names else docker)


def _blob(entry: Mapping[str, Any]) -> str:
    return "blobs/" + str(entry["digest"]).replace(":", "/")


def _json(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(name)
    return json.load(file)
