"""Another host whose images are taken, for the core alone: a second engine at a socket."""

from __future__ import annotations

import contextlib
import io
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import Raw
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.contents import (
    Contents,
    Layer,
    read_contents,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.layers_there import (
    layers_of,
    sizes_of,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.offer import Offer
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.pull import inspect
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.tar.reader import Tar


class FakeOrigin:
    """The engine at a socket as `host`; `coming` is what earlier tasks of a check would do there.

    `asked` lists the layers that were asked for, `spoil` may change the bytes of one.
    """

    def __init__(self, socket: str, host: str = "other", coming: Sequence[str] = ()) -> None:
        self.host = host
        self._coming = coming
        self.client = Client(unix_dial(socket), 10)
        self.asked: List[str] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data

    def offer(self, reference: str) -> Offer:
        if reference in self._coming:
            return Offer(None, "an earlier task")
        image = inspect(self.client, reference)
        if image is None:
            return Offer(None)
        rows = self.client.get(f"/images/{image['Id']}/history")
        return Offer(image, "", 0, sizes_of(rows, layers_of(image)))

    def contents(self, image: Mapping[str, Any], diffs: Sequence[str], tell: Any) -> Contents:
        return read_contents(self._files(image), image)

    @contextlib.contextmanager
    def blobs(
        self, image: Mapping[str, Any], layers: Sequence[Layer], tell: Any
    ) -> Iterator[Mapping[str, BinaryIO]]:
        files = self._files(image)
        self.asked += [layer.digest for layer in layers]
        yield {
            layer.digest: io.BytesIO(self.spoil(files[layer.member][1] or b"")) for layer in layers
        }

    def _files(self, image: Mapping[str, Any]) -> Dict[str, Tuple[int, Optional[bytes]]]:
        with Raw(self.client, "GET", f"/images/{image['Id']}/get") as answer:
            source = io.BytesIO(b"".join(answer.pieces()))
        return {member.name: (member.size, content.read()) for member, content in Tar(source)}
