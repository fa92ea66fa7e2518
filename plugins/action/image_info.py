# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at images: the core, run from the controller."""

from __future__ import annotations

from ..module_utils._engine.info.readers import IMAGES
from ..plugin_utils.action.engine_info import ReadingFront


class ActionModule(ReadingFront):
    """The action plugin of M(dockyard.fleet.image_info)."""

    resource = IMAGES
    module = "dockyard.fleet.image_info"
