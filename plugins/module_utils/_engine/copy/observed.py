# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a container where something is to be copied: read back through its archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import BinaryIO, Iterator, List, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.planned import Pending
from ..._desired.values import dig
from ..client.container_archive import Stat, members, stat
from ..client.engine import Client
from ..container.target import Target, look_at
from ..tar.reader import Member
from .desired import Desired
from .source import Entry, Source

_PIECE = 1 << 18
# Texts up to this size, in bytes, are kept for the diff.
SHOWN = 1 << 16
_LINKS = 8  # links in a row that are followed


@dataclass(frozen=True)
class Seen:
    """One entry that is there; `same` says if a file holds what is wanted, `text` what it holds."""

    entry: Entry
    same: bool = False
    text: Optional[bytes] = None


@dataclass(frozen=True)
class Observed:
    """One look. `path` is the target with links followed, `base` the nearest folder that exists
    above it, `missing` the folders between; `there` are entries by path below it.
    `read_only` says why nothing can be written there, "" if it can.
    For a fetch `there` is on this machine, and `wanted` what the container has. `blind` says that
    the engine does not tell owners.
    """

    target: Target
    path: str = ""
    base: str = ""
    missing: Tuple[str, ...] = ()
    there: Mapping[str, Seen] = field(default_factory=dict)
    uid: Optional[int] = None
    gid: Optional[int] = None
    wanted: Mapping[str, Entry] = field(default_factory=dict)
    blind: bool = False
    read_only: str = ""


def observe(
    client: Optional[Client], desired: Desired, source: Source, pending: Pending
) -> Observed:
    """Look at the target; InvalidOption for what cannot be copied to."""
    container = look_at(client, desired.container, pending)
    if client is None or not container.id:
        return Observed(container, desired.path)
    _reachable(container, desired.path)
    folder = source.entries[""].kind == "folder"
    through = folder or desired.follow
    path, seen = (
        follow(client, container.id, desired.path)
        if through
        else _plain(client, container, desired.path)
    )
    if seen is not None and (seen.kind == "folder") != folder:
        raise _clash(path, seen.kind, "dest")
    base, missing = _above(client, container.id, path)
    return Observed(
        target=container,
        path=path,
        base=base,
        missing=missing,
        there=dict(_all_there(client, container, path, source, desired, seen)) if seen else {},
        # Podman sets the owners that an archive names, and reads all of them back as root (5.8).
        blind=client.kind == "podman",
        uid=_number(client, container.id, desired.owner, "owner"),
        gid=_number(client, container.id, desired.group, "group"),
        read_only=_read_only(client, container, base),
    )


def _plain(client: Client, container: Target, path: str) -> Tuple[str, Optional[Stat]]:
    return path, stat(client, container.id, path)


def follow(client: Client, container: str, path: str) -> Tuple[str, Optional[Stat]]:
    """Return a path with the links at its end followed, and what is there."""
    for _number in range(_LINKS):
        seen = stat(client, container, path)
        if seen is None or seen.kind != "link":
            return path, seen
        above = path.rpartition("/")[0]
        path = seen.link if seen.link.startswith("/") else f"{above}/{seen.link}"
    raise InvalidOption(f"{path} is a link to itself", option="dest", hint="name its target")


def _reachable(container: Target, path: str) -> None:
    """Refuse what the engine keeps outside of the container's files: it would write beside it."""
    mounts = [
        m["Destination"] for m in dig(container.inspect, "Mounts") or () if m["Type"] == "tmpfs"
    ]
    hidden = ["/proc", "/sys", "/dev", *mounts, *(dig(container.inspect, "HostConfig.Tmpfs") or ())]
    for mount in hidden:
        if f"{path}/".startswith(f"{mount.rstrip('/')}/"):
            raise InvalidOption(
                f"{path} lies in {mount}, which is kept in memory, where the engine cannot "
                "reach it",
                option="dest",
                hint="copy elsewhere, or write it with dockyard.fleet.exec",
            )


def _read_only(client: Client, container: Target, path: str) -> str:
    """Say why an engine would refuse to write at a path: by its mount, or the container's root."""
    # A container that an earlier task of the run makes anew has other mounts.
    if container.unknown or not _reason_read_only(container, path):
        return ""
    real = ""  # a link on the way may lead into a mount that can be written to
    for part in filter(None, path.split("/")):
        real, _seen = follow(client, container.id, f"{real}/{part}")
    return _reason_read_only(container, real or "/")


def _reason_read_only(container: Target, path: str) -> str:
    mounts = {m["Destination"]: m for m in dig(container.inspect, "Mounts") or ()}
    above = [entry for entry in mounts if f"{path}/".startswith(f"{entry.rstrip('/')}/")]
    if above:
        mount = max(above, key=len)
        return "" if mounts[mount].get("RW", True) else f"{mount} is mounted read-only"
    return "its files are read-only" if dig(container.inspect, "HostConfig.ReadonlyRootfs") else ""


