"""What a machine's memory is beside memory devices, which the built-in driver does not take."""

from __future__ import annotations

from typing import Any, Dict
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import Context
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.size import (
    read_count,
    read_memory,
    write_count,
    write_memory,
)

MIB = 1 << 20
# As libvirt 9.0 shows a machine of 64 MiB to which somebody gave a DIMM of 128 MiB.
DIMM = """<domain><maxMemory slots='2' unit='KiB'>262144</maxMemory>
<memory unit='KiB'>196608</memory><currentMemory unit='KiB'>196608</currentMemory>
<cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'/></numa></cpu>
<devices><memory model='dimm'><target><size unit='KiB'>131072</size></target></memory></devices>
</domain>"""


@pytest.mark.parametrize(
    ("count", "sockets", "written", "current"),
    [(4, "2", "4", None), (2, "1", "2", None), (1, "1", "2", "1")],
)
def test_a_topology_of_others_stays_and_has_the_cpus(
    count: int, sockets: str, written: str, current: Any
) -> None:
    text = (
        "<domain><vcpu>2</vcpu><cpu><topology sockets='1' dies='1' cores='2' threads='1'/>"
        "</cpu></domain>"
    )
    made = {"config": ET.fromstring(text)}
    write_count(made, count, Context({}))
    vcpu, topology = made["config"].find("vcpu"), made["config"].find("cpu/topology")
    assert (vcpu.text, vcpu.get("current")) == (written, current)
    assert (topology.get("sockets"), topology.get("cores")) == (sockets, "2")
    assert read_count(made, Context({})) == count


def test_memory_devices_of_others_stay_beside_the_memory() -> None:
    made: Dict[str, Any] = {"config": ET.fromstring(DIMM)}
    assert read_memory(made, Context({"memory": 64 * MIB})) == 64 * MIB
    write_memory(made, 192 * MIB, Context({}))
    root = made["config"]
    found = [root.findtext(tag) for tag in ("memory", "currentMemory", "maxMemory")]
    assert found == [str(320 * 1024)] * 3
    assert root.find("cpu/numa/cell").get("memory") == str(192 * 1024)
    assert root.find("devices/memory") is not None
    assert read_memory(made, Context({"memory": 192 * MIB})) == 192 * MIB


def test_a_balloon_that_changes_while_it_runs_is_no_change() -> None:
    text = "<domain id='3'><memory>262144</memory><currentMemory>131072</currentMemory></domain>"
    seen = {"config": ET.fromstring(text)}
    assert read_memory(seen, Context({"memory": 256 * MIB})) == 256 * MIB
