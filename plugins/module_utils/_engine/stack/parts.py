# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources that a stack consists of, by stages and in the order in which they are planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..._desired.option_defaults import defaults_of
from ..._desired.part import Part
from ..container.desired import desired_of as container_of
from ..container.desired import spec as container_spec
from ..image.resource import IMAGE
from ..network.desired import desired_of as network_of
from ..network.desired import spec as network_spec
from ..network.endpoint import IPS
from ..network.resource import NETWORK
from ..values.compose_words import PROJECT
from ..volume.desired import desired_of as volume_of
from ..volume.desired import spec as volume_spec
from ..volume.resource import VOLUME
from .container import SERVICE
from .container import ServiceDesired as Container
from .desired import Desired
from .observed import Observed, base_name
from .order import levels
from .service import Replica, real_name

_RESOURCES: Mapping[str, Tuple[Any, Any, Any]] = {
    "network": (NETWORK, network_of, network_spec),
    "volume": (VOLUME, volume_of, volume_spec),
}


def stages_of(desired: Desired, observed: Observed) -> List[List[Part]]:
    """Return the parts of a stack: images first, since what they turn out to be decides about
    containers; then all else, removals before what may take their place; last the releases."""
    if desired.state == "absent":
        from .release_stage import leaving_releases

        return [_leaving(desired, observed), [leaving_releases(desired, observed)]]
    going = surplus(desired, observed)
    services, containers = _in_turn(desired, observed, going)
    level = levels(services)
    order = list(level)
    ranked = sorted(containers, key=lambda replica: (order.index(replica[0]), replica[1]))
    waves = [
        [Part(SERVICE, containers[replica]) for replica in ranked if level[replica[0]] == number]
        for number in range(max(level.values(), default=0) + 1)
    ]
    before = [
        *[_gone(desired, name) for name in going],
        *_used(desired, "network", "networks"),
        *_used(desired, "volume", "volumes"),
    ]
    stages = [[Part(IMAGE, image) for image in desired.images], [*before, *waves[0]], *waves[1:]]
    if desired.keeps_releases:
        from .release_stage import releases_part

        stages.append([releases_part(desired, containers)])
    return stages


def _in_turn(
    desired: Desired, observed: Observed, going: Sequence[str]
) -> Tuple[Any, Mapping[Replica, Container]]:
    """Return the services and what their containers should be, those that take a port or an
    address from another one behind that."""
    containers = desired.with_names(observed.names)
    if not any(_claims(container) for container in containers.values()):
        return desired.services, containers
    from .handover import claims_of, handovers, in_turn, with_turns

    every = list(containers.values())
    moves = handovers(
        every, {base_name(entry): claims_of(entry) for entry in observed.listed}, going
    )
    if not moves:
        return desired.services, containers
    services = in_turn(desired.services, moves, every)
    return services, dict(zip(containers, with_turns(every, moves)))


def _claims(container: Container) -> bool:
    """Tell whether a container declares what only one can have."""
    points = (container.declared.get("networks") or {}).values()
    return bool(container.declared.get("ports")) or any(
        point.get(key) for point in points for key in IPS
    )


def surplus(desired: Desired, observed: Observed) -> List[str]:
    """Return the containers of the project that nothing declares: replicas beyond those that a
    service should have, and, if they are to be pruned, those of other services."""
    going = {
        name
        for replica, name in observed.names.items()
        if replica[0] in desired.services and replica not in desired.containers
    }
    going.update(orphans(desired, observed) if desired.options["prune"] else ())
    return [name for name in observed.newest if name in going]


def orphans(desired: Desired, observed: Observed) -> List[str]:
    """Return the containers of services that the project does not have any more.

    Those of services that no active profile has are none, as in Compose.
    """
    known = {*desired.services, *desired.disabled}
    named = [(service, name) for (service, _number), name in observed.names.items()]
    named += [(service, name) for name, service in observed.extra.items()]
    return sorted(name for service, name in named if service not in known)


def _leaving(desired: Desired, observed: Observed) -> List[Part]:
    """Return the parts of a stack that is to be absent, in the order of their removal."""
    names = list(dict.fromkeys(observed.newest))
    destroyed = [str(name) for name in desired.options["destroy"]]
    volumes = {
        real_name(desired.name, key, entry): key for key, entry in desired.project.volumes.items()
    }
    volumes.update((name, name) for name in observed.volumes)
    prefix = f"{desired.name}_"
    return [
        *[_gone(desired, name) for name in names],
        *[_absent(desired, "network", name) for name in observed.networks],
        *[
            _absent(desired, "volume", name, destroy=name)
            for name, key in volumes.items()
            if {name, key, name[len(prefix) :] if name.startswith(prefix) else name} & {*destroyed}
        ],
    ]


def _gone(desired: Desired, name: str) -> Part:
    """Return a container that is to be removed."""
    # Its dependents are the stack's as well, or forbid it (see resource.py).
    params = {
        **defaults_of(container_spec()),
        "name": name,
        "state": "absent",
        "dependents": "leave",
    }
    params.update(_bounds(desired), wait_timeout=desired.options["wait_timeout"])
    container = container_of({**defaults_of(container_spec()), **params})
    hooks = desired.project.hooks
    return Part(SERVICE, Container(**vars(container), files={}, hooks=hooks))


def _absent(desired: Desired, kind: str, name: str, **more: Any) -> Part:
    resource, make, spec = _RESOURCES[kind]
    params = {**defaults_of(spec()), "name": name, "state": "absent", **_bounds(desired), **more}
    return Part(resource, make(params))


def _bounds(desired: Desired) -> Dict[str, Any]:
    return {key: desired.options[key] for key in ("allow", "protect", "adopt")}


def _used(desired: Desired, kind: str, option: str) -> List[Part]:
    """Return the networks or volumes of the project that its services use."""
    entries: Mapping[str, Mapping[str, Any]] = getattr(desired.project, option)
    used = {key for service in desired.services.values() for key in _keys(service, option)}
    resource, make, spec = _RESOURCES[kind]
    defaults = defaults_of(spec())
    result: List[Part] = []
    implied: Dict[str, Dict[str, Any]] = {"default": {}} if kind == "network" else {}
    for key, entry in {**implied, **entries}.items():
        if key not in used:
            continue
        name = real_name(desired.name, key, entry or {})
        params = {**defaults, **_bounds(desired), **(entry or {}), "name": name}
        declared = make(params)
        if not declared.external:
            declared = replace(
                declared, marks={PROJECT: desired.name, f"com.docker.compose.{kind}": key}
            )
        result.append(Part(resource, declared))
    return result


def _keys(service: Mapping[str, Any], option: str) -> List[str]:
    """Return the networks or volumes of its project that a service uses."""
    if option == "networks":
        return [] if service.get("network_mode") else list(service.get("networks") or ["default"])
    sources = [
        mount.get("source")
        for mount in service.get("volumes") or ()
        if mount.get("type") == "volume"
    ]
    return [str(source) for source in sources if source]
