# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's compatible API in Docker's terms, loaded only where the engine is Podman (5.0 and up).

Its inspect shows values that were not asked for and leaves out some that were; `as_docker`
gives what Docker would say of the same container, so that the field table needs one meaning.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping

from ..._desired.fields import Context
from ..._desired.ownership import as_recorded
from ..._desired.values import dig
from ..values.ip_addresses import plain_ip
from ..values.signals import signal_number

Json = Dict[str, Any]

_PIDS = 2048  # its default limit of processes
_SECOND = 1_000_000_000
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ADDED_NOTES = ("io.podman.", "io.container.", "org.opencontainers.", "org.systemd.")
# What its containers have: taking away another one leaves no trace, and has no effect.
_CAPABILITIES = frozenset(
    (
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
# Canonical option, where Docker shows it: Podman never shows it, or not as it was asked for.
_HIDDEN = {
    "sysctls": "HostConfig.Sysctls",
    "logging.options": "HostConfig.LogConfig.Config",
    "device_cgroup_rules": "HostConfig.DeviceCgroupRules",
}
_LOST = "(not shown by Podman)"


def as_docker(container: Mapping[str, Any], context: Context) -> Json:
    """Return an inspected container as Docker would show it; `context` has what is declared."""
    config, host = dict(container["Config"]), dict(container["HostConfig"])
    result = {**container, "Config": config, "HostConfig": host}
    _process(config, context)
    _health(config, context)
    _limits(host, context)
    _rights(host, context)
    if any(host.get(key) for key in ("Binds", "Tmpfs")) or config.get("Volumes"):
        from .podman_mounts import as_docker_mounts

        as_docker_mounts(config, host, context)
    host["PortBindings"] = _ports(host, context)
    mode = str(context.declared.get("network_mode"))
    if mode.startswith(f"{host.get('NetworkMode')}:") and as_recorded(context, "network_mode"):
        host["NetworkMode"] = mode  # the options of pasta and slirp4netns are not shown
    result["NetworkSettings"] = {
        **container["NetworkSettings"],
        "Networks": _networks(container, context),
    }
    if context.api < (1, 44) and not _untouched("mac_address", context):
        # Docker shows that of NetworkMode's network then, of the container; Podman that of each.
        shown = result["NetworkSettings"]["Networks"]
        first = next(iter(context.declared.get("mac_address") or shown), "")
        config["MacAddress"] = (shown.get(first) or {}).get("MacAddress")
        host["NetworkMode"] = first or host.get("NetworkMode")
    for option, path in _HIDDEN.items():
        _put(result, path, _hidden(option, context))
    return result


def network(name: str) -> str:
    """Return Podman's name of a network: the default one is not called bridge."""
    return "podman" if name == "bridge" else name


def create_body(result: Mapping[str, Any]) -> Json:
    """Return a create body in Podman's terms.

    It wants MAC addresses at the networks alone, and has a word of its own for open system paths.
    """
    body = dict(result)
    host = dict(body.get("HostConfig") or {})
    if host.get("Mounts"):
        from .podman_mounts import create_mounts

        body["HostConfig"] = host = create_mounts(host)
    if host.get("MaskedPaths") == []:
        host["SecurityOpt"] = [*(host.get("SecurityOpt") or ()), "unmask=all"]
        body["HostConfig"] = host
    shown = dict(dig(body, "NetworkingConfig.EndpointsConfig") or {})
    ends = {network(name): dict(end) for name, end in shown.items()}
    mac = body.pop("MacAddress", None)
    if mac:
        first = next(iter(ends), network("bridge"))
        ends[first] = {**ends.get(first, {}), "MacAddress": mac}
    if ends:
        body["NetworkingConfig"] = {"EndpointsConfig": ends}
    return body


def update_body(result: Mapping[str, Any], declared: Mapping[str, Any]) -> Json:
    """Return the body of an update that Podman honours.

    It ignores NanoCpus and a PidsLimit of 0, and an update without a restart policy sets that to
    `no`.
    """
    name, retries = declared.get("restart", ("no", 0))
    body: Json = {"RestartPolicy": {"Name": name, "MaximumRetryCount": retries}, **result}
    if body.get("PidsLimit") == 0:
        body["PidsLimit"] = -1 if "pids_limit" in declared else _PIDS
    nano = body.pop("NanoCpus", None)
    if nano is not None:
        body.update(CpuPeriod=100_000, CpuQuota=nano // 10_000)
    return body


def _process(config: Json, context: Context) -> None:
    declared, base = context.declared, context.base
    config["Env"] = _env(config, context)
    labels = dict(config.get("Labels") or {})
    if "io.buildah.version" not in (base.get("Labels") or {}):
        labels.pop("io.buildah.version", None)
    config["Labels"] = labels
    if config.get("StopTimeout") == 10 and declared.get("stop_grace_period") != 10:
        config["StopTimeout"] = None
    if config.get("WorkingDir") == "/" and declared.get("working_dir") != "/":
        config["WorkingDir"] = base.get("WorkingDir") or ""
    term = signal_number(config.get("StopSignal") or "") == signal_number("TERM")
    if term and "stop_signal" not in declared and not base.get("StopSignal"):
        config["StopSignal"] = ""


def _env(config: Json, context: Context) -> List[str]:
    """Leave out what Podman sets by itself: it was not asked for, and is not in the image."""
    asked = {str(item).partition("=")[0] for item in context.base.get("Env") or ()}
    for option in ("environment", "secret_environment"):
        asked |= {*(context.declared.get(option) or ())}
    own = {
        "container": "podman",
        "HOSTNAME": config.get("Hostname"),
        "PATH": _PATH,
        "TERM": "xterm",
    }
    kept = []
    for item in config.get("Env") or ():
        key, _equals, value = str(item).partition("=")
        # HOME follows the user, so its value says nothing.
        if key in asked or (key != "HOME" and own.get(key) != value):
            kept.append(str(item))
    return kept


def _health(config: Json, context: Context) -> None:
    check = dict(config.get("Healthcheck") or {})
    inherited = context.base.get("Healthcheck") or {}
    for key, option, filled in (
        ("Interval", "interval", 30 * _SECOND),
        ("Timeout", "timeout", 30 * _SECOND),
        ("Retries", "retries", 3),
    ):
        asked = context.declared.get(f"healthcheck.{option}") or inherited.get(key)
        if check.get(key) == filled and not asked:
            check[key] = 0
    if "Healthcheck" in config:
        config["Healthcheck"] = check


def _limits(host: Json, context: Context) -> None:
    declared = context.declared
    if host.get("PidsLimit") == _PIDS and "pids_limit" not in declared:
        host["PidsLimit"] = 0
    if host.get("MemorySwappiness") in (-1, 0) and as_recorded(context, "mem_swappiness"):
        host["MemorySwappiness"] = declared.get("mem_swappiness")
    # One limit in both spellings.
    if "cpu_quota" in declared or "cpu_period" in declared:
        host["NanoCpus"] = 0
    elif host.get("NanoCpus"):
        host.update(CpuPeriod=0, CpuQuota=0)
    limits = [dict(limit) for limit in host.get("Ulimits") or ()]
    for limit in limits:
        limit["Name"] = str(limit["Name"]).lower().replace("rlimit_", "")
    # Its containers.conf sets these two, whatever the machine allows.
    own = {"nofile", "nproc"} - {*(declared.get("ulimits") or ())}
    if as_recorded(context, "ulimits"):
        limits = [limit for limit in limits if limit["Name"] not in own]
    host["Ulimits"] = limits
    for key, usual in (("PidMode", "private"), ("UTSMode", "private"), ("Runtime", "oci")):
        if host.get(key) == usual:
            host[key] = ""


def _rights(host: Json, context: Context) -> None:
    declared = context.declared
    taken, given = ({*(declared.get(name) or ())} for name in ("cap_drop", "cap_add"))
    # A privileged container lacks what the machine itself does not have.
    dropped = () if host.get("Privileged") else host.get("CapDrop") or ()
    # It shows each one of those that it has taken away, and not the word for them.
    every = "ALL" in taken and {*dropped} >= _CAPABILITIES - given
    host["CapDrop"] = sorted(taken if every else {*dropped, *(taken - _CAPABILITIES - {"ALL"})})
    host["CapAdd"] = sorted({*(host.get("CapAdd") or ()), *(given & _CAPABILITIES)})
    options = list(host.get("SecurityOpt") or ())
    if "unmask=all" in options:
        host["MaskedPaths"] = []  # how Docker shows it
    host["SecurityOpt"] = [
        "no-new-privileges:true" if option == "no-new-privileges" else option
        for shown in options
        for option in re.split(",(?=label=)", shown)  # it joins several labels
        if option != "unmask=all"
    ]
    notes = host.get("Annotations") or {}
    host["Annotations"] = {k: v for k, v in notes.items() if not k.startswith(_ADDED_NOTES)}
    if as_recorded(context, "devices"):  # what a container may do with them is not shown
        asked = {**(declared.get("devices") or {})}
        host["Devices"] = [_device(entry, asked) for entry in host.get("Devices") or ()]


def _device(entry: Mapping[str, Any], asked: Mapping[str, Any]) -> Json:
    desired = asked.get(str(entry.get("PathInContainer"))) or {}
    return {
        **entry,
        "CgroupPermissions": entry.get("CgroupPermissions") or desired.get("permissions"),
    }


def _ports(host: Json, context: Context) -> Json:
    """Take the port that Podman chose for an asked one: any, or any of a range."""
    result: Json = {}
    declared = context.declared.get("ports") or {}
    others = host.get("PublishAllPorts") and as_recorded(context, "ports")
    for port, bindings in (host.get("PortBindings") or {}).items():
        if others and port not in declared:
            continue
        asked = list(declared.get(port, ()))
        result[port] = [_binding(entry, asked) for entry in bindings or ()]
    return result


def _binding(entry: Mapping[str, str], asked: List[Any]) -> Json:
    ip = _any_as_none(plain_ip(entry.get("HostIp") or ""))
    port = str(entry.get("HostPort") or "")
    for desired in asked:
        if _any_as_none(desired[0]) == ip and (not desired[1] or _within(port, desired[1])):
            asked.remove(desired)
            return {"HostIp": desired[0], "HostPort": desired[1]}
    return {"HostIp": ip, "HostPort": port}


def _any_as_none(ip: str) -> str:
    """Return "" for every address: Podman says 0.0.0.0 where no address was asked for."""
    return "" if ip in ("0.0.0.0", "::") else ip


def _within(port: str, desired: str) -> bool:
    first, _dash, last = desired.partition("-")
    return int(first) <= int(port) <= int(last or first)


def _networks(container: Mapping[str, Any], context: Context) -> Json:
    declared = context.declared.get("networks") or {}
    result: Json = {}
    for name, entry in (dig(container, "NetworkSettings.Networks") or {}).items():
        shown = dict(entry or {})
        desired = declared.get(name) or {}
        own = {
            str(container["Id"])[:12],
            dig(container, "Config.Hostname"),
            str(container["Name"]).lstrip("/"),
        }
        own -= {*(desired.get("aliases") or ())}
        shown["Aliases"] = [alias for alias in shown.get("Aliases") or () if alias not in own]
        shown["IPAMConfig"] = {
            key: shown.get(shown_key)
            for option, key, shown_key in (
                ("ipv4_address", "IPv4Address", "IPAddress"),
                ("ipv6_address", "IPv6Address", "GlobalIPv6Address"),
            )
            if desired.get(option)
        }
        result["bridge" if name == "podman" else name] = shown
    return result


def _untouched(option: str, context: Context) -> bool:
    """Tell whether an option is not declared, and was not at creation."""
    return option not in context.declared and option not in context.record.get("digests", {})


def _hidden(option: str, context: Context) -> Any:
    """Return a value that Podman does not show, by what was declared when it was created."""
    if option not in context.record.get("digests", {}):
        return None
    if as_recorded(context, option):
        return context.declared[option]
    return [_LOST] if option == "device_cgroup_rules" else {_LOST: ""}


def _put(result: Json, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    inner = result
    for part in parents:
        inner[part] = dict(inner.get(part) or {})
        inner = inner[part]
    inner[last] = value
