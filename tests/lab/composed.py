"""What `docker compose config` makes of the same files, in our terms, and where it differs.

Run as a program on folders with a compose.yaml, it prints the differences, without a folder those
that cases are known to have: `python -m tests.lab.composed [FOLDER…]`.
The program comes from the packages of Debian.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.values import parse_duration
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose.project import Project, load

from tests.lab import engine_packages
from tests.lab.composing import all_cases

_DURATIONS = frozenset(
    [
        "interval",
        "timeout",
        "start_period",
        "start_interval",
        "stop_grace_period",
        "delay",
        "monitor",
        "window",
    ]
)
# What only a swarm acts on: we leave it out with a warning.
_SWARM = ("placement", "endpoint_mode", "labels")


def config(folder: Path, arguments: Mapping[str, Any]) -> Tuple[Optional[Any], str]:
    """Return (what Compose prints, "") or (None, its error) for the arguments of `load`."""
    command = [str(engine_packages.compose())]
    for path in arguments.get("sources") or ["compose.yaml"]:
        command += ["-f", path]
    if arguments.get("name", "demo"):
        command += ["-p", arguments.get("name", "demo")]
    for path in arguments.get("env_files") or ():
        command += ["--env-file", path]
    for profile in arguments.get("profiles") or ():
        command += ["--profile", profile]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    environment.update({k: str(v) for k, v in (arguments.get("environment") or {}).items()})
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    return json.loads(done.stdout), ""


def ours(project: Project, folder: Path) -> Dict[str, Any]:
    """Return a project in the terms in which both are compared."""
    services = {}
    for name, entry in project.services.items():
        result = dict(entry)
        secret = result.pop("secret_environment", {})
        if secret or result.get("environment"):
            result["environment"] = {**secret, **result.get("environment", {})}
        result["volumes"] = [_absolute(mount, folder) for mount in entry.get("volumes", ())]
        services[name] = result
    return _plain(
        {
            "name": project.name,
            "services": services,
            "networks": project.networks,
            "volumes": project.volumes,
            "configs": {key: {"name": item["name"]} for key, item in project.configs.items()},
            "secrets": {key: {"name": item["name"]} for key, item in project.secrets.items()},
        }
    )


def _absolute(mount: Mapping[str, Any], folder: Path) -> Dict[str, Any]:
    if mount["type"] != "bind":
        return dict(mount)
    source = mount["source"]
    return {**mount, "source": os.path.normpath(folder / source) if source[0] == "." else source}


def theirs(printed: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what Compose printed in the same terms, without what is no difference."""
    services = {name: _service(entry) for name, entry in (printed.get("services") or {}).items()}
    result = {"name": printed["name"], "services": services}
    for key in ("networks", "volumes", "configs", "secrets"):
        only = ("name",) if key in ("configs", "secrets") else ()
        result[key] = {
            name: {k: v for k, v in (entry or {}).items() if not only or k in only}
            for name, entry in (printed.get(key) or {}).items()
        }
    return _plain(_dollars(result))


def _service(entry: Mapping[str, Any]) -> Dict[str, Any]:
    result = {key: value for key, value in entry.items() if key not in ("label_file", "attach")}
    for key in ("command", "entrypoint"):  # null stands for what is not declared
        if result[key] is None:
            del result[key]
    for key in ("mem_swappiness",):
        if key in result:
            result[key] = int(result[key])
    if "depends_on" in result:
        result["depends_on"] = {
            name: {"restart": False, **need} for name, need in result["depends_on"].items()
        }
    if "deploy" in result:
        result["deploy"] = {k: v for k, v in result["deploy"].items() if k not in _SWARM}
    result["volumes"] = [_mount(mount) for mount in entry.get("volumes") or ()]
    for key in ("configs", "secrets"):
        folder = "/" if key == "configs" else "/run/secrets/"
        mounts = entry.get(key) or ()
        result[key] = [{"target": folder + mount["source"], **mount} for mount in mounts]
    if "blkio_config" in result:
        result["blkio_config"] = _limits(result["blkio_config"])
    return result


