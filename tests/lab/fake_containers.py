"""The endpoints of containers but their life (fake_life.py): list, create, change."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List

from . import fake_life
from .fake_create import build_container, check, check_resources, check_restart
from .fake_mounts import NAME
from .fake_routes import public, route
from .fake_state import ApiError, Json, State
from .serving import Request, Response

_KEPT_IF_ZERO = [
    "BlkioWeight",
    "CpuShares",
    "CpuPeriod",
    "CpuQuota",
    "CpuRealtimePeriod",
    "CpuRealtimeRuntime",
    "CpusetCpus",
    "CpusetMems",
    "NanoCpus",
    "Memory",
    "MemoryReservation",
    "MemorySwap",
    "KernelMemory",
]


@route("GET", "/containers/json")
def listed(state: State, request: Request) -> Response:
    filters = request.filters()
    everything = request.flag("all") or "status" in filters
    boxes = [
        box
        for box in reversed(list(state.containers.values()))
        if (everything or box["State"]["Running"]) and _matches(state, box, filters)
    ]
    return Response(200, [_item(state, box) for box in boxes])


def _matches(state: State, box: Json, filters: Dict[str, List[str]]) -> bool:
    name = box["Name"]
    tests = {
        "name": lambda want: re.search(want, name) or re.search(want, name[1:]),
        "id": box["Id"].startswith,
        "label": lambda want: has_label(box["Config"]["Labels"], want),
        "status": lambda want: box["State"]["Status"] == want,
        "ancestor": lambda want: box["Image"] == (state.find_image(want) or {}).get("Id"),
        "volume": lambda want: any(
            want in (m.get("Name"), m["Destination"]) for m in box["Mounts"]
        ),
        "network": lambda want: want in box["NetworkSettings"]["Networks"],
    }
    for key, wanted in filters.items():
        if key not in tests:
            raise ApiError(400, f"Invalid filter '{key}'")
        together = all if key == "label" else any
        if not together(tests[key](want) for want in wanted):
            return False
    return True


def has_label(labels: Json, want: str) -> bool:
    """Match a label filter: `key` or `key=value`."""
    key, equals, value = want.partition("=")
    return key in (labels or {}) and (not equals or labels[key] == value)


def _item(state: State, box: Json) -> Json:
    asked = box["Config"]["Image"]
    current = (state.find_image(asked) or {}).get("Id") == box["Image"]
    return public(
        {
            "Id": box["Id"],
            "Names": [box["Name"]],
            "Image": asked if current else box["Image"],
            "ImageID": box["Image"],
            "Command": " ".join([box["Path"], *box["Args"]]),
            "Created": 1700000000,
            "Ports": list(_published(box)),
            "Labels": box["Config"]["Labels"],
            "State": box["State"]["Status"],
            "Status": box["State"]["Status"].capitalize(),
            "HostConfig": {"NetworkMode": box["HostConfig"]["NetworkMode"]},
            "NetworkSettings": {"Networks": box["NetworkSettings"]["Networks"]},
            "Mounts": box["Mounts"],
        }
    )


def _published(box: Json) -> Iterator[Json]:
    for port, entries in (box["NetworkSettings"]["Ports"] or {}).items():
        number, _slash, kind = port.partition("/")
        for entry in entries or [None]:
            made: Json = {"PrivatePort": int(number), "Type": kind}
            if entry:
                made.update(IP=entry["HostIp"] or "0.0.0.0", PublicPort=int(entry["HostPort"]))
            yield made


@route("POST", "/containers/create")
def create(state: State, request: Request) -> Response:
    body = request.json
    name = request.query.get("name") or "fake_" + state.new_id()[:8]
    if not NAME.match(name):
        text = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        raise ApiError(400, text)
    if not body:
        raise ApiError(400, "Config cannot be empty in order to create a container")
    check(state, body, request_api(state, request))
    if not body.get("Image"):
        raise ApiError(400, "No command specified")
    image = state.find_image(body["Image"])
    if image is None:
        raise ApiError(404, f"No such image: {_with_tag(body['Image'])}")
    _free(state, name)
    box = build_container(state, name, image, body)
    warnings = []
    box["HostConfig"].update({part: None for part in state.ignores if part in box["HostConfig"]})
    for part in state.lacks:
        if box["HostConfig"][part]:
            box["HostConfig"][part] = 0
            warnings.append(f"Your kernel does not support {part}. {part} discarded.")
    state.containers[box["Id"]] = box
    state.container_event(box, "create")
    return Response(201, {"Id": box["Id"], "Warnings": warnings})


def _with_tag(ref: str) -> str:
    return ref if ":" in ref.rsplit("/", 1)[-1] else f"{ref}:latest"


def _free(state: State, name: str) -> None:
    for box in state.containers.values():
        if box["Name"] == f"/{name}":
            text = f'Conflict. The container name "/{name}" is already in use by container'
            text += f' "{box["Id"]}". You have to remove (or rename) that container to be able'
            raise ApiError(409, f"{text} to reuse that name.")


def request_api(state: State, request: Request) -> tuple[int, ...]:
    """Return the API version a request speaks: its path's, else the engine's own."""
    return tuple(int(part) for part in request.api.split(".")) if request.api else state.api


@route("GET", "/containers/{ref}/json")
def inspect(state: State, request: Request, ref: str) -> Response:
    box = public(state.container(ref))
    exact = request_api(state, request) >= (1, 45)
    for mine, shown in zip(
        state.container(ref)["NetworkSettings"]["Networks"].values(),
        box["NetworkSettings"]["Networks"].values(),
    ):
        if exact:
            shown["Aliases"] = mine["_asked"] or None
    return Response(200, box)


@route("POST", "/containers/{ref}/rename")
def rename(state: State, request: Request, ref: str) -> Response:
    box, name = state.container(ref), request.query.get("name", "").lstrip("/")
    if not NAME.match(name):
        text = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        raise ApiError(400, text)
    if box["Name"] == f"/{name}":
        raise ApiError(400, "Renaming a container with the same name as its current name")
    _free(state, name)
    old, box["Name"] = box["Name"], f"/{name}"
    state.container_event(box, "rename", oldName=old)
    return Response(204)


@route("POST", "/containers/{ref}/update")
def update(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    body = {k: v for k, v in request.json.items() if f"update {k}" not in state.ignores}
    host = box["HostConfig"]
    policy = body.get("RestartPolicy") or {}
    if policy.get("Name"):
        check_restart(policy, False)
    check_resources({**body, "MemorySwap": body.get("MemorySwap") if body.get("Memory") else 0})
    problem = _conflict(host, body, policy)
    if problem:
        raise ApiError(409, f"Cannot update container {box['Id']}: {problem}")
    if body.get("MemorySwap") and not body.get("Memory") and box["State"]["Running"]:
        text = f"Cannot update container {box['Id']}: runc did not terminate successfully"
        raise ApiError(500, f"{text}: exit status 1: write memory.memsw: invalid argument")
    host.update({name: body[name] for name in _KEPT_IF_ZERO if body.get(name)})
    if body.get("PidsLimit") is not None:
        host["PidsLimit"] = max(body["PidsLimit"], 0)
    if policy.get("Name"):
        host["RestartPolicy"] = {"MaximumRetryCount": 0, **policy}
    state.container_event(box, "update")
    return Response(200, {"Warnings": None})


def _conflict(host: Json, body: Json, policy: Json) -> str:
    if policy.get("Name", "no") not in ("", "no") and host["AutoRemove"]:
        return "Restart policy cannot be updated because AutoRemove is enabled for the container"
    for name, words in (("CpuPeriod", "CPU Period"), ("CpuQuota", "CPU Quota")):
        if body.get(name) and host["NanoCpus"]:
            return (
                f"Conflicting options: {words} cannot be updated as NanoCPUs has already been set"
            )
        if body.get("NanoCpus") and host[name]:
            return (
                f"Conflicting options: NanoCPUs cannot be updated as {words} has already been set"
            )
    if (body.get("Memory") or 0) > host["MemorySwap"] and not body.get("MemorySwap"):
        text = "Memory limit should be smaller than already set memoryswap limit, update the"
        return f"{text} memoryswap at the same time"
    return ""


@route("DELETE", "/containers/{ref}")
def remove(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    if box["State"]["Running"]:
        if not request.flag("force"):
            text = f"You cannot remove a running container {box['Id']}. Stop the container before"
            raise ApiError(409, f"{text} attempting removal or force remove")
        fake_life.kill(state, box, 9)
    fake_life.destroy(state, box, volumes=request.flag("v"))
    return Response(204)


@route("GET", "/events")
def events(state: State, request: Request) -> Response:
    filters = request.filters()

    def wanted(event: Json) -> bool:
        actor = event["Actor"]
        seen: Dict[str, Any] = {
            "type": [event["Type"]],
            "event": [event["Action"], event["Action"].partition(":")[0]],
            event["Type"]: [actor["ID"], actor["ID"][:12], actor["Attributes"].get("name")],
        }
        labels = filters.get("label", [])
        return all(has_label(actor["Attributes"], want) for want in labels) and all(
            any(want in seen.get(key, []) for want in values)
            for key, values in filters.items()
            if key != "label"
        )

    found = state.subscribe(wanted)

    def stream() -> Iterator[bytes]:
        for event in found:
            yield b"" if event is None else json.dumps(event).encode() + b"\n"

    return Response(200, stream=stream())
