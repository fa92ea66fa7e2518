# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which layers of an image an engine has already, by the other images that it has.

Engines tell no list of layers. A layer counts with all that are below it: that is how engines with
a graph driver know one.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ..client.engine import Client
from ..client.errors import EngineError
from ..values.image_reference import parse_id, parse_reference

# What an engine says of an image, in bytes, and the share of what is missing that questions may
# cost: asking is to save what it costs.
_ANSWER = 3 << 10
_SHARE = 100
_MOST = 300
# The label of an image that has come in part: the id of the whole one on its sender's engine.
PARTIAL = "dockyard.fleet.partial"
# Other versions of the image are asked about whatever that costs.
_VERSIONS = 3


def shared(wanted: Sequence[str], others: Iterable[Sequence[str]]) -> int:
    """Return how many layers, from the lowest on, are in one of the other images as well."""
    most = 0
    for other in others:
        both = zip(wanted, other)
        alike = next((n for n, (want, have) in enumerate(both) if want != have), None)
        most = max(most, min(len(wanted), len(other)) if alike is None else alike)
    return most


def layers_of(image: Mapping[str, Any]) -> List[str]:
    """Return the digests of an inspected image's layers."""
    return [str(entry) for entry in (image.get("RootFS") or {}).get("Layers") or ()]


def sizes_of(history: Any, layers: Sequence[str]) -> Tuple[int, ...]:
    """Return the sizes of layers in bytes by an engine's history of the image, () if that cannot
    be told: it does not say which of its entries have layers, but for those that are not empty."""
    entries = history if isinstance(history, list) else []
    sizes = [int(entry.get("Size") or 0) for entry in reversed(entries)]
    filled = [size for size in sizes if size > 0]
    return tuple(filled) if len(filled) == len(layers) else ()


def count_there(client: Client, name: str, image: Mapping[str, Any], sizes: Sequence[int]) -> int:
    """Return how many layers of another engine's image an engine has, from the lowest on; reads
    only.

    `sizes` (bytes) are those of the layers, if they are known. First the newest images of the same
    repository are looked at, and what an earlier transfer has left, then others, as long as what
    is missing is worth the questions.
    """
    layers, whole = layers_of(image), int(image.get("Size") or 0)
    asked: Set[str] = set()
    own = _listed(client, {"label": [f"{PARTIAL}={image['Id']}"]})
    if not parse_id(name):
        own += _listed(client, {"reference": [parse_reference(name, "name").name]})[:_VERSIONS]
    there = _look(client, layers, own, asked)
    worth = _missing(sizes, whole, there, len(layers)) // _SHARE // _ANSWER
    if there < len(layers) and worth > _VERSIONS:
        rest = [entry for entry in _listed(client, None) if entry not in asked]
        there = max(there, _look(client, layers, rest[: min(worth, _MOST)], asked))
    return there


def _missing(sizes: Sequence[int], whole: int, there: int, count: int) -> int:
    if len(sizes) == count:
        return sum(sizes[there:])
    return whole if there < count else 0


def _listed(client: Client, filters: Optional[Mapping[str, List[str]]]) -> List[str]:
    """Return the ids of images, the newest first."""
    answer = client.get("/images/json", {"filters": filters} if filters else None) or []
    ordered = sorted(answer, key=lambda entry: -int(entry.get("Created") or 0))
    return [str(entry["Id"]) for entry in ordered]


def _look(client: Client, layers: Sequence[str], ids: Sequence[str], asked: Set[str]) -> int:
    asked.update(ids)
    answers = client.get_all([(f"/images/{ident}/json", None) for ident in ids])
    seen = (answer for answer in answers if not isinstance(answer, EngineError))
    return shared(layers, [layers_of(image) for image in seen])
