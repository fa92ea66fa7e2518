"""A connection plugin of somebody else: it runs commands on this machine and carries no streams."""

from __future__ import annotations

from typing import Any

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: plainsh
short_description: Run commands on this machine
description: Stands for the connection plugins that other collections have.
author: tests
options: {}
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    """As the local one, under a name that nobody knows."""

    transport = "plainsh"

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        known = {"become_success_timeout": 10, "become_strip_preamble": True}
        return known[option] if option in known else super().get_option(option, hostvars)
