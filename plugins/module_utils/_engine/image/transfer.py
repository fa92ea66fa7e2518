# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking an image from another host: the layers that are missing, verified, then the tag.

It is loaded without a name. So a transfer that is cut, or brings something else, moves no tag.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.engine import Client
from ..client.errors import ConnectionLost, EngineError
from ..values.image_reference import parse_reference
from .contents import Contents, Layer, archive
from .layers_there import PARTIAL, layers_of, shared
from .offer import Offer, Origin, keeps_manifests
from .pull import cannot, inspect

# Layers are written while they come: seconds of silence that mean failure.
_SILENCE = 600
# Bytes of layers in one load: what a cut may cost, as long as a layer is not larger.
_AT_ONCE = 32 << 20
# The version of the Engine API from which an image tells whether all of it is there.
_TELLS_WHOLE = (1, 48)


def transfer(work: Work, step: Step) -> bool:
    """Have another host's image under the step's name; False if the engine had it already.

    Raise FleetError if what arrived is not that image: the name means what it meant before then.
    """
    name, origin = step.args["on"], _origin(work)
    offer = _offer(work, name)
    image = offer.image
    if image is None:
        raise ValueError("a step transfer without an image")
    there = _there(work, offer, layers_of(image))
    contents = origin.contents(image, layers_of(image)[there:], work.tell)
    sent = 0
    ident = _arrived(work.client, contents, True)
    if ident is None:
        ident, sent = _sent(work, step, contents, there)
    useful = bool(sent) or ident != (inspect(work.client, name) or {}).get("Id")
    _tag(work.client, ident, name, step.address)
    _remove_partial(work.client, contents, str(image["Id"]))
    report = work.shared.setdefault("report", {})
    layers = {"layers": len(contents.layers), "sent": sent}
    report.setdefault("transfers", []).append({"name": name, "from": origin.host, **layers})
    work.shared.setdefault("layers", []).append(contents.diffs)
    if work.desired.names:
        seen = {entry: inspect(work.client, entry) for entry in work.desired.names}
        report["images"] = listed(seen)
    return useful


def listed(there: Mapping[str, Optional[Mapping[str, Any]]]) -> List[Dict[str, Any]]:
    """Return images by name as a result lists them: `id`, and `tags`."""
    return [
        {"id": str(image["Id"]), "tags": [name]}
        for name, image in there.items()
        if image is not None
    ]


def _origin(work: Work) -> Origin:
    origin: Optional[Origin] = work.desired.origin
    if origin is None:
        raise ValueError("a step transfer without another host")
    return origin


def _offer(work: Work, name: str) -> Offer:
    offer: Offer = work.snapshot.offers[name]
    return offer


def _there(work: Work, offer: Offer, layers: Sequence[str]) -> int:
    """Return how many layers the engine has, those that this run has brought included."""
    return max(offer.there, shared(layers, work.shared.get("layers", ())))


def _sent(work: Work, step: Step, contents: Contents, there: int) -> Tuple[str, int]:
    """Send the layers above those that are there, then all of them if the engine cannot do with
    that; return the id that the engine has it by, and how many bytes of layers were sent."""
    sending = _Sending(work, step, contents)
    try:
        ident = sending.parts(there)
    except EngineError as error:
        if isinstance(error, ConnectionLost) or _is_full(error) or not sending.assumed:
            raise _failed(error, step) from error
        ident = None
    if ident is None and sending.assumed:
        try:
            ident = sending.whole()
        except EngineError as error:
            raise _failed(error, step) from error
        _note(work, f"{step.args['on']}: sent whole, the engine could not use parts of it")
    if ident is None:
        raise FleetError(
            "the engine accepted the image, but does not have all of it",
            address=step.address,
            hint="see the engine's log",
        )
    return ident, sending.size


