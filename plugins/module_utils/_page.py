# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that is waited for, as an Ansible module."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Sequence, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url

# Seconds between two tries, and what a single one may take at most.
PAUSE, LONGEST = 1.0, 10.0
_MOST = 64 << 10
# The status, the address that answered, the beginning of the content, and what went wrong.
Answer = Tuple[int, str, str, str]


def wait_for(
    ask: Callable[[float], Answer], wanted: Sequence[int], timeout: float
) -> Dict[str, Any]:
    """Ask until the status is wanted; return a module's result after `timeout` seconds at most.

    `ask` takes the seconds that it may take. It is asked at least once.
    """
    end, tries = time.monotonic() + timeout, 0
    while True:
        tries += 1
        left = end - time.monotonic()
        status, url, content, problem = ask(max(1.0, min(LONGEST, left)))
        result = {"changed": False, "status": status, "tries": tries}
        if status in wanted:
            return {**result, "url": url, "content": content}
        if time.monotonic() + PAUSE > end:
            words = problem if status < 0 else f"it answers {status}"
            return {**result, "failed": True, "why": words}
        time.sleep(PAUSE)


def main() -> None:
    """Run the module and exit with its result."""
    spec = {
        "url": {"type": "str", "required": True},
        "status": {"type": "list", "elements": "int", "default": [200]},
        "timeout": {"type": "int", "default": 30},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    params = module.params
    # As ansible.builtin.uri has it by default; fetch_url looks for it among the parameters.
    params["follow_redirects"] = "safe"

    def ask(seconds: float) -> Answer:
        response, info = fetch_url(module, params["url"], timeout=seconds)
        try:
            content = b"" if response is None else response.read(_MOST)
        except OSError as error:
            return -1, "", "", str(error)
        text = content.decode("utf-8", "replace")
        return info["status"], info.get("url") or params["url"], text, str(info.get("msg"))

    result = wait_for(ask, params["status"], params["timeout"])
    if result.get("failed"):
        wanted = " or ".join(map(str, params["status"]))
        reason = result.pop("why")
        module.fail_json(
            msg=f"{params['url']} did not answer {wanted} within {params['timeout']} s: {reason}",
            **{key: value for key, value in result.items() if key != "failed"},
        )
    module.exit_json(**result)
