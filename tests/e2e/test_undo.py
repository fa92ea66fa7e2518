"""demo_containers_clean removes what the demonstration made, and nothing else."""

from __future__ import annotations

import pytest

from tests.e2e.checkout import Checkout, Run
from tests.lab.servers import Server

SHARED, ALONE, GIVEN = "e2e-sudoer", "e2e-sudopw", "e2e-dock"


@pytest.fixture(scope="module")
def undone(first: Run, tree: Checkout, servers: dict[str, Server]) -> Run:
    # What another test leaves, if that has run.
    theirs = "docker ps -aq --filter name=^demo-secret_environment$"
    servers[GIVEN].exec("sh", "-c", f"{theirs} | xargs -r docker rm -f")
    shared = servers[SHARED]
    shared.exec("docker", "import", "/usr/local/share/lab/busybox.tar", "foreign:1")
    shared.exec("docker", "run", "-d", "--name", "foreign", "foreign:1", "sleep", "1d")
    return tree.play("playbooks/demo_containers_clean.yml")


def test_an_engine_that_others_use_stays(undone: Run, servers: dict[str, Server]) -> None:
    assert undone.changed[SHARED] > 0
    assert "others use it by now: container foreign, image foreign:1" in undone.output
    seen = servers[SHARED].exec("docker", "ps", "-a", "--format", "{{.Names}} {{.State}}")
    assert seen == "foreign running"
    images = servers[SHARED].exec("docker", "images", "-a", "--format", "{{.Repository}}")
    assert images == "foreign"


def test_an_engine_that_the_demonstration_brought_goes(
    undone: Run, servers: dict[str, Server]
) -> None:
    left = """
        command -v dockerd docker containerd runc iptables
        for file in /etc/docker /var/lib/containerd /var/run/docker.sock /sys/class/net/docker0; do
            test ! -e $file || echo $file
        done
        ls -A /var/lib/docker
        getent group docker
        true
    """
    assert servers[ALONE].exec("sh", "-c", left) == ""


def test_an_engine_that_was_there_before_stays_as_it_was(
    undone: Run, servers: dict[str, Server]
) -> None:
    assert servers[GIVEN].exec("docker", "ps", "-aq") == ""
    assert servers[GIVEN].exec("docker", "images", "-aq") == ""
    assert servers[GIVEN].exec("systemctl", "is-active", "docker") == "active"


def test_nothing_is_kept_on_the_controller(undone: Run, tree: Checkout) -> None:
    left = [".cache/demo-containers", "playbooks/demo/page/bin"]
    assert [name for name in left if (tree.folder / name).exists()] == []


def test_a_second_time_it_finds_nothing(undone: Run, tree: Checkout) -> None:
    assert set(tree.play("playbooks/demo_containers_clean.yml").changed.values()) == {0}
