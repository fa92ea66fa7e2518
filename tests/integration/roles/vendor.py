"""Role container_runtime with the repository of an engine's vendor, made here and signed here.

For `make test-platforms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.roles.test_container_runtime import Host, changed
from tests.lab.servers import start, stop

NAME = "lab-runtime-vendor"
REPOSITORY = (Path(__file__).parent / "vendor_repository.sh").read_text()


@pytest.fixture(scope="module")
def vendor(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("vendor")
    server = start([NAME], folder)[0]
    host = Host(server, folder)
    (folder / "vendor.asc").write_text(host.sh(REPOSITORY) + "\n")
    yield host
    stop([NAME])


def install(host: Host, *options: str, **variables: object) -> str:
    """Run the role for its packages alone: there is no engine in these."""
    given = {
        "repository": "file:/srv/repo",
        "repository_key": str(host.folder / "vendor.asc"),
        "manage_config": False,
        "manage_service": False,
        "verify": False,
        **variables,
    }
    return host.role(*options, **given)


def versions(host: Host) -> dict[str, str]:
    names = "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin"
    shown = "dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\\n'"
    rows = host.sh(f"{shown} {names} 2>/dev/null || true").splitlines()
    return {row.split()[0]: row.split()[2] for row in rows if row.split()[1] == "installed"}


def test_a_vendors_engine_is_pinned_and_raised_and_gets_its_plugins(vendor: Host) -> None:
    old, new = "5:28.4.0-1~debian", "5:28.5.1-1~debian"
    checked = install(vendor, "--check", version="28.4", plugins=["buildx"])
    assert "docker-ce=5:28.4*" in checked
    assert "failed=0" in checked
    assert versions(vendor) == {}

    assert changed(install(vendor, version="28.4", plugins=["buildx"])) > 0
    assert versions(vendor) == {
        "docker-ce": old, "docker-ce-cli": old, "containerd.io": "1.0-1",
        "docker-buildx-plugin": "1.0-1",
    }  # fmt: skip
    assert changed(install(vendor, version="28.4", plugins=["buildx"])) == 0

    assert changed(install(vendor, version="latest")) > 0
    assert versions(vendor)["docker-ce"] == new
    assert changed(install(vendor, version="latest")) == 0

    # Once it is there, what is missing is still installed, also without the repository in the task.
    assert changed(install(vendor, repository="", plugins=["compose"])) > 0
    assert versions(vendor)["docker-compose-plugin"] == "1.0-1"
    assert changed(install(vendor, repository="", plugins=["compose"])) == 0
    assert vendor.sh("dpkg-query -W -f '${db:Status-Status}' docker.io 2>&1 || true") != "installed"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"repository_key": ""}, "container_runtime_repository_key: is missing"),
        (
            {"repository_key": "https://example.com/gpg"},
            "container_runtime_repository_key_sha256: is missing",
        ),
    ],
)
def test_no_package_is_taken_unsigned(
    vendor: Host, variables: dict[str, str], message: str
) -> None:
    output = install(vendor, **variables)
    assert message in output
    assert "failed=1" in output
