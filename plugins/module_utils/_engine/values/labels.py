# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that tools keep for themselves. Every task about a container loads this file.

An image hands its labels on to the containers made from it, and `docker commit` takes those of a
container into an image: so what a container says of itself may be the word of whoever made its
image. `own_labels` is the one place that tells the two apart. Networks and volumes have no parent
whose labels they could inherit: theirs are as they were created.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ..._desired.ownership import parse

OUR_LABELS = "dockyard.fleet."
COMPOSE_LABELS = "com.docker.compose."
# Compose notes here which image it made a container from.
_COMPOSE_IMAGE = f"{COMPOSE_LABELS}image"


def plain_labels(labels: Any, declared: Any = None) -> Dict[str, str]:
    """Return observed labels without those that tools keep for themselves: ours and Compose's.

    One of Compose's that a task declares counts, such as to have Compose list a container.
    """
    kept = (OUR_LABELS, COMPOSE_LABELS)
    named = declared or ()
    pairs = (labels or {}).items()
    return {key: value for key, value in pairs if key in named or not key.startswith(kept)}


def own_labels(labels: Any, image: str, base: Optional[Mapping[str, Any]]) -> Dict[str, str]:
    """Return those of a container's labels that it has not inherited.

    `image` is the id of the image it was made from, `base` that image's configuration, None if
    the image is gone. Own is what the image has not, or has otherwise; and whatever names the
    image by its id, which is a digest of all the image holds: no image can hold its own. Of a
    container whose image is gone, nothing else is known to be its own.
    """
    given: Mapping[str, str] = labels or {}
    inherited = None if base is None else base.get("Labels") or {}
    by_compose = bool(image) and given.get(_COMPOSE_IMAGE) == image
    return {
        key: value
        for key, value in given.items()
        if (inherited is not None and inherited.get(key) != value)
        or (by_compose and key.startswith(COMPOSE_LABELS))
        or (key.startswith(OUR_LABELS) and image and parse(value).get("image") == image)
    }


def from_compose(labels: Any) -> bool:
    """Tell whether Compose made what has these labels of its own."""
    return f"{COMPOSE_LABELS}project" in (labels or {})
