"""What site.yml does about machines when only a part of it is asked for, on the real libvirt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout
from tests.lab.hostcore import run

URI = "qemu:///system"
THERE, MISSING = "dockyard-fleet-there", "dockyard-fleet-missing"
# Without a system; its memory would be changed if it were made as declared.
MACHINE = {"memory": "32MiB", "stop_grace_period": "0s"}


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Checkout]:
    """Return a checkout whose inventory has a machine that is there and one that is not."""
    tree = Checkout(tmp_path)
    here = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    machines = {
        "hosts": {THERE: None, MISSING: None},
        "vars": {"machines_hypervisor": "here", "machines_vm": {**MACHINE, "memory": "48MiB"}},
    }
    inventory = {"hypervisors": {"hosts": {"here": here}}, "machines": machines}
    (tree.folder / "hosts.json").write_text(json.dumps(inventory))
    assert run({"name": THERE, **MACHINE}, URI).result["created"] is True
    yield tree
    run({"name": THERE, "state": "absent", "stop_grace_period": "0s"}, URI)


def test_tags_of_others_leave_machines_alone(tree: Checkout) -> None:
    before = run({"name": THERE, **MACHINE}, URI).result
    options = ("--limit", "machines", "--tags", "workloads")
    done = tree.play("playbooks/site.yml", *options, inventory="hosts.json")
    assert done.changed == {THERE: 0, MISSING: 0}
    assert f"deferred: vm/{MISSING} comes first" in done.output
    assert f"deferred: vm/{THERE} has no address yet" in done.output
    assert f"vm/{THERE}" not in done.report
    assert run({"name": THERE, **MACHINE}, URI).result["vm"] == before["vm"]
