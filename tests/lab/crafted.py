"""Archives that no honest program writes: entries in any order, with any names."""

from __future__ import annotations

import io
import tarfile
from typing import Any

_TYPES = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "name": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
}


def entry(name: str, kind: str = "file", data: bytes = b"", **more: Any) -> tarfile.TarInfo:
    """Return one entry; `more` are attributes of tarfile's own (linkname, mode, …)."""
    made = tarfile.TarInfo(name)
    made.type, made.size = _TYPES[kind], len(data)
    made.mode = 0o755 if kind == "folder" else 0o644
    for key, value in more.items():
        setattr(made, key, value)
    return made


def archive(*entries: tuple[Any, ...]) -> bytes:
    """Write entries given as (name, kind, data or target of the link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, given in entries:
            data = given if isinstance(given, bytes) else b""
            link = given if isinstance(given, str) else ""
            tar.addfile(entry(name, kind, data, linkname=link), io.BytesIO(data))
    return buffer.getvalue()
