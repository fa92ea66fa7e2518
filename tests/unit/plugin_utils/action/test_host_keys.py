"""Host keys, as ssh-keygen reads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init.config import (
    host_key_of,
    seed_files,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init.nocloud import (
    read,
    write,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.host_keys import generate


def test_the_public_half_belongs_to_the_private_one_of_the_seed(tmp_path: Path) -> None:
    """What a guest gets is what known_hosts will hold, after all files and formats between."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed (Debian: openssh-client)")
    key = generate("web01")
    image = write(seed_files({}, "web01", "i-1", key, "t"))
    found = host_key_of(read(image))
    assert found is not None
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_text(found.private)
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split()[:2] == key.public.split()[:2], done.stderr
    assert found.private.endswith("-----END OPENSSH PRIVATE KEY-----\n")


def test_each_machine_gets_a_key_of_its_own_with_its_name() -> None:
    one, other = generate("web01"), generate("web02")
    assert one.public.startswith("ssh-ed25519 ")
    assert one.public.endswith(" web01")
    assert one.private != other.private


def test_the_private_half_is_not_printed() -> None:
    key = generate("web01")
    assert key.private.splitlines()[1] not in f"{key} {key!r}"
