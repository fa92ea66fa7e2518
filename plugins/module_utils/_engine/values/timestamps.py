# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moments as users and engines write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Optional


def parse_time(text: str) -> Optional[float]:
    """Return a date and time (RFC 3339; UTC if it names no zone) in seconds since 1970, or None."""
    # The form that Python 3.9 knows: no Z, six digits behind the point.
    plain = re.sub("[zZ]$", "+00:00", text)
    plain = re.sub(r"\.([0-9]+)", lambda match: "." + match.group(1)[:6].ljust(6, "0"), plain)
    try:
        result = datetime.fromisoformat(plain)
    except ValueError:
        return None
    if result.tzinfo is None:
        result = result.replace(tzinfo=timezone.utc)
    return result.timestamp()
