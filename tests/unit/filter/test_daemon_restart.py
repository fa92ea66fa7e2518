"""What a restart of the engine stops or leaves behind: the plan of role container_runtime."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.daemon_change import daemon_change
from ansible_collections.dockyard.fleet.plugins.filter.daemon_restart import (
    FilterModule,
    daemon_restart,
)

MTU: dict[str, Any] = {"mtu": 1400}
BRIDGE: dict[str, Any] = {"bip": "10.9.0.1/24"}
ROOT: dict[str, Any] = {"data-root": "/srv/docker"}
ONE = {"ServerVersion": "20.10", "ContainersRunning": 1}
NONE = {"ServerVersion": "20.10", "ContainersRunning": 0}
SEEN = ["3", "2", "5", "0", "1"]
NOTHING = ["0", "0", "0", "0", "0"]


@pytest.mark.parametrize(
    ("new", "found", "engine", "live_restore", "stops", "plan"),
    [
        ({"debug": True}, [], ONE, False, False, "debug added → reload of the engine"),
        ({"debug": True}, [], {}, False, False, "debug added → read when the engine starts"),
        (MTU, NOTHING, NONE, False, False, "mtu added → restart of the engine"),
        (
            *(MTU, SEEN, ONE, True, False),
            "mtu added → restart of the engine, containers keep running (live-restore)",
        ),
        (
            *(MTU, SEEN, ONE, False, True),
            "mtu added → restart of the engine, its 1 containers would stop (without live-restore)",
        ),
        (
            *(BRIDGE, SEEN, ONE, True, True),
            "bip added → restart of the engine, its 1 containers would stop (bip)",
        ),
        # Containers may run though their engine does not.
        (
            *(MTU, ["1", "0", "0", "0", "2"], {}, False, True),
            "mtu added → read when the engine starts, its 2 containers would stop"
            " (without live-restore)",
        ),
        (ROOT, NOTHING, {}, True, False, "data-root added → read when the engine starts"),
        (
            *(ROOT, SEEN, {}, True, True),
            "data-root added → read when the engine starts, which would not see what is in"
            " /var/lib/docker any more: 3 containers, 2 volumes, 5 images (data-root)",
        ),
    ],
)
def test_plan(
    new: Any, found: list[str], engine: Any, live_restore: bool, stops: bool, plan: str
) -> None:
    made = daemon_restart(daemon_change({}, new), found, engine, live_restore)
    assert (made["stops"], made["plan"]) == (stops, plan)
    assert made["moves"] == (["data-root"] if "not see" in plan else [])


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"daemon_restart": daemon_restart}
