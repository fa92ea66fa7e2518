# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one decision of what a TLS connection is trusted for."""

from __future__ import annotations

import ssl


def authorities(own: bool = True) -> ssl.SSLContext:
    """Return a client's context that wants a certificate for the name it asked for, TLS 1.2 or
    later; with `own` it trusts the host's authorities, else none yet.

    The same on every Python: create_default_context of 3.13 refuses a private authority without
    an Authority Key Identifier (VERIFY_X509_STRICT), as most of them were made.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if own:
        context.load_default_certs()
    return context
