"""What a plan does not show of a machine: documents, secrets, and ways that fail."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.lock import lock
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client import hypervisor
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.hypervisor import (
    Hypervisor,
    LibvirtMissing,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init.nocloud import read
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import compare

from tests.lab.agree import steps_of
from tests.lab.hostwork import URI, HostBench, binding
from tests.lab.hostworld import World

CANARY = "canary-4711"
KEY = {"private": f"-----BEGIN {CANARY}-----\n", "public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 web01"}
WEB = {
    "name": "web01",
    "memory": "256MiB",
    "disks": [{"size": "1GiB"}],
    "networks": ["default"],
    "_seed": json.dumps({"cloud_init": {"runcmd": [f"echo {CANARY}"]}, "host_key": KEY}),
}


@pytest.fixture
def bench() -> Iterator[HostBench]:
    with HostBench({}) as made:
        made.prepare()
        yield made


def seed(bench: HostBench) -> dict[str, bytes]:
    return dict(read(bench.world.contents["/pools/default/web01-seed.img"]))


def document(bench: HostBench) -> ET.Element:
    flags = bench.lib.VIR_DOMAIN_XML_INACTIVE
    return ET.fromstring(bench.keeper.lookupByName("web01").XMLDesc(flags))


def test_secrets_are_in_the_seed_and_nowhere_else(bench: HostBench) -> None:
    results = [bench.run(WEB, check=True), bench.run(WEB), bench.run(WEB)]
    assert CANARY in str(seed(bench))
    assert CANARY not in json.dumps(results)
    assert CANARY not in ET.tostring(document(bench), encoding="unicode")


def test_the_host_key_is_the_first_one_for_good(bench: HostBench) -> None:
    bench.run(WEB)
    other = {"private": "-----BEGIN OTHER-----\n", "public": "ssh-ed25519 BBBB web01"}
    handed = {"cloud_init": {"runcmd": ["true"]}, "host_key": other}
    result = bench.run({**WEB, "_seed": json.dumps(handed), "reseed": True})
    assert result["vm"]["ssh_host_keys"] == [KEY["public"]]
    assert "echo" not in str(seed(bench))


def test_only_reseed_gives_the_guest_a_new_instance(bench: HostBench) -> None:
    bench.run(WEB)
    first = seed(bench)["meta-data"]
    changed = json.dumps({"cloud_init": {"runcmd": ["true"]}, "host_key": KEY})
    bench.run({**WEB, "_seed": changed})
    assert seed(bench)["meta-data"] == first
    bench.run({**WEB, "_seed": changed, "reseed": True})
    assert seed(bench)["meta-data"] != first


def test_what_others_wrote_into_the_document_survives(bench: HostBench) -> None:
    bench.run(WEB)
    root = document(bench)
    note = ET.SubElement(root.findall("metadata")[0], "{https://example.com/x}note")
    note.text = "theirs"
    ET.SubElement(root.findall("devices")[0], "watchdog", {"model": "i6300esb", "action": "reset"})
    bench.keeper.defineXML(ET.tostring(root, encoding="unicode"))
    assert bench.run({**WEB, "memory": "512MiB"})["changed"] is True
    assert document(bench).findtext("metadata/{https://example.com/x}note") == "theirs"
    assert document(bench).find("devices/watchdog") is not None


def test_a_pool_that_is_busy_is_looked_at_again(bench: HostBench) -> None:
    class Busy(Hypervisor):
        tries = 0

        def invoke(self, function: Any, args: Any) -> Any:
            if function.__name__ == "refresh":
                Busy.tries += 1
                if Busy.tries < 3:
                    error = self.lib.libvirtError("busy")
                    words = "internal error: pool 'default' has asynchronous jobs running."
                    error.err = (1, 18, words, 2, words, None, None, -1, -1)
                    raise error
            return super().invoke(function, args)

    host = Busy("test:///default")
    assert host.volume(host.pool("default"), "gone") is None
    assert Busy.tries == 3


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("Failed to connect socket: Permission denied", "become: true"),
        ("authentication unavailable: no polkit agent", "become: true"),
        ("Failed to activate service 'org.freedesktop.PolicyKit1': timed out", "become: true"),
        ("Unable to get system bus connection: No such file or directory", "become: true"),
        ("Failed to connect socket: No such file or directory", "start libvirtd"),
        ("Failed to connect socket: Connection refused", "start libvirtd"),
    ],
)
def test_a_libvirt_that_does_not_answer(
    words: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = binding()

    def refuse(uri: str) -> None:
        raise lib.libvirtError(words)

    monkeypatch.setattr(lib, "open", refuse)
    with pytest.raises(LibvirtMissing, match=hint) as raised:
        Hypervisor("qemu:///system").call("getInfo")
    assert raised.value.option == "uri"


def test_an_interpreter_without_the_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libvirt", None)
    with pytest.raises(LibvirtMissing, match="install python3-libvirt"):
        hypervisor.binding()


def test_a_call_of_the_world_is_a_write_unless_it_is_known_to_read(bench: HostBench) -> None:
    """The gate of the cases counts what is not listed: a new call must not slip through."""
    assert isinstance(bench.world, World)
    bench.run({"name": "web01", "memory": "256MiB"})
    assert bench.writes == ["defineXMLFlags", "create"]


def test_a_new_machine_that_is_late_stays_and_is_waited_for_again(bench: HostBench) -> None:
    bench.case["ssh"] = False
    task = {**WEB, "_seed": None, "wait": "ssh", "wait_timeout": "0s"}
    first = bench.run(task)
    assert first["msg"].endswith("it stays as it is, and the next run continues to wait")
    assert first["changed"] is True
    assert bench.keeper.lookupByName("web01").isActive()
    assert bench.run(task)["rung"] == "ssh"
    bench.case["ssh"] = True
    assert bench.run(task)["changed"] is False


def test_after_a_restart_that_makes_it_late_the_former_settings_run(bench: HostBench) -> None:
    task = {**WEB, "_seed": None}
    bench.run(task)
    bench.case["ssh"] = False
    change = {"memory": "512MiB", "allow": ["restart"], "wait": "ssh", "wait_timeout": "0s"}
    failed = bench.run({**task, **change})
    assert failed["rung"] == "ssh"
    assert "stays" not in failed["msg"]
    again = bench.run(task)
    assert (again["changed"], again["vm"]["state"]) == (False, "running")


def _undefine(bench: HostBench) -> None:
    domain = bench.keeper.lookupByName("web01")
    if domain.isActive():
        domain.destroy()
    domain.undefine()


def _stop_pool(bench: HostBench) -> None:
    bench.keeper.storagePoolLookupByName("default").destroy()


FULL = {**WEB, "_seed": None, "cloud_init": {}, "networks": [{"address": "192.168.122.41"}]}
GONE = {"name": "web01", "state": "absent", "delete_disks": True}


@pytest.mark.parametrize("act", [_undefine, _stop_pool])
@pytest.mark.parametrize("removes", [False, True], ids=["creation", "removal"])
def test_what_others_do_meanwhile_ends_well_or_in_one_error(
    removes: bool, act: Callable[[HostBench], None], bench: HostBench
) -> None:
    task, number = (GONE if removes else FULL), 0
    while True:
        number += 1
        bench.prepare()
        if removes:
            bench.run(FULL)
        bench.world.writes.clear()
        bench.world.meanwhile = {number: lambda: act(bench)}
        # Before the first write of a creation there is nothing to remove.
        if act is _undefine and not removes and number == 1:
            continue
        first = bench.run(task)
        if bench.world.meanwhile:
            break
        assert "Error: " not in first.get("msg", ""), number
        pool = bench.keeper.storagePoolLookupByName("default")
        if not pool.isActive():
            pool.create()
        ended = bench.run(task)
        assert not ended.get("failed"), (number, first.get("msg"), ended["msg"])
        assert bench.run(task)["changed"] is False, number
        bench.run(GONE)
        left = bench.picture()
        assert (left["machines"], left["volumes"]) == ({}, {}), number
    assert number > 4


def test_of_two_machines_with_one_mac_at_the_same_moment_one_is_made(bench: HostBench) -> None:
    mac = "52:54:00:77:00:01"
    other = "<domain type='test'><name>db01</name><memory>262144</memory><os><type>hvm</type></os>"
    other += f"<devices><interface type='network'><mac address='{mac}'/>"
    other += "<source network='default'/></interface></devices></domain>"
    held = threading.Event()

    def define() -> None:
        with lock(f"MAC addresses of {URI}"):
            held.set()
            bench.keeper.defineXML(other)

    threading.Thread(target=define).start()
    held.wait(10)
    result = bench.run({**WEB, "_seed": None, "networks": [{"mac": mac}]})
    assert result["msg"].startswith("networks[0].mac: the machine db01 has that address")
    assert list(bench.picture()["machines"]) == ["db01"]


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        ("db01", "192.168.122.41", "192.168.122.41 is reserved for db01 already; give another one"),
        ("web01", "192.168.122.77", "the network reserves 192.168.122.77 for another web01"),
    ],
    ids=["address", "name"],
)
def test_who_loses_a_simultaneous_reservation_is_told_the_option(
    name: str, address: str, said: str, bench: HostBench
) -> None:
    bench.run(FULL)
    number = bench.writes.index("update") + 1
    bench.prepare()
    bench.world.meanwhile = {number: lambda: bench.reserve("52:54:00:77:00:01", name, address)}
    result = bench.run(FULL)
    assert result["msg"].startswith(f"networks[0].address: {said}")
    left = bench.picture()
    assert (left["machines"], left["volumes"]) == ({}, {})


def test_the_state_of_a_machine_that_an_earlier_task_would_remove(bench: HostBench) -> None:
    bench.run(FULL)
    bench.case["pending"] = {"vm/web01": {"kind": "remove", "causes": ["state: absent"]}}
    said = bench.run({"name": "web01", "state": "stopped"}, check=True)["msg"]
    assert said == "memory: is required to create a machine; such as 1GiB"


def test_a_machine_that_an_earlier_task_would_make_is_removed(bench: HostBench) -> None:
    gone = {"name": "web01", "state": "absent"}
    bench.case["pending"] = bench.run(FULL, check=True)["_pending"]
    check = bench.run(gone, check=True)
    bench.run(FULL)
    real = bench.run(gone)
    announced = {(step["verb"], step["impact"]) for step in check["plan"]["steps"]}
    assert all(step["maybe"] for step in check["plan"]["steps"])
    made = {(step["verb"], step["impact"]) for step in real["plan"]["steps"]}
    # Which volumes and addresses it will have is known after apply.
    assert made - {("delete_volume", "replace"), ("release_address", "replace")} == announced
    assert check["_pending"]["vm/web01"]["kind"] == "remove"


@pytest.mark.parametrize("deleted", [False, True], ids=["kept", "deleted"])
def test_a_check_foresees_what_kept_disks_stand_against(deleted: bool, bench: HostBench) -> None:
    gone = {"name": "web01", "state": "absent", "delete_disks": deleted}
    bench.run(FULL)
    bench.case["pending"] = bench.run(gone, check=True)["_pending"]
    foreseen = bench.run(FULL, check=True)
    bench.run(gone)
    real = bench.run(FULL)
    assert foreseen.get("msg") == real.get("msg")
    if real.get("failed"):  # a refused plan is told in words
        assert foreseen["plan"]["text"].partition("note:")[0] == real["plan"]["text"]
    else:
        assert steps_of(foreseen) == steps_of(real)
    assert bool(real.get("failed")) is not deleted


def test_each_look_is_compared_once(bench: HostBench, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []
    whole = compare.diff
    monkeypatch.setattr(compare, "diff", lambda *args: (compared.append(True), whole(*args))[1])

    def count(check: bool, params: dict[str, Any]) -> int:
        compared.clear()
        assert not bench.run(params, check=check).get("failed")
        return len(compared)

    bench.run(FULL)
    more = {**FULL, "memory": "512MiB"}
    assert (count(False, FULL), count(True, more), count(False, more)) == (1, 1, 2)
