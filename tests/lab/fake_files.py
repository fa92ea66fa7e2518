"""The files of the fake engine's containers: the archive endpoints (HEAD, GET and PUT)."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from dataclasses import dataclass
from typing import Dict, Iterator, Tuple

from .fake_routes import route
from .fake_state import ApiError, Json, State
from .serving import Request, Response

# Go's io/fs.FileMode: kinds and special bits stand above the permissions.
_GO_KINDS = {"folder": 1 << 31, "link": 1 << 27, "file": 0}
_GO_BITS = {0o4000: 1 << 23, 0o2000: 1 << 22, 0o1000: 1 << 20}
_TYPES = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "file": tarfile.REGTYPE}
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nwww:x:33:34::/:/bin/false\n"
_GROUP = b"root:x:0:\nwww:x:34:\nstaff:x:50:www\n"


@dataclass
class Node:
    """One file, folder or link."""

    kind: str
    mode: int = 0o644
    owner: Tuple[int, int] = (0, 0)
    data: bytes = b""
    link: str = ""


def tree(box: Json) -> Dict[str, Node]:
    """Return what a container holds, by absolute path; a new one has a few folders."""
    if "_tree" not in box:
        folders = ("/", "/etc", "/run", "/srv", "/tmp")
        made = {path: Node("folder", 0o755) for path in folders}
        made["/etc/passwd"] = Node("file", data=_PASSWD)
        made["/etc/group"] = Node("file", data=_GROUP)
        box["_tree"] = made
    found: Dict[str, Node] = box["_tree"]
    return found


def _mounted(state: State, box: Json) -> Dict[str, Tuple[str, Dict[str, Node]]]:
    """Show in a container what its named volumes hold; return (target, files) by volume."""
    found: Dict[str, Tuple[str, Dict[str, Node]]] = {}
    for mount in box["Mounts"]:
        volume, target = state.volumes.get(mount.get("Name", "")), mount["Destination"]
        if volume is not None:
            files: Dict[str, Node] = volume.setdefault("_files", {})
            tree(box).update({target: Node("folder", 0o755)})
            tree(box).update({f"{target}/{path}": node for path, node in files.items()})
            found[volume["Name"]] = (target, files)
    return found


def resolve(box: Json, path: str, last: bool = False) -> str:
    """Follow the links of a path but for its last part, as the engine does; `last` follows all."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    at, nodes = "", tree(box)
    for number, part in enumerate(parts):
        full = f"{at}/{part}"
        node = nodes.get(full)
        follow = last or number < len(parts) - 1
        if node is not None and node.kind == "link" and follow:
            target = node.link if node.link.startswith("/") else f"{at}/{node.link}"
            full = resolve(box, target, last=True)
        at = full.rstrip("/")
    return at or "/"


def _find(box: Json, ref: str, path: str) -> Tuple[str, Node]:
    full = resolve(box, path)
    above = full.rpartition("/")[0]
    if above and above in tree(box) and tree(box)[above].kind == "file":
        raise ApiError(500, f"lstat /var/lib/fake{full}: not a directory")
    if full not in tree(box):
        raise ApiError(404, f"Could not find the file {path} in container {ref}")
    return full, tree(box)[full]


def _stat(full: str, node: Node) -> Dict[str, str]:
    mode = node.mode & 0o777 | _GO_KINDS[node.kind]
    mode |= sum(go for bit, go in _GO_BITS.items() if node.mode & bit)
    said = {
        "name": full.rpartition("/")[2] or "/",
        "size": len(node.data) or len(node.link) or 4096,
        "mode": mode,
        "mtime": "2026-03-01T12:00:00Z",
        "linkTarget": node.link,
    }
    if node.kind == "file":
        said["size"] = len(node.data)
    text = base64.b64encode(json.dumps(said).encode()).decode()
    return {"X-Docker-Container-Path-Stat": text}


@route("HEAD", "/containers/{ref}/archive")
def head_archive(state: State, request: Request, ref: str) -> Response:
    full, node = _find(state.container(ref), ref, request.query.get("path", ""))
    return Response(200, headers=_stat(full, node))


@route("GET", "/containers/{ref}/archive")
def get_archive(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    _mounted(state, box)
    asked = request.query.get("path", "")
    full, node = _find(box, ref, asked)
    # Of "folder/." the engine sends what is in it.
    name = "." if asked.endswith("/.") else full.rpartition("/")[2] or "/"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, one in sorted(tree(box).items()):
            if path == full or path.startswith(full.rstrip("/") + "/"):
                inner = path[len(full.rstrip("/")) :]
                archive.addfile(_member(name + inner, one), io.BytesIO(one.data))
    kind = "application/x-tar"
    if "_archive" in box:  # what a test has this engine send, whatever is there
        return Response(200, body=box["_archive"], headers=_stat(full, node), kind=kind)
    return Response(200, body=buffer.getvalue(), headers=_stat(full, node), kind=kind)


def _member(name: str, node: Node) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name + "/" * (node.kind == "folder"))
    made.type, made.mode, made.linkname = _TYPES[node.kind], node.mode, node.link
    made.uid, made.gid = node.owner
    made.size = len(node.data)
    return made


@route("PUT", "/containers/{ref}/archive")
def put_archive(state: State, request: Request, ref: str) -> Response:
    box, path = state.container(ref), request.query.get("path", "")
    if box["HostConfig"]["ReadonlyRootfs"]:
        raise ApiError(403, "container rootfs is marked read-only")
    volumes = _mounted(state, box)
    full = resolve(box, path, last=True)
    if full not in tree(box):
        raise ApiError(404, f"Could not find the file {path} in container {ref}")
    if tree(box)[full].kind != "folder":
        raise ApiError(500, "extraction point is not a directory")
    for name, node in _unpacked(request.body):
        if name == ".":  # moby's unpacker leaves the folder as it is
            continue
        target = resolve(box, f"{full.rstrip('/')}/{name}")
        _place(box, target, node, keep=request.flag("noOverwriteDirNonDir"))
    for target, files in volumes.values():
        start = f"{target}/"
        inner = {at[len(start) :]: one for at, one in tree(box).items() if at.startswith(start)}
        files.update(inner)
    return Response(200)


def _unpacked(data: bytes) -> Iterator[Tuple[str, Node]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                kind = "folder" if member.isdir() else "link" if member.issym() else "file"
                handle = archive.extractfile(member) if kind == "file" else None
                content = handle.read() if handle else b""
                owner = (member.uid, member.gid)
                yield member.name, Node(kind, member.mode, owner, content, member.linkname)
    except tarfile.TarError as exc:
        raise ApiError(500, "unexpected EOF") from exc


def _place(box: Json, target: str, node: Node, *, keep: bool) -> None:
    nodes = tree(box)
    there = nodes.get(target)
    if keep and there and (there.kind == "folder") != (node.kind == "folder"):
        words = ("non-directory", "directory") if node.kind == "file" else ("directory", "non-")
        raise ApiError(400, f"cannot overwrite {words[1]} {target} with {words[0]}")
    above = target.rpartition("/")[0]
    while above and above not in nodes:  # as moby's unpacker makes them
        nodes[above] = Node("folder", 0o755)
        above = above.rpartition("/")[0]
    nodes[target] = node
