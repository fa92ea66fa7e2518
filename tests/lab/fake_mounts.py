"""Binds, mounts and volumes of a container at create, as Docker 20.10.24 checks and shows them."""

from __future__ import annotations

import re
from typing import Any, List, Set, Tuple

from .fake_state import ApiError, Json, State, now

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+\Z")


def check_mounts(host: Json, api: Tuple[int, ...] = (1, 41)) -> None:
    types = ("bind", "volume", "tmpfs", *(("image",) if api >= (1, 48) else ()))
    seen: Set[str] = set()
    for bind in host.get("Binds") or []:
        source, destination, mode = split_bind(bind)
        if not destination.startswith("/"):
            text = f"invalid volume specification: '{bind}': invalid mount config for type"
            text += f" \"bind\": invalid mount path: '{destination}' mount path must be absolute"
            raise ApiError(500, text)
        if not source.startswith("/") and source and not NAME.match(source):
            text = f'create {source}: "{source}" includes invalid characters for a local volume'
            text += ' name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass'
            raise ApiError(400, f"{text} a host directory, use absolute path")
        for word in filter(None, mode.split(",")):
            if not re.match(r"ro|rw|z|Z|nocopy|r?(shared|slave|private)", word):
                raise ApiError(500, f"invalid mode: {mode}")
        _once(seen, destination)
    for mount in host.get("Mounts") or []:
        if mount.get("Type") not in types:
            text = f'invalid mount config for type "{mount.get("Type")}": mount type unknown'
            raise ApiError(400, text)
        _once(seen, mount.get("Target", ""))
    for target in host.get("Tmpfs") or {}:
        _once(seen, target)


def _once(seen: Set[str], destination: str) -> None:
    if destination in seen:
        raise ApiError(400, f"Duplicate mount point: {destination}")
    seen.add(destination)


def split_bind(bind: str) -> Tuple[str, str, str]:
    """Split `source:destination:mode`; a lone path is an anonymous volume."""
    parts = bind.split(":")
    if len(parts) == 1:
        return "", parts[0], ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


def mounts_of(state: State, host: Json, config: Json) -> List[Json]:
    mounts = [_bind(state, bind) for bind in host["Binds"] or []]
    mounts += [_mount(state, mount) for mount in host.get("Mounts") or []]
    taken = {mount["Destination"] for mount in mounts} | set(host.get("Tmpfs") or {})
    for lender in host.get("VolumesFrom") or []:
        name, _colon, mode = lender.partition(":")
        lent = [m for m in state.container(name)["Mounts"] if m["Destination"] not in taken]
        mounts += [{**mount, "RW": mount["RW"] and mode != "ro"} for mount in lent]
        taken |= {mount["Destination"] for mount in lent}
    for destination in config["Volumes"] or {}:
        if destination not in taken:
            mounts.append(_volume(state, "", destination, "", True))
    return mounts


def _bind(state: State, bind: str) -> Json:
    source, destination, mode = split_bind(bind)
    writable = "ro" not in mode.split(",")
    if not source.startswith("/"):
        return _volume(state, source, destination, mode or "z", writable)
    modes = [word for word in mode.split(",") if re.search("shared|slave|private", word)]
    return {
        "Type": "bind",
        "Source": source,
        "Destination": destination.rstrip("/") or "/",
        "Mode": mode,
        "RW": writable,
        "Propagation": modes[0] if modes else "rprivate",
    }


def _mount(state: State, mount: Json) -> Json:
    writable = not mount.get("ReadOnly")
    if mount["Type"] == "volume":
        return _volume(state, mount.get("Source") or "", mount["Target"], "z", writable)
    made = {"Type": mount["Type"], "Source": mount.get("Source") or ""}
    made.update(Destination=mount["Target"], Mode="", RW=writable, Propagation="")
    if mount["Type"] == "bind":
        made["Propagation"] = (mount.get("BindOptions") or {}).get("Propagation") or "rprivate"
    return made


def _volume(state: State, name: str, destination: str, mode: str, writable: bool) -> Json:
    anonymous = not name
    name = name or state.new_id()
    if name not in state.volumes:
        # As Docker does from API 1.42 on.
        label = {"com.docker.volume.anonymous": ""} if anonymous and state.api >= (1, 42) else None
        state.volumes[name] = new_volume(name, anonymous=anonymous, Labels=label)
    return {
        "Type": "volume",
        "Name": name,
        "Source": f"/var/lib/docker/volumes/{name}/_data",
        "Destination": destination.rstrip("/") or "/",
        "Driver": state.volumes[name]["Driver"],
        "Mode": mode,
        "RW": writable,
        "Propagation": "",
    }


def new_volume(name: str, *, anonymous: bool = False, **more: Any) -> Json:
    return {
        "CreatedAt": now()[:19] + "Z",
        "Driver": "local",
        "Labels": None,
        "Mountpoint": f"/var/lib/docker/volumes/{name}/_data",
        "Name": name,
        "Options": None,
        "Scope": "local",
        **more,
        "_anonymous": anonymous,
    }
