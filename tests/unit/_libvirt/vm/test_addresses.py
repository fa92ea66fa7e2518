"""What a guest, its DHCP client, its neighbours and a hypervisor tell is never believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import report
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.terminal_text import visible
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.info.readers import MACHINES
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import addresses as told
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import console, wait
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.libvirt import MachineFront

from tests.lab.hostwork import BenchHost, HostBench

MAC = "52:54:00:aa:00:01"
GOOD = "192.168.122.77"
WEB = {"name": "web01", "memory": "256MiB", "networks": [{"mac": MAC}]}
# Each is all that a guest says of its one interface.
HOSTILE: List[Any] = [
    "-oProxyCommand=touch /tmp/owned",
    "-oProxyCommand=id #192.168.122.77",
    "192.168.122.77 -oProxyCommand=id",
    "192.168.122.77\n-oProxyCommand=id",
    "192.168.122.77\n",
    " 192.168.122.77",
    "root@192.168.122.77",
    "192.168.122.77/24",
    "192.168.122.77:22",
    "fe80::1%-oProxyCommand=id",
    "2001:db8::1%-oProxyCommand=id",
    "2001:db8::1%eth0",
    "[2001:db8::1]",
    "::ffff:127.0.0.1",
    "::ffff:192.168.122.77",
    "127.0.0.1",
    "127.1.2.3",
    "::1",
    "0.0.0.0",
    "::",
    "169.254.1.1",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "localhost",
    "web01.example.org",
    "{{ lookup('pipe', 'id') }}",
    "$(id)",
    "0xC0A87A4D",
    "3232266829",
    "\uff11\uff19\uff12.168.122.77",
    "1" * 100_000,
    "",
    None,
    7,
    # One machine's, and not this one's: the hypervisor, no host, everybody, elsewhere, a neighbour.
    "192.168.122.1",
    "192.168.122.0",
    "192.168.122.255",
    "10.0.0.1",
    "8.8.8.8",
    "2001:db8::1",
    "192.168.122.50",
]


@pytest.fixture
def bench() -> Iterator[HostBench]:
    neighbour = {"52:54:00:aa:00:02": ["db01", "192.168.122.50"]}
    with HostBench({"before": [WEB], "reserved": neighbour}) as made:
        made.prepare()
        yield made


def answers(*addresses: Any, mac: str = MAC) -> Dict[str, Any]:
    """Return what libvirt makes of an agent's answer about one interface."""
    told = [{"addr": one, "prefix": 24, "type": 0} for one in addresses]
    return {"\x1b]0;eth0": {"hwaddr": mac, "addrs": told}}


def looked_at(bench: HostBench) -> Dict[str, Any]:
    (machine,) = report(MACHINES, {"pending": {}}, lambda: BenchHost(bench.world))["machines"]
    return dict(machine)


