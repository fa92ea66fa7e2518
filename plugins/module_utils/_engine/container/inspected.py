# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inspected container says of itself."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from ..._desired import ownership
from ..._desired.values import dig
from ..values.labels import from_compose, own_labels
from .fields.process import OWNER_LABEL

Inspect = Mapping[str, Any]


def own_labels_of(container: Optional[Inspect], base: Optional[Mapping[str, Any]]) -> Any:
    """Return an inspected container's own labels; `base` is its image's configuration."""
    labels, image = dig(container, "Config.Labels"), str(dig(container, "Image") or "")
    return own_labels(labels, image, base)


def record_of(
    container: Optional[Inspect], base: Optional[Mapping[str, Any]], names: Iterable[str]
) -> Dict[str, Any]:
    """Return the ownership record of a container, {} when it is not ours by any of its names."""
    label = own_labels_of(container, base).get(OWNER_LABEL)
    return ownership.read(label, *(f"container/{name}" for name in names))


def secrets_on_record(container: Inspect) -> Tuple[str, ...]:
    """Return the environment keys that a container's record calls secret, whosever it is."""
    record = ownership.parse((dig(container, "Config.Labels") or {}).get(OWNER_LABEL))
    return tuple(record.get("secret", ()))


def is_foreign(
    container: Inspect, base: Optional[Mapping[str, Any]], record: Mapping[str, Any]
) -> bool:
    """Tell whether it is not known that we or Compose made a container."""
    return not record and not from_compose(own_labels_of(container, base))


def bare_name(container: Inspect) -> str:
    """Return a container's name without the engine's leading slash."""
    return str(container["Name"]).lstrip("/")


def runs(container: Inspect) -> bool:
    """Tell whether a container is running, paused or between restarts."""
    return bool(dig(container, "State.Running") or dig(container, "State.Restarting"))


def temporary_name(container_id: str, name: str) -> str:
    """Return the name of a replacement before it takes over (Compose's scheme)."""
    return f"{container_id[:12]}_{name}"


def aside_name(container_id: str, name: str) -> str:
    """Return the name of a container that its replacement has pushed aside."""
    return f"{name}.old-{container_id[:12]}"
