"""The fake engine's archives and commands are those of Docker 20.10: one story on both."""

from __future__ import annotations

import io
import re
import tarfile
import time
import uuid
from typing import Any, Callable, List

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import container_archive
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import (
    Frames,
    Raw,
    exit_code,
)

from tests.lab.engines import Engine
from tests.lab.fake_engine import FakeEngine

NAME = f"fleet-true-{uuid.uuid4().hex[:8]}"


def archive() -> bytes:
    """Return folders, a file of a user's and a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, kind, mode in (
            ("dir", tarfile.DIRTYPE, 0o1755),
            ("dir/file", tarfile.REGTYPE, 0o4750),
            ("link", tarfile.SYMTYPE, 0o777),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = kind, mode, 33, 7
            entry.linkname = "dir" if kind == tarfile.SYMTYPE else ""
            entry.size = 3 if kind == tarfile.REGTYPE else 0
            made.addfile(entry, io.BytesIO(b"abc"))
    return buffer.getvalue()


def story(client: Client) -> List[Any]:
    """Return what the engine answers to a number of requests, ids made equal."""
    seen: List[Any] = []
    box = f"/containers/{NAME}"

    def step(act: Callable[..., Any], *args: Any) -> Any:
        try:
            answer = act(*args)
        except EngineError as error:
            text = re.sub(r"/\S+?(?=/dir/)", "<root>", error.message)
            answer = (error.status, text.replace(made, "<id>"))
        seen.append(answer)
        return answer

    def read(path: str) -> Any:
        return [
            (one.name, one.kind, one.mode, one.uid, one.gid, one.size, one.link)
            for one, _content in container_archive.members(client, NAME, path)
        ]

    def run(**more: Any) -> Any:
        body = {"AttachStdout": True, "AttachStderr": True, **more}
        key = client.post(f"{box}/exec", None, body)["Id"]
        frames, start = Frames(False), b'{"Detach": false}'
        with Raw(client, "POST", f"/exec/{key}/start", None, start, "application/json") as raw:
            stdin = b"fed" if more.get("AttachStdin") else None
            for piece in raw.talk(stdin, None):
                frames.feed(piece)
        # A command's output may end before the engine has noticed the end of the command.
        return frames.texts(), exit_code(client, key, NAME, time.monotonic() + 60)

    made = client.post("/containers/create", {"name": NAME}, {"Image": "dev/busybox:1"})["Id"]
    try:
        step(client.put, f"{box}/archive", {"path": "/"}, archive())
        for path in ("/dir", "/dir/file", "/link/file", "/none", "/dir/file/x"):
            found = container_archive.stat(client, NAME, path)
            # The size of a folder is its file system's.
            seen.append(found and (found.kind, found.mode, found.kind == "folder" or found.size))
            step(read, path)
        step(client.put, f"{box}/archive", {"path": "/none"}, archive())
        step(client.put, f"{box}/archive", {"path": "/dir/file"}, archive())
        step(client.put, f"{box}/archive", {"path": "/link"}, archive())
        step(read, "/dir/dir")
        step(client.post, f"{box}/exec", None, {"Cmd": ["true"]})
        client.post(f"{box}/start")
        seen.append(run(Cmd=["echo", "a", "b"]))
        seen.append(run(Cmd=["cat"], AttachStdin=True))
        seen.append(run(Cmd=["nonesuch"]))
        seen.append(run(Cmd=["false"]))
    finally:
        client.delete(box, {"force": True, "v": True})
    return seen


def test_files_and_commands_are_alike(engine_of: Callable[[str], Engine]) -> None:
    with FakeEngine() as engine, Client(unix_dial(engine.socket_path), 10) as fake:
        engine.add_image("dev/busybox:1", cmd=["sleep", "1d"])
        with engine_of("d20").client(20) as real:
            told, true = story(fake), story(real)
    for mine, theirs in zip(told, true):
        assert mine == theirs