def _clash(path: str, kind: str, option: str) -> InvalidOption:
    if kind == "folder":
        hint = "end dest with / to copy into it" if option == "dest" else "remove it first"
        return InvalidOption(f"{path} is a folder in the container", option=option, hint=hint)
    text = f"{path} is a {kind} in the container, and a folder is to be copied"
    return InvalidOption(text, option=option, hint="remove it first, or copy elsewhere")


def _above(client: Client, container: str, path: str) -> Tuple[str, Tuple[str, ...]]:
    """Return the nearest folder above a path that exists, and those between that do not."""
    missing: List[str] = []
    above = path.rpartition("/")[0]
    while above:
        _real, seen = follow(client, container, above)
        if seen is not None:
            if seen.kind != "folder":
                raise InvalidOption(
                    f"{above} is a {seen.kind} in the container", option="dest", hint="correct it"
                )
            return above, tuple(reversed(missing))
        missing.append(above)
        above = above.rpartition("/")[0]
    return "/", tuple(reversed(missing))


def mounts_below(client: Client, container: Target, path: str) -> List[str]:
    """Return where something is mounted below a folder, if its archive does not show that.

    Podman's is of what lies beneath the mounts, as long as the container does not run (5.8).
    """
    mounts = dig(container.inspect, "Mounts") or () if client.kind == "podman" else ()
    start = f"{path.rstrip('/')}/"
    return sorted(m["Destination"] for m in mounts if m["Destination"].startswith(start))


def _all_there(
    client: Client, container: Target, path: str, source: Source, desired: Desired, top: Stat
) -> Iterator[Tuple[str, Seen]]:
    yield from _there(client, container.id, path, source, desired, top)
    for mount in mounts_below(client, container, path):
        prefix = mount[len(path.rstrip("/")) + 1 :]
        if any(entry == prefix or entry.startswith(f"{prefix}/") for entry in source.entries):
            yield from _there(client, container.id, mount, source, desired, top, f"{prefix}/")


def _there(
    client: Client,
    container: str,
    path: str,
    source: Source,
    desired: Desired,
    top: Stat,
    prefix: str = "",
) -> Iterator[Tuple[str, Seen]]:
    """Yield what is there of the entries that are to be copied, each as it is read."""
    if top.kind == "link":
        # The link itself is replaced; Podman would archive its target.
        yield "", Seen(Entry("link", 0o777, link=top.link))
        return
    for member, content in members(client, container, path):
        inner = (prefix + member.name.rstrip("/").partition("/")[2]).rstrip("/")
        wanted = source.entries.get(inner)
        if wanted is None:
            continue
        entry = entry_of(member)
        if client.kind == "podman":
            entry = replace(entry, uid=None, gid=None)
        if "folder" in (entry.kind, wanted.kind) and entry.kind != wanted.kind:
            raise _clash(f"{path}/{inner}", entry.kind, "src")
        same, text = False, None
        if entry.kind == "file" == wanted.kind:
            same, text = compare(content, entry.size, source, inner, wanted, desired.secret)
        yield inner, Seen(entry, same, text)
        if not inner and entry.kind != "folder":
            return


def entry_of(member: Member) -> Entry:
    """Return what an archive says of one entry."""
    kind = "file" if member.kind == "name" else member.kind
    link = member.link if kind == "link" else ""
    return Entry(kind, member.mode, member.size, link, member.uid, member.gid)


def compare(
    content: BinaryIO, size: int, source: Source, path: str, wanted: Entry, secret: bool
) -> Tuple[bool, Optional[bytes]]:
    """Tell if a file that is read once holds what is wanted; return its text too if it is short."""
    if content is None:
        return False, None  # a further name of a file before it in the archive
    if size <= SHOWN:
        data = content.read()
        if size != wanted.size:
            return False, None if secret else data
        with source.open(path) as file:
            same = file.read() == data
        return same, None if same or secret else data
    if size != wanted.size:
        return False, None
    with source.open(path) as file:
        pieces = iter(lambda: content.read(_PIECE), b"")
        return all(file.read(len(piece)) == piece for piece in pieces), None


def _number(client: Client, container: str, name: str, option: str) -> Optional[int]:
    """Return a user's or group's number, looked up in the container's own /etc."""
    if not name or name.isdigit():
        return int(name) if name else None
    what, file = ("user", "/etc/passwd") if option == "owner" else ("group", "/etc/group")
    path, seen = follow(client, container, file)
    text = ""
    if seen is not None and seen.kind == "file":
        for _member, content in members(client, container, path):
            text = content.read().decode("utf-8", "replace")
            break
    for line in text.splitlines():
        parts = line.split(":")
        if parts[0] == name and len(parts) > 2 and parts[2].isdigit():
            return int(parts[2])
    raise InvalidOption(
        f"there is no {what} {name} in the container's {file}", option=option, hint="give a number"
    )
