"""The pool of role kvm_host: what is there, and what will be done."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.folder_pool import (
    FilterModule,
    folder_pool,
)

IMAGES = "/var/lib/libvirt/images"
RUNNING = "State:          running\nPersistent:     yes\nAutostart:      yes\n"
OFF = "State:          inactive\nAutostart:      no\n"
FOLDER = f"<pool type='dir'><name>default</name><target><path>{IMAGES}</path></target></pool>"
VOLUMES = """<pool type="logical"><source><device path="/dev/sdb"/></source>
<target><path>/dev/a&amp;b</path></target></pool>"""


@pytest.mark.parametrize(
    ("info", "xml", "plan", "folder", "path"),
    [
        (RUNNING, FOLDER, "", True, IMAGES),
        (OFF, FOLDER, "started, started with the host", True, IMAGES),
        (OFF, VOLUMES, "started, started with the host", False, "/dev/a&b"),
        (RUNNING, "<pool type='rbd'/>", "", False, ""),
        ("", "", f"made ({IMAGES}), started, started with the host", True, ""),
    ],
)
def test_judgement(info: str, xml: str, plan: str, folder: bool, path: str) -> None:
    found: dict[str, Any] = folder_pool(info, xml, IMAGES)
    assert (found["plan"], found["folder"], found["path"]) == (plan, folder, path)
    assert found["exists"] == bool(info)
    assert found["active"] == found["autostart"] == (info == RUNNING)


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"folder_pool": folder_pool}
