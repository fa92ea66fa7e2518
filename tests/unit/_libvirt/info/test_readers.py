"""What vm_info shows of machines, pools and networks, on libvirt's built-in driver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Callable, Dict, Optional, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import report
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.hypervisor import (
    LibvirtMissing,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.info.readers import MACHINES

from tests.lab.hostwork import BenchHost, HostBench

CANARY = "canary-4711"
KEY = {"private": f"-----BEGIN {CANARY}-----\n", "public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 web01"}
WEB = {
    "name": "web01",
    "memory": "256MiB",
    "disks": [{"size": "1GiB"}],
    "networks": [{"address": "192.168.122.41"}],
    "_seed": json.dumps({"cloud_init": {"runcmd": [f"echo {CANARY}"]}, "host_key": KEY}),
}
FOREIGN = (
    "<domain type='test'><name>old</name><memory unit='MiB'>128</memory>"
    "<os><type>hvm</type></os></domain>"
)


@pytest.fixture
def bench() -> Iterator[HostBench]:
    with HostBench({"before": [WEB], "machines": {"old": FOREIGN}}) as made:
        made.prepare()
        yield made


def look(bench: HostBench, **params: Any) -> Dict[str, Any]:
    result = report(MACHINES, {"pending": {}, **params}, lambda: BenchHost(bench.world))
    assert bench.writes == []
    assert CANARY not in json.dumps(result)
    return result


def test_all_machines_and_whose_they_are(bench: HostBench) -> None:
    result = look(bench)
    old, web = result["machines"]
    assert (old["name"], old["owned"], old["state"], old["memory"]) == (
        "old",
        False,
        "shutoff",
        128 << 20,
    )
    assert (web["name"], web["owned"], web["state"]) == ("web01", True, "running")
    assert web["disks"] == {"root": {"pool": "default", "size": 1 << 30, "bus": "virtio"}}
    assert web["networks"]["0"]["address"] == "192.168.122.41"
    assert [one["name"] for one in web["volumes"]] == ["web01-root.qcow2", "web01-seed.img"]
    assert web["ssh_host_keys"] == [KEY["public"]]
    assert web["restart_required"] is False
    assert result["changed"] is False


def test_who_uses_what(bench: HostBench) -> None:
    result = look(bench)
    assert result["networks"] == [{"name": "default", "active": True, "machines": ["web01"]}]
    (pool,) = result["pools"]
    assert (pool["name"], pool["active"], pool["machines"]) == ("default", True, ["web01"])
    assert 0 < pool["available"] < pool["capacity"]


def test_what_others_attached_is_shown_by_device_name_or_mac_address(bench: HostBench) -> None:
    domain = bench.keeper.lookupByName("web01")
    document = domain.XMLDesc(bench.lib.VIR_DOMAIN_XML_INACTIVE)
    by_hand = "".join(
        f"<disk type='{kind}' device='disk'><driver name='qemu' type='qcow2'/>{source}"
        f"<target dev='{target}' bus='virtio'/></disk>"
        for kind, source, target in (
            ("file", "<source file='/elsewhere/web01-root.qcow2'/>", "vdb"),
            ("network", "<source protocol='rbd' name='pool/root'><host name='h'/></source>", "vdc"),
        )
    )
    by_hand += "<interface type='bridge'><mac address='02:00:00:00:00:01'/>"
    by_hand += "<source bridge='br0'/></interface>"
    bench.keeper.defineXML(document.replace("</devices>", f"{by_hand}</devices>"))
    (web,) = look(bench, names=["web01"])["machines"]
    assert sorted(web["disks"]) == ["root", "vdb", "vdc"]
    assert web["disks"]["root"]["pool"] == "default"
    assert web["disks"]["vdb"]["source"] == "/elsewhere/web01-root.qcow2"
    assert web["disks"]["vdc"] == {"bus": "virtio", "source": "rbd:pool/root"}
    assert sorted(web["networks"]) == ["0", "02:00:00:00:00:01"]
    assert web["networks"]["02:00:00:00:00:01"] == {"network": "bridge br0"}
    # What others configured, others restart for.
    assert web["restart_required"] is False


def test_named_machines_in_their_order_and_missing_ones(bench: HostBench) -> None:
    result = look(bench, names=["web01", "gone", "old"])
    found = [(one["name"], one["exists"]) for one in result["machines"]]
    assert found == [("web01", True), ("gone", False), ("old", True)]


def test_what_waits_for_a_restart(bench: HostBench) -> None:
    bench.run({**WEB, "memory": "512MiB"})
    bench.writes.clear()
    (web,) = look(bench, names=["web01"])["machines"]
    assert web["restart_required"] is True
    assert web["pending"] == ["memory: 256MiB → 512MiB"]


@pytest.mark.parametrize("why", [None, "libvirt will be installed"])
def test_without_libvirt_there_is_nothing_if_it_is_to_come(why: Optional[str]) -> None:
    def connect() -> Any:
        raise LibvirtMissing("libvirt does not answer at qemu:///system: no", option="uri")

    params = {"names": ["web01"], "pending": {"libvirt": why} if why else {}}
    result = report(MACHINES, params, connect)
    if why:
        assert result["machines"] == [{"name": "web01", "exists": False}]
        assert result["pools"] == result["networks"] == []
    else:
        assert result["msg"] == "uri: libvirt does not answer at qemu:///system: no"


@pytest.mark.parametrize(("what", "code"), [("domain", 42), ("volume", 50)])
def test_what_somebody_removes_meanwhile_is_no_failure(
    bench: HostBench, what: str, code: int
) -> None:
    """Between the list and the look: virterror.h has the codes of what is not there."""

    class Racing(BenchHost):
        def invoke(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> Any:
            kind = {"domain": "virDomain", "volume": "virStorageVol"}[what]
            if (type(function.__self__).__name__, function.__name__) == (kind, "XMLDesc"):
                error = self.lib.libvirtError("gone")
                error.err = (code, 10, "gone", 2, "gone", None, None, -1, -1)
                raise error
            return super().invoke(function, args)

    result = report(MACHINES, {"pending": {}}, lambda: Racing(bench.world))
    assert not result.get("failed"), result["msg"]
    assert [one["exists"] for one in result["machines"]] == [what == "volume"] * 2
