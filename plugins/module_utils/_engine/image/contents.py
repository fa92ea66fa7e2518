# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one image consists of, and the archive of it that all engines load, without some layers.

An engine that keeps layers by their place in a chain does not look for the file of one that it has;
one that keeps images in containerd does not miss a blob that it has (seen on 20.10, and on 28 with
both stores). The archive is in both forms: `manifest.json`, as Docker has always read it, and
`index.json` of the image specification (OCI image layout). No name is in it: a tag is for what has
been verified.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..tar.reader import BadArchive, shown

_OCI = "application/vnd.oci.image"
_MANIFEST, _CONFIG = f"{_OCI}.manifest.v1+json", f"{_OCI}.config.v1+json"
_INDEX, _LAYER = f"{_OCI}.index.v1+json", f"{_OCI}.layer.v1.tar"
# What of a configuration says where its layers can be used.
_PLATFORM = ("architecture", "os", "variant", "os.version", "created")
_PIECE = 1 << 18
_BLOCK = 512
# What no image comes near to.
MAX_DOCUMENT = 4 << 20
_MAX_DOCUMENTS = 1000
_MAX_LAYERS = 1000
_MAX_LEVELS = 6

# Of an archive, each file's size, and its bytes if they are short and JSON.
Files = Mapping[str, Tuple[int, Optional[bytes]]]


@dataclass(frozen=True)
class Layer:
    """A layer: `diff` is the digest of its files, `digest` and `size` (bytes) are those of the blob
    that has them, which may be compressed as the media type `kind` says; `member` is the blob's
    name in the sender's archive."""

    diff: str
    digest: str
    size: int
    member: str
    kind: str = _LAYER


@dataclass(frozen=True)
class Contents:
    """An image: digests of its configuration and manifest, the descriptor of what leads to it,
    all documents by their digests, and its layers from the lowest on."""

    config: str
    manifest: str
    root: Mapping[str, Any]
    documents: Mapping[str, bytes]
    layers: Tuple[Layer, ...]

    @property
    def ids(self) -> Tuple[str, ...]:
        """All ids that engines may know the image by."""
        return tuple(dict.fromkeys((str(self.root["digest"]), self.manifest, self.config)))

    @property
    def diffs(self) -> List[str]:
        """The digests of the layers' files, as an inspected image has them."""
        return [layer.diff for layer in self.layers]

    def lowest(self, count: int, labels: Mapping[str, str]) -> Contents:
        """Return an image of the lowest layers alone, which keeps them until the rest has come."""
        whole = json.loads(self.documents[self.config])
        kept = {key: whole[key] for key in _PLATFORM if key in whole}
        layers = self.layers[:count]
        rootfs = {"type": "layers", "diff_ids": [layer.diff for layer in layers]}
        config = {**kept, "config": {"Labels": dict(labels)}, "rootfs": rootfs, "history": []}
        return _synthesized(_dumped(config), layers)

    def public(self) -> Dict[str, Any]:
        """Return this as JSON-able values."""
        documents = {digest: data.decode("latin-1") for digest, data in self.documents.items()}
        layers = [[e.diff, e.digest, e.size, e.member, e.kind] for e in self.layers]
        whole = {"config": self.config, "manifest": self.manifest, "root": dict(self.root)}
        return {**whole, "documents": documents, "layers": layers}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Contents:
        """Return what public() has described."""
        documents = {key: text.encode("latin-1") for key, text in given["documents"].items()}
        layers = tuple(Layer(*entry) for entry in given["layers"])
        return cls(given["config"], given["manifest"], given["root"], documents, layers)


