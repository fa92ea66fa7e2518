"""A real registry on a loopback port, from Debian's package docker-registry, unpacked only."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.server_image import run
from tests.lab.sshd import free_port

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "registry"


def program() -> Path:
    """Return the registry's program, downloaded once into the cache."""
    found = CACHE / "usr" / "bin" / "docker-registry"
    if not found.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", "docker-registry"], cwd=CACHE, check=True)
        package = next(CACHE.glob("docker-registry_*.deb"))
        run("dpkg-deb", "-x", str(package), str(CACHE))
    return found


# The account of a registry that wants one, and the line of its password file (bcrypt).
USER, PASSWORD = "dock", "canary-of-the-registry"
HTPASSWD = "dock:$2b$04$jMYO0J3lzottp5..slfdauV71Cv162.M4AKefuOC2zMotdATxllkO\n"


class Registry:
    """The registry at `address` (`127.0.0.1:PORT`), empty at first; engines need no TLS there.

    With `locked`, it wants USER and PASSWORD for everything.
    """

    def __init__(self, folder: Path, locked: bool = False) -> None:
        self._locked = locked
        self._folder = folder

    def __enter__(self) -> Registry:
        while not self._start():
            pass
        return self

    def _start(self) -> bool:
        """Start it; False if somebody else has taken the port since it was found to be free."""
        self.address = f"127.0.0.1:{free_port()}"
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
            "http": {"addr": self.address},
        }
        if self._locked:
            passwords = self._folder / "htpasswd"
            passwords.write_text(HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "lab", "path": str(passwords)}}
        file = self._folder / "registry.yml"
        file.write_text(json.dumps(config))
        log = (self._folder / "registry.log").open("wb")
        self._process = subprocess.Popen(
            [str(program()), "serve", str(file)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        return self._answers()

    def _answers(self) -> bool:
        host, _colon, port = self.address.partition(":")
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return True
            except OSError:
                time.sleep(0.05)
        said = (self._folder / "registry.log").read_text()
        if "address already in use" not in said:
            raise RuntimeError(said)
        return False

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait(20)
