"""The rows of the container's field table, tried on a real engine by the core in this process.

`python -m tests.lab.fieldwork [--socket PATH] [ROW …]` tries some rows, or all, and prints what
went wrong. `tests/cases/container_fields.yml` has an entry for each row:

row: the row's name; first, second: two values of that option (one will do for a switch); beside:
other options that it needs; inside: a shell command run in the container, shows: regular
expressions that match all of what it prints with the first value, the second, and without; alone:
it shares no container with other entries; runs: false if the container cannot run with it on every
machine (it is only created); since: an API version that the values need, if later than the row's;
kinds: the kinds of engine that honour it; unseen: why no effect is looked at. `{peer}`, `{net}`,
`{image1}`, `{image2}` and `{prefix}` stand for what is there, and names of one's own.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import sys
import tarfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Optional, Tuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.model import FieldSpec
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import run
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.spec import for_kind
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import CONTAINER
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container_fields import FIELDS

TABLE = Path(__file__).parents[1] / "cases" / "container_fields.yml"
IMAGE = "dev/busybox:1"
# It ends at once when it is asked to.
COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM INT USR1 USR2; while :; do sleep 1 & wait; done"]
Params = Dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One entry of the table; see above."""

    row: str
    first: Any
    second: Any = None
    beside: Params = field(default_factory=dict)
    inside: str = ""
    shows: Tuple[str, ...] = ()
    alone: bool = False
    runs: bool = True
    since: Tuple[int, ...] = (0, 0)
    kinds: Tuple[str, ...] = ()
    unseen: str = ""

    def declared(self, turn: int) -> Params:
        """Return the options of the first (0) or the second (1) run."""
        option, _dot, key = self.row.partition(".")
        value = self.second if turn and self.second is not None else self.first
        return merged(self.beside, {option: {key: value} if key else value})


def entries() -> List[Entry]:
    """Return the table."""
    made = []
    for entry in yaml.safe_load(TABLE.read_text()):
        shows = entry.get("shows", ())
        if "second" not in entry and len(shows) == 2:
            entry["shows"] = [shows[0], *shows]
        since = tuple(int(part) for part in str(entry.pop("since", "0.0")).split("."))
        lists = {key: tuple(entry.pop(key, ())) for key in ("shows", "kinds")}
        made.append(Entry(**entry, **lists, since=since))
    return made


def merged(one: Params, other: Params) -> Params:
    """Merge options; those of a dict option key by key. Raise ValueError for a contradiction."""
    made = dict(one)
    for key, value in other.items():
        if isinstance(made.get(key), dict) and isinstance(value, dict):
            made[key] = merged(made[key], value)
        elif key in made and made[key] != value:
            raise ValueError(key)
        else:
            made[key] = value
    return made


def groups(listed: List[Entry], impacts: Dict[str, Tuple[str, str]]) -> List[List[Entry]]:
    """Put entries together that can share a container: alike in impact, apart in options."""
    made: List[List[Entry]] = []
    for entry in listed:
        for group in made:
            alike = impacts[group[0].row] == impacts[entry.row] and group[0].runs == entry.runs
            if alike and not group[0].alone and not entry.alone and _fits(group, entry):
                group.append(entry)
                break
        else:
            made.append([entry])
    return made


def _fits(group: List[Entry], entry: Entry) -> bool:
    if any(one.row == entry.row for one in group):
        return False
    try:
        for turn in (0, 1):
            together([*group, entry], turn)
    except ValueError:
        return False
    return True


def together(group: List[Entry], turn: int) -> Params:
    """Return the options of all entries of a group."""
    made: Params = {}
    for entry in group:
        made = merged(made, entry.declared(turn))
    return made


def honours(entry: Entry, row: FieldSpec, api: Tuple[int, int], kind: str) -> bool:
    """Tell whether an engine of a kind, with an API version, can have the entry's row."""
    kinds = set(row.only or [kind]) & set(entry.kinds or [kind])
    young = not any(row.until) or api < row.until
    return kind in kinds and young and api >= max(row.since, entry.since)


def honoured(api: Tuple[int, int], kind: str) -> List[Entry]:
    """Return the entries whose rows an engine can have."""
    rows = {row.name: row for row in for_kind(FIELDS, kind)}
    return [entry for entry in entries() if honours(entry, rows[entry.row], api, kind)]


