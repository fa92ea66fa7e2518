# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a service, each with the parser of its one form (Compose Specification, services)."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._engine.container.fields.limits import parse_restart
from ...module_utils._engine.image.pull_policy import parse_policy
from .build import build
from .deploy import deploy
from .forms import (
    Parser,
    choice,
    command,
    decimal,
    duration,
    flag,
    items,
    named,
    number,
    pairs,
    required,
    size,
    table,
    text,
    text_or_texts,
    texts,
    word,
)
from .hosts import extra_hosts
from .mounts import blkio, device, file_mount, gpus, ports, ulimits, volume

CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
MODELS = "it is for a model runner, which no engine has; give the model's address in environment"
REFUSED: Dict[str, str] = {
    "develop": "it is for docker compose watch; a changed build context is built anew anyway",
    "models": MODELS,
    "provider": "what another program provides is a task of its own",
    "pre_start": "write a service of its own, and depends_on with"
    " condition: service_completed_successfully",
    "credential_spec": "it is for Windows",
}


def expose(value: Any, where: str) -> List[str]:
    """Return ports, or ranges of them, as texts."""
    result: List[str] = items(text)(value, where)
    for position, entry in enumerate(result):
        if not re.fullmatch(r"[0-9]+(-[0-9]+)?(/[a-zA-Z]+)?", entry):
            hint = "such as '3000', '3000-3005' or '53/udp'"
            raise InvalidOption("is not a port", option=f"{where}[{position}]", hint=hint)
    return result


_DEPENDENCY = table({"condition": choice(*CONDITIONS), "restart": flag, "required": flag})


def depends_on(value: Any, where: str) -> Dict[str, Any]:
    """Return dependencies by name; what is not said is filled in when all files are merged."""
    if isinstance(value, list):
        names = texts(value, where)
        return {name: {"condition": CONDITIONS[0], "required": True} for name in names}
    result: Dict[str, Any] = named(_DEPENDENCY)(value, where)
    return result


def _list_or_table(parser: Parser) -> Parser:
    def parse(value: Any, where: str) -> Dict[str, Any]:
        if isinstance(value, list):
            return dict.fromkeys(texts(value, where))
        result: Dict[str, Any] = named(parser)(value, where)
        return result

    return parse


networks = _list_or_table(
    table(
        {
            "aliases": texts,
            "interface_name": text,
            "ipv4_address": text,
            "ipv6_address": text,
            "link_local_ips": texts,
            "mac_address": text,
            "driver_opts": pairs(),
            "priority": number,
            "gw_priority": number,
        }
    )
)


def _test(value: Any, where: str) -> List[str]:
    if isinstance(value, str):
        return ["CMD-SHELL", value]
    words: List[str] = items(text)(value, where)
    if words and words[0] not in ("CMD", "CMD-SHELL", "NONE"):
        hint = "write the command as one text, or begin the list with CMD or CMD-SHELL"
        raise InvalidOption("begins with none of CMD, CMD-SHELL, NONE", option=where, hint=hint)
    return words


_HEALTHCHECK = table(
    {
        "disable": flag,
        "test": _test,
        "interval": duration,
        "timeout": duration,
        "start_period": duration,
        "start_interval": duration,
        "retries": number,
    }
)


def env_files(value: Any, where: str) -> List[Dict[str, Any]]:
    """Return `path`, `required` and `format` of each file."""
    entry = table({"path": text, "required": flag, "format": choice("raw")})
    result = []
    for position, given in enumerate(value if isinstance(value, list) else [value]):
        here = f"{where}[{position}]" if isinstance(value, list) else where
        if isinstance(given, Mapping):
            parsed = entry(given, here)
            required(parsed, "path", here)
            result.append({"required": True, **parsed})
        else:
            result.append({"path": word(given, here), "required": True})
    return result


def extends(value: Any, where: str) -> Dict[str, str]:
    """Return `service`, and `file` if the base is in another one."""
    if not isinstance(value, Mapping):
        return {"service": text(value, where)}
    result: Dict[str, str] = table({"service": text, "file": text})(value, where)
    required(result, "service", where)
    return result


def restart(value: Any, where: str) -> str:
    """Return the policy; an unquoted `no` of YAML 1.1 is one."""
    policy, retries = parse_restart(value, where)
    return f"{policy}:{retries}" if retries else policy


_HOOK = table(
    {
        "command": command,
        "user": word,
        "privileged": flag,
        "working_dir": text,
        "environment": pairs(None),
    }
)


def _hook(value: Any, where: str) -> Dict[str, Any]:
    result: Dict[str, Any] = _HOOK(value, where)
    required(result, "command", where)
    return result


def _rows(keys: str, parser: Parser) -> Dict[str, Parser]:
    return dict.fromkeys(keys.split(), parser)


_LOGGING = table({"driver": text, "options": pairs()})
ROWS: Dict[str, Parser] = {
    **_rows("image container_name hostname domainname network_mode ipc pid uts userns_mode", word),
    **_rows("cgroup cgroup_parent cpuset isolation mac_address platform runtime", word),
    **_rows("stop_signal user working_dir pull_refresh_after", word),
    **_rows("attach init oom_kill_disable privileged read_only stdin_open tty", flag),
    **_rows("use_api_socket", flag),
    **_rows("cpu_count cpu_period cpu_quota cpu_shares oom_score_adj pids_limit scale", number),
    **_rows("mem_swappiness", number),
    **_rows("cpu_rt_period cpu_rt_runtime", text),
    **_rows("cpus cpu_percent", decimal),
    **_rows("mem_limit mem_reservation memswap_limit shm_size", size),
    **_rows("cap_add cap_drop device_cgroup_rules dns_opt external_links group_add", texts),
    **_rows("links profiles security_opt volumes_from", texts),
    **_rows("dns dns_search tmpfs label_file", text_or_texts),
    **_rows("annotations labels storage_opt sysctls", pairs()),
    **_rows("configs secrets", items(file_mount)),
    **_rows("command entrypoint", command),
    **_rows("post_start pre_stop", items(_hook)),
    "blkio_config": blkio,
    "build": build,
    "depends_on": depends_on,
    "deploy": deploy,
    "devices": items(device),
    "environment": pairs(None),
    "env_file": env_files,
    "expose": expose,
    "extends": extends,
    "extra_hosts": extra_hosts,
    "gpus": gpus,
    "healthcheck": _HEALTHCHECK,
    "logging": _LOGGING,
    "networks": networks,
    "ports": ports,
    "pull_policy": parse_policy,
    "restart": restart,
    "stop_grace_period": duration,
    "ulimits": ulimits,
    "volumes": items(volume),
}
_SERVICE = table(ROWS, REFUSED)


def service(value: Any, where: str) -> Dict[str, Any]:
    """Return a service with every key in its one form."""
    result: Dict[str, Any] = _SERVICE(value, where)
    return result
