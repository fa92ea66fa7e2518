# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the sender's host: it reads an image's archive there and passes on parts of it.

Engines give an image whole or not at all. So that layers which nobody needs do not travel, a
program that is sent along reads the archive beside the engine; it needs python3 and writes nothing
to the host.

What it prints: for each file a line with `[name, size, sent]` in JSON, then `sent` bytes of it; at
the end the line `[]`.
"""

from __future__ import annotations

import json
import shlex
import socket
from typing import Any, BinaryIO, Collection, Iterator, List, Mapping, Optional, Tuple

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.client.address import Address
from ...module_utils._engine.image.contents import MAX_DOCUMENT
from ...module_utils._engine.tar.reader import BadArchive, Content, Member
from ..channel.probe import LONGEST
from ..channel.relay import Relay, Wire
from ..channel.ssh import Ssh, last_line

_NAME = 300  # characters of the name of a file in an archive of images
# The archive is read without a version of the API, so that an engine takes its own.
_PYTHON = """\
import http.client, json, socket, sys, tarfile
target, names, most = sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
engine = socket.socket(socket.AF_UNIX)
engine.connect(sys.argv[1])
head = "GET %s HTTP/1.1\\r\\nHost: engine\\r\\nConnection: close\\r\\n\\r\\n"
engine.sendall((head % target).encode())
answer = http.client.HTTPResponse(engine)
answer.begin()
if answer.status != 200:
    sys.exit("the engine answered %d %s" % (answer.status, answer.reason))
out = sys.stdout.buffer
tar = tarfile.open(fileobj=answer, mode="r|")
for member in tar:
    if not member.isfile():
        continue
    named = member.name in names
    wanted = named or member.size <= most
    file = tar.extractfile(member)
    data = file.read(min(member.size, 65536)) if wanted else b""
    if not named and data[:1] not in (b"{", b"["):
        wanted = False
    row = [member.name, member.size, member.size if wanted else 0]
    out.write(json.dumps(row).encode() + b"\\n")
    while wanted and data:
        out.write(data)
        data = file.read(65536)
    tar.members = []
out.write(b"[]\\n")
"""


class Filter(Relay):
    """A program on the sender's host for each archive that is read there; Blocked without python3.

    The arguments are a relay's. `idle` (seconds) bounds each silence.
    """

    def __init__(
        self, ssh: Optional[Ssh], connection: Any, become: Any, address: Address, timeout: float
    ) -> None:
        self._words = ""
        super().__init__(ssh, connection, become, address, timeout)

    @property
    def _commands(self) -> Mapping[str, str]:  # type: ignore[override]
        return {"python3": f'python3 -I -S -c {shlex.quote(_PYTHON)} "$s" {self._words}'}

    def _first(self) -> None:
        """Start nothing: what it is to read is yet to be said."""

    def files(
        self, target: str, names: Collection[str], documents: bool, idle: float
    ) -> Iterator[Tuple[Member, Content]]:
        """Return the files of an archive that `GET target` gives: of those with these names the
        bytes, and if `documents` is set those of short documents. Of others the content is empty.

        Raise Blocked if the host cannot run it; while they are read, BadArchive if the archive ends
        before its end, FleetError if nothing comes.
        """
        most = str(MAX_DOCUMENT if documents else 0)
        words = (target, json.dumps(sorted(names)), most)
        self._words = " ".join(shlex.quote(word) for word in words)
        return self._read(self._start(), idle)

    def _read(self, wire: Wire, idle: float) -> Iterator[Tuple[Member, Content]]:
        try:
            wire.stream.settimeout(idle)
            with wire.stream.makefile("rb") as source:
                for row in iter(lambda: _row(source), []):
                    name, size, sent = row
                    member = Member(name=name, kind="file", size=sent)
                    content = Content(source, member)
                    yield Member(name=name, kind="file", size=size), content
                    content.read()
        except socket.timeout:
            raise FleetError(f"{self._host} sent nothing for {idle:g} s") from None
        except BadArchive as error:
            text = last_line(wire.errors())
            raise BadArchive(f"{error}: {text}") from None


def _row(source: BinaryIO) -> List[Any]:
    line = source.readline(LONGEST)
    try:
        row: Any = json.loads(line)
    except ValueError:
        raise BadArchive("it ends early" if not line.endswith(b"\n") else "it is damaged") from None
    fits = isinstance(row, list) and (not row or _is_file(*row))
    if not fits:
        raise BadArchive("it is damaged")
    return list(row)


def _is_file(name: Any = None, size: Any = None, sent: Any = None, *more: Any) -> bool:
    whole = all(isinstance(entry, int) and not isinstance(entry, bool) for entry in (size, sent))
    numbers = whole and min(size, sent) >= 0
    named = isinstance(name, str) and len(name) <= _NAME
    return named and numbers and sent in (0, size) and not more
