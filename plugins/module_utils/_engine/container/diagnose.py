# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a container is not up: the likely cause in one line, with the evidence."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import FleetError
from ..._desired.secrets import hide
from ..._desired.sizes import show_size
from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.log_tail import last_lines
from ..values.signals import signal_name
from .desired import Desired
from .fields.process import split_env
from .inspected import Inspect, bare_name, secrets_on_record

_LOG_LINES = 20
# What an engine says when it cannot create or start a container, as seen on Docker 20.10 to 28 and
# Podman 5.8, with runc and crun; the first that fits gives the likely cause.
_REFUSALS: Tuple[Tuple[str, str], ...] = (
    (
        r"port is already allocated|address already in use",
        "another program on the host uses that port",
    ),
    (
        r"container name .* is already in use|name .* is in use|same name as its current name",
        "another run, or somebody else, was faster; run again when that is finished",
    ),
    (
        r"(?i)no such container",
        "another run, or somebody else, has removed it meanwhile; run again",
    ),
    (
        r"cannot remove .*running",
        "another run, or somebody else, has started it meanwhile; run again",
    ),
    (
        r"Address already in use",
        "networks: another container, or the gateway, has that address",
    ),
    (r"[Ii]nvalid address .*subnet", "networks: declare an address of the network's subnet"),
    (r"Range of CPUs|only \d+ CPUs", "cpus: the host has fewer CPUs"),
    (r"Requested CPUs are not available", "cpuset: the host has no such CPUs"),
    (r"invalid Cap(Add|Drop)", "cap_add, cap_drop: the engine knows no such capability"),
    (r"sysctl .* not in a separate", "sysctls: that one is the host's, not a container's"),
    (
        r"Are you trying to mount a directory onto a file",
        "volumes: a folder would be mounted on a file, or a file on a folder",
    ),
    (
        r"bind source path does not exist|bind mount.*no such file",
        "volumes: the path is not on the host; create it first",
    ),
    (
        r"gathering device information|no such device",
        "devices: the host has no such device",
    ),
    (
        r"(?i)unknown( or invalid)? runtime|invalid runtime name",
        "runtime: the engine has no such runtime; its daemon.json names those that it has",
    ),
    (
        r"could not select device driver",
        "the engine has no driver for the devices asked for, such as gpus",
    ),
    (
        r"could not find (slirp4netns|pasta)",
        "network_mode: the engine's host has no such program; install it",
    ),
    (
        r"only supported for rootless mode",
        "network_mode: that one works only on rootless engines",
    ),
    (r"(?i)unable to find user", "user: the image has no such user; use a number"),
    (
        r"(?i)unable to find group",
        "user, group_add: the image has no such group; use a number",
    ),
    (
        r"cannot join network of a non running container",
        "network_mode: start that container first",
    ),
    (r"logging (driver|plugin)", "logging: the engine has no such driver, or cannot start it"),
    (r"no space left on device", "the engine's disk is full; prune images and volumes"),
    (r"chdir to cwd|mkdir .*: not a directory", "working_dir: it is no folder in the image"),
    (
        r"executable file (`.*` )?not found|exec: .*no such file or directory",
        "the command is not in the image, or the interpreter that it names is not",
    ),
    (
        r"exec format error",
        "the command is for another architecture, or a script without a first line #!",
    ),
    (
        r"exec: .*permission denied|OCI permission denied",
        "the command is not executable for that user, or is a folder",
    ),
)
# Exit codes with a meaning beyond the program's own (POSIX shells; Docker's run for 125).
_CODES = {
    125: "a wrapper such as docker or env failed itself",
    126: "its command cannot be executed",
    127: "its command was not found",
    137: "SIGKILL, sent by somebody else or because the host ran out of memory",
    139: "SIGSEGV, it crashed",
    143: "SIGTERM, it was told to stop",
}


def hidden_values(desired: Desired, container: Optional[Inspect]) -> Tuple[str, ...]:
    """Return the secret values that a container's output may hold: declared or on record."""
    values = dict(desired.declared.get("secret_environment") or {})
    if container is not None:
        secret = secrets_on_record(container)
        env = split_env(dig(container, "Config.Env"))
        values.update({f"env {key}": env[key] for key in secret if env.get(key)})
    return tuple(str(value) for value in values.values() if value)


