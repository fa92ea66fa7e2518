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
        ("not json", {}, "none", {}, "no change"),
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
        ({"dns": "9.9.9.9"}, "dns: must be a list, not '9.9.9.9'"),
        ({"log-opts": {"max-file": 3}}, 'log-opts.max-file: must be a string; write "3"'),
        ({"log-opts": {"compress": True}}, 'log-opts.compress: must be a string; write "true"'),
        ({"log-opts": []}, "log-opts: must be a dictionary of strings, not []"),
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


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"daemon_change": daemon_change}
