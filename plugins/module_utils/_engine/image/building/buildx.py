# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit by way of `docker buildx`: its API is gRPC, which only that program speaks.

It runs on this machine and reaches the engine through a bridge, so the engine may be anywhere.
Secrets and build arguments are in its environment, never among its arguments.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from ...._desired.errors import FleetError
from ...._desired.safe_files import Below
from ...client.errors import EngineError
from ...client.socket_bridge import Bridge
from .. import record
from .desired import Build

_PIECE = 1 << 18
# Variables that steer the program itself: a build argument of such a name is given in full.
_OWN = re.compile(r"(DOCKER|BUILDX|BUILDKIT|OTEL|LD)_.*|PATH|HOME|TMPDIR|SSH_AUTH_SOCK|NO_COLOR")
# What would lead the program to another engine or builder than the task's.
_ASTRAY = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
_FLAGS = {
    "target": "--target",
    "network": "--network",
    "shm_size": "--shm-size",
    "provenance": "--provenance",
    "sbom": "--sbom",
}
_LISTS = {
    "extra_hosts": "--add-host",
    "cache_from": "--cache-from",
    "cache_to": "--cache-to",
    "entitlements": "--allow",
}


def run(
    path: str, client: Any, name: str, build: Build, label: str, tail: List[str], idle: float
) -> None:
    """Build an image under a name and with our label, then what `outputs` says beside it.

    `tail` gets the lines of output, `idle` seconds of silence end the build. Raise EngineError
    with the program's last word if it fails.
    """
    with Bridge(client) as bridge:
        environment = _environment(build, bridge.address)
        folder = _folder(build, bridge.folder)
        base = [path, "build", "--progress=plain", "-f", _dockerfile(build, folder, bridge.folder)]
        base += [*_words(build), "--label", f"{record.LABEL}={label}"]
        once = ["--no-cache"] if build.get("no_cache") else []
        _call([*base, *once, "--load", "-t", name, folder], environment, tail, idle)
        for output in build.get("outputs") or ():
            # All of it is in the cache now.
            _call([*base, "--output", output, "-t", name, folder], environment, tail, idle)


def _folder(build: Build, own: str) -> str:
    """Return the context's folder on this machine; a sent archive is unpacked into `own`."""
    if build.context.get("root"):
        return str(build.context["root"])
    folder = os.path.join(own, "context")
    os.mkdir(folder, 0o700)
    unpack(str(build.context["archive"]), folder)
    return folder


def unpack(path: str, folder: str) -> None:
    """Unpack our own archive of a context: modes and times count, and no link is written over.

    A link in it may have the name of what was added to it, such as the Dockerfile's text.
    """
    import tarfile

    late: List[Any] = []
    with tarfile.open(path) as archive, Below(folder) as below:
        for member in archive:
            name = member.name.rstrip("/")
            if member.isdir():
                below.make(name)
                late.append((name, member))
            elif member.issym():
                below.link(name, member.linkname)
            else:
                with below.file(name, member.mode, member.mtime) as part:
                    content: Any = archive.extractfile(member)
                    shutil.copyfileobj(content, part, _PIECE)
        for name, member in reversed(late):
            below.chmod(name, member.mode, member.mtime)


def _dockerfile(build: Build, folder: str, own: str) -> str:
    text: Optional[str] = build.get("dockerfile_inline")
    if text is None or not build.context.get("root"):
        return os.path.join(folder, build.values["dockerfile"])
    path = os.path.join(own, "Dockerfile")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _words(build: Build) -> List[str]:
    """Return the arguments that options come to, secrets and their values not among them."""
    words = [f"--builder={_builder(build)}"]
    for name, flag in _FLAGS.items():
        if build.get(name):
            words += [flag, str(build.get(name))]
    for name, flag in _LISTS.items():
        words += _each(flag, build.get(name) or ())
    if build.get("privileged"):
        words += ["--allow", "security.insecure"]
    if build.get("platforms"):
        words += ["--platform", ",".join(build.get("platforms"))]
    words += _each("--label", _pairs(build.get("labels")))
    words += _each("--ulimit", _pairs(build.get("ulimits")))
    words += _each("--build-context", _pairs(build.get("additional_contexts")))
    words += _each("--ssh", (entry.rstrip("=") for entry in _pairs(build.get("ssh"))))
    words += _each("--build-arg", _arguments(build))
    words += _each("--secret", (f"id={ident},env={var}" for ident, var, _v in _secrets(build)))
    return words


def _builder(build: Build) -> str:
    named = build.get("builder") or "auto"
    return "default" if named == "auto" else str(named)


def _each(flag: str, values: Iterable[str]) -> List[str]:
    return [word for value in values for word in (flag, value)]


def _pairs(values: Optional[Mapping[str, str]]) -> List[str]:
    return [f"{key}={value}" for key, value in (values or {}).items()]


def _arguments(build: Build) -> List[str]:
    args: Mapping[str, str] = build.get("args") or {}
    return [f"{key}={value}" if _OWN.fullmatch(key) else key for key, value in args.items()]


def _secrets(build: Build) -> Iterator[Any]:
    for number, (ident, value) in enumerate(build.secrets.items()):
        yield ident, f"FLEET_SECRET_{number}", value


def _environment(build: Build, address: str) -> Dict[str, str]:
    args: Mapping[str, str] = build.get("args") or {}
    result = {key: value for key, value in os.environ.items() if key not in _ASTRAY}
    result.update({key: value for key, value in args.items() if not _OWN.fullmatch(key)})
    result.update({var: value for _ident, var, value in _secrets(build)})
    return {**result, "DOCKER_HOST": address}


def _call(command: List[str], environment: Dict[str, str], tail: List[str], idle: float) -> None:
    try:
        # The core knows no AnsibleModule, whose run_command would read all at the end.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as exc:
        raise FleetError(f"cannot run {command[0]}: {exc}") from None
    try:
        last = _follow(process, tail, idle)
        if process.wait() != 0:
            raise EngineError(last or f"docker buildx ended with {process.returncode}")
    finally:
        # A task's own timeout or Ctrl-C must not leave a build behind.
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _follow(process: Any, tail: List[str], idle: float) -> str:
    """Append the program's output to `tail`; return what it says last, as a rule the error."""
    poll = select.poll()
    poll.register(process.stderr, select.POLLIN | select.POLLHUP)
    rest, last = b"", ""
    while True:
        if not poll.poll(idle * 1000):
            raise EngineError(f"docker buildx was silent for {idle:g} s")
        data = os.read(process.stderr.fileno(), 1 << 16)
        *lines, rest = (rest[-_PIECE:] + data).split(b"\n") if data else [rest, b""]
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if text.startswith("ERROR: "):
                last = text[7:]
            tail.append(text)
        del tail[:-40]
        if not data:
            return last or next((entry for entry in reversed(tail) if entry.strip()), "")