def digest_of(data: bytes) -> str:
    """Return the digest of a blob."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read_contents(files: Files, image: Mapping[str, Any]) -> Contents:
    """Return what an inspected image consists of, by the files of an archive that has it.

    Raise BadArchive if the archive has another image, or is damaged.
    """
    diffs = list((image.get("RootFS") or {}).get("Layers") or ())
    for entry in map(_map, _list(_json(files, "manifest.json"))):
        members = [str(member) for member in _list(entry.get("Layers"))]
        config = _data(files, str(entry.get("Config")))
        if len(members) == len(diffs) <= _MAX_LAYERS and _diffs(config) == diffs:
            contents = _contents(files, config, _layers(files, diffs, members))
            if image["Id"] in contents.ids:
                return contents
    raise BadArchive("it has another image")


def archive(contents: Contents, blobs: Mapping[str, BinaryIO]) -> Iterator[bytes]:
    """Yield an archive of an image with the layers whose blobs are given by their digests."""
    for digest, data in contents.documents.items():
        yield from _file(_path(digest), data)
    for digest, blob in blobs.items():
        yield from _streamed(_path(digest), blob)
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [contents.root]}
    yield from _file("index.json", _dumped(index))
    yield from _file("oci-layout", _dumped({"imageLayoutVersion": "1.0.0"}))
    layers = [_path(layer.digest) for layer in contents.layers]
    listed = {"Config": _path(contents.config), "RepoTags": None, "Layers": layers}
    yield from _file("manifest.json", _dumped([listed]))
    yield bytes(2 * _BLOCK)


# -- reading --------------------------------------------------------------------------------


def _contents(files: Files, config: bytes, layers: Tuple[Layer, ...]) -> Contents:
    if "index.json" in files:
        for root in map(_map, _list(_map(_json(files, "index.json")).get("manifests"))):
            documents: Dict[str, bytes] = {}
            _reach(files, root, {layer.digest for layer in layers}, documents, _MAX_LEVELS)
            manifest = _manifest_of(documents, digest_of(config), layers)
            if manifest:
                kept = {key: root[key] for key in ("mediaType", "digest", "size") if key in root}
                layers = _with_kinds(layers, documents[manifest])
                return Contents(digest_of(config), manifest, kept, documents, layers)
    return _synthesized(config, layers)


def _with_kinds(layers: Tuple[Layer, ...], manifest: bytes) -> Tuple[Layer, ...]:
    """Return layers with the media types that their manifest says."""
    listed = json.loads(manifest)["layers"]
    kinds = [str(_map(entry).get("mediaType") or _LAYER) for entry in listed]
    return tuple(replace(layer, kind=kind) for layer, kind in zip(layers, kinds))


def _synthesized(config: bytes, layers: Tuple[Layer, ...]) -> Contents:
    """Return an image with the manifest that newer engines would make of an older archive."""
    entries = [{"mediaType": e.kind, "digest": e.digest, "size": e.size} for e in layers]
    about = {"mediaType": _CONFIG, "digest": digest_of(config), "size": len(config)}
    whole = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": about, "layers": entries}
    data = _dumped(whole)
    digest = digest_of(data)
    root = {"mediaType": _MANIFEST, "digest": digest, "size": len(data)}
    documents = {digest_of(config): config, digest: data}
    return Contents(digest_of(config), digest, root, documents, layers)


def _layers(files: Files, diffs: Sequence[str], members: Sequence[Any]) -> Tuple[Layer, ...]:
    """Return the layers; of equal ones an older archive has one file, and links to it."""
    known: Dict[str, Layer] = {}
    for diff, member in zip(diffs, members):
        if member in files and diff not in known:
            base, _slash, name = str(member).rpartition("/")
            digest = f"sha256:{name}" if base == "blobs/sha256" else diff
            known[diff] = Layer(diff, digest, files[member][0], member)
    try:
        return tuple(known[diff] for diff in diffs)
    except KeyError as lacking:
        raise BadArchive(f"it lacks the layer {lacking.args[0]}") from None


def _reach(
    files: Files, entry: Mapping[str, Any], layers: Any, documents: Dict[str, bytes], levels: int
) -> None:
    """Collect the documents that a descriptor leads to, those of other platforms if they are
    there; what is said of each digest is verified."""
    digest = str(entry.get("digest"))
    size, data = files.get(_path(digest), (0, None))
    if digest in layers or digest in documents or data is None:
        return
    if len(documents) >= _MAX_DOCUMENTS or not levels:
        raise BadArchive("its documents are too many, or too deep")
    if digest_of(data) != digest or len(data) != size:
        raise BadArchive(f"{shown(digest)} is not what its name says")
    documents[digest] = data
    kind = str(entry.get("mediaType"))
    if not any(word in kind for word in ("manifest", "index")):
        return
    whole = _map(_decoded(data, digest))
    below = [*_list(whole.get("manifests")), *_list(whole.get("layers"))]
    for lower in [*below, *([whole["config"]] if "config" in whole else [])]:
        _reach(files, _map(lower), layers, documents, levels - 1)


def _manifest_of(
    documents: Mapping[str, bytes], config: str, layers: Sequence[Layer]
) -> Optional[str]:
    """Return the digest of the manifest that has this configuration and these layers."""
    blobs = [layer.digest for layer in layers]
    for digest, data in documents.items():
        if digest == config or not data.startswith(b"{"):
            continue
        whole = _map(_decoded(data, digest))
        about, below = whole.get("config"), whole.get("layers")
        if not isinstance(about, dict) or not isinstance(below, list):
            continue
        if about.get("digest") == config:
            listed = [_map(entry).get("digest") for entry in below]
            return digest if listed == blobs else None
    return None


def _diffs(config: bytes) -> List[Any]:
    return _list(_map(_map(_decoded(config, "a configuration")).get("rootfs")).get("diff_ids"))


def _json(files: Files, name: str) -> Any:
    return _decoded(_data(files, name), name)


def _data(files: Files, name: str) -> bytes:
    data = files.get(name, (0, None))[1]
    if data is None:
        raise BadArchive(f"it lacks {shown(name)}")
    return data


def _decoded(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BadArchive(f"{shown(name)} is not JSON") from None


def _map(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadArchive("a file in it has a value where a mapping belongs")
    return value


def _list(value: Any) -> List[Any]:
    if value is not None and not isinstance(value, list):
        raise BadArchive("a file in it has a value where a list belongs")
    return value or []


# -- writing --------------------------------------------------------------------------------


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf()


def _file(name: str, data: bytes) -> Iterator[bytes]:
    yield _header(name, len(data)) + data + b"\0" * (-len(data) % _BLOCK)


def _streamed(name: str, blob: BinaryIO) -> Iterator[bytes]:
    size = blob.seek(0, 2)
    blob.seek(0)
    yield _header(name, size)
    yield from iter(lambda: blob.read(_PIECE), b"")
    yield b"\0" * (-size % _BLOCK)
