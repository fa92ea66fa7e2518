"""The endpoints of networks and volumes."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, List

from .fake_containers import has_label
from .fake_create import endpoint
from .fake_life import join, leave, network_event, on_paper, volume_users
from .fake_mounts import new_volume
from .fake_routes import public, route
from .fake_state import ApiError, Json, State, now
from .serving import Request, Response


def new_network(state: State, name: str, driver: str = "bridge", **more: Any) -> Json:
    """Make a network as inspect shows it, with the next free subnet unless one was asked for."""
    taken = {e["Subnet"] for one in state.networks.values() for e in one["IPAM"]["Config"] or ()}
    number = next(n for n in range(17, 250) if f"172.{n}.0.0/16" not in taken)
    config: List[Json] = [{"Subnet": f"172.{number}.0.0/16", "Gateway": f"172.{number}.0.1"}]
    net = {
        "Name": name,
        "Id": state.new_id(),
        "Created": now(),
        "Scope": "local",
        "Driver": driver,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": config},
        "Internal": False,
        "Attachable": False,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Containers": {},
        "Options": {},
        "Labels": {},
        **more,
    }
    if state.api >= (1, 48):
        net.setdefault("EnableIPv4", True)
    state.networks[net["Id"]] = net
    return net


def add_defaults(state: State) -> None:
    """Make the three networks that every engine has."""
    new_network(state, "bridge")
    for name, driver in (("host", "host"), ("none", "null")):
        net = new_network(state, name, driver)
        net["IPAM"]["Config"] = []


def _network(state: State, ref: str) -> Json:
    net = state.find_network(ref)
    if net is None:
        raise ApiError(404, f"network {ref} not found")
    return net


def _points(state: State, net: Json) -> List[Json]:
    """Return the running containers with an endpoint in a network."""
    return [
        box
        for box in state.containers.values()
        if box["State"]["Running"]
        and any(
            point["NetworkID"] == net["Id"] for point in box["NetworkSettings"]["Networks"].values()
        )
    ]


def _shown(state: State, net: Json, *, full: bool) -> Json:
    shown: Json = public(net)
    for box in _points(state, net) if full else ():
        point = box["NetworkSettings"]["Networks"][net["Name"]]
        shown["Containers"][box["Id"]] = {
            "Name": box["Name"][1:],
            "EndpointID": point["EndpointID"],
            "MacAddress": point["MacAddress"],
            "IPv4Address": f"{point['IPAddress']}/{point['IPPrefixLen']}",
            "IPv6Address": "",
        }
    return shown


def _chosen(items: List[Json], filters: Dict[str, List[str]]) -> List[Json]:
    """Filter as both lists do: a name matches a regular expression, labels all must be there."""
    return [
        item
        for item in items
        if any(re.search(want, item["Name"]) for want in filters.get("name", [""]))
        and item["Driver"] in filters.get("driver", [item["Driver"]])
        and all(has_label(item["Labels"], want) for want in filters.get("label", []))
    ]


@route("GET", "/networks")
def listed(state: State, request: Request) -> Response:
    nets = _chosen(list(state.networks.values()), request.filters())
    return Response(200, [_shown(state, net, full=False) for net in nets])


@route("GET", "/networks/{ref}")
def inspect(state: State, request: Request, ref: str) -> Response:
    return Response(200, _shown(state, _network(state, ref), full=True))


@route("POST", "/networks/create")
def create(state: State, request: Request) -> Response:
    body = request.json
    name = body["Name"]
    taken = any(net["Name"] == name for net in state.networks.values())
    if taken and (body.get("CheckDuplicate") or state.api >= (1, 44)):
        raise ApiError(409, f"network with name {name} already exists")
    driver = "null" if body.get("ConfigOnly") else body.get("Driver") or "bridge"
    if driver not in ("bridge", "host", "null", "macvlan", "ipvlan"):
        raise ApiError(404, f'plugin "{driver}" not found')
    asked = [
        {k: v for k, v in one.items() if v} for one in (body.get("IPAM") or {}).get("Config") or []
    ]
    _check_pools(state, body, asked)
    net = new_network(state, name, driver, **_kept(state, body))
    _address(net, body.get("IPAM") or {}, asked)
    state.emit("network", "create", net["Id"], {"name": name, "type": net["Driver"]})
    return Response(201, {"Id": net["Id"], "Warning": ""})


def _kept(state: State, body: Json) -> Json:
    kept = ["Internal", "Attachable", "EnableIPv6", "Options", "Labels", "ConfigOnly"]
    kept += ["EnableIPv4"] if state.api >= (1, 48) else []
    kept = [key for key in kept if key not in state.ignores]
    return {key: body[key] for key in kept if body.get(key) is not None}


def _check_pools(state: State, body: Json, asked: List[Json]) -> None:
    text = "Pool overlaps with other one on this address space"
    for entry in asked:
        mine = ipaddress.ip_network(entry["Subnet"], strict=False)
        for net in state.networks.values():
            for other in net["IPAM"]["Config"] or ():
                theirs = ipaddress.ip_network(other["Subnet"], strict=False)
                if mine.version == theirs.version and mine.overlaps(theirs):
                    raise ApiError(403, text)
    without = body.get("EnableIPv6") and not any(":" in entry["Subnet"] for entry in asked)
    if without and state.api < (1, 46):
        text = "could not find an available, non-overlapping IPv6 address pool among the defaults"
        raise ApiError(404, f"{text} to assign to the network")


def _address(net: Json, ipam: Json, asked: List[Json]) -> None:
    """Give a new network its address management: what was asked for, else what was chosen."""
    net["IPAM"].update(Driver=ipam.get("Driver") or "default", Options=ipam.get("Options") or {})
    chosen = net["IPAM"]["Config"]
    if any("." in entry["Subnet"] for entry in asked) or not net.get("EnableIPv4", True):
        chosen = []
    if net["EnableIPv6"] and not any(":" in entry["Subnet"] for entry in asked):
        ula = f"fd00:{net['Id'][:4]}:{net['Id'][4:8]}::/64"
        chosen = [*chosen, {"Subnet": ula, "Gateway": ula.replace("/64", "1")}]
    net["IPAM"]["Config"] = [*asked, *chosen]
    net["_user_subnet"] = bool(asked)
    if net["ConfigOnly"]:
        net["IPAM"].update(Config=[], Options=None)


@route("DELETE", "/networks/{ref}")
def delete(state: State, request: Request, ref: str) -> Response:
    net = _network(state, ref)
    name, key = net["Name"], net["Id"]
    if name in ("bridge", "host", "none"):
        raise ApiError(403, f"{name} is a pre-defined network and cannot be removed")
    if _points(state, net):
        text = f"error while removing network: network {name} id {key} has active endpoints"
        raise ApiError(403, text)
    del state.networks[key]
    state.emit("network", "destroy", key, {"name": name, "type": net["Driver"]})
    return Response(204)


@route("POST", "/networks/{ref}/connect")
def connect(state: State, request: Request, ref: str) -> Response:
    net, body = _network(state, ref), request.json
    box = state.container(body["Container"])
    networks, name = box["NetworkSettings"]["Networks"], net["Name"]
    asked = body.get("EndpointConfig") or {}
    if net["ConfigOnly"]:
        raise ApiError(403, "cannot create endpoint on configuration-only network")
    if name in networks and not on_paper(box, name):
        text = f"endpoint with name {box['Name'][1:]} already exists in network {name}"
        raise ApiError(403, text)
    if name == "bridge" and asked.get("Aliases"):
        text = "network-scoped alias is supported only for containers in user defined networks"
        raise ApiError(400, text)
    if (asked.get("IPAMConfig") or {}).get("IPv4Address") and not net.get("_user_subnet"):
        text = "user specified IP address is supported only when connecting to networks with user"
        raise ApiError(400, f"{text} configured subnets")
    if "none" in networks or "host" in networks:
        kind = "none" if "none" in networks else "host"
        text = "container cannot be connected to multiple networks with one of the networks in"
        raise ApiError(
            403, f"{text} private (none) mode" if kind == "none" else f"{text} host mode"
        )
    networks[name] = endpoint(state, asked)
    if box["State"]["Running"]:
        join(state, box, name)
    else:
        network_event(state, net, "connect", box)
    return Response(200)


@route("POST", "/networks/{ref}/disconnect")
def disconnect(state: State, request: Request, ref: str) -> Response:
    net, body = _network(state, ref), request.json
    box = state.find_container(body["Container"])
    name = net["Name"]
    if box is None:
        raise ApiError(404, f"No such container: {body['Container']}")
    if name not in box["NetworkSettings"]["Networks"] or on_paper(box, name):
        text = f"container {box['Id']} is not connected to network {name}"
        raise ApiError(500, text)
    leave(state, box, name)
    del box["NetworkSettings"]["Networks"][name]
    return Response(200)


# -- volumes ----------------------------------------------------------------------------------


@route("GET", "/volumes")
def volumes(state: State, request: Request) -> Response:
    found = _chosen(list(state.volumes.values()), request.filters())
    return Response(200, {"Volumes": public(found), "Warnings": None})


@route("GET", "/volumes/{ref}")
def volume(state: State, request: Request, ref: str) -> Response:
    if ref not in state.volumes:
        raise ApiError(404, f"get {ref}: no such volume")
    return Response(200, public(state.volumes[ref]))


@route("POST", "/volumes/create")
def create_volume(state: State, request: Request) -> Response:
    body = request.json
    name = body.get("Name") or state.new_id()
    if name not in state.volumes:  # an existing one comes back unchanged, whatever was asked
        more = {"Labels": body.get("Labels"), "Options": body.get("DriverOpts") or None}
        state.volumes[name] = new_volume(name, anonymous=not body.get("Name"), **more)
        state.emit("volume", "create", name, {"driver": "local"})
    return Response(201, public(state.volumes[name]))


@route("DELETE", "/volumes/{ref}")
def delete_volume(state: State, request: Request, ref: str) -> Response:
    if ref not in state.volumes:
        raise ApiError(404, f"get {ref}: no such volume")
    users = volume_users(state, ref)
    if users:
        raise ApiError(409, f"remove {ref}: volume is in use - [{', '.join(users)}]")
    del state.volumes[ref]
    state.emit("volume", "destroy", ref, {"driver": "local"})
    return Response(204)
