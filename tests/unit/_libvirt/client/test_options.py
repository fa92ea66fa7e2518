"""One libvirt has one name, whatever its URI: for locks, and for what a check foresees."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.options import (
    hypervisor_name,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.frontend.module import (
    lock_name,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.resource import MACHINE
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.libvirt import MachineFront

LOCAL = ("qemu:///system", "qemu+unix:///system")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        *((uri, "qemu:///system") for uri in LOCAL),
        ("qemu+unix:///session", "qemu:///session"),
        # Another socket may be another daemon's, and what is beyond a host's name is another's.
        ("qemu+unix:///system?socket=/srv/sock", "qemu:///system?socket=/srv/sock"),
        ("qemu+ssh://kvm1/system", "qemu+ssh://kvm1/system"),
        ("", ""),
    ],
)
def test_names(uri: str, name: str) -> None:
    assert hypervisor_name(uri) == name


def test_tasks_about_one_machine_wait_for_each_other() -> None:
    names = {lock_name(MACHINE, {"uri": uri, "name": "web01"}) for uri in LOCAL}
    assert names == {"qemu:///system web01"}
    assert lock_name(MACHINE, {"uri": LOCAL[0], "name": "web02"}) not in names


class Front(MachineFront):
    """A front end whose module foresees a machine, and says what it was told."""

    def __init__(self) -> None:
        self._task = SimpleNamespace(check_mode=True, async_val=0)
        self.told: list[Any] = []

    def host(self, task_vars: Any) -> str:
        return "kvm1"

    def _execute_module(self, **sent: Any) -> Any:
        self.told.append(sent["module_args"].get("pending"))
        return {"_pending": {"vm/web01": "not there"}}


def test_what_a_check_foresees_is_known_under_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    front = Front()
    for uri in LOCAL:
        front.work({"uri": uri}, {})
    assert front.told == [{}, {"vm/web01": "not there"}]
