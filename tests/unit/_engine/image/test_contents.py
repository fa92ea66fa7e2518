"""What an image consists of, read from archives of both kinds, and the archive written of it."""

from __future__ import annotations

import io
import json
import random
import tarfile
from typing import Any, Callable, Dict, List, Sequence

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.contents import (
    Contents,
    archive,
    digest_of,
    read_contents,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.tar.reader import BadArchive

LAYERS = [b"\x01base" * 200, b"\x01app"]
GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
Archive = Dict[str, bytes]


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def config(layers: Sequence[bytes]) -> bytes:
    diffs = [digest_of(layer) for layer in layers]
    about = {"rootfs": {"type": "layers", "diff_ids": diffs}, "os": "linux"}
    return dumped({**about, "architecture": "amd64", "config": {"Env": ["A=b"]}})


def image(ident: str, layers: Sequence[bytes]) -> Dict[str, Any]:
    return {"Id": ident, "RootFS": {"Layers": [digest_of(layer) for layer in layers]}}


def older(layers: Sequence[bytes] = tuple(LAYERS)) -> Archive:
    """Return what Docker 20.10 writes: names that say nothing of what is in them."""
    data = config(layers)
    members = [f"{number:064d}/layer.tar" for number in range(len(layers))]
    name = f"{digest_of(data)[7:]}.json"
    listed = [{"Config": name, "RepoTags": None, "Layers": members}]
    files = {**dict(zip(members, layers)), name: data, "manifest.json": dumped(listed)}
    return {**files, f"{'0' * 64}/json": b'{"id": 1}', "repositories": b"{}"}


def newer(root: str = "manifest") -> Archive:
    """Return what an engine writes that keeps compressed blobs, by a manifest or an index."""
    data, packed = config(LAYERS), [b"\x1f" + layer for layer in LAYERS]
    blobs = [{"mediaType": GZIP, "digest": digest_of(b), "size": len(b)} for b in packed]
    about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(data)}
    manifest = dumped({"schemaVersion": 2, "config": {**about, "size": len(data)}, "layers": blobs})
    kind = "application/vnd.oci.image.manifest.v1+json"
    lead = {"mediaType": kind, "digest": digest_of(manifest), "size": len(manifest)}
    away = {"mediaType": kind, "digest": "sha256:" + "f" * 64, "size": 9}
    index = dumped({"schemaVersion": 2, "manifests": [away, lead]})
    above = {"mediaType": "application/vnd.oci.image.index.v1+json"}
    top = lead if root == "manifest" else {**above, "digest": digest_of(index), "size": len(index)}
    names = {
        f"blobs/sha256/{digest_of(blob)[7:]}": blob for blob in (*packed, data, manifest, index)
    }
    paths = [f"blobs/sha256/{digest_of(blob)[7:]}" for blob in (data, *packed)]
    listed = [{"Config": paths[0], "RepoTags": None, "Layers": paths[1:]}]
    notes = {"annotations": {"org.opencontainers.image.ref.name": "1"}}
    about_all = {"index.json": dumped({"manifests": [{**top, **notes}]})}
    return {**names, **about_all, "manifest.json": dumped(listed)}


def read(files: Archive, ident: str, layers: Sequence[bytes] = tuple(LAYERS)) -> Contents:
    given = {
        name: (len(data), data if data[:1] in (b"{", b"[") else None)
        for name, data in files.items()
    }
    return read_contents(given, image(ident, layers))


def written(contents: Contents, *layers: bytes) -> Archive:
    blobs = {digest_of(layer): io.BytesIO(layer) for layer in layers}
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive(contents, blobs)))) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def test_an_older_archive_gets_the_manifest_that_a_newer_engine_would_make() -> None:
    contents = read(older(), digest_of(config(LAYERS)))
    assert contents.diffs == [layer.digest for layer in contents.layers]
    assert [layer.size for layer in contents.layers] == [len(layer) for layer in LAYERS]
    files = written(contents, LAYERS[1])
    (listed,) = json.loads(files["manifest.json"])
    assert listed["RepoTags"] is None
    assert [name in files for name in listed["Layers"]] == [False, True]
    (root,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files["blobs/" + root["digest"].replace(":", "/")])
    assert [entry["digest"] for entry in manifest["layers"]] == contents.diffs
    assert digest_of(files[listed["Config"]]) == manifest["config"]["digest"] == contents.config
    assert read(older(), contents.config) == contents, "the same image has the same manifest"


