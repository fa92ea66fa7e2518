"""Role container_runtime where it gets difficult: no init, refusals, failures, killed runs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.playbook import run_playbook
from tests.lab.servers import Server, inventory, start, stop

ROOT = Path(__file__).resolve().parents[3]
ROLE = "container_runtime"
CONFIG = "/etc/docker/daemon.json"
PREVIOUS = "/etc/docker/.daemon.json.previous"


@dataclass
class Host:
    """A server, and the role to run against it."""

    server: Server
    folder: Path
    settings: str | None = None

    def role(self, *options: str, which: str = ROLE, **variables: Any) -> str:
        """Run the role; return the output with all white space made single spaces."""
        hosts = inventory([self.server])["all"]["hosts"]
        output = self.roles(hosts, *options, which=which, **variables)
        if not options and not variables and which == ROLE:
            self.settings = self.sh(f"cat {CONFIG}")
        return output

    def settled(self) -> None:
        """Have the engine with the role's own settings; the role need not run if it has them."""
        if self.settings is None or self.sh(f"cat {CONFIG}") != self.settings:
            self.role()

    def roles(
        self, hosts: dict[str, Any], *options: str, which: str = ROLE, **variables: Any
    ) -> str:
        """Run the role on names of the server, each with variables of its own."""
        inventory_file = self.folder / f"{self.server.name}.json"
        inventory_file.write_text(json.dumps({"all": {"hosts": hosts}}))
        play = self.folder / "play.json"
        play.write_text(
            json.dumps(
                [
                    {
                        "hosts": "all",
                        "gather_facts": False,
                        "roles": [f"dockyard.fleet.{which}"],
                        "vars": prefixed(variables, which),
                    }
                ]
            )
        )
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
        arguments = ["-i", str(inventory_file), str(play), *options]
        done = run_playbook(arguments, ROOT, environment)
        return " ".join((done.stdout + done.stderr).split())

    def sh(self, script: str) -> str:
        return self.server.exec("sh", "-c", script)

    def container(self) -> str:
        """Make sure that a container runs and return what a restart would change."""
        archive = "/usr/local/share/lab/busybox.tar"
        image = f"docker image inspect -f {{{{.Id}}}} t:1 || docker import {archive} t:1"
        self.sh(
            f"({image}) 2>/dev/null; docker start keep || docker run -d --name keep t:1 sleep 1d"
        )
        return self.identity()

    def identity(self) -> str:
        return self.sh("docker inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Running}}' keep")


def prefixed(variables: dict[str, Any], role: str = ROLE) -> dict[str, Any]:
    """Return variables of the role by their whole names."""
    return {f"{role}_{name}": value for name, value in variables.items()}


def changed(output: str) -> int:
    """Return how many tasks changed something; fail if the run did."""
    found = re.search(r"changed=(\d+) unreachable=0 failed=0", output)
    assert found, output[-3000:]
    return int(found[1])


def hosts(folder: Path, name: str, init: bool) -> Iterator[Host]:
    server = start([name], folder, variant="docker", init=init)[0]
    yield Host(server, folder)
    stop([name])