class _Sending:
    """An image on its way: `size` counts what was sent, `assumed` says that a load has relied on
    layers that were there, or had come before."""

    def __init__(self, work: Work, step: Step, contents: Contents) -> None:
        self._work = work
        self._contents = contents
        self._image = _offer(work, step.args["on"]).image or {}
        self.size = self._whole = self._gone = 0
        self.assumed = False

    def parts(self, there: int) -> Optional[str]:
        """Send the layers above those that are there, in several loads if they are large: what one
        has brought stays, in an image without a name, when the next one is cut."""
        layers = self._contents.layers
        ends = _ends(layers, there)
        self._whole = _size(layers[there:])
        label = {PARTIAL: str(self._image["Id"])}
        with _origin(self._work).blobs(self._image, layers[there:], self._work.tell) as blobs:
            for begin, end in zip([there, *ends], ends):
                last = end == len(layers)
                contents = self._contents if last else self._contents.lowest(end, label)
                self.assumed = self.assumed or begin > 0
                ident = self._load(contents, layers[begin:end], blobs)
                if ident is None or last:
                    return ident
        return None

    def whole(self) -> Optional[str]:
        """Send all layers at once."""
        layers = self._contents.layers
        self.assumed = False
        self._whole = self.size + _size(layers)
        with _origin(self._work).blobs(self._image, layers, self._work.tell) as blobs:
            return self._load(self._contents, layers, blobs)

    def _load(
        self, contents: Contents, layers: Sequence[Layer], blobs: Mapping[str, BinaryIO]
    ) -> Optional[str]:
        """Load an image with these layers; return the id that the engine has it by, None if it is
        not whole then. What came of a failure is removed, if it was not there before."""
        client = self._work.client
        before = {ident for ident in contents.ids if inspect(client, ident) is not None}
        sent = {layer.digest: blobs[layer.digest] for layer in layers}
        headers = {"Content-Type": "application/x-tar"}
        body = self._told(archive(contents, sent))
        self._gone, self.size = self.size, self.size + _size(layers)
        ident: Optional[str] = None
        try:
            for _part in client.stream(
                "POST", "/images/load", {"quiet": True}, body, headers, _SILENCE
            ):
                pass
            ident = _arrived(client, contents, self.assumed)
            return ident
        finally:
            if ident is None:
                _remove(client, contents, before)

    def _told(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        from ..._desired.progress import counted

        yield from counted(self._work.tell, pieces, "sending", self._whole, self._gone)
        self._work.tell("waiting for the engine to unpack it")


def _size(layers: Sequence[Layer]) -> int:
    return sum({layer.digest: layer.size for layer in layers}.values())


def _ends(layers: Sequence[Layer], there: int) -> List[int]:
    """Return up to which layer each load goes, the last one to the end."""
    ends: List[int] = []
    size = 0
    for number in range(there, len(layers) - 1):
        size += layers[number].size
        if size >= _AT_ONCE:
            ends.append(number + 1)
            size = 0
    return [*ends, len(layers)]


def _note(work: Work, text: str) -> None:
    work.shared.setdefault("report", {}).setdefault("notes", []).append(text)


def _remove_partial(client: Client, contents: Contents, label: str) -> None:
    """Remove the images that have kept the layers of this one until it was whole."""
    filters = {"label": [f"{PARTIAL}={label}"]}
    for entry in client.get("/images/json", {"filters": filters}) or ():
        if entry["Id"] not in contents.ids:
            client.discard(f"/images/{entry['Id']}", {"force": True})


def _remove(client: Client, contents: Contents, before: Any) -> None:
    """Remove what an unsuccessful load left, which has no name."""
    for ident in contents.ids:
        try:
            image = None if ident in before else inspect(client, ident)
            if image is not None and not image.get("RepoTags"):
                client.discard(f"/images/{ident}")
        except FleetError:
            return  # its failure is told; the next run begins with what is there then


def _arrived(client: Client, contents: Contents, partial: bool) -> Optional[str]:
    """Return the id by which an engine has an image with all of its layers, None if it has not.

    Ids are digests of what the engine has verified. A `partial` archive may have left an engine
    without blobs that it took for present.
    """
    for ident in contents.ids:
        image = inspect(client, ident)
        if image is None or layers_of(image) != contents.diffs:
            continue
        if partial and keeps_manifests(image) and not _is_whole(client, ident, contents):
            continue
        return str(image["Id"])
    return None


def _is_whole(client: Client, ident: str, contents: Contents) -> bool:
    """Tell whether an engine that keeps images in containerd has all blobs of one."""
    if client.api < _TELLS_WHOLE:
        return False
    image = client.get(f"/images/{ident}/json", {"manifests": True})
    entries = image.get("Manifests") or ()
    return any(e.get("ID") == contents.manifest and e.get("Available") is True for e in entries)


def _tag(client: Client, ident: str, name: str, address: str) -> None:
    reference = parse_reference(name, "name")
    try:
        client.post(f"/images/{ident}/tag", {"repo": reference.name, "tag": reference.tag})
    except EngineError as error:
        error.address = address
        raise
    if (inspect(client, name) or {}).get("Id") != ident:
        raise FleetError(
            "the engine reported success, but the name means another image",
            address=address,
            hint="somebody else may have tagged another image; run again",
        )


def _is_full(error: EngineError) -> bool:
    return "no space left" in error.message.lower()


def _failed(error: EngineError, step: Step) -> FleetError:
    lost = isinstance(error, ConnectionLost)
    return cannot(error, f"the transfer {'was interrupted' if lost else 'failed'}", step.address)
