"""POST /containers/create: what the engine refuses, and how it fills what inspect shows.

Texts and defaults as seen on Docker 20.10.24 (API 1.41); tests/integration compares them with
the real one.
"""

from __future__ import annotations

import copy
import re
from typing import Dict, List, Optional, Tuple

from .fake_mounts import check_mounts, mounts_of
from .fake_state import ZERO_TIME, ApiError, Json, State, now

POLICIES = ("", "no", "always", "unless-stopped", "on-failure")
SMALLEST_MEMORY = 6 << 20

_HOST: Json = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": None,
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "CgroupnsMode": "host",
    "IpcMode": "private",
    "Cgroup": "",
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 67108864,
    "Runtime": "runc",
    "ConsoleSize": [0, 0],
    "Isolation": "",
    "CgroupParent": "",
    "CpusetCpus": "",
    "CpusetMems": "",
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "PidsLimit": None,
    "MaskedPaths": ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys"],
    "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
    **dict.fromkeys(
        [
            "VolumesFrom",
            "CapAdd",
            "CapDrop",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "ExtraHosts",
            "GroupAdd",
            "Links",
            "SecurityOpt",
            "BlkioWeightDevice",
            "BlkioDeviceReadBps",
            "BlkioDeviceWriteBps",
            "BlkioDeviceReadIOps",
            "BlkioDeviceWriteIOps",
            "Devices",
            "DeviceCgroupRules",
            "DeviceRequests",
            "Ulimits",
        ]
    ),
    **dict.fromkeys(
        [
            "CpuShares",
            "Memory",
            "NanoCpus",
            "BlkioWeight",
            "CpuPeriod",
            "CpuQuota",
            "CpuRealtimePeriod",
            "CpuRealtimeRuntime",
            "KernelMemory",
            "KernelMemoryTCP",
            "MemoryReservation",
            "MemorySwap",
            "CpuCount",
            "CpuPercent",
            "IOMaximumIOps",
            "IOMaximumBandwidth",
        ],
        0,
    ),
}
_HOST_IF_SET = ("Tmpfs", "Mounts", "Sysctls", "StorageOpt", "Init")
_CONFIG: Json = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": {},
}
_CONFIG_IF_SET = ("ExposedPorts", "Healthcheck", "StopSignal", "StopTimeout", "MacAddress", "Shell")
ENDPOINT: Json = {
    "IPAMConfig": None,
    "Links": None,
    "Aliases": None,
    "NetworkID": "",
    "EndpointID": "",
    "Gateway": "",
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "MacAddress": "",
    "DriverOpts": None,
}
# Newer API versions add what an endpoint may be asked for.
_ENDPOINT_SINCE = {"GwPriority": (1, 48)}


# -- refusals ---------------------------------------------------------------------------------


def check(state: State, body: Json, api: Tuple[int, ...]) -> None:
    """Raise ApiError for a body the engine would refuse."""
    host = body.get("HostConfig") or {}
    check_restart(host.get("RestartPolicy") or {}, bool(host.get("AutoRemove")))
    check_resources(host)
    _check_ports(host.get("PortBindings") or {}, body.get("ExposedPorts") or {})
    check_mounts(host, api)
    endpoints = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    if len(endpoints) > 1 and api < (1, 44):
        names = ", ".join(endpoints)
        text = f"Container cannot be connected to network endpoints: {names}"
        raise ApiError(400, text)
    for name in ("Interval", "Timeout", "StartPeriod"):
        if 0 < ((body.get("Healthcheck") or {}).get(name) or 0) < 1_000_000:
            raise ApiError(400, f"{name} in Healthcheck cannot be less than 1ms")
    for entry in host.get("ExtraHosts") or []:
        if ":" not in entry:
            raise ApiError(400, f'bad format for add-host: "{entry}"')


def check_restart(policy: Json, auto_remove: bool) -> None:
    name, count = policy.get("Name") or "", policy.get("MaximumRetryCount") or 0
    if name not in POLICIES:
        raise ApiError(400, f"invalid restart policy '{name}'")
    if count and name != "on-failure":
        text = f"maximum retry count cannot be used with restart policy '{name}'"
        raise ApiError(400, text)
    if count < 0:
        raise ApiError(400, "maximum retry count cannot be negative")
    if auto_remove and name not in ("", "no"):
        raise ApiError(400, "can't create 'AutoRemove' container with restart policy")


