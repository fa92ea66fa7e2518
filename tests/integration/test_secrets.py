"""A secret from a vault is where it belongs, and nowhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.boxes import docker, inspect
from tests.lab.playing import Play
from tests.lab.servers import Server, start, stop

LOUD = ("-vvvv", "--diff", "-e", "@secrets.yml", "--vault-password-file", "password")


class Listener(threading.Thread):
    """Look at the arguments of every process until the block ends, for a text."""

    def __init__(self, text: str) -> None:
        super().__init__(daemon=True)
        self._text = text.encode()
        self._done = threading.Event()
        self.heard: set[str] = set()
        self.looks = 0

    def run(self) -> None:
        while not self._done.wait(0.02):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    found = path.read_bytes()
                except OSError:
                    continue
                if self._text in found:
                    self.heard.add(found.replace(b"\0", b" ").decode("utf-8", "replace"))

    def __enter__(self) -> Listener:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._done.set()
        self.join(10)


@pytest.fixture
def canary() -> str:
    return f"canary-{uuid.uuid4().hex}"


@pytest.fixture
def name() -> Iterator[str]:
    made = f"fleet-secret-{uuid.uuid4().hex[:8]}"
    yield made
    for box in docker("ps", "-aq", "--filter", f"name={made}").split():
        docker("rm", "-f", "-v", box)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[Server]:
    server_name = f"fleet-secret-{uuid.uuid4().hex[:6]}"
    made = start([server_name], tmp_path_factory.mktemp("server"), variant="docker")[0]
    try:
        made.exec("docker", "import", "/usr/local/share/lab/busybox.tar", "dev/busybox:1")
        yield made
    finally:
        stop([server_name])


def vault(folder: Path, **variables: str) -> None:
    """Write the variables into a file that only the password opens."""
    (folder / "password").write_text(uuid.uuid4().hex)
    (folder / "secrets.yml").write_text(json.dumps(variables))
    program = str(Path(sys.executable).with_name("ansible-vault"))
    command = [program, "encrypt", "--vault-password-file", "password", "secrets.yml"]
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    subprocess.run(command, cwd=folder, env=home, check=True, capture_output=True)


def tasks(name: str, via: str) -> list[dict[str, Any]]:
    """Create, change the secret, look, and fail with the secret in hand."""
    made = {
        "name": name,
        "image": "dev/busybox:1",
        "command": ["sleep", "1d"],
        "stop_grace_period": "1s",
        "engine_via": via,
        "monitor": "100ms",
    }
    first = {**made, "secret_environment": {"TOKEN": "{{ canary }}-old"}}
    then = {**made, "secret_environment": {"TOKEN": "{{ canary }}"}}
    fails = {**then, "command": ["no-such-command"]}
    bad = {**then, "ports": ["{{ canary | length }}:none"]}
    run = [{"dockyard.fleet.container": one} for one in (first, then, then, fails, bad)]
    info = {"names": [name], "engine_via": via}
    return [*run, {"dockyard.fleet.container_info": info}]


def hears_nothing(play: Play, name: str, via: str, canary: str) -> dict[str, Any]:
    """Run the tasks as loudly as can be; return the result of the second."""
    vault(play.folder, canary=canary)
    with Listener(canary) as listener:
        results = play.run(*tasks(name, via), options=LOUD)
    flags = [one["failed"] for one in results]
    assert flags == [False, False, False, True, True, False], [one.get("msg") for one in results]
    assert results[1]["replaced"] is True
    assert results[1]["plan"]["steps"][0]["cause"].startswith("secret_environment.TOKEN: ")
    assert results[2]["changed"] is False
    assert canary not in play.output
    assert canary not in json.dumps(results)
    assert (listener.heard, listener.looks > 10) == (set(), True)
    made: dict[str, Any] = results[1]
    return made


@pytest.mark.parametrize("via", ["channel", "target"])
def test_a_secret_is_only_in_the_container(
    via: str, name: str, canary: str, tmp_path: Path
) -> None:
    shown = hears_nothing(Play(tmp_path), name, via, canary)
    box = inspect(name)
    assert f"TOKEN={canary}" in box["Config"]["Env"]
    assert "TOKEN=********" in shown["container"]["Config"]["Env"]
    box["Config"].pop("Env")
    assert canary not in json.dumps(box)
    assert "TOKEN" in box["Config"]["Labels"]["dockyard.fleet.container"]


@pytest.mark.parametrize("via", ["channel", "target"])
def test_a_secret_is_in_no_log_of_the_server(
    via: str, server: Server, canary: str, tmp_path: Path
) -> None:
    hears_nothing(Play(tmp_path, server.inventory_vars()), "secret", via, canary)
    logs = "journalctl --no-pager -a -o export; cat /var/log/syslog /var/log/*.log || true"
    written = server.exec("sh", "-c", f"logger -s told-you; {logs} 2>/dev/null")
    assert "told-you" in written, "nobody keeps a log on this server"
    if via == "target":
        assert "ansible-dockyard.fleet.container" in written or "Invoked with" in written
    assert canary not in written
    left = server.exec("sh", "-c", f"grep -rl {canary} /root /tmp /var/tmp /run/lock || true")
    assert left == ""
    assert canary in server.exec("docker", "inspect", "secret")
    server.exec("docker", "rm", "-f", "secret")


def test_a_short_secret_does_not_garble_results(name: str, tmp_path: Path) -> None:
    vault(tmp_path, canary="1")
    play = Play(tmp_path)
    (made, *_others) = play.run(*tasks(name, "channel")[1:3], options=LOUD)
    box = inspect(name)
    assert "1" in box["Id"]
    assert made["container"]["Id"] == box["Id"]
    assert made["container"]["Config"]["Cmd"] == ["sleep", "1d"]
    assert "TOKEN=1" in box["Config"]["Env"]
    assert "TOKEN=1" not in made["container"]["Config"]["Env"]
