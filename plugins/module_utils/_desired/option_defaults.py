# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defaults of an argument spec, for options that no task has given."""

from __future__ import annotations

from typing import Any, Dict, Mapping


def defaults_of(spec: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the default of each option, None for those that have none."""
    return {option: entry.get("default") for option, entry in spec.items()}