def check_resources(host: Json) -> None:
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    if memory and memory < SMALLEST_MEMORY:
        raise ApiError(400, "Minimum memory limit allowed is 6MB")
    if memory and swap > 0 and swap < memory:
        text = "Minimum memoryswap limit should be larger than memory limit, see usage"
        raise ApiError(400, text)
    if swap > 0 and not memory:
        text = "You should always set the Memory limit when using Memoryswap limit, see usage"
        raise ApiError(400, text)
    for name, words in (("CpuPeriod", "CPU Period"), ("CpuQuota", "CPU Quota")):
        if host.get("NanoCpus") and host.get(name):
            raise ApiError(400, f"Conflicting options: Nano CPUs and {words} cannot both be set")
    if (host.get("NanoCpus") or 0) > 2_000_000_000:
        text = "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
        raise ApiError(400, text)


def _check_ports(bindings: Json, exposed: Json) -> None:
    for port in [*exposed, *bindings]:
        if not re.match(r"\d+(/\w+)?\Z", port):
            raise ApiError(400, f'invalid port specification: "{port.partition("/")[0]}"')
    for entry in (one for values in bindings.values() for one in values or []):
        if not re.match(r"(\d+(-\d+)?)?\Z", str(entry.get("HostPort") or "")):
            raise ApiError(400, f'invalid port specification: "{entry["HostPort"]}"')


# -- filling in -------------------------------------------------------------------------------


def build_container(state: State, name: str, image: Json, body: Json) -> Json:
    """Return what inspect shows of a container just created; volumes are made."""
    key = state.new_id()
    config = _config(body, image, key)
    host = _host(state, body.get("HostConfig"))
    host["Links"] = [_link(name, one) for one in host["Links"] or ()] or host["Links"]
    points = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    mac = (points.get(host["NetworkMode"]) or {}).get("MacAddress")
    if mac and state.api >= (1, 44):
        config["MacAddress"] = mac
    command = [*(config["Entrypoint"] or []), *(config["Cmd"] or [])]
    if not command:
        raise ApiError(400, "No command specified")
    if host["NetworkMode"] == "host" and not body.get("Hostname"):
        config["Hostname"] = "fake-host"
    return {
        "Id": key,
        "Created": now(),
        "Path": command[0],
        "Args": command[1:],
        "State": fresh_state(),
        "Image": image["Id"],
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": "",
        "Name": f"/{name}",
        "RestartCount": 0,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": host,
        "GraphDriver": {"Name": "overlay2", "Data": {}},
        "Mounts": mounts_of(state, host, config),
        "Config": config,
        "NetworkSettings": _network_settings(state, host["NetworkMode"], body),
    }


def fresh_state() -> Json:
    return {
        "Status": "created",
        **dict.fromkeys(("Running", "Paused", "Restarting", "OOMKilled", "Dead"), False),
        "Pid": 0,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": ZERO_TIME,
        "FinishedAt": ZERO_TIME,
    }


def _config(body: Json, image: Json, key: str) -> Json:
    base = image["Config"]
    config = {name: copy.deepcopy(body.get(name) or value) for name, value in _CONFIG.items()}
    config.update(
        {name: body[name] for name in _CONFIG_IF_SET if body.get(name) not in (None, "", {}, [])}
    )
    config["Hostname"] = config["Hostname"] or key[:12]
    asked = [entry.partition("=")[0] for entry in body.get("Env") or []]
    inherited = [e for e in base.get("Env") or [] if e.partition("=")[0] not in asked]
    config["Env"] = list(body.get("Env") or []) + inherited
    config["Labels"] = {**(base.get("Labels") or {}), **(body.get("Labels") or {})}
    for name in ("ExposedPorts", "Volumes"):
        merged = {**(base.get(name) or {}), **(body.get(name) or {})}
        if merged:
            config[name] = merged
    for name in ("User", "WorkingDir", "StopSignal"):
        if base.get(name) and not config.get(name):
            config[name] = base[name]
    config["WorkingDir"] = config["WorkingDir"].rstrip("/") or config["WorkingDir"][:1]
    config["Entrypoint"], config["Cmd"] = _command(body, base)
    check = _healthcheck(body.get("Healthcheck"), base.get("Healthcheck"))
    if check:
        config["Healthcheck"] = check
    return config


