# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of another host, from which images are taken; see Origin in `_engine/image/offer.py`.

Its archive is read beside it where that is possible (`filter.py`), else it comes here whole, once
for all receivers of a run (`store.py`).
"""

from __future__ import annotations

import contextlib
import os
from typing import (
    Any,
    BinaryIO,
    Callable,
    Collection,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure

from ...module_utils._desired.errors import EngineMissing, FleetError
from ...module_utils._desired.planned import read_planned, will_be, will_go
from ...module_utils._desired.progress import counted
from ...module_utils._engine.client.address import TCP
from ...module_utils._engine.client.engine import Client, target
from ...module_utils._engine.client.errors import EngineError
from ...module_utils._engine.client.raw_stream import Raw
from ...module_utils._engine.image.contents import MAX_DOCUMENT, Contents, Layer, read_contents
from ...module_utils._engine.image.layers_there import layers_of, sizes_of
from ...module_utils._engine.image.offer import Offer
from ...module_utils._engine.image.pull import inspect
from ...module_utils._engine.tar.reader import BadArchive, Content, Member, Tar
from ..channel.open import BUILTIN, Channel, NoChannel, become_of, open_channel
from ..channel.probe import Blocked
from ..channel.ssh import Ssh
from .filter import Filter
from .other_host import OPTION, action_on
from .store import Store, close_all

# An engine writes an archive together before it sends it: seconds of silence that mean failure.
_SILENCE = 1200
# What no archive of one image comes near to: files, bytes of documents.
_MOST = 10_000
_DOCUMENTS = 64 << 20
_PIECE = 1 << 18
Tell = Callable[[str], None]
Files = Iterator[Tuple[Member, Content]]
_SSH = tuple(name for name in BUILTIN if name.rpartition(".")[2] == "ssh")


class Sender:
    """The engine of `host`, reached when it is needed; close() ends the way.

    `engine` is its address on that host, "" for the usual one. `coming` has what earlier tasks of
    a check would do there, by address (see Pending in `plugin_utils/action/planned.py`).
    """

    def __init__(
        self,
        action: Any,
        host: str,
        engine: str,
        timeout: float,
        task_vars: Mapping[str, Any],
        coming: Mapping[str, Any],
    ) -> None:
        self.host = host
        self._action = action
        self._options = {"engine_host": engine or None, "engine_timeout": timeout}
        self._vars = task_vars
        self._coming = read_planned(coming)
        self._open = contextlib.ExitStack()
        self._there: Optional[Client] = None
        self._filter: Optional[Filter] = None
        self._place = ""
        self._offers: Dict[str, Offer] = {}

    def close(self) -> None:
        """End the way."""
        self._open.close()

    # -- what it has ----------------------------------------------------------------------

    def offer(self, reference: str) -> Offer:
        """Return what it has by this name; reads only."""
        if reference not in self._offers:
            self._offers[reference] = self._look(reference)
        return self._offers[reference]

    def _look(self, reference: str) -> Offer:
        address = f"image/{reference}"
        if will_go(self._coming, address):
            return Offer(None)
        coming = will_be(self._coming, address) or will_be(self._coming, "engine")
        if coming:
            return Offer(None, coming)
        with self._named():
            client = self._client()
            image = inspect(client, reference)
            if image is None:
                return Offer(None)
            history = client.get(f"/images/{image['Id']}/history")
        return Offer(image, "", 0, sizes_of(history, layers_of(image)))

    def contents(self, image: Mapping[str, Any], diffs: Sequence[str], tell: Tell) -> Contents:
        """Return what an image consists of. The layers that are missing, by the digests of their
        files, come along where the names of an archive say which they are."""
        key, store = self._key(image), self._store()
        tell(f"asking {self.host} what it consists of")
        with store.turn(key):
            noted = store.noted(key)
            if noted is not None:
                return Contents.of(noted)
            with self._named():
                contents = self._read(image, diffs, store, tell)
            store.note(key, contents.public())
        return contents

    @contextlib.contextmanager
    def blobs(
        self, image: Mapping[str, Any], layers: Sequence[Layer], tell: Tell
    ) -> Iterator[Mapping[str, BinaryIO]]:
        """Give the blobs of layers by their digests, verified, within the block."""
        store = self._store()
        blobs: Dict[str, BinaryIO] = {}
        try:
            with store.turn(self._key(image)):
                missing = _open(store, layers, blobs)
                if missing:
                    with self._named():
                        self._take(image, store, missing, tell)
                    missing = _open(store, missing, blobs)
            if missing:
                text = f"{self.host} did not send {missing[0].digest}"
                raise FleetError(text, hint="run again")
            yield blobs
        finally:
            close_all(blobs)

    # -- reading --------------------------------------------------------------------------

    def _read(
        self, image: Mapping[str, Any], diffs: Sequence[str], store: Store, tell: Tell
    ) -> Contents:
        """Read the archive for its documents; layers that come are kept."""
        files: Dict[str, Tuple[int, Optional[bytes]]] = {}
        wanted = _members_of([diff for diff in diffs if not store.has(diff)])
        come = documents = 0
        for number, (member, content) in enumerate(self._archive(image, wanted, True)):
            data: Optional[bytes] = None
            if number == _MOST or documents > _DOCUMENTS:
                raise BadArchive("it has more than images have")
            if member.name in wanted or (self._filter is None and member.size > MAX_DOCUMENT):
                digest = wanted.get(member.name, "")
                come = self._kept(store, member, content, digest, come, tell)
            elif member.size <= MAX_DOCUMENT:
                data = content.read() or None
            if data is not None and data[:1] not in (b"{", b"["):
                if self._filter is None:
                    store.keep([data], len(data))
                data = None
            documents += len(data or b"")
            files[member.name] = (member.size, data)
        return read_contents(files, image)

    def _take(
        self, image: Mapping[str, Any], store: Store, layers: Sequence[Layer], tell: Tell
    ) -> None:
        digests = {layer.member: layer.digest for layer in layers}
        whole = sum({layer.digest: layer.size for layer in layers}.values())
        come = 0
        for member, content in self._archive(image, digests, False):
            if member.name in digests:
                digest = digests[member.name]
                come = self._kept(store, member, content, digest, come, tell, whole)

    def _kept(
        self,
        store: Store,
        member: Member,
        content: Content,
        digest: str,
        come: int,
        tell: Tell,
        whole: int = 0,
    ) -> int:
        """Keep a layer; return how many bytes have come with it, of `whole` where that is known."""
        pieces = iter(lambda: content.read(_PIECE), b"")
        word = f"reading from {self.host}"
        store.keep(counted(tell, pieces, word, whole, come), member.size, digest)
        return come + member.size

    def _archive(self, image: Mapping[str, Any], names: Collection[str], documents: bool) -> Files:
        """Yield the files of an image's archive; it is named by its id, which nobody can move."""
        path = f"/images/{image['Id']}/get"
        self._client()
        if self._filter is not None:
            try:
                files = self._filter.files(target(path), names, documents, _SILENCE)
            except Blocked:
                self._filter = None  # the host has no python3
            else:
                yield from files
                return
        with Raw(self._client(), "GET", path, idle=_SILENCE) as answer:
            for member, content in Tar(_Pieces(answer.pieces()), _MOST):
                if member.kind == "file":
                    yield member, content

    # -- the way --------------------------------------------------------------------------

    def _client(self) -> Client:
        if self._there is None:
            action = action_on(self._action, self.host, self._vars)
            # Many receivers at once would open as many connections, which ssh servers refuse.
            with self._store().turn(f"the way to {self.host}"):
                channel = open_channel(action, self._options)
            self._open.callback(channel.close)
            client = Client(channel.dial, float(self._options["engine_timeout"] or 60))
            self._open.callback(client.close)
            self._place = channel.engine(self.host)
            self._filter = self._filter_on(action._connection, channel)
            self._there = client
        return self._there

    def _filter_on(self, connection: Any, channel: Channel) -> Optional[Filter]:
        """Return what reads archives on the host, None where they come here whole: an engine of
        this machine, a port, a host without python3."""
        if str(getattr(connection, "ansible_name", "")) not in _SSH or not channel.of_host:
            return None
        if channel.address.scheme == TCP:
            return None
        timeout = float(self._options["engine_timeout"] or 60)
        try:
            ssh = Ssh(connection)
            become = become_of(connection, ssh.user)
            result = Filter(ssh, connection, become, channel.address, timeout)
        except Blocked:
            return None
        self._open.callback(result.close)
        return result

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Let failures name the host: the task's own host is not the one to look at."""
        try:
            yield
        except (NoChannel, AnsibleConnectionFailure) as error:
            text = f"cannot reach the engine of {self.host}: {error}"
            raise FleetError(text, option=OPTION) from error
        except EngineMissing as error:
            raise FleetError(error.message, option=OPTION, hint=error.hint) from error
        except BadArchive as error:
            text = f"the archive that came from {self.host} cannot be read: {error}"
            raise FleetError(text, hint="run again") from error
        except EngineError as error:
            raise FleetError(f"{self.host}: {error.message}", hint=error.hint) from error

    def _store(self) -> Store:
        return Store(os.path.join(str(C.DEFAULT_LOCAL_TMP), "dockyard.fleet-layers"))

    def _key(self, image: Mapping[str, Any]) -> str:
        with self._named():
            self._client()
        return f"{self._place} {image['Id']}"


class _Pieces:
    """A stream's pieces as a file: read(n) gives fewer bytes only at the end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def _members_of(diffs: Sequence[str]) -> Dict[str, str]:
    """Return what an archive may call layers that are not compressed, and their digests: as Docker
    does from 25 on, and Podman. Docker 20.10 gives them names that say nothing."""
    bare = {diff.rpartition(":")[2]: diff for diff in diffs}
    newer = {f"blobs/sha256/{name}": diff for name, diff in bare.items()}
    return {**newer, **{f"{name}.tar": diff for name, diff in bare.items()}}


def _open(store: Store, layers: Sequence[Layer], blobs: Dict[str, BinaryIO]) -> List[Layer]:
    """Open what has come of layers; return those that have not."""
    missing = {}
    for layer in layers:
        blob = None if layer.digest in blobs else store.open(layer.digest)
        if blob is not None:
            blobs[layer.digest] = blob
        elif layer.digest not in blobs:
            missing[layer.digest] = layer
    return list(missing.values())
