"""A secret from a vault is where it belongs, and nowhere else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import engine_packages
from tests.lab.amounts import ways
from tests.lab.boxes import SOCKET, docker, inspect
from tests.lab.certificates import Authority, TlsPort, server_context
from tests.lab.playing import Play
from tests.lab.servers import Server, start, stop

LOUD = ("-vvvv", "--diff", "-e", "@secrets.yml", "--vault-password-file", "password")


SEARCHED = "searched: "
# Where something could be left; what the engine itself keeps (/run/containerd too) is not meant.
FOLDERS = "/etc /home /root /run /tmp /var/log /var/tmp /usr/local"


class Listener(threading.Thread):
    """Look at the arguments of every process until the block ends, for texts."""

    def __init__(self, *texts: str) -> None:
        super().__init__(daemon=True)
        self._texts = [text.encode() for text in texts]
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
                if any(text in found for text in self._texts):
                    self.heard.add(found.replace(b"\0", b" ").decode("utf-8", "replace"))

    def __enter__(self) -> Listener:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._done.set()
        self.join(10)


def shapes(text: str) -> list[str]:
    """Return a text as it stands, and as it would stand inside of base64, wherever it begins."""
    cores = [base64.b64encode(b"x" * skip + text.encode()).decode()[4:-4] for skip in range(3)]
    return [text, *cores]


def absent(canary: str, **places: str) -> None:
    """No place holds the canary in any shape; each was looked at."""
    for place, text in places.items():
        assert text, f"nothing was read of {place}"
        for shape in shapes(canary):
            assert shape not in text, f"{place}: {text[max(0, text.index(shape) - 300) :][:400]}"


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
    with Listener(*shapes(canary)) as listener:
        results = play.run(*tasks(name, via), options=LOUD)
    flags = [one["failed"] for one in results]
    assert flags == [False, False, False, True, True, False], [one.get("msg") for one in results]
    assert results[1]["replaced"] is True
    assert results[1]["plan"]["steps"][0]["cause"].startswith("secret_environment.TOKEN: ")
    assert results[2]["changed"] is False
    absent(canary, output=play.output, results=json.dumps(results))
    assert (listener.heard, listener.looks > 10) == (set(), True)
    made: dict[str, Any] = results[1]
    return made


@pytest.mark.parametrize("via", ways())
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


def every_secret(via: str) -> list[tuple[dict[str, Any], str]]:
    """Return tasks with a secret in each option that takes one, and what each of them ends with."""
    box = {"container": "secret", "engine_via": via}
    account = {"registry_username": "dock", "registry_password": "{{ canary }}-password"}
    pull = {"name": "127.0.0.1:1/app:1", "engine_via": via, **account}
    build = {
        "context": "app",
        "dockerfile_inline": "FROM dev/busybox:1\n"
        "RUN --mount=type=secret,id=token wc -c </run/secrets/token >/size\n",
        "secrets": [{"source": "token"}],
    }
    made = {"name": "secret/app:1", "build": build, "engine_via": via}
    login = {"registry": "127.0.0.1:1", "username": "dock", "password": "{{ canary }}-login"}
    told = {"secret_env": {"TOKEN": "{{ canary }}-exec"}}
    kept = {"secret_content": "{{ canary }}-copy", "dest": "/etc/token"}
    # The server has no buildx of its own, which a build by the module there would need.
    built = "" if via == "channel" else "buildx"
    module = "dockyard.fleet."
    return [
        ({f"{module}exec": {**box, "command": ["sh", "-c", "env; echo $TOKEN >&2"], **told}}, ""),
        ({f"{module}exec": {**box, "command": "no-such-command", **told}}, "no-such-command"),
        ({f"{module}copy": {**box, **kept}}, ""),
        ({f"{module}copy": {**box, **kept, "secret_content": "{{ canary }}-copied"}}, ""),
        ({f"{module}copy": {**box, **kept, "dest": "/proc/token"}}, "/proc"),
        ({f"{module}image": pull}, "connection refused"),
        ({f"{module}image": {**made, "build_secrets": {"token": "{{ canary }}-build"}}}, built),
        ({f"{module}login": {**login, "engine_via": via}}, "plain_text"),
        (
            {f"{module}login": {**login, "engine_via": via, "plain_text": True}},
            "connection refused",
        ),
    ]


@pytest.mark.parametrize("via", ways("target"))
def test_a_secret_is_in_no_log_of_the_server(
    via: str,
    server: Server,
    canary: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("PATH", f"{engine_packages.buildx()}:{os.environ['PATH']}")
    (tmp_path / "app").mkdir()
    # Sockets of shared connections have short paths.
    control = {"ansible_control_path": f"/tmp/fleet-secrets-{via}-%%C"}
    play = Play(tmp_path, {**server.inventory_vars(), **control})
    hears_nothing(play, "secret", via, canary)
    asked = every_secret(via)
    with Listener(*shapes(canary)) as listener:
        results = play.run(*[task for task, _said in asked], options=LOUD)
    for (task, said), result in zip(asked, results):
        assert bool(result["failed"]) == bool(said), (task, result.get("msg"))
        assert said in result.get("msg", ""), (task, result.get("msg"))
    assert (listener.heard, listener.looks > 10) == (set(), True)
    assert "TOKEN=********" in results[0]["stdout_lines"]
    logs = "journalctl --no-pager -a -o export; cat /var/log/syslog /var/log/*.log || true"
    written = server.exec("sh", "-c", f"logger -s told-you; {logs} 2>/dev/null")
    assert "told-you" in written, "nobody keeps a log on this server"
    if via == "target":
        assert "ansible-dockyard.fleet.container" in written or "Invoked with" in written
    boxes, images = inspected(server)
    places = {"output": play.output, "results": json.dumps(results), "journal and syslog": written}
    absent(canary, **places, containers=boxes, images=images)
    words = " ".join(f"-e {shape}" for shape in shapes(canary))
    search = f"grep -rlsFD skip --exclude-dir=containerd {words} {FOLDERS} || true"
    assert server.exec("sh", "-c", search) == ""
    assert canary in server.exec("docker", "inspect", "secret")
    assert server.exec("docker", "exec", "secret", "cat", "/etc/token") == f"{canary}-copied"
    server.exec("docker", "rm", "-f", "secret")
    for place, text in {**places, "containers": boxes, "images": images}.items():
        record_property(f"{SEARCHED}{place} (by {via})", f"{len(text)} characters")
    record_property(f"{SEARCHED}arguments of all processes (by {via})", f"{listener.looks} looks")
    record_property(f"{SEARCHED}{FOLDERS} of the target (by {via})", "all files")


def inspected(server: Server) -> tuple[str, str]:
    """Return what a server's engine says of containers, but for their environment, and images."""
    found = json.loads(server.exec("sh", "-c", "docker inspect $(docker ps -aq)"))
    for box in found:
        box["Config"].pop("Env")
    history = "docker inspect $(docker images -q); docker images -q | xargs -n 1 docker history"
    return json.dumps(found), server.exec("sh", "-c", f"{history} --no-trunc")


