"""The image that containers of the tests are made from, on an engine that has no registry."""

from __future__ import annotations

import io
import shutil
import tarfile

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.server_image import run

BUSYBOX = "dev/busybox:1"


def import_busybox(socket: str) -> None:
    """Make dev/busybox:1 of Debian's static busybox, with a link for each of its programs."""
    busybox = shutil.which("busybox") or "/bin/busybox"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        for applet in run(busybox, "--list").split():
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            if applet != "busybox":
                archive.addfile(link)
    name, _colon, tag = BUSYBOX.partition(":")
    query = {"fromSrc": "-", "repo": name, "tag": tag, "changes": 'CMD ["sleep", "1d"]'}
    kind = {"Content-Type": "application/x-tar"}
    with Client(unix_dial(socket)) as client:
        for _progress in client.stream("POST", "/images/create", query, buffer.getvalue(), kind):
            pass
