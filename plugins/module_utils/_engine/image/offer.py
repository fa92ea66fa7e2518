# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that another host's engine has: whether they are wanted, and what of them is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import (
    Any,
    BinaryIO,
    Callable,
    ContextManager,
    Dict,
    List,
    Mapping,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..client.engine import Client
from .archive import content_of
from .contents import Contents, Layer
from .layers_there import count_there, layers_of
from .pull import ABSENT

Inspect = Mapping[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Offer:
    """One image of another host: what its engine says of it, None if it does not have it.

    `coming` is what an earlier task of this check would do to it there; `there` counts the layers,
    from the lowest on, that the task's engine has already; `sizes` (bytes) are those of all layers,
    as far as they are known.
    """

    image: Optional[Inspect]
    coming: str = ""
    there: int = 0
    sizes: Tuple[int, ...] = ()

    @property
    def missing(self) -> str:
        """Return in words what has to be sent."""
        layers = layers_of(self.image or {})
        text = f"{len(layers) - self.there} of {len(layers)} layers"
        if len(self.sizes) != len(layers):
            return text
        return f"{text}, {_shown(sum(self.sizes[self.there :]))}"


def _shown(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB" if size >= 1 << 20 else f"{-(-size >> 10)} KiB"


class Origin(Protocol):
    """The engine of another host, from which images are taken; only the controller has one.

    `host` is its name in the inventory. Errors are FleetErrors that name it.
    """

    host: str

    def offer(self, reference: str) -> Offer:
        """Return what it has by this name; reads only."""

    def contents(self, image: Inspect, diffs: Sequence[str], tell: Tell) -> Contents:
        """Return what an image consists of; `diffs` are the layers that will be asked for, by the
        digests of their files."""

    def blobs(
        self, image: Inspect, layers: Sequence[Layer], tell: Tell
    ) -> ContextManager[Mapping[str, BinaryIO]]:
        """Give the blobs of layers by their digests, verified, within the block."""


def offers(
    origin: Origin, client: Optional[Client], here: Mapping[str, Optional[Inspect]]
) -> Dict[str, Offer]:
    """Return what another host offers of images, of which `here` is what the task's engine has.

    What has to be sent is looked up for what is to be sent alone.
    """
    result = {}
    for name, image in here.items():
        offer = origin.offer(name)
        if client is not None and offer.image is not None and not is_same(image, offer.image):
            there = count_there(client, name, offer.image, offer.sizes)
            offer = replace(offer, there=there)
        result[name] = offer
    return result


def is_same(here: Optional[Inspect], there: Inspect) -> bool:
    """Tell whether two engines have the same image.

    An engine that keeps images in containerd calls one by its manifest, others by its
    configuration: between these, what is in it decides.
    """
    if here is None or here["Id"] == there["Id"]:
        return here is not None
    if keeps_manifests(here) == keeps_manifests(there):
        return False
    return content_of(here) == content_of(there)


def keeps_manifests(image: Inspect) -> bool:
    """Tell whether an inspected image's id is the digest of its manifest."""
    digests = [str(entry).rpartition("@")[2] for entry in image.get("RepoDigests") or ()]
    return bool(image.get("Descriptor")) or image["Id"] in digests


def plan_transfers(
    host: str,
    here: Mapping[str, Optional[Inspect]],
    offered: Mapping[str, Offer],
    first: str = "",
) -> Tuple[List[Step], Tuple[str, ...]]:
    """Return the steps that take images from another host, one after another, and notes on what
    travels. `first` is what an earlier task of this check has to do before there is an engine.

    Raise FleetError for an image that the other host does not have.
    """
    steps: List[Step] = []
    notes = []
    for name, offer in offered.items():
        cause, maybe = _cause(host, name, here.get(name), offer)
        if not cause:
            continue
        needs = (steps[-1].id,) if steps else ()
        steps.append(_step(name, host, first or cause, cause == ABSENT, maybe, needs))
        if offer.image is not None and not offer.coming and not first:
            notes.append(f"{name}: {offer.missing} from {host}")
    return steps, tuple(notes)


def _cause(host: str, name: str, here: Optional[Inspect], offer: Offer) -> Tuple[str, bool]:
    """Return why to take an image, "" for no reason, and whether only applying will tell."""
    other = f"{host} has another image"
    if offer.coming:
        return (ABSENT, False) if here is None else (other, True)
    if offer.image is None:
        raise FleetError(
            f"{host} does not have it",
            address=f"image/{name}",
            hint="build, pull or load it there first",
        )
    if here is None:
        return ABSENT, False
    return ("", False) if is_same(here, offer.image) else (other, False)


def _step(
    name: str, host: str, cause: str, creates: bool, maybe: bool, needs: Tuple[str, ...]
) -> Step:
    return Step(
        id=f"transfer:{name}",
        address=f"image/{name}",
        verb="transfer",
        causes=(cause,),
        needs=needs,
        maybe=maybe,
        args={"on": name, "from": host},
        effect="create" if creates else "change",
    )