def _mount(mount: Mapping[str, Any]) -> Dict[str, Any]:
    result = dict(mount)
    if mount["type"] == "bind":
        # Compose prints a false create_host_path as none, and its default beside others only.
        bind = mount.get("bind")
        result["bind"] = {"create_host_path": bind is None, **(bind or {})}
    if "mode" in (mount.get("tmpfs") or {}):
        result["tmpfs"] = {**mount["tmpfs"], "mode": f"{mount['tmpfs']['mode']:04o}"}
    return result


def _limits(value: Mapping[str, Any]) -> Dict[str, Any]:
    """Return block limits with the keys of the file: Compose prints names of its own, and texts."""
    result: Dict[str, Any] = {}
    for key, item in value.items():
        entries = item if isinstance(item, list) else ()
        result[key] = item
        if entries:
            result[key] = [{k.lower(): v for k, v in entry.items()} for entry in entries]
        if key.endswith("_iops"):
            result[key] = [{**entry, "rate": int(entry["rate"])} for entry in result[key]]
    return result


def _dollars(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("$$", "$"): _dollars(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dollars(item) for item in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _plain(value: Any, key: str = "") -> Any:
    """Return a value without empty mappings and lists, and with durations as nanoseconds."""
    if isinstance(value, dict):
        items = {name: _plain(item, name) for name, item in value.items()}
        kept = key in ("networks", "environment", "services")
        return {name: item for name, item in items.items() if kept or item not in ({}, [], None)}
    if isinstance(value, list):
        return value if key in ("command", "entrypoint") else [_plain(item) for item in value]
    if key in _DURATIONS and isinstance(value, str) and re.match("[0-9]", value):
        return parse_duration(value, key)
    return value


def differences(mine: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each place where two values differ: ours, then Compose's."""
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in sorted({*mine, *other}):
            here = f"{path}.{key}" if path else key
            if (mine.get(key) or None) != (other.get(key) or None):
                yield from differences(mine.get(key), other.get(key), here)
    elif isinstance(mine, list) and isinstance(other, list) and len(mine) == len(other):
        for number, (entry, printed) in enumerate(zip(mine, other, strict=True)):
            if entry != printed:
                yield from differences(entry, printed, f"{path}[{number}]")
    else:
        yield f"{path}: {mine!r}, Compose {other!r}"


def compared(folder: Path, arguments: Mapping[str, Any], project: Project) -> List[str]:
    """Return how our project differs from what Compose makes of the same files."""
    printed, error = config(folder, arguments)
    if printed is None:
        return [f"Compose refuses it: {error}"]
    return list(differences(ours(project, folder), theirs(printed)))


def corpus() -> List[Path]:
    """Return folders with Compose files that others wrote.

    They are where COMPOSE_CORPUS says, or in `shared/corpus/compose` beside a folder that this
    checkout is in; they are not part of it.
    """
    given = os.environ.get("COMPOSE_CORPUS")
    above = [folder / "shared/corpus/compose" for folder in Path(__file__).resolve().parents]
    places = [Path(given)] if given else above
    return sorted(path.parent for place in places for path in place.glob("*/compose.yaml"))


def stand_in(path: str) -> bytes:
    """Read a file; a secret that a corpus has without its file is a text of ours."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        if "secret" in path or path.endswith((".txt", ".key")):
            return b"stand-in"
        raise


def main() -> None:
    """Print the differences of the given folders, or without any those of the cases, by reason."""
    if not sys.argv[1:]:
        cases = [(param.id, param.values[0]) for param in all_cases()]
        lines = sorted((case["differs"], name) for name, case in cases if "differs" in case)
        print(f"{len(lines)} of {len(cases)} cases differ:")
        print(*(f"  {reason}  ({name})" for reason, name in lines), sep="\n")
    for name in sys.argv[1:]:
        folder = Path(name)
        project = load(["compose.yaml"], name="demo", basedir=name, read=stand_in)
        lines = compared(folder, {}, project)
        print(f"{folder.name}: {len(lines)} differences", *lines, sep="\n  ")


if __name__ == "__main__":
    main()
