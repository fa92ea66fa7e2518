"""A run about a machine, killed before and after the calls that change the real libvirt.

The next run converges: no volume is left over, none that is not the machine's is gone, and UUID
and MAC addresses are what they were. What lies between two calls that write is one state, which is
met once, and of a change every second one; `make test-faults` meets all of them. With
DOCKYARD_EVERY_CALL=1 a run dies on both sides of every call, those that read too.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import ipaddress
import os
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set
from xml.etree import ElementTree as ET

import pytest

from tests.lab.hostcore import Point, run
from tests.lab.hostwork import binding
from tests.lab.killing import ALL, POINTS, deaths

URI = "qemu:///system"
POOL = "dockyard-kill"
FOLDER = Path("/var/lib/libvirt/dockyard-test")
WORKERS = 3
EVERY = os.environ.get("DOCKYARD_EVERY_CALL") == "1"

Params = Dict[str, Any]


class Seen(NamedTuple):
    """A machine as a user would look at it; `there` is false when it does not exist."""

    there: bool
    identity: List[Optional[str]]
    running: bool
    memory: Optional[str]
    reserved: Set[Optional[str]]
    sizes: Dict[str, int]


class Lab:
    """The real libvirt, with a pool of this test's own and somebody else's volumes in it."""

    def __init__(self) -> None:
        self.lib = binding()
        self.connection = self.lib.open(URI)
        root = ET.fromstring(self.connection.networkLookupByName("default").XMLDesc(0))
        ip = root.find("ip")
        assert ip is not None
        self.subnet = ipaddress.ip_network(f"{ip.get('address')}/{ip.get('netmask')}", strict=False)
        FOLDER.mkdir(mode=0o711, exist_ok=True)
        path = f"<target><path>{FOLDER}</path></target>"
        document = f"<pool type='dir'><name>{POOL}</name>{path}</pool>"
        self.pool = self.connection.storagePoolDefineXML(document)
        self.pool.create(0)

    def close(self) -> None:
        """Take away what this test made."""
        for domain in self.connection.listAllDomains():
            if domain.name().startswith(f"{POOL}-"):
                self.clear(domain.name())
        for volume in self.pool.listAllVolumes():
            volume.delete(0)
        self.pool.destroy()
        self.pool.undefine()
        FOLDER.rmdir()

    def params(self, name: str, **more: Any) -> Params:
        """Return a machine that runs without an operating system."""
        slot = int(name.rpartition("-")[2])
        return {
            "name": name,
            "memory": "32MiB",
            "disks": [{"size": "16MiB", "pool": POOL}],
            "networks": [{"address": str(self.subnet[-10 - 2 * slot])}],
            "cloud_init": {"hostname": "web"},
            "stop_grace_period": "100ms",
            **more,
        }

    def foreign(self, name: str) -> Set[str]:
        """Make somebody else's volumes, with names much like the machine's."""
        names = {f"{name}-root2.qcow2", f"{name}.qcow2"}
        for one in names - {volume.name() for volume in self.pool.listAllVolumes()}:
            size = "<capacity>1048576</capacity><target><format type='qcow2'/></target>"
            self.pool.createXML(f"<volume><name>{one}</name>{size}</volume>", 0)
        return names

    def look(self, name: str) -> Seen:
        """Return what there is of a machine, and all volumes whose names begin with its."""
        network = ET.fromstring(self.connection.networkLookupByName("default").XMLDesc(0))
        hosts = network.findall("ip/dhcp/host")
        reserved = {one.get("ip") for one in hosts if str(one.get("name")).startswith(name)}
        sizes = {
            volume.name(): volume.info()[1]
            for volume in self.pool.listAllVolumes()
            if volume.name().startswith(name)
        }
        with contextlib.suppress(self.lib.libvirtError):
            domain = self.connection.lookupByName(name)
            root = ET.fromstring(domain.XMLDesc(self.lib.VIR_DOMAIN_XML_INACTIVE))
            macs = [one.get("address") for one in root.findall("devices/interface/mac")]
            running = bool(domain.isActive())
            memory = ET.fromstring(domain.XMLDesc(0)).findtext("memory")
            identity = [root.findtext("uuid"), *macs]
            return Seen(True, identity, running, memory, reserved, sizes)
        return Seen(False, [], False, None, reserved, sizes)

    def clear(self, name: str) -> None:
        """Remove a machine and its disks by a run in peace."""
        ended = run(_removal(self, name), URI)
        assert not ended.result.get("failed"), ended.result["msg"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.close()


def _removal(lab: Lab, name: str) -> Params:
    return {"name": name, "state": "absent", "delete_disks": True, "stop_grace_period": "100ms"}


class Story(NamedTuple):
    """What is there before, and the task that is cut short, both of a machine's name."""

    before: Optional[Callable[[Lab, str], Params]]
    task: Callable[[Lab, str], Params]


