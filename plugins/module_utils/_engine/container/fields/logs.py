# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the output goes. The engine adds its own options to those of its default driver."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ...._desired.fields import Context
from ...._desired.ownership import as_recorded
from ...._desired.values import dig
from .common import mapping, text

_DRIVER, _OPTIONS = "HostConfig.LogConfig.Type", "HostConfig.LogConfig.Config"


def _read_options(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    """Leave out what the engine may have added: what differs is told by the record."""
    options = dig(obj, _OPTIONS) or {}
    declared = context.declared.get("logging.options") or {}
    if context.record and not as_recorded(context, "logging.options"):
        return dict(options)
    return {key: options[key] for key in declared if key in options}


FIELDS = (
    text("logging.driver", _DRIVER, quiet=("json-file", "journald", "local", "k8s-file")),
    mapping("logging.options", _OPTIONS, read=_read_options),
)
