"""POST /build: reads the Dockerfile's simple instructions, or does what the test's hook says."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import shlex
import tarfile
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List

from .fake_images import CONFIG, store
from .fake_routes import route
from .fake_state import ApiError, Json, State
from .serving import Request, Response


class BuildFailed(Exception):
    """What a build hook raises to end the build with this text inside the stream."""


@dataclass
class Build:
    """One build as asked for: `files` by path in the context, and the options that decide."""

    tags: List[str]
    files: Dict[str, bytes]
    args: Dict[str, str]
    labels: Dict[str, str]
    target: str
    dockerfile: str
    query: Dict[str, Any]
    config: Json = field(default_factory=lambda: copy.deepcopy(CONFIG))


@route("POST", "/build")
def build(state: State, request: Request) -> Response:
    asked = _asked(request)
    state.builds.append(asked)
    if asked.dockerfile not in asked.files:
        text = f"Cannot locate specified Dockerfile: {asked.dockerfile}"
        raise ApiError(500, text)
    for number, line in enumerate(_lines(asked), 1):
        word = line.split()[0]
        if word.upper() not in _INSTRUCTIONS:
            raise ApiError(
                400, f"dockerfile parse error line {number}: unknown instruction: {word}"
            )
    return Response(200, stream=_building(state, asked))


def _asked(request: Request) -> Build:
    query = request.query
    tags = query.get("t") or []
    return Build(
        tags=[tags] if isinstance(tags, str) else tags,
        files=_unpack(request.body),
        args=json.loads(query.get("buildargs") or "{}"),
        labels=json.loads(query.get("labels") or "{}"),
        target=query.get("target") or "",
        dockerfile=query.get("dockerfile") or "Dockerfile",
        query=query,
    )


def _unpack(data: bytes) -> Dict[str, bytes]:
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive.getmembers():
                handle = archive.extractfile(member) if member.isreg() else None
                if handle is not None:
                    name = member.name[2:] if member.name.startswith("./") else member.name
                    files[name] = handle.read()
    except tarfile.TarError as exc:
        raise ApiError(500, "archive/tar: invalid tar header") from exc
    return files


def _lines(asked: Build) -> List[str]:
    text = asked.files[asked.dockerfile].decode().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def _building(state: State, asked: Build) -> Iterator[bytes]:
    def say(**value: Any) -> bytes:
        return json.dumps(value).encode() + b"\r\n"

    lines = _lines(asked)
    try:
        for number, line in enumerate(lines, 1):
            yield say(stream=f"Step {number}/{len(lines)} : {line}")
            yield say(stream="\n")
            with state.lock:
                _instruction(state, asked, line)
        with state.lock:
            outcome = state.on_build(asked) if state.on_build else None
            image = _keep(state, asked, outcome or {})
    except BuildFailed as exc:
        yield say(errorDetail={"message": str(exc)}, error=str(exc))
        return
    yield say(aux={"ID": image["Id"]})
    yield say(stream=f"Successfully built {image['Id'][7:19]}\n")
    for tag in asked.tags:
        yield say(stream=f"Successfully tagged {tag}\n")


def _keep(state: State, asked: Build, outcome: Json) -> Json:
    asked.config.update(outcome)
    if asked.labels:
        asked.config["Labels"] = {**(asked.config["Labels"] or {}), **asked.labels}
    digest = hashlib.sha256()
    for name in sorted(asked.files):
        digest.update(name.encode() + b"\0" + asked.files[name] + b"\0")
    digest.update(json.dumps([asked.args, asked.target], sort_keys=True).encode())
    image: Json = {}
    for tag in asked.tags or [state.new_id()[:12]]:
        image = store(state, tag, asked.config, digest.hexdigest())
        state.emit("image", "tag", image["Id"], {"name": tag})
    return image


def _instruction(state: State, asked: Build, line: str) -> None:
    word, _blank, rest = line.partition(" ")
    _INSTRUCTIONS[word.upper()](state, asked.config, rest.strip())


def _from(state: State, config: Json, rest: str) -> None:
    ref = rest.split()[0]
    if ref == "scratch":
        return
    base = state.find_image(ref)
    if base is None:
        raise BuildFailed(f"pull access denied for {ref}, repository does not exist")
    config.update(copy.deepcopy(base["Config"]))


def _run(state: State, config: Json, rest: str) -> None:
    if rest in ("false", "exit 1"):
        raise BuildFailed(f"The command '/bin/sh -c {rest}' returned a non-zero code: 1")


def _env(state: State, config: Json, rest: str) -> None:
    added = shlex.split(rest)
    names = [entry.partition("=")[0] for entry in added]
    kept = [entry for entry in config["Env"] or [] if entry.partition("=")[0] not in names]
    config["Env"] = [*kept, *added]


def _label(state: State, config: Json, rest: str) -> None:
    pairs = dict(entry.partition("=")[::2] for entry in shlex.split(rest))
    config["Labels"] = {**(config["Labels"] or {}), **pairs}


def _command(name: str) -> Any:
    def apply(state: State, config: Json, rest: str) -> None:
        config[name] = json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]

    return apply


def _keys(name: str, suffix: str) -> Any:
    def apply(state: State, config: Json, rest: str) -> None:
        found = json.loads(rest) if rest.startswith("[") else rest.split()
        entries = {e if not suffix or "/" in e else e + suffix: {} for e in found}
        config[name] = {**(config.get(name) or {}), **entries}

    return apply


def _text(name: str) -> Any:
    def apply(state: State, config: Json, rest: str) -> None:
        config[name] = rest

    return apply


def _nothing(state: State, config: Json, rest: str) -> None:
    """Change files only, which the fake does not keep."""


_INSTRUCTIONS: Dict[str, Any] = {
    "FROM": _from,
    "RUN": _run,
    "ENV": _env,
    "LABEL": _label,
    "CMD": _command("Cmd"),
    "ENTRYPOINT": _command("Entrypoint"),
    "EXPOSE": _keys("ExposedPorts", "/tcp"),
    "VOLUME": _keys("Volumes", ""),
    "USER": _text("User"),
    "WORKDIR": _text("WorkingDir"),
    "STOPSIGNAL": _text("StopSignal"),
    **dict.fromkeys(("COPY", "ADD", "ARG", "SHELL", "MAINTAINER", "ONBUILD"), _nothing),
    "HEALTHCHECK": lambda state, config, rest: config.update(
        Healthcheck={"Test": ["CMD-SHELL", rest.split("CMD", 1)[-1].strip()]}
    ),
}
