"""What is tried in which order, and what happens where ansible-core is not as expected."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    EngineMissing,
    InvalidOption,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.address import Address
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.resolve import (
    engine_name,
    find_address,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel import forward
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.open import (
    Channel,
    NoChannel,
    Way,
    open_channel,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.probe import Blocked
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.relay import Wire
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.ssh import Ssh

from tests.unit.plugin_utils.channel.fakes import SshPlugin, action, options


@pytest.fixture(autouse=True)
def local_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[str]:
    """Return a socket whose owner accepts and never answers."""
    path = str(tmp_path / "stalled")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield path


def test_our_options_come_first_and_sshpass_is_stripped_with_its_pipe() -> None:
    plugin = SshPlugin(sshpass=True)
    command = Ssh(plugin).argv("-O", "check", "server")
    assert command[:3] == [b"ssh", b"-o", b"BatchMode=yes"]
    assert command[-3:] == [b"-O", b"check", b"server"]
    for end in plugin.pipes:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(end)
    assert (len(plugin.pipes), plugin.sshpass_pipe) == (2, None)


def test_the_plugin_is_told_its_host_before_it_builds_a_command() -> None:
    plugin = SshPlugin()
    assert Ssh(plugin).host == plugin.host == "server"
    assert Ssh(SshPlugin(host=None)).host == "fallback"


@pytest.mark.parametrize("name", ["paramiko_ssh", "ansible.netcommon.local", "other.coll.ssh", ""])
def test_another_connection_plugin_has_no_channel(name: str) -> None:
    connection = SimpleNamespace(ansible_name=name)
    with pytest.raises(NoChannel) as caught:
        open_channel(action(connection), options())
    assert name in caught.value.reasons[-1]


def test_a_time_to_wait_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidOption, match="engine_timeout: 0 is not a usable time"):
        open_channel(action(SshPlugin()), options(timeout=0))


@pytest.mark.parametrize("gone", ["_build_command", "_play_context"])
def test_a_private_name_that_is_gone_means_no_channel(gone: str) -> None:
    plugin: Any = SshPlugin()
    if gone == "_build_command":
        plugin._build_command = None
    else:
        del plugin._play_context
    with pytest.raises(NoChannel) as caught:
        open_channel(action(plugin), options())
    assert "not as expected" in caught.value.reasons[-1]


def test_a_become_method_that_needs_a_terminal_has_no_channel() -> None:
    plugin = SshPlugin("false")
    plugin.become = SimpleNamespace(
        name="su", require_tty=True, pipelining=False, get_option=lambda _name: "root"
    )
    with pytest.raises(NoChannel) as caught:
        open_channel(action(plugin), options())
    assert ["become" in caught.value.reasons[0], "su" in caught.value.reasons[1]] == [True, True]


def test_becoming_who_one_is_needs_no_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = SshPlugin("false", remote_user="root")
    plugin.become = SimpleNamespace(get_option=lambda _name: None)
    opened: list[str] = []
    monkeypatch.setattr(
        "ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.open.Forward",
        lambda _ssh, address, _timeout: opened.append(address.path),
    )
    assert open_channel(action(plugin), options("unix:///x")).way.name == "forward"
    assert opened == ["/x"]


def test_a_way_that_broke_is_a_connection_error_and_closing_never_raises() -> None:
    class Broken:
        def dial(self) -> socket.socket:
            raise Blocked("relay: it ended at once")

        def close(self) -> None:
            raise RuntimeError("nothing to close")

    channel = Channel(Way("relay"), Broken())
    with pytest.raises(ConnectionError, match="ended at once"):
        channel.dial()
    channel.close()


def test_one_engine_has_one_name_for_the_lock(stalled: str, tmp_path: Path) -> None:
    """However it is named, here and by the module; other engines do not wait for it."""
    link, other = tmp_path / "link", tmp_path / "other"
    link.symlink_to(stalled)
    with socket.create_server(str(other), family=socket.AF_UNIX):
        names = [local(path).engine("web") for path in (stalled, str(link), str(other))]
    module = find_address(options(f"unix://{link}"), {}, own=True)
    assert [names[0] == names[1] == engine_name(module), names[0] == names[2]] == [True, False]
    far = Channel(Way("forward"), SimpleNamespace(address=Address(path=stalled)))
    assert len({far.engine("web"), far.engine("db"), *names}) == 4


def local(path: str) -> Any:
    plugin = SshPlugin()
    plugin.ansible_name = "ansible.builtin.local"
    return open_channel(action(plugin), options(f"unix://{path}"))


def test_no_permission_on_a_local_socket_names_user_and_group(
    monkeypatch: pytest.MonkeyPatch, stalled: str
) -> None:
    def refuse(_path: str, _timeout: float) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(
        "ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.local.connect", refuse
    )
    with pytest.raises(EngineMissing) as caught:
        local(stalled)
    assert Path(stalled).owner() in str(caught.value)


def test_a_forward_to_an_engine_that_stalls_is_one_error_and_leaves_nothing(
    stalled: str, local_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[str] = []

    def control(self: Ssh, order: str, *words: str) -> bool:
        orders.append(order)
        if order == "forward":
            os.symlink(stalled, words[1].split(":")[0])
        return True

    monkeypatch.setattr(Ssh, "control", control)
    with pytest.raises(EngineMissing, match="did not answer GET /_ping within"):
        open_channel(action(SshPlugin()), options(f"unix://{stalled}", 0.05))
    assert orders == ["forward", "cancel"]
    assert os.listdir(local_tmp) == ["stalled"]


def test_the_folder_of_a_forward_is_the_users_alone_and_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = forward.local_folder()
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(deep))
    with pytest.raises(Blocked, match="local_tmp is too long"):
        forward.local_folder()
    assert os.listdir(deep) == []


ENDLESS = ("while :; do echo noise; done", "while :; do echo noise; sleep 0.05; done")


@pytest.mark.parametrize("noise", ENDLESS)
def test_a_login_shell_whose_words_never_cease_is_given_up(noise: str) -> None:
    begun = time.monotonic()
    wire = Wire([b"/bin/sh", b"-c", noise.encode()])
    with pytest.raises(Blocked, match="it did not start in time"):
        wire.await_ready(None, None, time.monotonic() + 0.5)
    wire.end()
    child = subprocess.Popen(["/bin/sh", "-c", noise], stdout=subprocess.PIPE)
    assert forward._says_ready(child, time.monotonic() + 0.5) is False
    child.kill()
    child.communicate()
    assert time.monotonic() - begun < 10


def test_a_child_whose_ssh_ends_tells_its_last_words(tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Connection closed by server' >&2\nexit 255\n")
    ssh.chmod(0o755)
    before = set(threading.enumerate())
    with pytest.raises(Blocked, match="Connection closed by server"):
        forward.Child(Ssh(SshPlugin(str(ssh))), Address(path="/x"), 5.0)
    assert [name for name in os.listdir(tmp_path) if name != "ssh"] == []
    assert set(threading.enumerate()) <= before
