"""The filter missing_packages: what a role has to install."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.missing_packages import (
    FilterModule,
    missing_packages,
)

SEEN = [
    "installed docker.io 20.10.24+dfsg1-1+b3",
    "installed docker-ce 5:28.5.1-1~debian.12~bookworm",
    "config-files iptables 1.8",
    "not-installed runc",
]


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (["docker.io", "iptables", "runc", "tini"], ["iptables", "runc", "tini"]),
        (["docker.io=20.10.24+dfsg1-1+b3"], []),
        (["docker.io=20.10.*"], []),
        (["docker.io=20.10"], ["docker.io=20.10"]),
        (["docker-ce=5:28.5.1-*"], []),
        (["docker-ce=5:28.5.2-*", "docker-ce=5:28.5.2-*"], ["docker-ce=5:28.5.2-*"]),
    ],
)
def test_missing(wanted: list[str], missing: list[str]) -> None:
    assert missing_packages(wanted, SEEN) == missing


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"missing_packages": missing_packages}
