"""The whole way from a bare server: hypervisor, machine, engine, container, reached by a jump.

The tests build on each other in the order of the file; the last one removes everything again.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e import machine_examples
from tests.e2e.checkout import ROOT, Checkout, Run
from tests.lab.servers import Server, start, stop

HYPER, MACHINE = "e2e-hyper", "demo-machine"
GUEST = ROOT / ".cache" / "guest"
DEMO, SITE = "playbooks/demo.yml", "playbooks/site.yml"
CLEAN = "playbooks/demo_clean.yml"
LOCAL = "inventories/local"
PAGE = "<h1>It works</h1>"
# What a user's own play about machines looks like: the role, then whatever is to be done inside.
INSIDE = """
- hosts: machines
  gather_facts: false
  become: true
  roles: [dockyard.fleet.machines]
  tasks:
    # The connection of a run before must not answer for this one.
    - ansible.builtin.meta: reset_connection
    - ansible.builtin.command: {cmd: "{{ inside }}"}
      changed_when: false
"""
OTHER_KEY = (
    'sh -c \'rm /etc/ssh/ssh_host_ed25519_key && ssh-keygen -q -t ed25519 -N ""'
    " -f /etc/ssh/ssh_host_ed25519_key && systemctl restart ssh'"
)


@pytest.fixture(scope="module")
def server(
    tree: Checkout, tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[Server]:
    """Start a bare server that has the guest's image where the demonstration looks for it."""
    try:
        (made,) = start([HYPER], tmp_path_factory.mktemp("hyper"))
        there = tree.folder / ".cache" / "guest"
        made.exec("mkdir", "-p", str(there))
        image = GUEST / "debian-12-demo.qcow2"
        # Not by docker cp: /tmp may be a file system of its own, which only the server sees.
        command = ["docker", "exec", "-i", HYPER, "sh", "-c", f"cat >{there}/{image.name}"]
        with image.open("rb") as content:
            subprocess.run(command, stdin=content, check=True)
        yield made
    finally:
        stop([HYPER])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout whose cache holds the guest, which is built if need be."""
    recipe = ROOT / "playbooks" / "files" / "guest" / "build.sh"
    # Whoever imports a file of it leaves such a folder, which is no part of it.
    (recipe.parent / "__pycache__").mkdir(exist_ok=True)
    subprocess.run(["sh", str(recipe), str(GUEST)], check=True, stdout=subprocess.DEVNULL)
    made = Checkout(tmp_path_factory.mktemp("whole"))
    cache = made.folder / ".cache" / "guest"
    cache.mkdir(parents=True)
    for name in ("debian-12-demo.qcow2.sha256", "vmlinuz", "initrd.img"):
        shutil.copy(GUEST / name, cache)
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cache / "key")]
    subprocess.run(keygen, check=True)
    (made.folder / "inside.yml").write_text(INSIDE)
    return made


@pytest.fixture(scope="module")
def fleet(tree: Checkout, server: Server) -> Checkout:
    """Have the server in the place of this machine; its guest is not built but copied."""
    hosts = tree.folder / LOCAL / "hosts.yml"
    inventory = yaml.safe_load(hosts.read_text())
    variables = {
        **server.inventory_vars("sudopw"),
        "demo_guest_tasks": "{{ guest_tasks | default('boot.yml') }}",
    }
    inventory["hypervisors"]["hosts"] = {HYPER: variables}
    inventory["machines"]["hosts"][MACHINE]["machines_hypervisor"] = HYPER
    hosts.write_text(json.dumps(inventory))
    return tree


@pytest.fixture(scope="module")
def planned(fleet: Checkout) -> Run:
    """Check what a fresh clone says, where no guest was ever built."""
    fresh = json.dumps({"demo_guest": "/nowhere", "guest_tasks": "guest.yml"})
    return fleet.play(DEMO, "--check", "--diff", "-e", fresh, inventory=LOCAL)


@pytest.fixture(scope="module")
def first(planned: Run, fleet: Checkout) -> Run:
    return fleet.play(DEMO, inventory=LOCAL)


@pytest.fixture(scope="module")
def foreign(first: Run, server: Server) -> str:
    """Have a machine of somebody else, with a disk in the pool; return its name."""
    server.exec("virsh", "vol-create-as", "default", "foreign.qcow2", "1M", "--format", "qcow2")
    xml = (
        "<domain type='qemu'><name>foreign</name><memory unit='MiB'>32</memory>"
        "<os><type>hvm</type></os><devices><disk type='volume' device='disk'>"
        "<driver type='qcow2'/><source pool='default' volume='foreign.qcow2'/>"
        "<target dev='vda' bus='virtio'/></disk></devices></domain>"
    )
    server.exec("sh", "-c", f'echo "{xml}" >/root/foreign.xml && virsh create /root/foreign.xml')
    return "foreign"


def machines(server: Server) -> list[str]:
    return sorted(server.exec("virsh", "list", "--all", "--name").split())


def volumes(server: Server) -> list[str]:
    """Return the volumes of the pool, without what their names say of their content."""
    listed = server.exec("virsh", "-q", "vol-list", "default").splitlines()
    return sorted(re.sub(r"-[0-9a-f]{12}", "", line.split()[0]) for line in listed)


def inside(fleet: Checkout, command: str, *options: str) -> Run:
    """Run a command in the machine, over a connection of its own."""
    extra = json.dumps({"inside": command, "machines_wait": "none"})
    return fleet.play("inside.yml", "-e", extra, *options, inventory=LOCAL)


def test_a_check_on_a_bare_server_plans_all_of_it(planned: Run, server: Server) -> None:
    assert set(planned.changed) == {HYPER, MACHINE}
    said = " ".join(planned.output.split())
    assert "the guest's image will be built from Debian's packages" in said.replace("''", "'")
    assert re.search(r"libvirt: libvirt will be installed \([^)]*qemu-system-x86", said)
    deferred = re.findall(r"deferred: ([^\s']+)", said)
    assert deferred == [f"vm/{MACHINE}", "stack/demo"]
    assert server.exec("sh", "-c", "command -v virsh || true") == ""


def test_the_first_run_goes_the_whole_way(first: Run, server: Server) -> None:
    print(first.report)
    assert first.changed.keys() == {HYPER, MACHINE}
    assert re.search(r'page +http://\S+ answers ".*It works', first.report)
    rungs = re.findall(r"^    (\w+) +[0-9.]+ s, at [0-9.]+ s$", first.report, re.MULTILINE)
    assert rungs == ["defined", "running", "address", "ssh", "cloud_init"]
    assert re.search(rf"vm/{MACHINE} +runs on emulation", first.report)
    assert re.search(r"^  Guest +[0-9.]+ s$", first.report, re.MULTILINE)
    assert machines(server) == [MACHINE]


def test_it_is_reached_by_a_jump_with_its_key_known_beforehand(
    first: Run, fleet: Checkout, server: Server
) -> None:
    lines = (fleet.folder / LOCAL / ".known_hosts").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [[MACHINE, "ssh-ed25519"]]
    done = inside(fleet, "docker ps", "-v")
    assert done.output.count("(healthy)") == 2
    page = inside(fleet, "busybox wget -q -O - http://127.0.0.1:8089/news/uptime.txt", "-v")
    assert "load average" in page.output


def test_a_second_run_changes_nothing(first: Run, fleet: Checkout) -> None:
    again = fleet.play(DEMO, inventory=LOCAL)
    assert again.changed == {HYPER: 0, MACHINE: 0}


def test_a_limit_to_one_machine_touches_only_that_one(
    first: Run, fleet: Checkout, server: Server
) -> None:
    """Two machines without a system, on the same hypervisor."""
    tiny = {"memory": "64MiB", "disks": [{"size": "16MiB"}], "wait": "none"}
    inventory = {
        "hypervisors": {"hosts": {HYPER: server.inventory_vars("sudopw")}},
        "machines": {
            "hosts": {"tiny1": None, "tiny2": None},
            "vars": {"machines_hypervisor": HYPER, "machines_vm": tiny},
        },
    }
    (fleet.folder / "tiny").mkdir()
    (fleet.folder / "tiny" / "hosts.json").write_text(json.dumps(inventory))
    made = fleet.play(SITE, "--limit", "tiny1", inventory="tiny/hosts.json")
    assert made.changed == {"tiny1": 1}
    assert machines(server) == [MACHINE, "tiny1"]
    gone = {"machines_vm": {**tiny, "state": "absent", "delete_disks": True}}
    options = ("--limit", "tiny1", "-e", json.dumps(gone))
    assert fleet.play(SITE, *options, inventory="tiny/hosts.json").changed == {"tiny1": 1}
    assert machines(server) == [MACHINE]


def test_another_host_key_is_refused_every_time(first: Run, fleet: Checkout) -> None:
    inside(fleet, OTHER_KEY)
    for _attempt in range(2):
        refused = inside(fleet, "true")
        assert refused.code == 4
        assert "Host key verification failed" in refused.output


def test_a_machine_made_anew_is_accepted_with_its_new_key(first: Run, fleet: Checkout) -> None:
    known = fleet.folder / LOCAL / ".known_hosts"
    before = known.read_text()
    gone = {"state": "absent", "delete_disks": True, "stop_grace_period": "1s"}
    extra = ("-e", json.dumps({"machines_vm": gone}), "--tags", "machines")
    assert fleet.play(SITE, *extra, inventory=LOCAL).changed[MACHINE] == 1
    extra = ("-e", json.dumps({"inside": "true", "machines_wait": "ssh"}))
    made = fleet.play("inside.yml", *extra, inventory=LOCAL)
    assert made.changed[MACHINE] > 0
    assert len(known.read_text().splitlines()) == 1
    assert known.read_text() != before


def test_every_example_about_machines_runs_and_a_second_time_changes_nothing(
    first: Run, fleet: Checkout, server: Server, tmp_path: Path
) -> None:
    """They run here because this hypervisor is nobody's: their names are those that users have."""
    before = machines(server), volumes(server)
    machine_examples.prepare(server, "/var/lib/dockyard-demo")
    with machine_examples.site(tmp_path, server) as site:
        plays = machine_examples.playbook(tmp_path, site)
        (fleet.folder / "examples.yml").write_text(json.dumps(plays))
        done = fleet.play("examples.yml", inventory=LOCAL)
    assert done.changed[HYPER] > 0
    assert (machines(server), volumes(server)) == before