class Field:
    """A field on one engine: `play` leads the entries of a group through their life.

    As a context it has a container and a network that entries may name.
    """

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self.client = Client(unix_dial(socket_path), 60)
        self.prefix = f"fleet-field-{uuid.uuid4().hex[:8]}"
        self.rows = {row.name: row for row in for_kind(FIELDS, self.client.kind)}
        self.impacts = {name: (row.change, row.unset) for name, row in self.rows.items()}

    def __enter__(self) -> Field:
        subnet = {"Config": [{"Subnet": f"10.{int(self.prefix[-2:], 16)}.77.0/24"}]}
        self.client.post("/networks/create", None, {"Name": f"{self.prefix}-net", "IPAM": subnet})
        for release in ("1", "2"):
            self._build(release)
        self.run({"name": f"{self.prefix}-peer", "ipc": "shareable", "volumes": ["/lent"]})
        self.run({"name": f"{self.prefix}-plain"})
        self.plain = self.inspect(f"{self.prefix}-plain")
        return self

    def __exit__(self, *_exc: object) -> None:
        filters = {"name": [self.prefix]}
        for one in self.client.get("/containers/json", {"all": True, "filters": filters}):
            with contextlib.suppress(Exception):
                self.client.post(f"/containers/{one['Id']}/kill")
            self.client.delete(f"/containers/{one['Id']}", {"force": True, "v": True})
        for volume in self.client.get("/volumes")["Volumes"] or ():
            if volume["Name"].startswith(self.prefix):
                self.client.delete(f"/volumes/{volume['Name']}", {"force": True})
        self.client.delete(f"/networks/{self.prefix}-net")
        for release in ("1", "2"):
            self.client.delete(f"/images/{self.prefix}/app:{release}", {"force": True})
        self.client.close()

    def _build(self, release: str) -> None:
        text = f"FROM {IMAGE}\nENV RELEASE={release}\n".encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("Dockerfile")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
        query = {"t": f"{self.prefix}/app:{release}"}
        kind = {"Content-Type": "application/x-tar"}
        for _said in self.client.stream("POST", "/build", query, buffer.getvalue(), kind):
            pass

    def honoured(self) -> List[Entry]:
        """Return the entries whose rows this engine can have."""
        return honoured(self.client.api, self.client.kind)

    def run(self, params: Params) -> Params:
        """Run a container task with the core; it must not fail."""
        made = {"image": IMAGE, "command": COMMAND, "wait": "none", **params}
        filled = json.loads(self._filled(json.dumps(made)))
        checked = ArgumentSpecValidator(CONTAINER.spec()).validate(filled)
        assert not checked.error_messages, checked.error_messages
        task = SimpleNamespace(check_mode=False)
        values = checked.validated_parameters
        resource: Any = CONTAINER
        result = run(resource, values, lambda: self.client, task, {}, contextlib.nullcontext)
        assert not result.get("failed"), f"{params}: {result['msg']} {result.get('diff')}"
        return result

    @property
    def names(self) -> Params:
        """What stands for the placeholders in entries."""
        endings = {"peer": "-peer", "net": "-net", "prefix": ""}
        images = {"image1": "/app:1", "image2": "/app:2"}
        return {name: f"{self.prefix}{ending}" for name, ending in {**endings, **images}.items()}

    def _filled(self, text: str) -> str:
        for name, filled in self.names.items():
            text = text.replace(f"{{{name}}}", filled)
        return text

    def play(self, group: List[Entry]) -> None:
        """Create with the first values, change to the second, drop them; look after each."""
        name = f"{self.prefix}-box"
        common = {"name": name, **({} if group[0].runs else {"state": "present"})}
        identity = ""
        try:
            for turn in (0, 1, 2):
                if turn == 1 and all(entry.second is None for entry in group):
                    continue
                params = {**together(group, turn), **common} if turn < 2 else common
                result = self.run(params)
                assert result["changed"], (turn, params)
                self._named(group, turn, result["plan"])
                again = self.run(params)
                assert not again["changed"], f"turn {turn}: {again['plan']['text']}"
                self._effects(name, group, turn)
                impact = self.impacts[group[0].row][turn - 1] if turn else "replace"
                same = identity == self.inspect(name)["Id"]
                assert same == (impact == "live"), (turn, impact, [one.row for one in group])
                identity = self.inspect(name)["Id"]
            left = list(self.differences(self.inspect(name)))
            assert left == [], left
        finally:
            self.run({"name": name, "image": None, "command": None, "state": "absent"})

    def _named(self, group: List[Entry], turn: int, plan: Params) -> None:
        """A changed plan says which field changed, and nothing else."""
        if not turn:
            return
        named = {re.split(r"[.:]", line.strip())[0] for line in plan["text"].splitlines()[1:-1]}
        changed = [entry for entry in group if turn == 2 or entry.second is not None]
        wanted = {entry.row.partition(".")[0] for entry in changed}
        assert wanted <= named, f"{wanted - named} not in {plan['text']}"

    def _effects(self, name: str, group: List[Entry], turn: int) -> None:
        probes = [entry for entry in group if entry.inside and turn < len(entry.shows)]
        if not probes:
            return
        script = "\n".join(f"echo @@; ({entry.inside}) 2>&1" for entry in probes)
        shown = [part.strip() for part in self.inside(name, script).split("@@\n")[1:]]
        wrong = [
            f"{entry.row}: `{entry.inside}` shows {got!r}, not {entry.shows[turn]!r}"
            for entry, got in zip(probes, shown)
            if not re.fullmatch(entry.shows[turn], got, re.DOTALL)
        ]
        assert len(shown) == len(probes), (script, shown)
        assert wrong == [], f"turn {turn}: {wrong}"

    def inside(self, name: str, script: str) -> str:
        """Run a script in a container and return what it prints."""
        body = {"Cmd": ["/bin/sh", "-c", script], "AttachStdout": True, "AttachStderr": True}
        made = self.client.post(f"/containers/{name}/exec", None, {**body, "Tty": True})
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

    def inspect(self, name: str) -> Params:
        """Return what the engine says of a container."""
        found: Params = self.client.get(f"/containers/{name}/json")
        return found

    def differences(self, box: Params) -> Iterator[str]:
        """Say where a container is not what one is that nothing was ever asked for."""
        for part in ("Config", "HostConfig"):
            for key in sorted({*box[part], *self.plain[part]}):
                if key in ("Labels", "Hostname", "MacAddress"):
                    continue
                one, other = (_plain(key, x[part].get(key)) for x in (box, self.plain))
                if one != other:
                    yield f"{part}.{key}: {one!r}, without it {other!r}"
        networks = [sorted(x["NetworkSettings"]["Networks"]) for x in (box, self.plain)]
        if networks[0] != networks[1]:
            yield f"Networks: {networks[0]}, without it {networks[1]}"


