"""Role registry where it gets difficult: given certificates, and what is refused or undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.roles.test_container_runtime import Host, changed
from tests.lab.certificates import Authority
from tests.lab.servers import start, stop

NAME = "lab-registry"
USERS = [{"name": "ci", "password": "canary-of-ci"}]
ASK = (
    "python3 -c 'import ssl,urllib.request as r; c=ssl.create_default_context("
    'cafile="/etc/docker/registry/ca.crt"); r.urlopen("https://localhost/v2/", context=c)\''
    " 2>&1 | tail -n 1"
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("registry")
    try:
        yield Host(start([NAME], folder)[0], folder)
    finally:
        stop([NAME])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, host: Host) -> dict[str, Any]:
    """Return the variables of a registry that runs with certificates that were given."""
    folder = tmp_path_factory.mktemp("given")
    authority = Authority(folder)
    certificate, key = authority.sign("registry", "localhost")
    variables = {
        "users": USERS,
        # Without root, and below 1024.
        "port": 443,
        "tls": "given",
        "tls_certificate": str(certificate),
        "tls_key": key.read_text(),
        "tls_authority": str(authority.ca),
    }
    output = role(host, **variables)
    assert changed(output) > 0
    assert "canary" not in output
    return variables


def role(host: Host, *options: str, **variables: Any) -> str:
    return host.role(*options, which="registry", **variables)


def test_given_certificates_are_used(host: Host, given: dict[str, Any]) -> None:
    """One by a path, the key as a text; a second run leaves them."""
    assert "HTTP Error 401" in host.sh(ASK)
    assert changed(role(host, **given)) == 0


def test_a_key_of_another_certificate_is_undone(
    host: Host, given: dict[str, Any], tmp_path: Path
) -> None:
    before = host.sh("cat /etc/docker/registry/config.yml")
    _certificate, other = Authority(tmp_path).sign("other", "localhost")
    output = role(host, **{**given, "tls_key": other.read_text(), "start_timeout": 2})
    assert "the one before is back and the registry runs with it" in output
    assert "private key does not match public key" in output
    assert "PRIVATE" not in output
    assert host.sh("cat /etc/docker/registry/config.yml") == before
    assert "HTTP Error 401" in host.sh(ASK)


def test_images_are_not_left_behind(host: Host, given: dict[str, Any]) -> None:
    host.sh("mkdir -p /var/lib/docker-registry/docker/registry/v2/repositories/team")
    moved = {**given, "storage": "/srv/registry"}
    output = role(host, "--check", **moved)
    assert "the registry has its images in /var/lib/docker-registry" in output
    assert "will restart" in role(host, "--check", **moved, allow_data_move=True)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"users": [{"name": "a:b", "password": "canary" * 20}]},
            ["registry_users[0].name: may have no colon", "registry_users[0].password: has 120"],
        ),
        ({"garbage_schedule": "at times"}, ["registry_garbage_schedule: systemd does not read it"]),
    ],
)
def test_what_only_the_host_can_refuse(
    host: Host, given: dict[str, Any], variables: dict[str, Any], words: list[str]
) -> None:
    output = role(host, "--check", **{**given, **variables})
    assert [text for text in words if text not in output] == []
    assert "canary" not in output
