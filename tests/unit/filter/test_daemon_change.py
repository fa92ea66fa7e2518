"""The filter daemon_change: what the plan of container_runtime says of a changed daemon.json."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.daemon_change import (
    FilterModule,
    daemon_change,
)


@pytest.mark.parametrize(
    ("old", "new", "impact", "keys", "text"),
    [
        ({"debug": True}, {"debug": True}, "none", {}, "no change"),
        ({}, {"debug": True}, "live", {"debug": "live"}, "debug added → reload of the engine"),
        (
            {"debug": True},
            {},
            "restart",  # a reload leaves a removed key as it was
            {"debug": "restart"},
            "debug removed → restart of the engine",
        ),
        (
            {"log-opts": {"max-size": "10m"}, "debug": True},
            {"log-opts": {"max-size": "5m"}, "debug": False},
            "restart",
            {"debug": "live", "log-opts": "restart"},
            "debug, log-opts changed → restart of the engine",
        ),
        (
            '{"mtu": 1400}',
            {"icc": False},
            "restart",
            {"icc": "restart", "mtu": "restart"},
            "icc added; mtu removed → restart of the engine",
        ),
        ("", {"live-restore": True}, "live", {"live-restore": "live"}, None),
        ({}, {"some-new-key": 1}, "restart", {"some-new-key": "restart"}, None),
    ],
)
def test_impact(old: Any, new: Any, impact: str, keys: Any, text: str | None) -> None:
    found = daemon_change(old, new)
    assert (found["impact"], found["keys"]) == (impact, keys)
    assert text is None or found["text"] == text


@pytest.mark.parametrize(
    ("old", "new", "stops"),
    [
        ({"data-root": "/a"}, {}, ["data-root"]),
        ({}, {"bip": "10.9.0.1/24", "debug": True}, ["bip"]),
        ({"data-root": "/a"}, {"data-root": "/a", "mtu": 1400}, []),
        ({}, {"features": {"buildkit": True}}, []),
        ({}, {"features": {"containerd-snapshotter": True}}, ["features"]),
    ],
)
def test_what_parts_the_engine_from_its_containers(old: Any, new: Any, stops: list[str]) -> None:
    assert daemon_change(old, new)["stops"] == stops


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (
            {"live-restor": True},
            "live-restor: the engine has no such setting; did you mean live-restore?",
        ),
        ({"zzz": 1}, "zzz: the engine has no such setting"),
        ({"debug": "yes"}, "debug: must be true or false, not 'yes'"),
        ({"mtu": True}, "mtu: must be a whole number, not True"),
        ({"dns": "9.9.9.9"}, "dns: must be a list of strings, not '9.9.9.9'"),
        ({"log-opts": {"max-file": 3}}, 'log-opts.max-file: must be a string; write "3"'),
        ({"log-opts": {"compress": True}}, 'log-opts.compress: must be a string; write "true"'),
        ({"log-opts": []}, "log-opts: must be a dictionary of strings, not []"),
        ({"dns": [9]}, "dns: must be a list of strings, not [9]"),
        (
            {"default-address-pools": ["10.0.0.0/8"]},
            "default-address-pools: must be a list of dictionaries, not ['10.0.0.0/8']",
        ),
        ({"features": ["buildkit"]}, "features: must be a dictionary, not ['buildkit']"),
        ({"default-shm-size": 1.5}, "default-shm-size: must be a size such as 64m, not 1.5"),
    ],
)
def test_problems(new: Any, problem: str) -> None:
    assert daemon_change({}, new)["problems"] == [problem]


def test_an_engine_that_validates_itself_may_know_more_keys() -> None:
    new = {"zzz": 1, "debug": 1}
    assert daemon_change({}, new, known_only=False)["problems"] == [
        "debug: must be true or false, not 1"
    ]


def test_sizes_may_be_numbers_or_strings() -> None:
    for size in (67108864, "64m"):
        assert daemon_change({}, {"default-shm-size": size})["problems"] == []


@pytest.mark.parametrize(
    ("new", "installed", "running", "text"),
    [
        ({}, "Docker version 28.5.1, build x", "20.10.24", "engine still runs as 20.10.24"),
        (
            {"debug": True},
            *("Docker version 28.5.1, build x", "20.10.24"),
            "debug added; engine still runs as 20.10.24",
        ),
        ({}, "Docker version 28.5.1, build x", "28.5.1", ""),
        ({}, "", "20.10.24", ""),
        ({}, "Docker version 28.5.1, build x", None, ""),
    ],
)
def test_replaced_packages_need_a_restart(
    new: Any, installed: str, running: str | None, text: str
) -> None:
    found = daemon_change({}, new, engine={"ServerVersion": running}, installed=installed)
    assert found["impact"] == ("restart" if text else "none")
    assert found["text"] == (f"{text} → restart of the engine" if text else "no change")


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"daemon_change": daemon_change}


# Broken in ten ways; {} is the place of a data-root, which must not make a difference.
BROKEN = [
    (
        '{"debug": true,\n {}"mtu": 1400,\n}',
        "line 2, column 13: a comma before the closing bracket",
    ),
    ('{{}"dns": ["9.9.9.9",]}', "a comma before the closing bracket"),
    ('{\n  // ours\n {}"mtu": 1400}', "line 2, column 3: a comment, which JSON does not have"),
    ("{{}'mtu': 1400}", "a string in single quotes"),
    ('{{}"mtu": 1400', "the file ends before its settings do"),
    ('{{}"mtu": 1400} }', "extra data"),
    ('{{}"mtu": 1400, "mtu": 1500}', "has mtu twice; keep one of them"),
    ('{{}"mtu": NaN}', "holds NaN, which is not JSON"),
    ('{{}"group": "\udcff"}', "line 1: is not UTF-8"),
    ('[{{}"mtu": 1400}]', "holds a list where a dictionary belongs"),
    ('{{}"features": ["containerd-snapshotter"]}', "features is a list where a dictionary belongs"),
    ("[" * 100000 + '{{}"mtu": 1}', "is nested too deeply"),
]


@pytest.mark.parametrize("root", ["", '"data-root": "/srv/docker", '])
@pytest.mark.parametrize(("text", "why"), BROKEN, ids=[why for _text, why in BROKEN])
def test_what_cannot_be_read_is_no_empty_file(text: str, why: str, root: str) -> None:
    found = daemon_change(text.replace("{}", root), {"live-restore": True})
    assert why.split(": ")[-1] in found["unreadable"]
    if not root:
        assert why in found["unreadable"]


def test_a_place_of_another_kind_is_not_guessed() -> None:
    for value in (5, None, ["/a"]):
        assert "data-root is" in daemon_change({"data-root": value}, {})["unreadable"]


@pytest.mark.parametrize("text", ["", " \n", "{}", '\ufeff{"mtu": 1400}', '{"unheard-of": 1}'])
def test_what_the_engine_reads_is_read(text: str) -> None:
    assert daemon_change(text, {})["unreadable"] == ""


OVERLAY = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}
CONTAINERD = {
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
}
SNAPSHOTTER = "features.containerd-snapshotter"


@pytest.mark.parametrize(
    ("old", "new", "engine", "moved"),
    [
        ({"data-root": "/a"}, {}, {}, ["data-root"]),
        ({"graph": "/a"}, {}, {}, ["data-root"]),
        ({"graph": "/a"}, {"data-root": "/a"}, {}, []),
        ({"data-root": "/var/lib/docker/"}, {}, {}, []),
        ({}, {"data-root": "/srv"}, {"DockerRootDir": "/srv", "Driver": "overlay2"}, []),
        # By its command line: the configuration does not say, before and after.
        ({}, {"mtu": 1400}, {"DockerRootDir": "/srv", "Driver": "overlay2"}, []),
        ({}, {"storage-driver": "overlay2"}, {}, ["storage-driver"]),
        ({}, {"storage-driver": "overlay2"}, OVERLAY, []),
        ({}, {"storage-driver": "vfs"}, OVERLAY, ["storage-driver"]),
        ({"storage-driver": "vfs"}, {}, OVERLAY, ["storage-driver"]),
        ({}, {"userns-remap": "default"}, OVERLAY, ["userns-remap"]),
        (
            {"userns-remap": "default"},
            {},
            {"DockerRootDir": "/var/lib/docker/1.1"},
            ["userns-remap"],
        ),
        ({}, {"exec-root": "/var/run/docker"}, {}, []),
        ({}, {"exec-root": "/run/d"}, {}, ["exec-root"]),
        ({}, {"containerd": "/run/containerd/containerd.sock"}, {}, ["containerd"]),
        ({}, {"containerd-namespace": "mine"}, {}, ["containerd-namespace"]),
        ({}, {"storage-opts": ["overlay2.size=1G"]}, {}, []),
        ({}, {"storage-opts": ["zfs.fsname=a/b"]}, {}, ["storage-opts"]),
        ({}, {"features": {"buildkit": True}}, {}, []),
        ({}, {"features": {"containerd-snapshotter": True}}, {}, [SNAPSHOTTER]),
        ({}, {"features": {"containerd-snapshotter": True}}, OVERLAY, [SNAPSHOTTER]),
        ({}, {"features": {"containerd-snapshotter": True}}, CONTAINERD, []),
        ({}, {"features": {"containerd-snapshotter": False}}, CONTAINERD, [SNAPSHOTTER]),
        ({"features": {"containerd-snapshotter": True}}, {}, {}, [SNAPSHOTTER]),
    ],
)
def test_what_changes_where_data_lies(old: Any, new: Any, engine: Any, moved: list[str]) -> None:
    found = daemon_change(old, new, engine=engine)
    assert found["moves"] == moved
    assert {name.split(".")[0] for name in moved} <= {*found["stops"], "data-root"}


def test_a_plan_says_how_data_stays_in_sight() -> None:
    old = {"data-root": "/srv/docker", "features": {"containerd-snapshotter": True}}
    found = daemon_change(old, {"userns-remap": "default"})
    assert found["root"] == "/srv/docker"
    assert found["staying"] == (
        'data-root: "/srv/docker", userns-remap left out,'
        ' features: {"containerd-snapshotter": true}'
    )
