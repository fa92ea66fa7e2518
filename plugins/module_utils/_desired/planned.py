# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a check would do, as later ones are told it."""

from __future__ import annotations

from typing import Mapping

# The cause of a removal's steps. Later tasks of a check know by it what is gone then.
REMOVAL = "state: absent"


def will_go(pending: Mapping[str, str], address: str) -> bool:
    """Tell whether an earlier task of this check removes what has an address."""
    return pending.get(address, "").startswith(REMOVAL)
