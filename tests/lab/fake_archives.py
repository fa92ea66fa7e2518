"""The endpoints of archives: load, get, and the import of a root file system."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from typing import Any, Dict, Iterator, List

from .fake_images import CONFIG, find, store, tag_image
from .fake_layers import layered_archive, load_layered, packed
from .fake_routes import route
from .fake_state import ApiError, Json, State, now
from .serving import Request, Response


def archive(*members: Json) -> bytes:
    """Write images, as inspect shows them, as docker save of Engine 20.10 does."""
    files: Dict[str, Any] = {}
    listed: List[Json] = []
    for image in members:
        name = f"{image['Id'][7:]}.json"
        files[name] = {"config": image["Config"], "os": image["Os"]}
        listed.append({"Config": name, "RepoTags": image["RepoTags"], "Layers": []})
    return tarred({**files, "manifest.json": listed})


def tarred(files: Dict[str, Any]) -> bytes:
    """Return a tar of JSON files by name."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


@route("GET", "/images/{ref}/get")
def get(state: State, request: Request, ref: str) -> Response:
    image = find(state, ref)
    if "_imported" in image:
        data = imported_archive(image, ref)
    elif "_layers" in image:
        tags = [] if ref.startswith("sha256:") else [ref]
        data = layered_archive(image, tags)
    else:
        data = archive({**image, "RepoTags": [ref]})
    return Response(200, stream=iter([data]), kind="application/x-tar")


def imported_archive(image: Json, ref: str) -> bytes:
    """Write an imported image, of one layer, as docker save of Engine 20.10 does."""
    config = {"config": image["Config"], "os": image["Os"]}
    listed = [{"Config": "config.json", "RepoTags": [ref], "Layers": ["0/layer.tar"]}]
    files = {"config.json": json.dumps(config).encode(), "0/layer.tar": image["_imported"]}
    return packed({**files, "manifest.json": json.dumps(listed).encode()})


@route("POST", "/images/load")
def load(state: State, request: Request) -> Response:
    return Response(200, stream=_loading(state, request.body))


def _loading(state: State, data: bytes) -> Iterator[bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            listed = json.load(tar.extractfile("manifest.json"))
            for entry in listed:
                if entry["Layers"]:
                    for line in load_layered(state, tar, entry):
                        yield json.dumps(line).encode()
                    continue
                config = json.load(tar.extractfile(entry["Config"]))
                hexed = entry["Config"].rpartition("/")[2].partition(".")[0]
                with state.lock:
                    image = _kept(state, f"sha256:{hexed}", config)
                    for tag in entry["RepoTags"] or ():
                        tag_image(state, image, tag)
                yield json.dumps({"stream": f"Loaded image: {entry['RepoTags']}"}).encode()
    except (tarfile.TarError, KeyError) as exc:
        text = f"open /var/lib/docker/tmp/docker-import-1/repositories: {exc}"
        yield json.dumps({"errorDetail": {"message": text}, "error": text}).encode()


def _kept(state: State, key: str, config: Json) -> Json:
    made = {**CONFIG, **config["config"]}
    image = state.images.get(key)
    if image is None:
        image = store(state, "tmp:load", made, key)
        del state.images[image["Id"]]
        image = state.images[key] = {**image, "Id": key, "RepoTags": [], "Created": now()}
    return image


def import_root(state: State, request: Request) -> Response:
    """Make an image of a root file system; changes are LABEL, CMD and ENV lines."""
    config: Json = dict(CONFIG)
    changes = request.query.get("changes") or []
    for line in [changes] if isinstance(changes, str) else changes:
        word, _blank, rest = line.partition(" ")
        if word == "LABEL":
            key, value = re.fullmatch(r"([^=]+)='(.*)'", rest).groups()
            config["Labels"] = {**(config["Labels"] or {}), key: value}
        elif word == "CMD":
            config["Cmd"] = json.loads(rest)
        elif word == "ENV":
            config["Env"] = [*config["Env"], rest]
        else:
            raise ApiError(400, f"unknown instruction: {word}")
    try:
        tarfile.open(fileobj=io.BytesIO(request.body)).close()
    except tarfile.TarError as exc:
        raise ApiError(500, "Error processing tar file(exit status 1): unexpected EOF") from exc
    name = f"{request.query['repo']}:{request.query.get('tag') or 'latest'}"
    image = store(state, name, config, hashlib.sha256(request.body).hexdigest())
    image["_imported"] = request.body
    return Response(200, stream=iter([json.dumps({"status": image["Id"]}).encode()]))