def _changed(lab: Lab, name: str) -> Params:
    slot = int(name.rpartition("-")[2])
    return lab.params(
        name,
        memory="48MiB",
        disks=[{"size": "32MiB", "pool": POOL}, {"name": "data", "size": "1MiB", "pool": POOL}],
        networks=[{"address": str(lab.subnet[-11 - 2 * slot])}],
        autostart=True,
        allow=["live", "restart"],
    )


STORIES = {
    "creation": Story(None, Lab.params),
    "change": Story(Lab.params, _changed),
    "removal": Story(Lab.params, _removal),
}


@pytest.mark.parametrize("kind", STORIES)
def test_a_killed_run_is_finished_by_the_next(
    kind: str, lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    story, names = STORIES[kind], queue.SimpleQueue[str]()
    for slot in range(WORKERS):
        names.put(f"{POOL}-{slot}")

    def point(number: int, when: str) -> Optional[str]:
        name = names.get()
        try:
            return _point(story, lab, name, (number, when))
        finally:
            names.put(name)

    calls = _rehearse(story, lab, f"{POOL}-0")
    sides = {"kill": "before", "kill-after": "after"}
    points = [(number, sides[death]) for death, number in deaths(len(calls), EVERY)]
    if kind == "change" and not (ALL or EVERY):
        points = points[::2]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        faults = [fault for fault in pool.map(lambda one: point(*one), points) if fault]
    assert faults == [], "\n".join(f"{fault} in {', '.join(calls)}" for fault in faults)
    record_property(f"{POINTS}real libvirt, {kind} ({len(calls)} calls)", len(points))


def _rehearse(story: Story, lab: Lab, name: str) -> List[str]:
    if story.before:
        run(story.before(lab, name), URI)
    ended = run(story.task(lab, name), URI, every=EVERY)
    assert not ended.result.get("failed"), ended.result["msg"]
    lab.clear(name)
    return ended.calls


def _point(story: Story, lab: Lab, name: str, point: Point) -> Optional[str]:
    """Cut a run short and go on; return what is wrong then, None if nothing is."""
    foreign = lab.foreign(name)
    if story.before:
        run(story.before(lab, name), URI)
    task = story.task(lab, name)
    where = f"{point[1]} call {point[0]}"
    if not run(task, URI, point, EVERY).killed:
        lab.clear(name)
        # The number of calls that ask whether it still runs is a matter of time.
        return None if EVERY else f"{where}: it lived on"
    cut = lab.look(name)
    ended = run(task, URI)
    if ended.result.get("failed"):
        return f"{where}: {ended.result['msg']}"
    fault = _fault(lab.look(name), cut, task, foreign)
    again = run(task, URI).result
    if again.get("changed") is not False:
        fault = f"{fault or ''} not converged: {again.get('msg') or again['plan']['text']}"
    lab.clear(name)
    return f"{where}: {fault}" if fault else None


def _fault(seen: Seen, cut: Seen, task: Params, foreign: Set[str]) -> Optional[str]:
    disks = task.get("disks", [])
    ours = {f"{task['name']}-{one.get('name', 'root')}.qcow2": one["size"] for one in disks}
    seeds = {f"{task['name']}-seed.img"} if disks else set()
    if set(seen.sizes) != foreign | set(ours) | seeds:
        return f"volumes {sorted(seen.sizes)}"
    if not disks:
        return f"still {seen}" if seen.there or seen.reserved else None
    if cut.there and seen.identity != cut.identity:
        return f"another machine: {cut.identity} → {seen.identity}"
    sizes = {name: f"{seen.sizes[name] >> 20}MiB" for name in ours}
    if sizes != ours:
        return f"sizes {sizes}"
    wanted = (True, str(int(task["memory"][:-3]) * 1024), {task["networks"][0]["address"]})
    if (seen.running, seen.memory, seen.reserved) != wanted:
        return f"{seen} is not {wanted}"
    return None
