"""Updates in batches on three servers with systemd and an engine each, under a client's eyes."""

from __future__ import annotations

import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.busybox import BUSYBOX
from tests.lab.servers import Server, inventory, start, stop
from tests.lab.told import Results, results_of

NAMES = ["roll-1", "roll-2", "roll-3"]
PROJECT = "roll"
# Of a registry that does not answer: nothing can be pulled.
IMAGE = "127.0.0.1:5/roll/web"
RELEASES = (1, 2, 3, 4)
PORTS = range(18080, 18092)  # twice as many as replicas: while both run, each has its own
COUNT = 6
# A page that says its release; it comes up `limit` times.
COMPOSE = """
services:
  web:
    image: {image}:{release}
    init: true
    command:
      - sh
      - -c
      - |
        cd /starts && touch "{release}-$$(hostname)"
        [ "$$(ls | grep -c ^{release}-)" -le {limit} ] || {{ echo no room for {release}; exit 3; }}
        mkdir -p /www && echo {release} > /www/index.html && exec httpd -f -p 80 -h /www
    ports: ["18080-18091:80"]
    volumes: ["starts:/starts"]
    healthcheck: {{test: [CMD, wget, -q, -O, /dev/null, "http://localhost/"], interval: 250ms}}
    stop_grace_period: 1s
    deploy:
      replicas: 6
      update_config: {{parallelism: 2, delay: 200ms, failure_action: rollback}}
      rollback_config: {{parallelism: 2}}
volumes: {{starts: {{}}}}
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    folder = tmp_path_factory.mktemp("rolling")
    try:
        made = start(NAMES, folder, variant="docker")
        image = subprocess.run(["docker", "save", BUSYBOX], check=True, capture_output=True).stdout
        for server in made:
            load = ["docker", "exec", "-i", server.name, "docker", "load"]
            subprocess.run(load, input=image, check=True, capture_output=True)
            for release in RELEASES:
                text = f"FROM {BUSYBOX}\nLABEL release={release}\n"
                build = ["docker", "build", "-t", f"{IMAGE}:{release}", "-"]
                command = ["docker", "exec", "-i", server.name, *build]
                subprocess.run(command, input=text.encode(), check=True, capture_output=True)
        yield made
    finally:
        stop(NAMES)


class Fleet:
    """The three servers, and the files of the playbook that updates them."""

    def __init__(self, servers: list[Server], folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.output = ""

    def play(
        self, release: int, *flags: str, limit: int = 99, serial: Any = 3, **task: Any
    ) -> Results:
        """Run the stack of a release on all servers; return the results of those it ran on."""
        (self.folder / "compose.yaml").write_text(
            COMPOSE.format(image=IMAGE, release=release, limit=limit)
        )
        play = {
            "hosts": "all",
            "gather_facts": False,
            "serial": serial,
            "tasks": [
                {
                    "name": "Update",
                    "dockyard.fleet.stack": {
                        "name": PROJECT,
                        "files": ["compose.yaml"],
                        "keep_releases": 2,
                        **task,
                    },
                }
            ],
        }
        results, self.output = results_of(self.folder, inventory(self.servers), play, *flags)
        return results

    def containers(self, server: Server) -> dict[str, str]:
        """Return the ids of all containers by name."""
        listed = server.exec("docker", "ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.ID}}")
        return dict(line.split() for line in listed.splitlines())


class Watcher:
    """A client that asks a server's replicas in turn, as a proxy would, until it is stopped.

    `failures` is how often none of them answered, `answers` which releases did; `fewest` is the
    least number of replicas that answered in one round.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.failures = 0
        self.answers: dict[str, int] = {}
        self.fewest = COUNT
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            answered = [answer for port in PORTS if (answer := self.ask(port))]
            self.failures += not answered
            self.fewest = min(self.fewest, len(answered))
            for answer in answered:
                self.answers[answer] = self.answers.get(answer, 0) + 1

    def ask(self, port: int) -> str:
        try:
            url = f"http://{self.server.address}:{port}/"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return str(answer.read(10).decode().strip())
        except (OSError, urllib.error.URLError):
            return ""


@pytest.fixture(scope="module")
def fleet(servers: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = Fleet(servers, tmp_path_factory.mktemp("fleet"))
    for result in made.play(1).values():
        assert not result.get("failed"), result["msg"]
    return made


def watched(fleet: Fleet, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], list[Watcher], float]:
    """Run a play while clients ask; return its results, the clients, and how long it took."""
    watchers = [Watcher(server) for server in fleet.servers]
    begun = time.monotonic()
    for watcher in watchers:
        watcher.__enter__()
    try:
        results = fleet.play(*args, **kwargs)
        seconds = time.monotonic() - begun
    finally:
        for watcher in watchers:
            watcher.__exit__()
    for watcher in watchers:
        print(
            f"\n  {watcher.server.name}: {sum(watcher.answers.values())} answers, by release "
            f"{watcher.answers}, {watcher.failures} times none; at least {watcher.fewest} of "
            f"{COUNT} replicas in each round; {seconds:.1f} s"
        )
    return results, watchers, seconds


def test_a_good_update_is_not_noticed(fleet: Fleet) -> None:
    results, watchers, _seconds = watched(fleet, 2)
    for server in fleet.servers:
        assert results[server.name]["changed"], results[server.name]
        assert len(fleet.containers(server)) == COUNT
    for watcher in watchers:
        assert watcher.failures == 0
        assert watcher.answers["2"]
    assert not any(result["changed"] for result in fleet.play(2).values())


def test_an_update_whose_third_batch_fails_goes_back(fleet: Fleet) -> None:
    before = [fleet.containers(server) for server in fleet.servers]
    results, watchers, _seconds = watched(fleet, 3, limit=4)
    for server, ids in zip(fleet.servers, before, strict=True):
        result = results[server.name]
        assert result["failed"], result
        assert not result["changed"], result
        assert "exited with code 3" in result["msg"]
        assert "no room for 3" in result["msg"]
        assert "all containers of web are as before" in result["msg"]
        assert fleet.containers(server) == ids
    assert [watcher.failures for watcher in watchers] == [0, 0, 0]
    assert not any(result["changed"] for result in fleet.play(2).values())


def test_the_others_wait_for_the_first_host(fleet: Fleet) -> None:
    before = [fleet.containers(server) for server in fleet.servers]
    results = fleet.play(4, limit=4, serial=[1, "100%"])
    assert list(results) == [NAMES[0]]
    assert results[NAMES[0]]["failed"]
    assert [fleet.containers(server) for server in fleet.servers] == before


def test_the_release_before_is_back_within_seconds(fleet: Fleet) -> None:
    """Its tag is gone by then, and no registry answers."""
    for server in fleet.servers:
        server.exec("docker", "rmi", f"{IMAGE}:1")
    results, watchers, seconds = watched(fleet, 2, rollback=True)
    print(f"\n  all run the release before after {seconds:.1f} s")
    for server in fleet.servers:
        assert not results[server.name]["failed"], results[server.name]
        assert "returns to release 1" in str(results[server.name]["plan"]["notes"])
    assert [watcher.failures for watcher in watchers] == [0, 0, 0]
    with Watcher(fleet.servers[0]) as watcher:
        assert {watcher.ask(port) for port in PORTS} - {""} == {"1"}
    assert not any(result["changed"] for result in fleet.play(2, rollback=True).values())
