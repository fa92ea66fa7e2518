"""The roles on each release of Debian that they say they support, and on one that they do not.

For `make test-platforms`: each has a root file system of its own, made of Debian's packages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.roles.test_container_runtime import Host, changed, is_undone
from tests.lab.servers import start, stop

ACCOUNTS = {"registry": {"users": [{"name": "ci", "password": "canary-of-ci"}]}}
PLUGINS = {"bookworm": [], "trixie": ["buildx", "compose"]}


@contextmanager
def a_host(kind: str, folder: Path, **options: Any) -> Iterator[Host]:
    """Have a server of a kind, such as a release, while the block is entered."""
    name = f"lab-platform-{kind}"
    try:
        yield Host(start([name], folder, **options)[0], folder)
    finally:
        stop([name])


@pytest.mark.parametrize("suite", PLUGINS)
def test_an_engine_of_the_distribution(
    suite: str, tmp_path: Path, server_images: dict[str, str]
) -> None:
    with a_host(suite, tmp_path, suite=suite) as host:
        assert "will be installed" in host.role("--check", plugins=PLUGINS[suite])
        assert changed(host.role(plugins=PLUGINS[suite])) > 0
        before = host.container()
        assert changed(host.role(plugins=PLUGINS[suite])) == 0
        assert host.identity() == before
        for plugin in PLUGINS[suite]:
            assert "v" in host.sh(f"docker {plugin} version")
        if suite == "bookworm":
            assert "Debian 12 has no package for buildx" in host.role(plugins=["buildx"])


@pytest.mark.parametrize("suite", PLUGINS)
def test_the_profile_cis(suite: str, tmp_path: Path, server_images: dict[str, str]) -> None:
    with a_host(suite, tmp_path, suite=suite) as host:
        output = host.role(profile="cis")
        assert changed(output) > 0
        assert "are not in force; the kernel takes none here" in output
        assert changed(host.role(profile="cis")) == 0
        assert "name=userns" in host.sh("docker info -f '{{.SecurityOptions}}'")
        assert "-w /etc/docker -p wa -k docker" in host.sh("cat /etc/audit/rules.d/docker.rules")
        host.container()
        ids = host.sh("cat /proc/$(docker inspect -f '{{.State.Pid}}' keep)/uid_map").split()
        assert ids[0] == "0"
        assert int(ids[1]) > 0
        bridge = host.sh("docker network inspect bridge -f '{{json .Options}}'")
        assert '"com.docker.network.bridge.enable_icc":"false"' in bridge


def test_without_init_a_broken_configuration_is_undone(
    tmp_path: Path, server_images: dict[str, str]
) -> None:
    with a_host("direct", tmp_path, variant="docker", init=False) as host:
        is_undone(host)


@pytest.mark.parametrize("role", ["container_runtime", "kvm_host", "registry"])
@pytest.mark.parametrize("suite", ["bullseye"])
def test_an_untested_release_is_refused(
    suite: str, role: str, tmp_path: Path, server_images: dict[str, str]
) -> None:
    with a_host(suite, tmp_path, suite=suite) as host:
        output = host.role("--check", which=role, **ACCOUNTS.get(role, {}))
        assert "is tested on Debian 12, Debian 13, not on Debian 11" in output
        assert f"{role}_allow_untested" in output


@pytest.mark.parametrize("suite", PLUGINS)
def test_a_hypervisor(suite: str, tmp_path: Path, server_images: dict[str, str]) -> None:
    with a_host(suite, tmp_path, suite=suite) as host:
        assert changed(host.role(which="kvm_host")) > 0
        assert changed(host.role(which="kvm_host")) == 0
        assert "default" in host.sh("virsh -c qemu:///system net-list --name")


@pytest.mark.parametrize("suite", PLUGINS)
def test_a_registry(suite: str, tmp_path: Path, server_images: dict[str, str]) -> None:
    with a_host(suite, tmp_path, suite=suite) as host:
        assert "will be installed" in host.role("--check", which="registry", **ACCOUNTS["registry"])
        assert changed(host.role(which="registry", **ACCOUNTS["registry"])) > 0
        assert changed(host.role(which="registry", **ACCOUNTS["registry"])) == 0
        host.sh("registry-read-only on && registry-read-only off")
        host.sh("systemctl start registry-garbage-collect.service")
        assert host.sh("systemctl is-active docker-registry.service").strip() == "active"
