"""Engines that are named: by ports with TLS, by ssh:// and contexts; and those that are found."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.certificates import Authority, TlsPort, server_context
from tests.lab.proxy import Proxy
from tests.lab.ways import SOCKET, Lab, left_on_hosts, ssh_config

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return the options of a port with TLS that goes to the engine."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    server, client = authority.sign("server", "engine.example"), authority.sign("client")
    with TlsPort(SOCKET, server_context(*server, authority.ca)) as tls:
        yield {
            "engine_host": f"tcp://127.0.0.1:{tls.port}",
            "engine_ca": str(authority.ca),
            "engine_cert": str(client[0]),
            "engine_key": str(client[1]),
            "engine_tls_hostname": "engine.example",
        }


WAYS = {"here": "port", "dock": "forward", "dock-alone": "child", "free": "forward"}


def test_a_port_with_tls_is_reached_as_the_host_sees_it(
    lab: Lab,
    engine_version: str,
    port: dict[str, Any],
) -> None:
    """Keys and certificates stay on the controller, whatever the way; become changes nothing."""
    reports, done = lab.play(":".join(WAYS), **port)
    assert sorted(reports) == sorted(WAYS), done.stdout
    for host, report in reports.items():
        assert report["way"] == WAYS[host], report
        assert report["address"] == port["engine_host"]
        assert report["answers"] == [engine_version, engine_version]
        assert (report["children"], report["files"]) == ([], [])


def test_a_wrong_name_is_the_same_error_by_every_way(
    lab: Lab,
    port: dict[str, Any],
) -> None:
    reports, _done = lab.play("here:dock", **{**port, "engine_tls_hostname": "127.0.0.1"})
    for host in ("here", "dock"):
        assert reports[host]["way"] == "EngineMissing", reports
        assert "not for 127.0.0.1" in reports[host]["error"]


def test_complaint_containers_12_ssh_addresses_go_by_the_users_own_configuration(
    lab: Lab,
    engine_version: str,
) -> None:
    """The user's aliases, key, known hosts and jump; the second task shares the connection."""
    user = lab.accounts["free"]
    lab.need_ansible(user)
    folder = user.home / ".ssh"
    folder.mkdir(mode=0o700)
    shutil.copy(lab.site.key, folder / "key")
    known = lab.site.folder / "known_hosts"
    config = ssh_config(lab.hosts["dock"], lab.hosts["free"], str(known), str(folder / "key"))
    (folder / "config").write_text(config + "Host fleet-new\n UserKnownHostsFile none\n")
    owner = pwd.getpwnam(user.name)
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    shared = user.home / "shared"
    try:
        for _turn in ("cold", "warm"):
            reports, done = lab.play("here", user=user, home=shared, engine_host="ssh://fleet-far")
            assert reports["here"]["way"] == "ssh-forward", (reports, done.stdout)
            assert reports["here"]["address"] == f"ssh://fleet-far{SOCKET}"
            assert reports["here"]["answers"] == [engine_version, engine_version]
            assert reports["here"]["children"] == []
        assert len(list((shared / "cp").iterdir())) == 1
        address = f"ssh://fleet-new:{lab.hosts['dock']['ansible_port']}"
        reports, done = lab.play("here", user=user, home=shared, engine_host=address)
        assert reports["here"]["way"] == "EngineMissing", reports
        assert "make `ssh fleet-new` work" in reports["here"]["error"]
    finally:
        for path in (shared / "cp").iterdir():
            command = ["ssh", "-F", "none", "-S", str(path), "-O", "exit", "none"]
            subprocess.run(command, capture_output=True, check=False)
    assert left_on_hosts(lab) == []


def test_a_context_is_followed_where_its_files_are(
    lab: Lab,
    tmp_path: Path,
) -> None:
    subprocess.run(
        ["docker", "context", "create", "fleet-e", "--docker", f"host=unix://{SOCKET}"],
        env={**os.environ, "DOCKER_CONFIG": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    config = tmp_path / "config.json"
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    reports, _done = lab.play("here:dock", environment=environment, engine_context="fleet-e")
    assert (reports["here"]["way"], reports["here"]["address"]) == ("socket", f"unix://{SOCKET}")
    assert reports["dock"]["way"] == "none", "the module on the host reads its own"
    assert "docker contexts are files of the host" in reports["dock"]["tried"][-1]
    config.write_text(json.dumps({"currentContext": "gone"}))
    reports, _done = lab.play("here", environment=environment)
    assert "no docker context gone" in reports["here"]["error"]


def test_the_users_own_engine_is_found_where_docker_is_not_theirs(
    lab: Lab,
    engine_version: str,
) -> None:
    account = pwd.getpwnam(lab.accounts["none"].name)
    folder = Path(f"/run/user/{account.pw_uid}")
    (folder / "podman").mkdir(parents=True)
    try:
        with Proxy() as proxy:
            theirs = folder / "podman/podman.sock"
            theirs.symlink_to(proxy.socket_path)
            for path in (Path(proxy.socket_path).parent, Path(proxy.socket_path)):
                path.chmod(0o777)
            reports, done = lab.play("none")
        assert reports, done.stdout + done.stderr
        assert reports["none"]["way"] == "forward", (reports, done.stdout)
        assert reports["none"]["address"] == f"unix://{theirs}"
        assert reports["none"]["answers"] == [engine_version, engine_version]
    finally:
        shutil.rmtree(folder)


def test_a_delegated_task_goes_the_way_of_the_host_that_does_it(
    lab: Lab,
    engine_version: str,
) -> None:
    for first, other, way in (("here", "dock", "forward"), ("none", "here", "socket")):
        reports, _done = lab.play(first, delegate_to=other)
        assert reports[first]["way"] == way, reports
        assert reports[first]["answers"] == [engine_version, engine_version]
