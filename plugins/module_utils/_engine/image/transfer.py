# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking an image from another host: the layers that are missing, verified, then the tag.

It is loaded without a name. So a transfer that is cut, or brings something else, moves no tag.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.engine import Client
from ..client.errors import ConnectionLost, EngineError
from ..values.image_reference import parse_reference
from .contents import Contents, Layer, archive
from .layers_there import layers_of, shared
from .offer import Offer, Origin, keeps_manifests
from .pull import cannot, inspect

# Layers are written while they come: seconds of silence that mean failure.
_SILENCE = 600
# The version of the Engine API from which an image tells whether all of it is there.
_TELLS_WHOLE = (1, 48)


def transfer(work: Work, step: Step) -> bool:
    """Have another host's image under the step's name; False if the engine had it already.

    Raise FleetError if what arrived is not that image: the name means what it meant before then.
    """
    name, origin = step.args["on"], _origin(work)
    image = _offer(work, name).image
    if image is None:
        raise ValueError("a step transfer without an image")
    contents = origin.contents(image, work.tell)
    sent = 0
    ident = _arrived(work.client, contents, True)
    if ident is None:
        ident, sent = _sent(work, step, contents)
    useful = bool(sent) or ident != (inspect(work.client, name) or {}).get("Id")
    _tag(work.client, ident, name, step.address)
    report = work.shared.setdefault("report", {})
    layers = {"layers": len(contents.layers), "sent": sent}
    report.setdefault("transfers", []).append({"name": name, "from": origin.host, **layers})
    work.shared.setdefault("layers", _Chains()).append(contents.diffs)
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


class _Chains(List[List[str]]):
    """The layers of the images that this run has brought."""


def _origin(work: Work) -> Origin:
    origin: Optional[Origin] = work.desired.origin
    if origin is None:
        raise ValueError("a step transfer without another host")
    return origin


def _offer(work: Work, name: str) -> Offer:
    offer: Offer = work.snapshot.offers[name]
    return offer


def _sent(work: Work, step: Step, contents: Contents) -> Any:
    """Send what is missing, then all of it if the engine cannot do with that; return the id that
    the engine has it by, and how many bytes of layers were sent."""
    there = max(
        min(_offer(work, step.args["on"]).there, len(contents.layers)),
        shared(contents.diffs, work.shared.get("layers", ())),
    )
    total = 0
    for layers in (contents.layers[there:], contents.layers):
        again = layers is contents.layers
        total += sum({layer.digest: layer.size for layer in layers}.values())
        try:
            ident = _attempt(work, step, contents, layers, bool(there) and not again)
        except EngineError as error:
            if again or not there or isinstance(error, ConnectionLost) or _is_full(error):
                raise _failed(error, step) from error
            ident = None
        if ident is not None:
            if again and there:
                _note(work, f"{step.args['on']}: sent whole, the engine could not use parts of it")
            return ident, total
        if again or not there:
            break
    raise FleetError(
        "the engine accepted the image, but does not have all of it",
        address=step.address,
        hint="see the engine's log",
    )


def _note(work: Work, text: str) -> None:
    work.shared.setdefault("report", {}).setdefault("notes", []).append(text)


def _attempt(
    work: Work, step: Step, contents: Contents, layers: Sequence[Layer], partial: bool
) -> Optional[str]:
    """Load an image with these layers; return the id that the engine has it by, None if it is not
    whole then. What came of a load that failed is removed, if it was not there before."""
    client = work.client
    before = {ident for ident in contents.ids if inspect(client, ident) is not None}
    ident: Optional[str] = None
    image = _offer(work, step.args["on"]).image or {}
    try:
        with _origin(work).blobs(image, layers, work.tell) as blobs:
            body = _told(work, archive(contents, blobs), sum(layer.size for layer in layers))
            headers = {"Content-Type": "application/x-tar"}
            for _part in client.stream(
                "POST", "/images/load", {"quiet": True}, body, headers, _SILENCE
            ):
                pass
        ident = _arrived(client, contents, partial)
        return ident
    finally:
        if ident is None:
            _remove(client, contents, before)


def _told(work: Work, pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    sent = 0
    for piece in pieces:
        work.tell(f"sending, {sent >> 20} of {size >> 20} MiB")
        sent += len(piece)
        yield piece
    work.tell("waiting for the engine to unpack it")


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
