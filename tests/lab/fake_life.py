"""How containers of the fake engine live: start, health, death, restart policy, stop, removal."""

from __future__ import annotations

import ipaddress
import json
import time
from typing import Dict, Iterator, List, Optional

from .fake_create import ENDPOINT
from .fake_routes import route
from .fake_state import ApiError, Json, State, now
from .serving import Request, Response

SOON = 0.01  # seconds until a behaviour shows: after the start was answered, as a rule
FIRST_DELAY = 0.1  # seconds before the first restart; doubled each time, as in moby
_DEFAULT_NETWORKS = ("bridge", "host", "none", "default")


def behaviour(state: State, box: Json) -> List[str]:
    """Return [word, argument] of what containers of this image do."""
    word, _colon, argument = state.behaviours.get(box["Image"], "run").partition(":")
    return [word, argument]


# -- start ------------------------------------------------------------------------------------


@route("POST", "/containers/{ref}/start")
def start(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    if box["State"]["Running"]:
        return Response(304)
    box["_stopped_by_hand"] = False
    box["RestartCount"] = 0
    begin(state, box)
    return Response(204)


def begin(state: State, box: Json) -> None:
    """Let a container run, or note why it cannot and raise."""
    try:
        _refuse(state, box)
        _connect_all(state, box)
        _publish(state, box)
    except ApiError as exc:
        box["State"].update(Error=exc.text, ExitCode=128)
        raise
    box["_run"] = box.get("_run", 0) + 1
    state.starts[box["Image"]] = state.starts.get(box["Image"], 0) + 1
    box["State"].update(
        Status="running",
        Running=True,
        Restarting=False,
        Pid=next(state.pids),
        ExitCode=0,
        OOMKilled=False,
        Error="",
        StartedAt=now(),
    )
    box["LogPath"] = f"/var/lib/docker/containers/{box['Id']}/{box['Id']}-json.log"
    lines = [(1, line) for line in state.image_logs.get(box["Image"], [])]
    state.log_lines.setdefault(box["Id"], []).extend(lines)
    if checked(box):
        box["State"]["Health"] = {"Status": "starting", "FailingStreak": 0, "Log": []}
    state.container_event(box, "start")
    _behave(state, box)


def _refuse(state: State, box: Json) -> None:
    word, text = behaviour(state, box)
    if word == "refuse":
        raise ApiError(400, text)


def checked(box: Json) -> bool:
    """Say if the container has a healthcheck."""
    test = (box["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    return bool(test[0] != "NONE")


def _behave(state: State, box: Json) -> None:
    word, argument = behaviour(state, box)
    if word == "exit":
        _if_still(state, box, SOON, lambda: die(state, box, int(argument or 0)))
    elif word == "wears-out" and state.starts[box["Image"]] > int(argument):
        die(state, box, 1)
    elif word == "oom":
        _if_still(state, box, SOON, lambda: starve(state, box))
    elif word == "vanish":
        _if_still(state, box, SOON, lambda: destroy(state, box, volumes=True))
    elif word in ("healthy", "unhealthy"):
        _if_still(state, box, SOON, lambda: set_health(state, box, word))
    elif word == "healthy-after":
        _if_still(state, box, float(argument), lambda: set_health(state, box, "healthy"))


def _if_still(state: State, box: Json, seconds: float, action: object) -> None:
    """Do something later unless the container was stopped, started anew or removed since."""
    run = box["_run"]

    def act() -> None:
        if box["_run"] == run and box["State"]["Running"] and box["Id"] in state.containers:
            action()

    state.later(seconds, act)


def set_health(state: State, box: Json, status: str) -> None:
    """Let a running container's healthcheck come out as healthy or unhealthy."""
    if not checked(box) or not box["State"]["Running"]:
        return
    failing = status == "unhealthy"
    log = [{"Start": now(), "End": now(), "ExitCode": int(failing), "Output": f"{status}\n"}]
    box["State"]["Health"] = {"Status": status, "FailingStreak": 3 * failing, "Log": log}
    state.container_event(box, f"health_status: {status}")


def _connect_all(state: State, box: Json) -> None:
    mode = box["HostConfig"]["NetworkMode"]
    if mode.startswith("container:"):
        other = state.container(mode.partition(":")[2])
        if not other["State"]["Running"]:
            text = f"cannot join network of a non running container: {other['Id']}"
            raise ApiError(409, text)
    for name, point in box["NetworkSettings"]["Networks"].items():
        # One that has run looks for the network that it was in, not for another of its name.
        known = "" if name in _DEFAULT_NETWORKS else point["NetworkID"]
        if state.find_network(known or name) is None:
            raise ApiError(404, f"network {known or name} not found")
        if name in _DEFAULT_NETWORKS and point["_asked"]:
            text = "network-scoped alias is supported only for containers in user defined networks"
            raise ApiError(400, text)
    for name in box["NetworkSettings"]["Networks"]:
        join(state, box, name)


def join(state: State, box: Json, name: str) -> None:
    """Give a running container its place in a network."""
    net = state.find_network(name)
    point = box["NetworkSettings"]["Networks"][name]
    if net is None:
        return
    _check_address(state, net, box, point)
    net["_last"] = net.get("_last", 1) + 1
    config = (net["IPAM"]["Config"] or [{}])[0]
    base = (config.get("Subnet") or "0.0.0.0/0").rsplit(".", 2)[0]
    asked = (point["IPAMConfig"] or {}).get("IPv4Address")
    point.update(NetworkID=net["Id"], EndpointID=state.new_id())
    if config:
        point["IPAddress"] = asked or f"{base}.{net['_last'] // 250}.{net['_last'] % 250}"
        point["Gateway"] = config.get("Gateway", "")
        point["IPPrefixLen"] = 16
        octets = (f"{int(part):02x}" for part in point["IPAddress"].split("."))
        point["MacAddress"] = point["MacAddress"] or "02:42:" + ":".join(octets)
    if name not in _DEFAULT_NETWORKS:
        point["Aliases"] = [*point["_asked"], box["Id"][:12]]
    network_event(state, net, "connect", box)


def _check_address(state: State, net: Json, box: Json, point: Json) -> None:
    """Raise for a fixed address that is another container's, or the network's own."""
    asked = (point["IPAMConfig"] or {}).get("IPv4Address")
    config = net["IPAM"]["Config"] or ()
    taken = [entry.get("Gateway") for entry in config]
    for subnet in (ipaddress.ip_network(entry["Subnet"]) for entry in config):
        taken.append(str(subnet.broadcast_address))
        taken += [] if any(taken[:-1]) else [str(subnet.network_address + 1)]
    for other in state.containers.values():
        theirs = other["NetworkSettings"]["Networks"].get(net["Name"])
        if other is not box and other["State"]["Running"] and theirs:
            taken.append(theirs["IPAddress"])
    if asked and asked in taken:
        raise ApiError(403, "Address already in use")


def on_paper(box: Json, name: str) -> bool:
    """Say if a running container only wishes for an endpoint, since a connect has failed."""
    return box["State"]["Running"] and not box["NetworkSettings"]["Networks"][name]["EndpointID"]


def leave(state: State, box: Json, name: str) -> None:
    net = state.find_network(name)
    point = box["NetworkSettings"]["Networks"][name]
    kept = ("IPAMConfig", "Links", "Aliases", "DriverOpts", "NetworkID")
    point.update({key: value for key, value in ENDPOINT.items() if key not in kept})
    if net is not None:
        network_event(state, net, "disconnect", box)


def network_event(state: State, net: Json, action: str, box: Json) -> None:
    more = {"container": box["Id"], "name": net["Name"], "type": net["Driver"]}
    state.emit("network", action, net["Id"], more)


def _publish(state: State, box: Json) -> None:
    taken: Dict[str, str] = {}
    for other in state.containers.values():
        if other["State"]["Running"] and other is not box:
            for port, entries in (other["NetworkSettings"]["Ports"] or {}).items():
                taken.update({f"{e['HostPort']}/{port[-3:]}": other["Id"] for e in entries or []})
    bindings = box["HostConfig"]["PortBindings"] or {}
    ports: Dict[str, Optional[List[Json]]] = {}
    for port in box["Config"].get("ExposedPorts") or {}:
        entries = []
        for desired in bindings.get(port) or []:
            number = desired["HostPort"] or state.free_port()
            if f"{number}/{port[-3:]}" in taken:
                where = f"{desired['HostIp'] or '0.0.0.0'}:{number}"
                text = "driver failed programming external connectivity on endpoint"
                text = f"{text} {box['Name'][1:]} ({state.new_id()}): Bind for {where} failed"
                raise ApiError(500, f"{text}: port is already allocated")
            hosts = [desired["HostIp"]] if desired["HostIp"] else ["0.0.0.0", "::"]
            entries += [{"HostIp": host, "HostPort": number} for host in hosts]
        ports[port] = entries or None
    mode = box["HostConfig"]["NetworkMode"]
    plain = mode in ("host", "none") or mode.startswith("container:")
    box["NetworkSettings"]["Ports"] = {} if plain else ports


# -- end --------------------------------------------------------------------------------------


def die(state: State, box: Json, code: int) -> None:
    """End a container's run, then do what its restart policy says."""
    box["_run"] += 1
    status = box["State"]
    status.update(Status="exited", Running=False, Restarting=False, Pid=0, ExitCode=code)
    status["Paused"] = False
    status["FinishedAt"] = now()
    if "Health" in status:
        status["Health"]["Status"] = "unhealthy"
    box["NetworkSettings"]["Ports"] = {}
    state.container_event(box, "die", exitCode=str(code))
    for name in box["NetworkSettings"]["Networks"]:
        leave(state, box, name)
    if _again(box, code):
        delay = min(FIRST_DELAY * 2 ** box["RestartCount"], 60)
        box["RestartCount"] += 1
        status.update(Status="restarting", Running=True, Restarting=True)
        _if_still(state, box, delay, lambda: begin(state, box))
    elif box["HostConfig"]["AutoRemove"]:
        destroy(state, box, volumes=True)


def starve(state: State, box: Json) -> None:
    """Kill a container for want of memory."""
    box["State"]["OOMKilled"] = True
    state.container_event(box, "oom")
    die(state, box, 137)


def _again(box: Json, code: int) -> bool:
    policy = box["HostConfig"]["RestartPolicy"]
    if box.get("_stopped_by_hand"):
        return False
    if policy["Name"] == "on-failure":
        limit = policy["MaximumRetryCount"]
        return code != 0 and (not limit or box["RestartCount"] < limit)
    return policy["Name"] in ("always", "unless-stopped")


@route("POST", "/containers/{ref}/pause")
def pause(state: State, request: Request, ref: str) -> Response:
    return _freeze(state, state.container(ref), "pause")


@route("POST", "/containers/{ref}/unpause")
def unpause(state: State, request: Request, ref: str) -> Response:
    return _freeze(state, state.container(ref), "unpause")


def _freeze(state: State, box: Json, action: str) -> Response:
    status, paused = box["State"], action == "pause"
    if not status["Running"] or status["Paused"] == paused:
        why = "already paused" if paused and status["Paused"] else "not paused"
        why = why if status["Running"] or not paused else "not running"
        raise ApiError(409 if paused else 500, f"Container {box['Id']} is {why}")
    status.update(Paused=paused, Status="paused" if paused else "running")
    state.container_event(box, action)
    return Response(204)


@route("POST", "/containers/{ref}/stop")
def stop(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    if not box["State"]["Running"]:
        return Response(304)
    halt(state, box, request.query.get("t"))
    state.container_event(box, "stop")
    return Response(204)


def halt(state: State, box: Json, grace: Optional[str]) -> None:
    """End a container with its stop signal, after the grace period (seconds) with SIGKILL."""
    patience = float(grace if grace is not None else box["Config"].get("StopTimeout", 10))
    box["_stopped_by_hand"] = True
    state.container_event(box, "kill", signal="15")
    word, argument = behaviour(state, box)
    needed = float(argument) if word == "slow-stop" else 0.0
    end = time.monotonic() + min(needed, patience)
    run = box["_run"]
    while time.monotonic() < end and box["_run"] == run:
        state.changed.wait(end - time.monotonic())
    if box["_run"] == run:
        if needed > patience:
            state.container_event(box, "kill", signal="9")
        die(state, box, 137 if needed > patience else 143)


@route("POST", "/containers/{ref}/restart")
def restart(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    if box["State"]["Running"]:
        halt(state, box, request.query.get("t"))
        state.container_event(box, "stop")
    box["_stopped_by_hand"] = False
    begin(state, box)
    state.container_event(box, "restart")
    return Response(204)


@route("POST", "/containers/{ref}/kill")
def kill_request(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    if not box["State"]["Running"]:
        text = f"Cannot kill container: {ref}: Container {box['Id']} is not running"
        raise ApiError(409, text)
    name = str(request.query.get("signal", "KILL")).upper()
    number = {"KILL": 9, "SIGKILL": 9, "TERM": 15, "SIGTERM": 15}.get(name.removeprefix("SIG"))
    kill(state, box, number or int(name) if name.isdigit() or number else 1)
    return Response(204)


def kill(state: State, box: Json, number: int) -> None:
    """Send a signal: SIGKILL and SIGTERM end the container, others change nothing."""
    state.container_event(box, "kill", signal=str(number))
    if number in (9, 15):
        box["_stopped_by_hand"] = True
        die(state, box, 128 + number)


def destroy(state: State, box: Json, *, volumes: bool) -> None:
    """Forget a container, its anonymous volumes too when asked."""
    if state.containers.pop(box["Id"], None) is None:
        return
    box["State"]["Status"] = "removing"
    for mount in box["Mounts"] if volumes else ():
        name = mount.get("Name", "")
        if state.volumes.get(name, {}).get("_anonymous") and not volume_users(state, name):
            del state.volumes[name]
            state.emit("volume", "destroy", name, {"driver": "local"})
    state.container_event(box, "destroy")


def volume_users(state: State, name: str) -> List[str]:
    """Return the ids of containers that mount a volume."""
    return [
        key
        for key, box in state.containers.items()
        if any(mount.get("Name") == name for mount in box["Mounts"])
    ]


@route("POST", "/containers/{ref}/wait")
def wait(state: State, request: Request, ref: str) -> Response:
    box = state.container(ref)
    condition = request.query.get("condition") or "not-running"
    run = box.get("_run", 0)

    def met() -> bool:
        if condition == "removed":
            return box["Id"] not in state.containers
        ended = not box["State"]["Running"]
        return ended if condition == "not-running" else ended and box.get("_run", 0) > run

    def stream() -> Iterator[bytes]:
        while True:
            with state.lock:
                if met() or (state.changed.wait(0.05) and met()):
                    break
            yield b""
        yield json.dumps({"StatusCode": box["State"]["ExitCode"]}).encode() + b"\n"

    return Response(200, stream=stream())
