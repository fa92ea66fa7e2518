# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring, change and remove base images: the core, run as a module on the KVM host."""

from __future__ import annotations

from ..module_utils._libvirt.image.resource import VM_IMAGE
from ..plugin_utils.action.libvirt import MachineFront


class ActionModule(MachineFront):
    """The action plugin of M(dockyard.fleet.vm_image)."""

    resource = VM_IMAGE
    module = "dockyard.fleet.vm_image"
