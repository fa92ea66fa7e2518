# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of `build`: Compose's build keys, and what buildx has beyond them."""

from __future__ import annotations

from typing import Tuple

from .._desired.model import FieldSpec
from .labels import parse_labels, parse_map

LIST = {"type": "list", "elements": "str"}

_FLAG = {"type": "bool", "default": False}
_TEXT = {"type": "str"}
_RAW = {"type": "raw"}

BUILD_FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("build.context", option={"type": "str", "required": True}),
    FieldSpec("build.dockerfile", option={"type": "str", "default": "Dockerfile"}),
    FieldSpec("build.args", compare="map", option=_RAW, parse=parse_map),
    FieldSpec("build.target", option=_TEXT),
    FieldSpec("build.labels", compare="map", option=_RAW, parse=parse_labels),
    FieldSpec("build.network", option=_TEXT),
    FieldSpec("build.no_cache", option=_FLAG),
    FieldSpec("build.pull", option=_FLAG),
)
# What decides that an image is built anew, beside the context and the base images.
DECIDING = ("dockerfile", "args", "target", "labels", "network")
