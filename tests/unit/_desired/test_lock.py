"""The lock of one engine: nobody else's folder, file or link, and who has it is said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import List

import pytest
from ansible.playbook.play_context import PlayContext
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import lock as locks
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import lock_wait
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.lock import lock
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel import kept_forward
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.kept_forward import NotKept
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

OTHER = 65534


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like /tmp that other users may write to, where ours is to be made."""
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.geteuid():
            above.chmod(above.stat().st_mode | 0o011)
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setattr(locks, "folder", lambda: str(place / "dockyard.fleet"))
    return place


def other_user(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a program as another user; where this one is not root, become another one instead."""
    if os.geteuid() == 0:
        program = f"import os\nos.setgid({OTHER})\nos.setuid({OTHER})\n{program}"
    else:
        monkeypatch.setattr(os, "geteuid", lambda: OTHER)
    subprocess.run([sys.executable, "-S", "-c", program], check=True)


def test_another_users_folder_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_user(f"import os\nos.mkdir({str(shared / 'dockyard.fleet')!r})", monkeypatch)
    with pytest.raises(FleetError) as caught, lock("engine"):
        pass
    assert "is not a folder for the locks of user" in str(caught.value)
    assert "owns it" in str(caught.value)
    assert list((shared / "dockyard.fleet").iterdir()) == []


def test_a_link_in_place_of_the_folder_is_refused(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = shared.parent / "target"
    target.mkdir(mode=0o700)
    link = shared / "dockyard.fleet"
    other_user(f"import os\nos.symlink({str(target)!r}, {str(link)!r})", monkeypatch)
    with pytest.raises(FleetError, match="is not a folder for the locks"), lock("engine"):
        pass
    assert list(target.iterdir()) == []


def test_a_folder_that_others_may_write_to_is_refused(shared: Path) -> None:
    (shared / "dockyard.fleet").mkdir()
    (shared / "dockyard.fleet").chmod(0o777)
    with pytest.raises(FleetError, match="its mode is 0777"), lock("engine"):
        pass


def test_no_link_is_followed_to_the_file(shared: Path) -> None:
    with lock("engine"):
        (file,) = (shared / "dockyard.fleet").iterdir()
    file.unlink()
    file.symlink_to(shared / "elsewhere")
    with pytest.raises(FleetError, match="cannot open the lock"), lock("engine"):
        pass
    assert not (shared / "elsewhere").exists()


def test_who_has_it_is_said_while_it_is_waited_for(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_wait, "PATIENCE", 0.01)
    monkeypatch.setattr(sys, "argv", ["/bin/ansible-playbook", "-e", "password=canary"])
    told: List[str] = []
    said = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        said.set()

    def wait() -> None:
        with lock("unix:///engine", tell):
            told.append("free")

    waiter = threading.Thread(target=wait)
    with lock("unix:///engine", tell):
        waiter.start()
        assert said.wait(10)
        assert told[0].startswith(f"waiting for process {os.getpid()} (ansible-playbook), since ")
        assert told[0].endswith(", which changes unix:///engine")
    waiter.join()
    assert told[1:] == ["free"]
    for file in (shared / "dockyard.fleet").iterdir():
        assert "canary" not in file.read_text()


def test_roots_folder_is_where_nobody_else_can_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    above = Path(locks.folder()).parent.stat()
    assert (above.st_uid, above.st_mode & 0o022) == (0, 0)


def test_a_kept_socket_in_a_folder_of_others_is_not_used(shared: Path) -> None:
    home = shared / "fleet"
    home.mkdir()
    home.chmod(0o777)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "place"))
        listener.listen()
        options = {"host": "server", "engine_timeout": 5}
        plugin = SimpleNamespace(get_option=options.get)

        class There(Link):
            place = str(home / "place")

        link = There(plugin, PlayContext(), open_link)
        assert not link._kept()
        with pytest.raises(NotKept, match="its mode is 0777"):
            kept_forward._check(str(home), link.place)
        home.chmod(0o700)
        assert link._kept()
        link.close()