def test_clean_leaves_a_foreign_machine_alone(
    first: Run, foreign: str, fleet: Checkout, server: Server
) -> None:
    record = fleet.folder / ".cache" / "demo" / f"{HYPER}.json"
    kept = record.read_text()
    done = fleet.play(CLEAN, inventory=LOCAL)
    assert done.changed[HYPER] > 0
    assert "use it by now: machine foreign, volume foreign.qcow2" in " ".join(done.output.split())
    assert machines(server) == [foreign]
    assert volumes(server) == ["foreign.qcow2"]
    assert server.exec("virsh", "domstate", foreign) == "running"
    left = [".cache/demo", "playbooks/demo/page/bin", f"{LOCAL}/.known_hosts"]
    assert [name for name in left if (fleet.folder / name).exists()] == []
    # For the next test, as if nobody had come in between.
    record.parent.mkdir()
    record.write_text(kept)


def test_clean_leaves_nothing_of_ours(first: Run, fleet: Checkout, server: Server) -> None:
    server.exec("virsh", "destroy", "foreign")
    server.exec("virsh", "vol-delete", "foreign.qcow2", "default")
    assert fleet.play(CLEAN, inventory=LOCAL).changed[HYPER] > 0
    left = """
        command -v libvirtd virsh qemu-img qemu-system-x86_64 dnsmasq iptables
        for file in /etc/libvirt /var/lib/libvirt /run/libvirt /var/lib/dockyard-demo \\
            /sys/class/net/virbr0; do
            test ! -e $file || echo $file
        done
        getent group libvirt kvm
        ps -A -o comm= | grep -E 'libvirt|virtlog|qemu|dnsmasq'
        true
    """
    assert server.exec("sh", "-c", left) == ""
    assert set(fleet.play(CLEAN, inventory=LOCAL).changed.values()) == {0}
