"""Four ways to have containers: a stack of ours, docker compose, community.docker, raw API calls.

Each can create them, find nothing to do, change one, and remove them; it returns the seconds of
the whole command, and fails if the command did something else than was meant.
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.bench import services
from tests.bench.place import PREFIX
from tests.bench.timing import Stage, Task
from tests.lab import engine_packages

SOCKET = "/var/run/docker.sock"
WORKERS = 4  # as many as ours has for steps


class Way(Protocol):
    """One way to have containers."""

    name: str

    def create(self) -> float: ...
    def again(self) -> float: ...
    def change(self) -> float: ...
    def remove(self) -> float: ...


def played(stage: Stage, task: Task, changed: int, *flags: str) -> float:
    """Return the seconds of a playbook with one task that changes so much on each host."""
    seconds, output = stage.run([task], *flags)
    counts = re.findall(r"changed=(\d+)", output)
    assert counts == [str(changed)] * len(stage.names), output[-2000:]
    return seconds


class Stack:
    """One task of ours; `options` are the task's beside its source."""

    name = "dockyard.fleet"

    def __init__(self, stage: Stage, count: int, **options: Any) -> None:
        self.stage, self.count, self.options = stage, count, options
        self.project = f"{PREFIX}-s"
        self.version = 1
        for version in (1, 2):
            write(self._file(version), count, version)

    def _file(self, version: int) -> Path:
        return self.stage.folder / f"compose-{self.count}-{version}.yaml"

    def task(self, **options: Any) -> Task:
        """Return the task with more options."""
        base = {"name": self.project, **self.options}
        return {"name": "stack", "dockyard.fleet.stack": {**base, **options}}

    def task_of_file(self) -> Task:
        """Return the task that has the services from a file."""
        return self.task(files=[str(self._file(self.version))])

    def task_inline(self) -> Task:
        """Return the task that has the services within the playbook."""
        return self.task(definition=services.compose_file(self.count, self.version))

    def create(self) -> float:
        return played(self.stage, self.task_of_file(), 1)

    def again(self) -> float:
        return played(self.stage, self.task_of_file(), 0)

    def change(self) -> float:
        self.version = 3 - self.version
        return played(self.stage, self.task_of_file(), 1)

    def remove(self) -> float:
        return played(self.stage, self.task(state="absent"), 1)


class Compose:
    """docker compose on the same file, in the foreground of a terminal that is none."""

    name = "docker compose"

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.version = folder, count, 1
        self.program = str(engine_packages.compose())
        for version in (1, 2):
            write(folder / f"other-{version}.yaml", count, version)

    def _run(self, *words: str) -> tuple[float, str]:
        command = [self.program, "-p", f"{PREFIX}-c", "-f", f"other-{self.version}.yaml", *words]
        begin = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        assert done.returncode == 0, done.stderr[-2000:]
        return seconds, done.stderr

    def _up(self, created: int, recreated: int) -> float:
        seconds, said = self._run("up", "-d")
        counts = (said.count(" Created"), said.count(" Recreated"))
        assert counts == (created, recreated), said[-2000:]
        return seconds

    def create(self) -> float:
        return self._up(self.count, 0)

    def again(self) -> float:
        return self._up(0, 0)

    def change(self) -> float:
        self.version = 3 - self.version
        return self._up(0, 1)

    def remove(self) -> float:
        return self._run("down")[0]


class Loop:
    """community.docker's module in a loop."""

    name = "community.docker"

    def __init__(self, stage: Stage, count: int) -> None:
        self.stage, self.count, self.version = stage, count, 1

    def _play(self, changed: int, state: str = "started") -> float:
        return played(self.stage, services.other_loop(self.count, self.version, state), changed)

    def create(self) -> float:
        return self._play(1)

    def again(self) -> float:
        return self._play(0)

    def change(self) -> float:
        self.version = 3 - self.version
        return self._play(1)

    def remove(self) -> float:
        return self._play(1, "absent")


class Raw:
    """Calls of the Engine API and nothing else: mutations by workers with a connection each."""

    name = "raw API calls"

    def __init__(self, count: int) -> None:
        self.names = [f"{PREFIX}-r{number}" for number in range(count)]
        self.clients = [Client(unix_dial(SOCKET)) for _number in range(WORKERS)]
        self.version = 1

    def close(self) -> None:
        for client in self.clients:
            client.close()

    def create(self) -> float:
        def one(client: Client, number: int) -> None:
            name = self.names[number]
            body = services.create_body(number, self.version)
            client.post("/containers/create", {"name": name}, body)
            client.post(f"/containers/{name}/start")

        return self._each(one)

    def again(self) -> float:
        """Look: one list and an inspection of each on one connection."""
        begin = time.monotonic()
        query = {"all": True, "filters": {"name": [f"^/{PREFIX}-r"]}}
        listed = self.clients[0].get("/containers/json", query)
        assert len(listed) == len(self.names)
        self.clients[0].get_all([(f"/containers/{entry['Id']}/json", None) for entry in listed])
        return time.monotonic() - begin

    def change(self) -> float:
        """Replace the first container by the mutations that ours sends for it, in their order."""
        self.version = 3 - self.version
        name, post = self.names[0], self.clients[0].post
        new, old = f"{name}.new", f"{name}.old"
        begin = time.monotonic()
        post("/containers/create", {"name": new}, services.create_body(0, self.version))
        post(f"/containers/{name}/update", None, {"RestartPolicy": {"Name": "no"}})
        post(f"/containers/{name}/stop", {"t": 10})
        post(f"/containers/{name}/rename", {"name": old})
        post(f"/containers/{new}/rename", {"name": name})
        post(f"/containers/{name}/start")
        self.clients[0].delete(f"/containers/{old}")
        return time.monotonic() - begin

    def remove(self) -> float:
        def one(client: Client, number: int) -> None:
            client.post(f"/containers/{self.names[number]}/stop", {"t": 10})
            client.delete(f"/containers/{self.names[number]}")

        return self._each(one)

    def _each(self, act: Callable[[Client, int], None]) -> float:
        left = iter(range(len(self.names)))  # taken from under the interpreter's lock
        failed: list[BaseException] = []

        def work(client: Client) -> None:
            try:
                for number in left:
                    act(client, number)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(client,)) for client in self.clients]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
        if failed:
            raise failed[0]
        return seconds


def write(path: Path, count: int, version: int) -> None:
    """Write a Compose file."""
    path.write_text(yaml.safe_dump(services.compose_file(count, version), sort_keys=False))


def in_turn(rounds: int, acts: Sequence[Callable[[], float]]) -> list[list[float]]:
    """Call all acts in turn, so many times; return the seconds of each."""
    made: list[list[float]] = [[] for _act in acts]
    for _round in range(rounds):
        for seconds, act in zip(made, acts):
            seconds.append(act())
    return made