def test_the_search_finds_what_is_encoded(canary: str) -> None:
    for before in ("", "d", "do", "dock:"):
        encoded = base64.b64encode(f"{before}{canary}-login".encode()).decode()
        with pytest.raises(AssertionError, match="somewhere"):
            absent(canary, somewhere=f"auth: {encoded}")


@pytest.mark.parametrize("via", ways("target"))
def test_a_key_for_tls_is_told_to_nobody(
    via: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    authority = Authority(tmp_path)
    server, (cert, key) = authority.sign("server", "127.0.0.1"), authority.sign("client")
    secret = key.read_text().splitlines()[2]
    (tmp_path / "broken.pem").write_text(f"{secret}\n")
    vault(tmp_path, canary="none")
    play = Play(tmp_path)
    with TlsPort(SOCKET, server_context(*server, authority.ca)) as port:
        options = {
            "engine_host": f"tcp://127.0.0.1:{port.port}",
            "engine_ca": str(authority.ca),
            "engine_cert": str(cert),
            "engine_key": str(key),
            "engine_via": via,
        }
        with Listener(secret) as listener:
            good, bad = play.run(
                {"dockyard.fleet.container_info": {"names": ["none"], **options}},
                {
                    "dockyard.fleet.container_info": {
                        "names": ["none"],
                        **options,
                        "engine_key": str(tmp_path / "broken.pem"),
                    }
                },
                options=LOUD,
            )
    assert (good["failed"], bad["failed"]) == (False, True), good.get("msg")
    assert "engine_key" in bad["msg"]
    assert (listener.heard, listener.looks > 10) == (set(), True)
    assert secret not in play.output + json.dumps([good, bad])
    record_property(f"{SEARCHED}output with a key for TLS (by {via})", len(play.output))


def test_a_short_secret_does_not_garble_results(name: str, tmp_path: Path) -> None:
    vault(tmp_path, canary="1")
    play = Play(tmp_path)
    (made, *_others) = play.run(*tasks(name, "channel")[1:3], options=LOUD)
    box = inspect(name)
    assert made["container"]["Id"] == box["Id"]
    assert made["container"]["Config"]["Cmd"] == ["sleep", "1d"]
    assert "TOKEN=1" in box["Config"]["Env"]
    assert "TOKEN=1" not in made["container"]["Config"]["Env"]