def fault(client: Client, container: Dict[str, Any], desired: Desired, how: str = "") -> FleetError:
    """Return the error of a container that is not up, by default since it ended, with the
    evidence."""
    details = evidence(client, container, desired)
    how = how or how_it_ended(container)
    # One that is up before the old one stops has its temporary name still.
    if bare_name(container) != desired.name and not desired.start_first:
        how += ", after another run, or somebody else, had replaced it"
    lines = [line for line in details["log"] if line.strip()]
    hint = f"its last words: {lines[-1].strip()}" if lines else "it wrote nothing to its log"
    output = " ".join(details["health_output"].split())
    if output or details["health_exit_code"]:
        code = details["health_exit_code"]
        hint = f"its probe {f'said: {output}' if output else f'exited with code {code}'}; {hint}"
    return FleetError(f"the container {how}", address=desired.address, hint=hint, details=details)


def evidence(client: Client, container: Dict[str, Any], desired: Desired) -> Dict[str, Any]:
    """Return what explains a failure, secrets masked: exit_code, oom_killed, the last probe as
    health_output and health_exit_code, log (last lines).
    """
    state = container.get("State") or {}
    probes = dig(state, "Health.Log") or []
    last: Mapping[str, Any] = probes[-1] if probes else {}
    secrets = hidden_values(desired, container)
    try:
        log = last_lines(client, str(container["Id"]), tail=_LOG_LINES)
    except EngineError:
        log = ""
    return {
        "exit_code": state.get("ExitCode"),
        "oom_killed": bool(state.get("OOMKilled")),
        "health_output": hide(str(last.get("Output", "")), secrets),
        "health_exit_code": last.get("ExitCode"),
        "log": hide(log, secrets).splitlines(),
    }


def how_it_ended(container: Inspect) -> str:
    """Say how a container's run ended, with what its exit code means."""
    code = dig(container, "State.ExitCode")
    # A container that is started anew has its counter back at zero, so it counts in any run.
    again = ", and is being restarted" if container.get("RestartCount") else ""
    if dig(container, "State.OOMKilled"):
        return f"{_out_of_memory(container, code)}{again}"
    meaning = meaning_of(code)
    if code == 0:
        meaning = "its command finished"
    return f"exited with code {code}{again}" + (f" ({meaning})" if meaning else "")


def _out_of_memory(container: Inspect, code: Any) -> str:
    limit = dig(container, "HostConfig.Memory")
    where = f"mem_limit is {show_size(limit)}" if limit else "the host's memory was used up"
    if code in (137, 0, None):
        return f"was killed because it ran out of memory: {where}"
    return f"exited with code {code} after one of its processes ran out of memory: {where}"


def meaning_of(code: Any) -> str:
    """Say what an exit code means beyond the program's own words, "" for nothing."""
    if not isinstance(code, int) or code in _CODES or not 128 < code <= 192:
        return _CODES.get(code, "") if isinstance(code, int) else ""
    name = signal_name(code - 128)
    return name if name.startswith("SIG") else ""


def likely(message: str) -> Optional[str]:
    """Return the likely cause of an engine's refusal to create or start a container."""
    causes = (cause for pattern, cause in _REFUSALS if re.search(pattern, message))
    return next(causes, None)


def explain_start(client: Client, ref: str, desired: Desired, error: EngineError) -> FleetError:
    """Return the error of a start that the engine refused, with what the user can do about it."""
    if error.status == 0:
        return error
    details: Dict[str, Any] = {}
    secrets = hidden_values(desired, None)
    try:
        container = client.get(f"/containers/{ref}/json")
        details = evidence(client, container, desired)
        secrets = hidden_values(desired, container)
    except EngineError:
        pass  # what the engine said of the start is all there is
    message = hide(error.message, secrets)
    text = f"cannot start: {message}"
    return FleetError(text, address=desired.address, hint=likely(message), details=details)


def vanished(desired: Desired) -> FleetError:
    """Return the error of a container that vanished while it was awaited."""
    return FleetError(
        "the container was removed during the wait",
        address=desired.address,
        hint="another run, or somebody else, did that, or the engine when it ended (auto_remove)",
    )
