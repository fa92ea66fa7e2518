"""Images with layers, in archives as Docker 20.10 writes them: the fake loads one without the
layers that it has, as engines with a graph driver do; with `State.manifests`, as one does that
keeps images in containerd, which takes one without layers that it lacks as well."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any, Dict, Iterator, List, Sequence

from .fake_images import CONFIG, config_of, find, store, tag_image
from .fake_routes import route
from .fake_state import Json, State
from .serving import Request, Response

CREATED = "2026-01-01T00:00:00Z"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def add_layered(state: State, ref: str, layers: Sequence[str], **options: Any) -> Json:
    """Have an image whose layers are these texts."""
    blobs = [text.encode() for text in layers]
    about = {"config": config_of({"cmd": ["serve"], **options}), "os": "linux", "created": CREATED}
    about["rootfs"] = {"type": "layers", "diff_ids": [digest(blob) for blob in blobs]}
    data = json.dumps(about).encode()
    return _keep(state, digest(data), data, blobs, [ref])


def _keep(state: State, key: str, data: bytes, blobs: List[Any], tags: Sequence[str]) -> Json:
    about = json.loads(data)
    image = state.images.get(key)
    if image is None:
        image = store(state, "tmp:layered", {**CONFIG, **about["config"]}, key)
        del state.images[image["Id"]]
        image.update(Id=key, RepoTags=[], Created=about.get("created"), _config=data)
        image["RootFS"] = {"Type": "layers", "Layers": list(about["rootfs"]["diff_ids"])}
        image["_layers"] = blobs
        image["Size"] = sum(len(blob or b"") for blob in blobs)
        state.images[key] = image
    for tag in tags:
        tag_image(state, image, tag)
    return image


@route("GET", "/images/{ref}/history")
def history(state: State, request: Request, ref: str) -> Response:
    image = find(state, ref)
    rows = [{"Id": "<missing>", "Size": len(blob)} for blob in image.get("_layers") or ()]
    return Response(200, rows[::-1])


def layered_archive(image: Json, tags: List[str]) -> bytes:
    """Write an image as docker save of Engine 20.10 does."""
    name = f"{digest(image['_config'])[7:]}.json"
    files: Dict[str, bytes] = {name: image["_config"]}
    members = []
    for number, blob in enumerate(image["_layers"]):
        members.append(f"{number:064d}/layer.tar")
        files[members[-1]] = blob
    listed = [{"Config": name, "RepoTags": tags or None, "Layers": members}]
    return packed({**files, "manifest.json": json.dumps(listed).encode()})


def packed(files: Dict[str, bytes]) -> bytes:
    """Return a tar of files by name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def load_layered(state: State, tar: tarfile.TarFile, entry: Json) -> Iterator[Json]:
    """Load one image of an archive; yield what the engine says."""
    data = tar.extractfile(entry["Config"]).read()  # type: ignore[union-attr]
    diffs = json.loads(data)["rootfs"]["diff_ids"]
    names = set(tar.getnames())
    blobs: List[Any] = []
    for number, member in enumerate(entry["Layers"]):
        if member in names:
            blobs.append(tar.extractfile(member).read())  # type: ignore[union-attr]
            if digest(blobs[-1]) != diffs[number]:
                text = f"invalid diffID for layer {number}: expected {diffs[number]}"
                yield {"errorDetail": {"message": text}, "error": text}
                return
        else:
            blobs.append(_known(state, diffs[: number + 1]))
        if blobs[-1] is None and not state.manifests:
            text = f"open /var/lib/docker/tmp/docker-import-1/{member}: no such file or directory"
            yield {"errorDetail": {"message": text}, "error": text}
            return
    key = digest(data)
    if state.manifests:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        key = index["manifests"][0]["digest"]
    with state.lock:
        image = _keep(state, key, data, blobs, entry["RepoTags"] or ())
        if state.manifests:
            whole = None not in blobs
            image["Descriptor"] = {"digest": key}
            image["Manifests"] = [{"ID": key, "Kind": "image", "Available": whole}]
            if not whole:
                image["RootFS"] = {}
                yield {"stream": f"Error unpacking image {key}: content digest: not found"}
                return
    yield {"stream": f"Loaded image ID: {key}"}


def _known(state: State, chain: List[str]) -> Any:
    """Return a layer that the fake has, on the same ones below it; None if it has not."""
    for image in state.images.values():
        layers = image["RootFS"].get("Layers") or []
        if layers[: len(chain)] == chain and image.get("_layers"):
            return image["_layers"][len(chain) - 1]
    return None
