# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull policies of the Compose Specification, and what one comes to at this time."""

from __future__ import annotations

import calendar
import time
from typing import Any, Mapping, Optional

from ..._desired.errors import InvalidOption
from ..._desired.values import dig, parse_duration

_HINT = "write always, missing, never, daily, weekly, or every_ and a duration: every_12h"
_WORDS = {"if_not_present": "missing", "daily": "every_24h", "weekly": "every_168h"}


def parse_policy(value: Any, where: str) -> str:
    """Return a pull policy of the Compose Specification in one spelling.

    `if_not_present` is Compose's older word for missing; daily and weekly are durations.
    """
    word = _WORDS.get(str(value), str(value))
    if word.startswith("every_"):
        parse_duration(word[6:], where)
    elif word not in ("always", "missing", "never"):
        raise InvalidOption(f"'{value}' is not a pull policy", option=where, hint=_HINT)
    return word


def policy_now(policy: str, local: Optional[Mapping[str, Any]]) -> str:
    """Return what a policy comes to now: `every_12h` is always for what was tagged before.

    Compose measures the age from the image's last tag time, which a pull sets, and which engines
    that do not tell it make us ask.
    """
    if not policy.startswith("every_"):
        return policy
    text = str(dig(local, "Metadata.LastTagTime") or "")[:19]
    try:
        tagged = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        tagged = 0
    age = (parse_duration(policy[6:], "pull_policy") or 0) / 1e9
    return "always" if time.time() - tagged >= age else "missing"
