"""How a report reads, and that it stays short and harmless."""

from __future__ import annotations

from ansible_collections.dockyard.fleet.plugins.plugin_utils.report.host import Host, Machine
from ansible_collections.dockyard.fleet.plugins.plugin_utils.report.stages import Stages
from ansible_collections.dockyard.fleet.plugins.plugin_utils.report.text import report


def test_it_reads() -> None:
    stages = Stages()
    stages.play("Hypervisors", 0)
    stages.begin("kvm_host", 1)
    stages.end("kvm_host", 31)
    stages.begin("machines", 31)
    stages.end("machines", 33.5)
    stages.play("Machines", 33.5)
    stages.end("", 33.5)
    stages.begin("machines", 33.5)
    stages.end("machines", 70)
    stages.play("Nothing", 70)
    web01 = Host(
        verbs={
            ("vm/web01", False): ["create_volume", "define", "start"],
            ("container/web", True): ["create", "start"],
        },
        unchanged={"image": 1, "network": 2},
        others={("container_runtime", False): 7, ("", True): 1},
        machines={"vm/web01": Machine("qemu", [("running", 1.3), ("address", 10.5)], "ssh")},
        pages=[("http://127.0.0.1:8080/", "It works")],
        ways=["relay"],
        failed="in role machines, at dockyard.fleet.declared",
    )
    assert "\n".join(report({"web01": web01, "hv1": Host()}, stages.plays)) == (
        """\
web01
  vm/web01                   create_volume, define, start
  container/web              would create, start
  unchanged                  1 image, 2 networks
  role container_runtime     7 changes
  other tasks                would make 1 change
  vm/web01                   runs on emulation
    running                     1.3 s, at 1.3 s
    address                     9.2 s, at 10.5 s
    ssh                      not reached
  engine                     reached by relay
  page                       http://127.0.0.1:8080/ answers "It works"
  failed                     in role machines, at dockyard.fleet.declared
times
  Hypervisors                  33.5 s
    kvm_host                   30.0 s
    machines                    2.5 s
  Machines                     36.5 s"""
    )


def test_hosts_with_nothing_new_share_their_lines() -> None:
    same = Host(unchanged={"container": 2})
    new = Host(unchanged={"container": 1}, verbs={("container/web", False): ["start"]})
    assert report({"a": same, "b": new, "c": same, "d": new}, []) == [
        *("a, c", "  unchanged                  2 containers"),
        *("b", "  container/web              start", "  unchanged                  1 container"),
        *("d", "  container/web              start", "  unchanged                  1 container"),
    ]


def test_it_is_bounded_and_tells_first_what_is_new() -> None:
    many = Host(verbs={(f"container/{n}", False): ["create"] * 400 for n in range(300)})
    hosts = {f"quiet{n}": Host(unchanged={"image": n}) for n in range(100)}
    lines = report({**hosts, "busy": many}, [])
    assert len(lines) < 200
    assert lines[0] == "busy"
    assert lines[41] == "  and 260 more lines"
    assert lines[-1] == "and 61 more hosts"
    assert max(map(len, lines)) <= 161


def test_a_terminal_obeys_none_of_it() -> None:
    host = Host(verbs={("container/\x1b[2J\u202e\n", False): ["create"]}, pages=[("x\x07", "\x9b")])
    assert all(line.isprintable() for line in report({"h\x1b]0;": host}, []))


def test_without_anything_there_is_no_report() -> None:
    assert report({}, Stages().plays) == []
