"""The services that measurements are about: for each way to have them, in its own terms.

Some options of each, as real services have them, and none that takes time by itself. The first
service is of a version, so that there is one to change.
"""

from __future__ import annotations

from typing import Any

from tests.bench.place import COMMAND, IMAGE, PREFIX

Options = dict[str, Any]

LABELS = {"org.example.team": "platform", "org.example.stage": "bench"}
LOG = {"max-size": "10m", "max-file": "3"}


def environment(number: int, version: int) -> dict[str, str]:
    """Return the variables of a service by its number, from 0 on."""
    result = {"LOG_LEVEL": "info", "LISTEN": "0.0.0.0:8080", "NUMBER": str(number)}
    return {**result, "VERSION": str(version if number == 0 else 0)}


def compose_file(count: int, version: int) -> Options:
    """Return a Compose file with so many services."""
    return {
        "services": {
            f"s{number:03}": {
                "image": IMAGE,
                "command": COMMAND,
                "network_mode": "none",
                "restart": "unless-stopped",
                "read_only": True,
                "cap_drop": ["NET_RAW"],
                "environment": environment(number, version),
                "labels": LABELS,
                "logging": {"driver": "json-file", "options": LOG},
            }
            for number in range(count)
        }
    }


def other_loop(count: int, version: int, state: str = "started") -> Options:
    """Return a task of community.docker in a loop over as many containers."""
    of_version = f"{{{{ '{version}' if item == 0 else '0' }}}}"
    options = {
        "name": f"{PREFIX}-l{{{{ item }}}}",
        "state": state,
        "image": IMAGE,
        "command": COMMAND,
        "network_mode": "none",
        "restart_policy": "unless-stopped",
        "read_only": True,
        "cap_drop": ["NET_RAW"],
        "env": {**environment(1, version), "NUMBER": "{{ item | string }}", "VERSION": of_version},
        "labels": LABELS,
        "log_driver": "json-file",
        "log_options": LOG,
        "force_kill": False,
    }
    return {
        "name": f"other {state}",
        "community.docker.docker_container": options,
        "environment": {"PYTHONPATH": "{{ bench_library }}"},
        "loop": list(range(count)),
    }


def create_body(number: int, version: int) -> Options:
    """Return the body of the Engine API's call that creates the container of a service."""
    variables = environment(number, version)
    return {
        "Image": IMAGE,
        "Cmd": COMMAND,
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "Labels": LABELS,
        "HostConfig": {
            "NetworkMode": "none",
            "RestartPolicy": {"Name": "unless-stopped"},
            "ReadonlyRootfs": True,
            "CapDrop": ["NET_RAW"],
            "LogConfig": {"Type": "json-file", "Config": LOG},
        },
    }