@pytest.fixture(scope="module")
def systemd(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[Host]:
    yield from hosts(tmp_path_factory.mktemp("systemd"), "lab-runtime-systemd", True)


@pytest.fixture(scope="module")
def direct(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[Host]:
    yield from hosts(tmp_path_factory.mktemp("direct"), "lab-runtime-direct", False)


def test_an_engine_without_live_restore_is_restarted_without_losing_its_container(
    systemd: Host,
) -> None:
    before = systemd.container()
    pid = systemd.sh("cat /run/docker.pid")
    output = systemd.role("--check")
    assert "restart of the engine, containers keep running (live-restore)" in output
    assert changed(output) > 0
    assert (systemd.identity(), systemd.sh("cat /run/docker.pid")) == (before, pid)

    assert changed(systemd.role()) > 0
    assert systemd.identity() == before
    assert systemd.sh("cat /run/docker.pid") != pid
    assert changed(systemd.role()) == 0


def test_a_live_setting_costs_a_reload(systemd: Host) -> None:
    systemd.settled()
    pid = systemd.sh("cat /run/docker.pid")
    output = systemd.role(daemon={"max-concurrent-downloads": 2, "debug": True})
    assert "debug, max-concurrent-downloads added → reload of the engine" in output
    assert systemd.sh("docker info -f '{{.Debug}}'") == "true"
    assert systemd.sh("cat /run/docker.pid") == pid


@pytest.mark.parametrize(
    ("daemon", "why"),
    [
        (
            {"live-restore": False, "mtu": 1400},
            "its 1 containers would stop (without live-restore)",
        ),
        ({"bip": "10.9.0.1/24"}, "its 1 containers would stop (bip)"),
    ],
)
def test_stopping_containers_is_refused(systemd: Host, daemon: dict[str, Any], why: str) -> None:
    systemd.settled()
    before, config = systemd.container(), systemd.sh(f"cat {CONFIG}")
    for options in ([], ["--check"]) if "bip" in daemon else ([],):
        output = systemd.role(*options, daemon=daemon)
        assert why in output
        assert "container_runtime_allow_container_stop to true" in output
        assert "failed=1" in output
    assert (systemd.identity(), systemd.sh(f"cat {CONFIG}")) == (before, config)


def test_what_is_in_a_folder_is_not_left_behind(systemd: Host) -> None:
    """Neither by a running engine nor by one that stands still and cannot be asked."""
    systemd.settled()
    before, config = systemd.container(), systemd.sh(f"cat {CONFIG}")
    for first in ("true", "systemctl stop docker.socket docker"):
        systemd.sh(first)
        output = systemd.role(daemon={"data-root": "/srv/docker"}, allow_container_stop=True)
        assert "would not see what is in /var/lib/docker any more: 1 containers," in output
        assert "data-root left out" in output
        assert "set container_runtime_allow_data_move to true" in output
        assert systemd.sh(f"cat {CONFIG}") == config
    assert changed(systemd.role()) > 0
    assert systemd.identity() == before  # live-restore


def test_a_file_that_cannot_be_read_is_not_written_over(systemd: Host) -> None:
    systemd.settled()
    before, config = systemd.container(), systemd.sh(f"cat {CONFIG}")
    broken = '{"data-root": "/srv/docker",}'
    systemd.sh(f"mv {CONFIG} /root/good; echo '{broken}' >{CONFIG}")
    output = systemd.role(start_timeout=61)
    assert "line 1, column 28: a comma before the closing bracket" in output
    assert "Nothing was changed" in output
    assert systemd.sh(f"cat {CONFIG}") == broken
    systemd.sh(f"mv /root/good {CONFIG}")
    assert (systemd.identity(), systemd.sh(f"cat {CONFIG}")) == (before, config)


def test_a_link_stays_one_and_the_file_before_is_kept(systemd: Host) -> None:
    systemd.settled()
    mine = '{"live-restore": true, "mtu": 1400}'
    systemd.sh(f"echo '{mine}' >/srv/engine.json; chmod 640 /srv/engine.json")
    systemd.sh(f"ln -sf /srv/engine.json {CONFIG}")
    assert changed(systemd.role()) > 0
    assert systemd.sh(f"readlink {CONFIG}") == "/srv/engine.json"
    assert "no-new-privileges" in systemd.sh("cat /srv/engine.json")
    assert systemd.sh("cat /srv/engine.json.old-*") == mine
    assert systemd.sh("stat -c %a /srv/engine.json /srv/engine.json.old-*").split() == ["640"] * 2
    # The disk of the file is not mounted: what it says is unknown, not empty.
    systemd.sh("mv /srv/engine.json /srv/elsewhere.json")
    assert "is a link to /srv/engine.json, which is not there" in systemd.role("--check")
    systemd.sh(f"mv /srv/elsewhere.json {CONFIG}")


def is_undone(host: Host) -> None:
    """A configuration that the engine does not run with is taken back, and the containers stay."""
    host.settled()
    before, config = host.container(), host.sh(f"cat {CONFIG}")
    output = host.role(daemon={"log-driver": "nonsense"}, start_timeout=6)
    assert "did not run with the new configuration" in output
    assert "the one before is back and the engine runs with it" in output
    assert "nonsense" in output.split("last words:")[1]
    assert host.sh(f"cat {CONFIG}") == config
    assert host.identity() == before
    assert changed(host.role()) == 0


def test_a_configuration_that_does_not_run_is_undone(systemd: Host) -> None:
    is_undone(systemd)


def test_a_killed_run_is_finished_by_the_next(systemd: Host) -> None:
    systemd.settled()
    before, pid = systemd.container(), systemd.sh("cat /run/docker.pid")
    # As a run leaves it that dies between the new file and the restart.
    systemd.sh(f"cp {CONFIG} {PREVIOUS}; sed -i 's/10m/7m/' {CONFIG}")
    assert "log-opts changed → restart" in systemd.role(daemon={"log-opts": {"max-size": "7m"}})
    assert systemd.sh("cat /run/docker.pid") != pid
    assert systemd.identity() == before
    assert PREVIOUS not in systemd.sh("ls -A /etc/docker/.d* 2>/dev/null || true")


def test_without_init_the_engine_is_started_and_restarted_directly(direct: Host) -> None:
    direct.settled()
    assert direct.sh("cat /proc/1/comm") == "sshd"
    assert changed(direct.role()) == 0
    before, pid = direct.container(), direct.sh("cat /run/docker.pid")
    output = direct.role(daemon={"log-opts": {"max-size": "6m"}})
    assert "restart of the engine, containers keep running" in output
    assert direct.sh("cat /run/docker.pid") != pid
    assert direct.identity() == before
    assert "Daemon has completed initialization" in direct.sh("cat /var/log/dockerd.log")


def test_bad_input_is_one_clear_error(systemd: Host) -> None:
    """And no right to do it. Each on a name of its own for the one server."""
    # From 23 on the engine itself is asked.
    release = systemd.sh("dockerd --version").partition("version ")[2].partition(".")[0]
    unknown = "no such setting; did you mean live-restore?"
    if int(release) >= 23:
        unknown = "the engine refuses it: the following directives don't match any configuration"
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("root", {"daemon": {"live-restor": True}}, unknown),
        ("root", {"daemon": {"log-opts": {"max-file": 3}}}, "log-opts.max-file: must be a string"),
        ("root", {"daemon": {"hosts": ["tcp://0.0.0.0"]}}, "leave hosts out"),
        ("root", {"users": ["dock", "nobody-here"]}, "no user nobody-here on this host"),
        ("dock", {}, "acts as user 1000 on case-4, but installing an engine needs root; set be"),
    ]
    hosts = {
        f"case-{number}": {**systemd.server.inventory_vars(user), **prefixed(variables)}
        for number, (user, variables, _message) in enumerate(cases)
    }
    output = systemd.roles(hosts)
    assert [message for _user, _variables, message in cases if message not in output] == [], output
    assert output.count("failed=1") == len(cases)
    assert "Traceback" not in output


def test_declared_users_join_the_group_and_others_do_not(systemd: Host) -> None:
    systemd.sh("gpasswd -d dock docker || true")
    assert changed(systemd.role(users=["sudoer"])) > 0
    assert systemd.sh("getent group docker").split(":")[3] == "sudoer"
    assert changed(systemd.role(users=["sudoer"])) == 0