@pytest.mark.parametrize("source", ["lease", "agent", "arp"])
@pytest.mark.parametrize("said", HOSTILE, ids=lambda said: str(said)[:24])
def test_a_hostile_answer_is_no_address(
    said: Any, source: str, bench: HostBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "arp":
        monkeypatch.setattr(told, "_neighbours", lambda macs: iter([(MAC, said)]))
    bench.world.told = {source: answers(said)}
    assert bench.run({**WEB, "wait": "none"})["vm"]["address"] is None
    assert looked_at(bench)["addresses"] == []
    failed = bench.run({**WEB, "wait": "address", "wait_timeout": "0s"})
    assert (failed["rung"], "oProxy" in failed["msg"]) == ("address", False)


def test_the_true_address_among_hostile_ones_is_taken(bench: HostBench) -> None:
    bench.world.told = {"agent": answers(*HOSTILE, GOOD)}
    assert looked_at(bench)["addresses"] == [GOOD]
    bench.world.told = {"lease": answers(*HOSTILE), "agent": answers(GOOD)}
    assert bench.run(WEB)["vm"]["address"] == GOOD


@pytest.mark.parametrize("mac", ["52:54:00:aa:00:02", "", None, f"{MAC} ", "\x1b[2J", 7])
def test_only_its_own_interfaces_count(mac: Any, bench: HostBench) -> None:
    bench.world.told = {"agent": answers(GOOD, mac=mac)}
    assert looked_at(bench)["addresses"] == []


def test_a_guest_with_endless_addresses_is_cut_short(bench: HostBench) -> None:
    bench.world.told = {"agent": answers(*(f"192.168.122.{n}" for n in range(100, 200)))}
    assert len(looked_at(bench)["addresses"]) == 32


class Front(MachineFront):
    """A front end whose hypervisor is hostile itself."""

    def __init__(self) -> None:
        self._task = SimpleNamespace(check_mode=False, async_val=0)


@pytest.mark.parametrize("said", HOSTILE[:37], ids=lambda said: str(said)[:24])
def test_a_hostile_hypervisor_does_not_reach_the_controller(said: Any) -> None:
    keys = ["ssh-ed25519 AAAA\n@cert-authority * ssh-ed25519 BBBB", "ssh-ed25519 AAAA web01"]
    machine = {"name": "x", "address": said, "addresses": [said, GOOD], "ssh_host_keys": keys}
    result = Front().finish({"vm": machine, "machines": [machine]}, {})
    for one in (result["vm"], result["machines"][0]):
        assert (one["address"], one["addresses"]) == (None, [GOOD])
        assert one["ssh_host_keys"] == keys[1:]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("[\x1b[0;32m  OK  \x1b[0m] Reached target", "[  OK  ] Reached target"),
        ("\x1b]0;owned\x07\x1b[2J\x1b[8m", r"\x1b]0;owned\x07\x1b[2J"),
        ("a\x9b2Jb\r", r"a\x9b2Jb\r"),
        ("abc\u202egnp.exe", r"abc\u202egnp.exe"),
        ("x" * 1000, "x" * 500 + "…"),
    ],
)
def test_words_of_a_console_do_nothing_to_a_terminal(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_the_error_that_quotes_a_console(bench: HostBench, monkeypatch: pytest.MonkeyPatch) -> None:
    panic = "\x1b[2J\x1b]0;owned\x07Kernel panic - not syncing: \x1b[31mno \x1b[5nroot\n"
    for module in (wait, console):
        monkeypatch.setattr(module, "console_text", lambda _name: panic)
    bench.world.told = {}
    failed = bench.run({**WEB, "wait": "address"})
    assert failed["msg"].count(r"no \x1b[5nroot") == 2
    assert not any("\x1b" in text for text in (failed["msg"], *failed["console"]))


def leases(**expiry: int) -> Dict[str, Any]:
    found = [
        {"mac": MAC, "ipaddr": f"192.168.122.{n[1:]}", "expirytime": t} for n, t in expiry.items()
    ]
    addresses = [one["ipaddr"] for one in found]
    return {"lease": answers(*addresses), "leases": found}


def test_of_two_leases_the_newest_comes_first(bench: HostBench) -> None:
    bench.world.told = leases(_60=100, _61=300, _62=200)
    assert looked_at(bench)["addresses"] == [f"192.168.122.6{n}" for n in (1, 2, 0)]


def _only(address: str) -> Any:
    def port(at: str) -> Any:
        return (True, "SSH-2.0-fake") if at == address else (False, f"{at}: No route to host")

    return port


def test_the_lease_that_answers_is_the_machine_s_address(
    bench: HostBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.world.told = leases(_60=100, _61=300)
    for module in (wait, console):
        monkeypatch.setattr(module, "port_answers", _only("192.168.122.60"))
    bench.run({**WEB, "state": "stopped"})
    made = bench.run({**WEB, "wait": "ssh"})
    assert made["vm"]["address"] == "192.168.122.60", made
    assert bench.run({**WEB, "wait": "ssh"})["changed"] is False


def test_an_address_that_changes_while_it_is_waited_for_is_followed(
    bench: HostBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.world.told = leases(_60=100)
    bench.run({**WEB, "state": "stopped"})

    def port(at: str) -> Any:
        bench.world.told = leases(_61=300)
        return _only("192.168.122.61")(at)

    for module in (wait, console):
        monkeypatch.setattr(module, "port_answers", port)
    made = bench.run({**WEB, "wait": "ssh"})
    assert made["vm"]["address"] == "192.168.122.61"
    assert [one["rung"] for one in made["ready"]] == ["running", "address", "ssh"]
