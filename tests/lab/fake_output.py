"""What the fake engine's containers say: their logs, and commands run in them (exec)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from .fake_life import behaviour, die
from .fake_routes import public, route
from .fake_state import ApiError, Json, State
from .serving import Request, Response


@dataclass
class Program:
    """One run of a command: what it was given, and what came of it."""

    words: List[str]
    env: Dict[str, str] = field(default_factory=dict)
    stdin: Optional[bytes] = None


Outcome = Tuple[int, bytes, bytes]  # exit code, stdout, stderr
Act = Callable[[Program], Outcome]
PROGRAMS: Dict[str, Act] = {
    "true": lambda _run: (0, b"", b""),
    "false": lambda _run: (1, b"", b""),
    "echo": lambda run: (0, " ".join(run.words[1:]).encode() + b"\n", b""),
    "cat": lambda run: (0, run.stdin or b"", b""),
    "env": lambda run: (0, "".join(f"{k}={v}\n" for k, v in run.env.items()).encode(), b""),
    "complain": lambda run: (3, b"out\n", "\n".join(run.words[1:]).encode() + b"\n"),
}


# -- logs -------------------------------------------------------------------------------------


@route("GET", "/containers/{ref}/logs")
def logs(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    wanted = [number for number, name in ((1, "stdout"), (2, "stderr")) if request.flag(name)]
    if not wanted:
        raise ApiError(400, "Bad parameters: you must choose at least one stream")
    lines = state.log_lines.setdefault(box["Id"], [])
    tail = request.query.get("tail", "all")
    first = max(len(lines) - int(tail), 0) if tail.isdigit() else 0

    def shown(part: List[Tuple[int, str]]) -> bytes:
        return b"".join(_frame(box, n, text) for n, text in part if n in wanted)

    def follow() -> Iterator[bytes]:
        at = first
        while True:
            with state.lock:
                if at == len(lines) and box["State"]["Running"]:
                    state.changed.wait(0.02)
                part, over = lines[at:], not box["State"]["Running"]
            at += len(part)
            yield shown(part)
            if over and not part:
                return

    kind = "application/octet-stream"
    if request.flag("follow"):
        return Response(200, stream=follow(), kind=kind)
    return Response(200, body=shown(lines[first:]), kind=kind)


def _frame(box: Json, number: int, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape") + b"\n"
    if box["Config"]["Tty"]:
        return data[:-1] + b"\r\n"
    return framed(number, data)


def framed(number: int, data: bytes) -> bytes:
    """Return a frame of an output, nothing for nothing."""
    return bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data if data else b""


@route("POST", "/containers/{ref}/attach")
def attach(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    lines = state.log_lines.setdefault(box["Id"], [])
    at, run = len(lines), box.get("_run", 0)
    stdin = request.flag("stdin") and box["Config"].get("OpenStdin")

    def pieces() -> Iterator[bytes]:
        nonlocal at, stdin
        while box["Id"] in state.containers:
            with state.lock:
                begun, over = box.get("_run", 0) > run, not box["State"]["Running"]
                if not begun or (at == len(lines) and not over and not stdin):
                    state.changed.wait(0.02)
                part = lines[at:]
            at += len(part)
            yield b"".join(_frame(box, n, text) for n, text in part)
            if begun and stdin:
                stdin = False
                _feed(state, box, request.rest())
            elif begun and over and not part:
                return

    kind = "application/vnd.docker.raw-stream"
    return Response(200, stream=pieces(), kind=kind, raw=True)


def _feed(state: State, box: Json, data: bytes) -> None:
    """Give a container its input: the behaviour `cat` repeats it, and ends."""
    word, _argument = behaviour(state, box)
    with state.lock:
        if word == "cat" and box["State"]["Running"]:
            text = data.decode("utf-8", "surrogateescape")
            state.log_lines[box["Id"]] += [(1, line) for line in text.splitlines()]
            die(state, box, 0)


# -- exec -------------------------------------------------------------------------------------


@route("POST", "/containers/{ref}/exec")
def create(state: State, request: Request, ref: str) -> Response:
    box, body = state.container(ref), request.json
    if not box["State"]["Running"]:
        raise ApiError(409, f"Container {box['Id']} is not running")
    if box["State"].get("Paused"):
        text = f"Container {ref} is paused, unpause the container before exec"
        raise ApiError(409, text)
    if not body.get("Cmd"):
        raise ApiError(400, "No exec command specified")
    key = state.new_id()
    state.execs[key] = {
        "ID": key,
        "Running": False,
        "ExitCode": None,
        "ProcessConfig": {"entrypoint": body["Cmd"][0], "arguments": body["Cmd"][1:]},
        "OpenStdin": bool(body.get("AttachStdin")),
        "ContainerID": box["Id"],
        "_body": body,
    }
    return Response(201, {"Id": key})


@route("POST", "/exec/{ref}/start")
def start(state: State, request: Request, ref: str) -> Response:
    one = _exec(state, ref)
    if one["ExitCode"] is not None:
        raise ApiError(409, f"Error: Exec command {ref} has already run")
    if request.json.get("Detach"):
        _run(state, one, None)
        return Response(200)
    kind = "application/vnd.docker.raw-stream"
    return Response(200, stream=_talk(state, request, one), kind=kind, raw=True)


def _talk(state: State, request: Request, one: Json) -> Iterator[bytes]:
    stdin = request.rest() if one["_body"].get("AttachStdin") else None
    _code, out, err = _run(state, one, stdin)
    tty = one["_body"].get("Tty")
    yield out if tty else framed(1, out)
    yield err if tty else framed(2, err)


def _run(state: State, one: Json, stdin: Optional[bytes]) -> Outcome:
    body = one["_body"]
    env = dict(pair.partition("=")[::2] for pair in body.get("Env") or [])
    program = state.programs.get(body["Cmd"][0])
    if program is None:
        text = "OCI runtime exec failed: exec failed: unable to start container process: exec: "
        text += f'"{body["Cmd"][0]}": executable file not found in $PATH: unknown\r\n'
        made: Outcome = (126, text.encode(), b"")
    else:
        made = program(Program(body["Cmd"], env, stdin))
    with state.lock:
        one.update(Running=False, ExitCode=made[0])
        box = state.containers.get(one["ContainerID"])
        if box is not None:
            state.container_event(box, "exec_die", execID=one["ID"], exitCode=str(made[0]))
    return made


@route("GET", "/exec/{ref}/json")
def inspect(state: State, request: Request, ref: str) -> Response:
    return Response(200, public(_exec(state, ref)))


def _exec(state: State, ref: str) -> Json:
    if ref not in state.execs:
        raise ApiError(404, f"No such exec instance: {ref}")
    return state.execs[ref]
