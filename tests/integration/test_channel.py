"""Channels over real ssh servers to the real engine: the way taken, answers, nothing left."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.lab.ways import SOCKET, Lab, left_on_hosts

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)


WAYS = {
    "dock": ("forward", ""),
    "dock-alone": ("child", "ControlPersist is off"),
    "dock-closed": ("relay", "does not forward to sockets"),
    "dock-password": ("forward", ""),
    "dock-sshpass": ("forward", ""),
    "dock-jump": ("forward", ""),
    "dock-path": ("forward", ""),
    "dock-python": ("relay", "does not forward to sockets"),
    "free": ("relay", "become"),
    "free-alone": ("relay", "become"),
    "pw": ("relay", "become"),
    "here": ("socket", ""),
    "here-root": ("socket", ""),
    "here-dock": ("relay", "another user"),
}


def table(reports: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        f"{host:12} {report['way']:8} open {report['ms'][0]:4} ms, two answers"
        f" {report['ms'][1]:4} ms, close {report['ms'][2]:4} ms"
        for host, report in reports.items()
    )


@pytest.mark.parametrize("turn", ["cold", "warm", "open-stream"])
def test_each_host_is_reached_its_own_way_and_nothing_is_left(
    lab: Lab, engine_version: str, turn: str
) -> None:
    keep_open = turn == "open-stream"
    reports, done = lab.play(":".join(WAYS), keep_open=keep_open)
    assert sorted(reports) == sorted(WAYS), done.stdout + done.stderr
    print(f"\n{turn}\n{table(reports)}")
    events = ["HTTP/1.1 200"] if keep_open else []
    for host, (way, why) in WAYS.items():
        report = reports[host]
        assert report["way"] == way, (host, report)
        assert why in " ".join(report["tried"]), host
        assert bool(report["tried"]) == bool(why), host
        assert report["answers"] == [engine_version, engine_version, *events], host
        assert report["children"] == [], host
        assert report["files"] == [], host
    assert left_on_hosts(lab) == []


def test_a_forward_is_opened_again_when_the_shared_connection_has_died(
    lab: Lab, engine_version: str
) -> None:
    reports, done = lab.play("dock", kill_shared=True)
    report = reports["dock"]
    assert report["killed"], done.stdout
    assert report["answers"] == [engine_version, engine_version]
    assert report["files"] == []


@pytest.mark.parametrize("host", ["dock", "dock-alone", "dock-closed", "pw", "here-dock"])
def test_a_killed_task_leaves_no_process_on_the_host_and_no_file(lab: Lab, host: str) -> None:
    reports, done = lab.play(host, die=True)
    assert reports == {}, "the task was to be killed"
    assert done.returncode != 0
    assert left_on_hosts(lab) == []
    local_tmp = Path(done.args[4]).parent / "home/tmp"
    assert list(local_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "kind", "words"),
    [
        ("none", "EngineMissing", ["no permission", SOCKET, "group docker", "become: true"]),
        ("pw-missing", "FleetError", ["asks for a password", "--ask-become-pass"]),
        ("pw-wrong", "FleetError", ["sudo password", "refused"]),
    ],
)
def test_a_missing_right_is_one_clear_error(
    lab: Lab, host: str, kind: str, words: list[str]
) -> None:
    reports, _done = lab.play(host)
    assert reports[host]["way"] == kind, reports
    assert [word for word in words if word not in reports[host]["error"]] == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("su", "su needs a terminal"),
        ("dock-bare", "none of docker, podman, socat, python3"),
        ("other", "plugin plainsh carries no"),
    ],
)
def test_no_channel_gives_the_reasons(lab: Lab, host: str, reason: str) -> None:
    reports, _done = lab.play(host)
    assert reports[host]["way"] == "none", reports
    assert reason in reports[host]["tried"][-1]


def test_a_host_that_does_not_answer_is_unreachable_as_in_any_task(lab: Lab) -> None:
    reports, done = lab.play("away")
    assert reports == {}
    assert done.returncode == 4
    assert "UNREACHABLE" in done.stdout


@pytest.mark.parametrize("host", ["dock", "dock-alone", "free", "here", "here-dock"])
def test_no_socket_and_no_listener_mean_no_engine(lab: Lab, host: str) -> None:
    stale = lab.site.folder / f"stale-{host}"
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(stale))
    stale.chmod(0o666)
    for path, words in ((f"{stale}-not", "finds no socket"), (str(stale), "nothing listens")):
        reports, done = lab.play(host, engine_host=f"unix://{path}")
        assert reports[host]["way"] == "EngineMissing", (reports, done.stdout)
        assert words in reports[host]["error"]
        assert path in reports[host]["error"]
    assert left_on_hosts(lab) == []


def test_docker_host_of_the_task_environment_is_templated_and_used(lab: Lab) -> None:
    value = "unix:///run/{{ inventory_hostname }}.sock"
    reports, _done = lab.play("dock", environment={"DOCKER_HOST": value})
    assert "/run/dock.sock" in reports["dock"]["error"]
    reports, _done = lab.play(
        "dock", environment={"DOCKER_HOST": value}, engine_host=f"unix://{SOCKET}"
    )
    assert reports["dock"]["way"] == "forward"


def test_a_local_user_without_permission(lab: Lab, engine_version: str) -> None:
    """With sudo the relay is taken; without, the error names the group."""
    user = lab.accounts["free"]
    lab.need_ansible(user)
    reports, done = lab.play("here:here-root", user=user)
    assert reports["here-root"]["way"] == "relay", done.stdout
    assert reports["here-root"]["answers"] == [engine_version, engine_version]
    assert reports["here-root"]["children"] == []
    assert reports["here"]["way"] == "EngineMissing"
    assert f"add {user.name} to the group docker" in reports["here"]["error"]
