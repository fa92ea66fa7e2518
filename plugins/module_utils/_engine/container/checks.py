# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold before a container is made or removed: seen while planning, before any write."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, Iterator, List, Mapping, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.steps import Step
from ..._desired.values import dig
from ..network.endpoint import IPS
from ..values.ip_addresses import meet, plain_ip, reserved
from . import replacement
from .desired import Desired
from .inspected import Inspect, runs
from .observed import Observed
from .state import is_checked

_LEFT = "would be left in the namespaces of a container that is gone"


def before_creation(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Return reasons to refuse a replacement; raise InvalidOption for a wish that cannot work."""
    creations = [step for step in steps if step.verb == "create"]
    if not creations:
        return []
    _check_kind(desired, observed)
    _check_command(desired, observed)
    _check_ports(desired, observed)
    if creations[0].args["on"] == desired.name:
        return []
    if "order" in creations[0].args:
        from .start_first import obstacles_there

        return obstacles_there(observed)
    return _dependents(desired, observed, creations[0])


def before_removal(desired: Desired, observed: Observed) -> List[str]:
    """Return the reason to refuse a removal: others would be left in dead namespaces."""
    if desired.state != "absent" or desired.dependents == "leave":
        return []
    every = (*observed.dependents, *observed.next_dependents)
    # Those that use the namespaces of a dependent keep them.
    others = {entry.name for entry in every if entry.parent == desired.name}
    if not others:
        return []
    names = ", ".join(sorted(others))
    return [f"state: absent: {names} {_LEFT}; remove {names} first, or set dependents: leave"]


def _check_kind(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for parts of values that this kind of engine drops or does not know."""
    if observed.kind == "podman":
        from .podman_mounts import check_mounts

        check_mounts(desired.declared)
        return
    for target, mount in (desired.declared.get("volumes") or {}).items():
        if "U" in mount.get("options", ()):
            text, hint = "U is an option of podman's volumes", "leave it out"
            raise InvalidOption(text, option=f"volumes[{target}]", hint=hint)


def _check_command(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for a container in which nothing would run."""
    if observed.image is None:
        return
    base = dig(observed.image, "Config") or {}
    entrypoint = desired.declared.get("entrypoint", base.get("Entrypoint"))
    # The engine drops the image's command when the entrypoint is overridden.
    inherited = None if "entrypoint" in desired.declared else base.get("Cmd")
    if not any((*(entrypoint or ()), *(desired.declared.get("command", inherited) or ()))):
        raise InvalidOption(
            "neither the task nor the image says what to run",
            option="entrypoint" if "entrypoint" in desired.declared else "command",
            hint="such as [sleep, 1d]",
        )


def check_waiting(desired: Desired, observed: Observed, steps: Sequence[Step]) -> None:
    """Raise InvalidOption if the health of what is to be awaited can never be seen."""
    if desired.wait != "healthy" or not any(step.verb == "wait" for step in steps):
        return
    new = any(step.verb == "create" for step in steps)
    seen = observed.image if new else observed.current
    if seen is None:
        return
    declared = desired.declared.get("healthcheck.test") if new else None
    test = declared or dig(seen, "Config.Healthcheck.Test")
    if not is_checked(test):
        raise InvalidOption(
            "healthy cannot be reached: neither the task nor the image has a healthcheck",
            option="wait",
            hint="add a healthcheck, or wait: started",
        )


def check_addresses(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for a fixed address that no subnet of its network holds, or that is
    taken there; a container that stands still may ask for one that is."""
    live = replacement.will_run(desired, observed.current is not None and runs(observed.current))
    for name, endpoint in (desired.declared.get("networks") or {}).items():
        for key in IPS if name in observed.nets and name not in observed.unknown else ():
            if endpoint.get(key):
                _check_in_subnet(endpoint[key], observed.nets[name], f"networks.{name}.{key}")
            if endpoint.get(key) and live:
                _check_free(endpoint[key], observed, observed.nets[name], f"networks.{name}.{key}")


def _check_in_subnet(address: str, network: Inspect, option: str) -> None:
    config = dig(network, "IPAM.Config") or ()
    subnets = [str(entry["Subnet"]) for entry in config if entry.get("Subnet")]
    within = (ip_address(address) in ip_network(entry, strict=False) for entry in subnets)
    if subnets and not any(within):
        raise InvalidOption(
            f"{address} is not in any subnet of the network ({', '.join(subnets)})",
            option=option,
            hint="choose one of these, or declare the subnet in the network's ipam.config",
        )


def _check_free(address: str, observed: Observed, network: Inspect, option: str) -> None:
    mine = {str(c["Id"]) for c in (observed.current, observed.fresh, observed.old) if c is not None}
    for ident, container in (network.get("Containers") or {}).items():
        shown = (
            str(container.get(f"{key}Address") or "").partition("/")[0] for key in ("IPv4", "IPv6")
        )
        if ident not in mine and address in map(plain_ip, shown):
            raise InvalidOption(
                f"{address} is the address of the container {container.get('Name')}",
                option=option,
                hint="choose another one, or stop that container first",
            )
    for what, taken in reserved(network):
        if taken == address:
            text = f"{address} is {what} of the network"
            raise InvalidOption(text, option=option, hint="choose another one")


def _check_ports(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for a host port that another running container publishes."""
    if not replacement.will_run(desired, observed.current is not None and runs(observed.current)):
        return
    mine = {str(c["Id"]) for c in (observed.current, observed.fresh, observed.old) if c is not None}
    taken = {
        key: name
        for other in observed.others
        if other.get("Id") not in mine
        for key, name in published(other)
    }
    for port, bindings in (desired.declared.get("ports") or {}).items():
        protocol = port.partition("/")[2]
        for ip, host in bindings:
            for (other_ip, other_host, other_protocol), name in taken.items():
                if meet(ip, other_ip) and (host, protocol) == (other_host, other_protocol):
                    raise InvalidOption(
                        f"host port {host}/{protocol} is published by the container {name}",
                        option="ports",
                        hint="choose another port, or stop that container first",
                    )


def published(other: Mapping[str, Any]) -> Iterator[Tuple[Tuple[str, str, str], str]]:
    """Yield the host ports of a listed container, each as (address, port, protocol), with its
    name."""
    name = str((other.get("Names") or [other.get("Id")])[0]).lstrip("/")
    for port in other.get("Ports") or ():
        if port.get("PublicPort"):
            ip = str(port.get("IP") or "")
            yield (ip, str(port["PublicPort"]), str(port.get("Type", "tcp"))), name


def _dependents(desired: Desired, observed: Observed, creation: Step) -> List[str]:
    """Containers in the replaced one's namespaces would be left in dead ones."""
    if not observed.dependents or desired.dependents == "leave":
        return []
    names = ", ".join(sorted(entry.name for entry in observed.dependents))
    if desired.dependents == "replace":
        from .dependents import obstacles

        if dig(observed.current, "HostConfig.AutoRemove"):
            text = f"{names} cannot be recreated with a container that the engine removes itself"
            return [f"{creation.cause}: {text} (auto_remove)"]
        return [f"{creation.cause}: {text}" for text in obstacles(observed)]
    return [f"{creation.cause}: {names} {_LEFT}; dependents: replace recreates them as well"]