def _command(body: Json, base: Json) -> Tuple[Optional[List[str]], Optional[List[str]]]:
    """Merge as runconfig does: [] takes the image's command, [""] takes nothing."""
    entrypoint, command = body.get("Entrypoint"), body.get("Cmd") or None
    entrypoint = [entrypoint] if isinstance(entrypoint, str) else entrypoint
    command = [command] if isinstance(command, str) else command
    if not entrypoint:
        command = command or base.get("Cmd")
        if entrypoint is None:
            entrypoint = base.get("Entrypoint")
    return (None if entrypoint == [""] else entrypoint), command


def _healthcheck(asked: Optional[Json], base: Optional[Json]) -> Optional[Json]:
    merged = dict(asked or {})
    for name, value in (base or {}).items():
        merged[name] = merged.get(name) or value
    return {name: value for name, value in merged.items() if value} or None


def _host(state: State, asked: Optional[Json]) -> Json:
    host = copy.deepcopy(_HOST)
    for name, value in (asked or {}).items():
        # A list that was sent empty stays a list; null and zero are the defaults.
        given = bool(value) or isinstance(value, (list, dict)) or name == "MemorySwappiness"
        if (name in _HOST and given) or (name in _HOST_IF_SET and value is not None):
            host[name] = copy.deepcopy(value)
        elif name == "Annotations" and state.api >= (1, 43) and value:
            host[name] = dict(value)
    if asked is None:
        del host["Runtime"]
    _fill(state, host)
    return host


def _link(name: str, asked: str) -> str:
    """Show a link of the default bridge as the engine keeps it."""
    target, _colon, alias = asked.partition(":")
    return f"/{target}:/{name}/{alias or target}"


def _requests(host: Json) -> None:
    for request in host["DeviceRequests"] or ():
        for key in ("DeviceIDs", "Capabilities", "Options"):
            request.setdefault(key, None)


def _fill(state: State, host: Json) -> None:
    _requests(host)
    newer = state.api >= (1, 44)
    host["RestartPolicy"] = {"Name": "", "MaximumRetryCount": 0, **host["RestartPolicy"]}
    if newer:
        host["RestartPolicy"]["Name"] = host["RestartPolicy"]["Name"] or "no"
        host["NetworkMode"] = {"default": "bridge"}.get(host["NetworkMode"], host["NetworkMode"])
    host["LogConfig"] = {
        "Type": host["LogConfig"].get("Type") or "json-file",
        "Config": host["LogConfig"].get("Config") or {},
    }
    for values in (host["PortBindings"] or {}).values():
        for entry in values or []:
            entry["HostIp"] = entry.get("HostIp") or ""
            entry["HostPort"] = entry.get("HostPort") or ""
    if host["Memory"] and not host["MemorySwap"]:
        host["MemorySwap"] = 2 * host["Memory"]
    if (host["PidsLimit"] or 0) <= 0:
        host["PidsLimit"] = None
    for name in ("NetworkMode", "IpcMode", "PidMode"):
        kind, _colon, other = host[name].partition(":")
        if kind == "container" and state.find_container(other):
            host[name] = "container:" + state.container(other)["Id"]
    if host["Privileged"] or "host" in (host["IpcMode"], host["PidMode"]):
        host["SecurityOpt"] = [*(host["SecurityOpt"] or ()), "label=disable"]
    if host["Privileged"]:
        host.update(MaskedPaths=None, ReadonlyPaths=None)


def _network_settings(state: State, mode: str, body: Json) -> Json:
    networks = _endpoints(state, mode, body)
    return {"Bridge": "", "SandboxID": "", "Ports": {}, "IPAddress": "", "Networks": networks}


def _endpoints(state: State, mode: str, body: Json) -> Dict[str, Json]:
    if mode.startswith("container:"):
        return {}
    asked = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    first = "bridge" if mode == "default" else mode
    names = [*asked] if first in asked else [first, *asked]
    return {name: endpoint(state, asked.get(name)) for name in names}


def endpoint(state: State, asked: Optional[Json]) -> Json:
    """Return an endpoint as inspect shows it before the container runs."""
    known = [*ENDPOINT, *(key for key, api in _ENDPOINT_SINCE.items() if state.api >= api)]
    made = {**copy.deepcopy(ENDPOINT), **{k: v for k, v in (asked or {}).items() if k in known}}
    made["_asked"] = list(made["Aliases"] or [])
    return made