def _plain(key: str, value: Any) -> Optional[Any]:
    """Make equal what means the same: unset, empty, zero; a policy without a name."""
    if key == "RestartPolicy":
        return (value or {}).get("Name") or "no"
    if key in ("Env", "Binds"):  # Podman's are in an order of chance, with the host's name
        own = ("HOSTNAME=", "HOME=")
        return sorted(item for item in value or () if not item.startswith(own))
    if key == "Annotations":  # Podman has its own
        own = ("io.podman.", "io.container.", "org.opencontainers.", "org.systemd.")
        return {k: v for k, v in (value or {}).items() if not k.startswith(own)} or None
    if key == "Runtime":
        return None if value == "runc" else value or None  # unset if no settings were sent at all
    if key == "NetworkMode" and ":" not in value and value not in ("host", "none"):
        return None  # it keeps the name of the first network, whatever was joined and left since
    return value or None


def main() -> None:
    """Try the rows that are named, all of them by default; print a line for each group."""
    words = sys.argv[1:]
    path = "/var/run/docker.sock"
    if words[:1] == ["--socket"]:
        path, words = words[1], words[2:]
    failed = 0
    with Field(path) as ground:
        listed = [e for e in entries() if ground.honours(e) and (not words or e.row in words)]
        for group in groups(listed, ground.impacts):
            said = "ok"
            try:
                ground.play(group)
            except Exception as error:
                failed, said = failed + 1, f"{type(error).__name__}: {error}"
            print(f"{', '.join(entry.row for entry in group)}: {said}", flush=True)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
