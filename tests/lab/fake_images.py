"""The endpoints of images: list, inspect, pull from `registry`, tag, delete, distribution."""

from __future__ import annotations

import fnmatch
import hashlib
import json
from typing import Any, Dict, List

from .fake_routes import public, route
from .fake_state import ApiError, Json, State, normal, now
from .serving import Request, Response

CONFIG: Json = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    **dict.fromkeys(
        ("AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce"), False
    ),
    "Env": ["PATH=/bin"],
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
# From API 1.51 an image's Config has no container-only fields any more.
_TRIMMED = ("Hostname", "Domainname", "Image", "Tty", "OpenStdin", "StdinOnce")
OPTIONS = {
    "env": "Env",
    "cmd": "Cmd",
    "entrypoint": "Entrypoint",
    "labels": "Labels",
    "volumes": "Volumes",
    "exposed": "ExposedPorts",
    "healthcheck": "Healthcheck",
    "user": "User",
    "workdir": "WorkingDir",
    "stop_signal": "StopSignal",
}


def config_of(options: Dict[str, Any]) -> Json:
    """Turn add_image's options into an image configuration; PATH is there as in most images."""
    config = dict(CONFIG)
    for name, value in options.items():
        if value is not None:
            config[OPTIONS[name]] = value
    for name in ("Volumes", "ExposedPorts"):
        if isinstance(config.get(name), (list, tuple)):
            config[name] = {entry: {} for entry in config[name]}
    if isinstance(config["Env"], dict):
        config["Env"] = [f"{key}={value}" for key, value in config["Env"].items()]
    if not any(entry.startswith("PATH=") for entry in config["Env"]):
        config["Env"] = ["PATH=/bin", *config["Env"]]
    return config


def store(state: State, ref: str, config: Json, seed: str, *, digest: bool = False) -> Json:
    """Keep an image under a reference; the same configuration and seed give the same id."""
    made = json.dumps([config, seed], sort_keys=True).encode()
    key = "sha256:" + hashlib.sha256(made).hexdigest()
    image = state.images.get(key)
    if image is None:
        image = state.images[key] = {
            "Id": key,
            "RepoTags": [],
            "RepoDigests": [],
            "Parent": "",
            "Comment": "",
            "Created": now(),
            "Author": "",
            "Config": config,
            "Architecture": "amd64",
            "Os": "linux",
            "Size": 1985472,
            "GraphDriver": {"Name": "overlay2", "Data": {}},
            "RootFS": {"Type": "layers", "Layers": [key]},
            "Metadata": {"LastTagTime": now()},
        }
    tag_image(state, image, ref)
    if digest:
        name = normal(ref).rpartition(":")[0]
        image["RepoDigests"] = [f"{name}@{digest_of(config, seed)}"]
    return image


def digest_of(config: Json, seed: str) -> str:
    """Return the digest by which a registry knows an image."""
    made = json.dumps(["manifest", config, seed], sort_keys=True).encode()
    return "sha256:" + hashlib.sha256(made).hexdigest()


def tag_image(state: State, image: Json, ref: str) -> None:
    """Move a tag to an image."""
    for other in state.images.values():
        if normal(ref) in other["RepoTags"]:
            other["RepoTags"].remove(normal(ref))
    image["RepoTags"].append(normal(ref))


def find(state: State, ref: str) -> Json:
    """Return an image; ApiError if there is none."""
    image = state.find_image(ref)
    if image is None:
        raise ApiError(404, f"No such image: {normal(ref)}")
    return image


@route("GET", "/images/json")
def listed(state: State, request: Request) -> Response:
    filters = request.filters()
    found = [image for image in state.images.values() if _matches(image, filters)]
    return Response(200, [_item(image) for image in found])


def _matches(image: Json, filters: Dict[str, List[str]]) -> bool:
    labels = image["Config"].get("Labels") or {}
    for want in filters.get("label", []):
        key, equals, value = want.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    wanted = filters.get("reference")
    if wanted and not any(
        fnmatch.fnmatch(tag, want) or tag.rpartition(":")[0] == want
        for tag in image["RepoTags"]
        for want in wanted
    ):
        return False
    dangling = filters.get("dangling")
    return not dangling or (dangling[0] in ("1", "true")) == (not image["RepoTags"])


def _item(image: Json) -> Json:
    return {
        "Containers": -1,
        "Created": image.get("_created", 1700000000),
        "Id": image["Id"],
        "Labels": image["Config"].get("Labels"),
        "ParentId": image["Parent"],
        "RepoDigests": image["RepoDigests"] or None,
        "RepoTags": image["RepoTags"] or None,
        "SharedSize": -1,
        "Size": image["Size"],
        "VirtualSize": image["Size"],
    }


@route("GET", "/images/{ref}/json")
def inspect(state: State, request: Request, ref: str) -> Response:
    image = state.find_image(ref)
    if image is None:
        text = f"no such image: {ref}: No such image: {normal(ref)}"
        raise ApiError(404, text if state.api < (1, 44) else f"No such image: {ref}")
    shown: Json = public(image)
    if state.api >= (1, 51):
        for name in _TRIMMED:
            shown["Config"].pop(name, None)
    return Response(200, shown)


@route("POST", "/images/{ref}/tag")
def tag(state: State, request: Request, ref: str) -> Response:
    image = find(state, ref)
    name = f"{request.query['repo']}:{request.query.get('tag') or 'latest'}"
    tag_image(state, image, name)
    state.emit("image", "tag", image["Id"], {"name": name})
    return Response(201)


@route("DELETE", "/images/{ref}")
def delete(state: State, request: Request, ref: str) -> Response:
    image, force = find(state, ref), request.flag("force")
    tags = [normal(ref)] if normal(ref) in image["RepoTags"] else list(image["RepoTags"])
    by_id = normal(ref) not in image["RepoTags"]
    last = len(tags) == len(image["RepoTags"])
    users = [box for box in state.containers.values() if box["Image"] == image["Id"]]
    if last:
        _in_use(image, ref, users, by_id, force)
    if by_id and len(tags) > 1 and not force:
        text = f"conflict: unable to delete {image['Id'][7:19]} (must be forced) - image is"
        raise ApiError(409, f"{text} referenced in multiple repositories")
    answer = [{"Untagged": one} for one in tags]
    image["RepoTags"] = [one for one in image["RepoTags"] if one not in tags]
    for one in tags:
        state.emit("image", "untag", image["Id"], {"name": one})
    if last and not (users and not force):
        del state.images[image["Id"]]
        answer.append({"Deleted": image["Id"]})
        state.emit("image", "delete", image["Id"], {"name": image["Id"]})
    return Response(200, answer)


def _in_use(image: Json, ref: str, users: List[Json], by_id: bool, force: bool) -> None:
    short = image["Id"][7:19]
    running = [box for box in users if box["State"]["Running"]]
    if users and not by_id and not force:
        text = f'conflict: unable to remove repository reference "{ref}" (must force) - container'
        text += f" {users[0]['Id'][:12]} is using its referenced image {short}"
        raise ApiError(409, text)
    if running and by_id:
        text = f"conflict: unable to delete {short} (cannot be forced) - image is being used by"
        raise ApiError(409, f"{text} running container {running[0]['Id'][:12]}")
    if users and by_id and not force:
        text = f"conflict: unable to delete {short} (must be forced) - image is being used by"
        raise ApiError(409, f"{text} stopped container {users[0]['Id'][:12]}")
