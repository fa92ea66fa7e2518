# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded by Ansible before the plugins beside it."""

from __future__ import annotations

from ..plugin_utils.bytecode import keep_compiled

keep_compiled()
