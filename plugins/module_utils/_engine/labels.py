# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that tools keep for themselves. Every task about a container loads this file."""

from __future__ import annotations

from typing import Any, Dict

OUR_LABELS = "dockyard.fleet."
COMPOSE_LABELS = "com.docker.compose."


def plain_labels(labels: Any, declared: Any = None) -> Dict[str, str]:
    """Return observed labels without those that tools keep for themselves: ours and Compose's.

    One of Compose's that a task declares counts, such as to have Compose list a container.
    """
    kept = (OUR_LABELS, COMPOSE_LABELS)
    named = declared or ()
    found = (labels or {}).items()
    return {key: value for key, value in found if key in named or not key.startswith(kept)}


def from_compose(labels: Any) -> bool:
    """Tell whether Compose made what carries these labels."""
    return f"{COMPOSE_LABELS}project" in (labels or {})
