# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that tools keep for themselves. Every task about a container loads this file."""

from __future__ import annotations

from typing import Any, Dict

OUR_LABELS = "dockyard.fleet."
COMPOSE_LABELS = "com.docker.compose."


def plain_labels(labels: Any) -> Dict[str, str]:
    """Return observed labels without those that tools keep for themselves: ours and Compose's."""
    kept = (OUR_LABELS, COMPOSE_LABELS)
    return {key: value for key, value in (labels or {}).items() if not key.startswith(kept)}


def from_compose(labels: Any) -> bool:
    """Tell whether Compose made what carries these labels."""
    return f"{COMPOSE_LABELS}project" in (labels or {})
