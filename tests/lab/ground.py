"""An engine on which the entries of a table are led through their life, by the core in here."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import re
import socket
import uuid
from typing import ClassVar, Dict, Iterator, List

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.schema import for_kind
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.agree import agree
from tests.lab.core import run_task
from tests.lab.corework import RESOURCES
from tests.lab.fieldtable import ROWS, Entry, Params, honoured, merged, together

IMAGE = "dev/busybox:1"
_NUMBERS = itertools.count(random.randrange(255))
# It ends at once when it is asked to.
COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM INT USR1 USR2; while :; do sleep 1 & wait; done"]


def network_number() -> int:
    """Return a number for the addresses of networks, from 1 to 255, other than those before.

    0 would not be written in an IPv6 address.
    """
    return 1 + next(_NUMBERS) % 255


class Ground:
    """The common part of what there is for each resource: `play` leads a group through its life.

    `defaults` are the options that every task has. What is left to a resource: the options that
    a group has in all turns (`common`), what it takes to go on to a turn (`prepare`) and what is
    looked at or done after it (`settle`), inspection, and where an entry's shell command is run.
    """

    resource: ClassVar[str]
    defaults: ClassVar[Params] = {}

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self.client = Client(unix_dial(socket_path), 60)
        self.prefix = f"fleet-field-{uuid.uuid4().hex[:8]}"
        self.number = network_number()
        rows = for_kind(ROWS[self.resource], self.client.kind)
        self.impacts = {row.name: (row.change, row.unset) for row in rows}

    @property
    def names(self) -> Dict[str, str]:
        """What stands for the placeholders in entries."""
        return {"prefix": self.prefix}

    def honoured(self) -> List[Entry]:
        """Return the entries whose rows this engine can have."""
        return honoured(self.client.api, self.client.kind, self.resource)

    def task(self, resource: str, params: Params, check: bool = False) -> Params:
        """Run a task of any resource with the core and return its result, a failure too."""
        return run_task(RESOURCES[resource], params, lambda: self.client, check)

    def attempt(self, params: Params, check: bool = False) -> Params:
        """Run a task of the ground's own resource and return its result, a failure too."""
        filled = json.loads(self._filled(json.dumps({**self.defaults, **params})))
        return self.task(self.resource, filled, check)

    def run(self, params: Params, check: bool = False) -> Params:
        """Run a task with the core; it must not fail."""
        result = self.attempt(params, check)
        assert not result.get("failed"), f"{params}: {result['msg']} {result.get('diff')}"
        return result

    def _filled(self, text: str) -> str:
        for name, filled in self.names.items():
            text = text.replace(f"{{{name}}}", filled)
        return text

    def play(self, group: List[Entry]) -> None:
        """Create with the first values, change to the second, drop them; look after each."""
        name = f"{self.prefix}-box"
        identity = ""
        try:
            for turn in (0, 1, 2):
                if turn == 1 and all(entry.second is None for entry in group):
                    continue
                params = merged(together(group, turn), self.common(group, turn))
                params["name"] = name
                self._apply(group, turn, self.prepare(group, turn, params))
                self.settle(name, group, turn)
                self._effects(name, group, turn)
                impact = self.impacts[group[0].row][turn - 1] if turn else "replace"
                same = identity == self.identity(name)
                wanted = bool(turn) and (group[0].usual or impact == "live")
                assert same == wanted, (turn, impact, [one.row for one in group])
                identity = self.identity(name)
            left = list(self.differences(self.inspect(name)))
            assert left == [], left
        finally:
            self.clear(name)

    def _apply(self, group: List[Entry], turn: int, params: Params) -> None:
        """Do as declared: as check announces it, and so that nothing is left to do."""
        check, result = self.run(params, check=True), self.run(params)
        agree(check, result)
        assert result["changed"] is not (bool(turn) and group[0].usual), (turn, params)
        if result["changed"] and turn:
            self._named(group, turn, result["plan"])
        again = self.run(params)
        assert not again["changed"], f"turn {turn}: {again['plan']['text']}"

    def _named(self, group: List[Entry], turn: int, plan: Params) -> None:
        """A changed plan says which fields change."""
        named = {re.split(r"[.:]", line.strip())[0] for line in plan["text"].splitlines()[1:-1]}
        changed = [entry for entry in group if turn == 2 or entry.second is not None]
        wanted = {entry.row.partition(".")[0] for entry in changed}
        assert wanted <= named, f"{wanted - named} not in {plan['text']}"

    def _effects(self, name: str, group: List[Entry], turn: int) -> None:
        probes = [entry for entry in group if entry.inside and turn < len(entry.shows)]
        if not probes:
            return
        script = "\n".join(f"echo @@; ({entry.inside}) 2>&1" for entry in probes)
        said = self.inside(name, self._filled(script))
        shown = [part.strip() for part in said.split("@@\n")[1:]]
        wrong = [
            f"{entry.row}: `{entry.inside}` shows {got!r}, not {entry.shows[turn]!r}"
            for entry, got in zip(probes, shown)
            if not re.fullmatch(self._filled(entry.shows[turn]), got, re.DOTALL)
        ]
        assert len(shown) == len(probes), (script, shown)
        assert wrong == [], f"turn {turn}: {wrong}"

    def execute(self, box: str, script: str) -> str:
        """Run a script in a running container and return what it prints."""
        body = {"Cmd": ["/bin/sh", "-c", script], "AttachStdout": True, "AttachStderr": True}
        made = self.client.post(f"/containers/{box}/exec", None, {**body, "Tty": True})
        api = ".".join(str(part) for part in self.client.api)
        start = json.dumps({"Tty": True, "Detach": False})
        head = (
            f"POST /v{api}/exec/{made['Id']}/start HTTP/1.1\r\nHost: engine\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(start)}\r\n\r\n"
        )
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(self.socket_path)
            sock.sendall((head + start).encode())
            got = b"".join(iter(lambda: sock.recv(65536), b""))
        return got.partition(b"\r\n\r\n")[2].decode("utf-8", "replace").replace("\r", "")

    def remove_boxes(self) -> None:
        """Remove all containers of this ground; Podman's forced removal asks politely first."""
        filters = {"name": [self.prefix]}
        for one in self.client.get("/containers/json", {"all": True, "filters": filters}):
            with contextlib.suppress(Exception):
                self.client.post(f"/containers/{one['Id']}/kill")
            self.client.delete(f"/containers/{one['Id']}", {"force": True, "v": True})

    # -- what a resource has of its own ---------------------------------------------------------

    def common(self, group: List[Entry], turn: int) -> Params:
        """Return the options that a task has beside those of its entries."""
        return {}

    def prepare(self, group: List[Entry], turn: int, params: Params) -> Params:
        """Do what a turn needs, and return the options that permit it."""
        return params

    def settle(self, name: str, group: List[Entry], turn: int) -> None:
        """Do what comes between a turn and the look at its effects."""

    def identity(self, name: str) -> str:
        """Return what another one of this name would not have."""
        return str(self.inspect(name)["Id"])

    def inspect(self, name: str) -> Params:
        """Return what the engine says of the resource."""
        raise NotImplementedError

    def inside(self, name: str, script: str) -> str:
        """Run a script where the resource shows, and return what it prints."""
        raise NotImplementedError

    def differences(self, found: Params) -> Iterator[str]:
        """Say where it is not what one is that nothing was ever asked for."""
        raise NotImplementedError

    def clear(self, name: str) -> None:
        """Remove what a group has made."""
        raise NotImplementedError