@pytest.mark.parametrize("root", ["manifest", "index"])
def test_documents_of_a_newer_archive_stay_as_they_are(root: str) -> None:
    files = newer(root)
    lead = json.loads(files["index.json"])["manifests"][0]["digest"]
    contents = read(files, lead)
    assert contents.ids[0] == lead
    assert {layer.kind for layer in contents.layers} == {GZIP}
    assert [layer.digest for layer in contents.layers] != contents.diffs
    result = written(contents)
    for name, data in result.items():
        if name.startswith("blobs/"):
            assert files[name] == data
    (top,) = json.loads(result["index.json"])["manifests"]
    assert (top["digest"], "annotations" in top) == (lead, False), "it is loaded without a name"
    assert not any(len(data) > 1000 for data in result.values())


def test_equal_layers_are_one_file_in_an_older_archive() -> None:
    layers = [LAYERS[0], LAYERS[1], LAYERS[0]]
    files = older(layers)
    del files[f"{2:064d}/layer.tar"]  # a link to the first one
    contents = read(files, digest_of(config(layers)), layers)
    assert [layer.member for layer in contents.layers] == [
        f"{number:064d}/layer.tar" for number in (0, 1, 0)
    ]


def test_what_was_read_can_be_noted() -> None:
    for files in (older(), newer()):
        ident = digest_of(config(LAYERS))
        contents = read(files, ident)
        assert Contents.of(json.loads(json.dumps(contents.public()))) == contents


def test_the_lowest_layers_are_an_image_of_their_own() -> None:
    contents = read(newer(), digest_of(config(LAYERS)))
    part = contents.lowest(1, {"part": "of it"})
    assert part.diffs == contents.diffs[:1]
    about = json.loads(part.documents[part.config])
    assert about["config"] == {"Labels": {"part": "of it"}}
    assert (about["os"], about["architecture"]) == ("linux", "amd64")
    (entry,) = json.loads(part.documents[part.manifest])["layers"]
    assert (entry["mediaType"], entry["digest"]) == (GZIP, contents.layers[0].digest)
    assert set(part.ids).isdisjoint(contents.ids)


def drop(name: str) -> Callable[[Archive], Archive]:
    return lambda files: {key: data for key, data in files.items() if not key.endswith(name)}


def change(name: str, data: bytes) -> Callable[[Archive], Archive]:
    return lambda files: {**files, name: data}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop("manifest.json"), "it lacks manifest.json"),
        (drop("1/layer.tar"), "it lacks the layer sha256:"),
        (change("manifest.json", b"[{"), "manifest.json is not JSON"),
        (change("manifest.json", b"[]"), "it has another image"),
        (change("manifest.json", b'{"a": 1}'), "where a list belongs"),
        (change("manifest.json", b'[{"Config": "none", "Layers": []}]'), "it lacks none"),
        (lambda _files: older([LAYERS[1], LAYERS[0]]), "it has another image"),
    ],
)
def test_a_damaged_archive_is_refused(spoil: Any, message: str) -> None:
    with pytest.raises(BadArchive, match=message):
        read(spoil(older()), digest_of(config(LAYERS)))


def test_another_image_with_the_same_layers_is_refused() -> None:
    with pytest.raises(BadArchive, match="it has another image"):
        read(older(), "sha256:" + "0" * 64)


def test_a_document_has_to_be_what_its_name_says() -> None:
    files = newer()
    lead = json.loads(files["index.json"])["manifests"][0]["digest"]
    name = "blobs/" + lead.replace(":", "/")
    spoilt = json.loads(files[name])
    spoilt["layers"][0]["size"] += 1
    with pytest.raises(BadArchive, match="is not what its name says"):
        read({**files, name: dumped(spoilt)}, lead)


VALUES: List[Any] = [None, 0, -1, "", "x", [], {}, [[]], {"digest": []}, True, 1e308]


def spoilt(value: Any, draw: random.Random) -> Any:
    """Return JSON with something else somewhere in it."""
    if isinstance(value, (dict, list)) and value and draw.random() < 0.8:
        key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
        changed: Any = dict(value) if isinstance(value, dict) else list(value)
        changed[key] = spoilt(value[key], draw)
        return changed
    return draw.choice(VALUES)


@pytest.mark.parametrize("seed", range(4))
def test_a_hostile_archive_ends_in_an_error_of_ours_or_in_an_image(seed: int) -> None:
    draw = random.Random(seed)
    for _number in range(1500):
        files = draw.choice([older, newer, lambda: newer("index")])()
        name = draw.choice([name for name, data in files.items() if data[:1] in (b"{", b"[")])
        files[name] = dumped(spoilt(json.loads(files[name]), draw))
        if draw.random() < 0.5:  # named by what it is now
            files[f"blobs/sha256/{digest_of(files[name])[7:]}"] = files[name]
        lead = digest_of(config(LAYERS))
        try:
            contents = read(files, lead)
        except BadArchive:
            continue
        assert lead in contents.ids
        assert written(contents)
