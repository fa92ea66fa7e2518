#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ..module_utils._libvirt.module import main as run_module
from ..module_utils._libvirt.vm import MACHINE


def main() -> None:
    """Run the module."""
    run_module(MACHINE)


if __name__ == "__main__":
    main()
