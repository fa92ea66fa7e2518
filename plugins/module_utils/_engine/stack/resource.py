# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack as a resource: it consists of images, networks, volumes and containers."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..._desired.group import Group
from ..._desired.part import Part
from ..._desired.plan import Plan
from ..._desired.resource import Resource
from ..._desired.values import dig
from ..._desired.work import Verbs
from ..container.reads import bases_of
from .desired import Desired, desired_of, spec
from .needs import needs_of
from .observed import Observed, labelled, observed_of
from .order import restarted_with
from .parts import orphans, stages_of, surplus
from .replicas import service_of
from .snapshot import CONTAINERS, NETWORKS, Request, Snapshot

_VOLUMES: Request = ("/volumes", None)


class Stack(Resource):
    """The resource `stack` (see `_desired/group.py`)."""

    name = "stack"
    server = "engine"
    looks = ("wait",)
    group = Group

    @property
    def verbs(self) -> Verbs:
        """None of its own: its parts have them."""
        return {}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared stack; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def resolved(self, client: Any, desired: Desired) -> Desired:
        """Return the declared stack; by `rollback`, what the release declares that it leads to."""
        if not desired.options["rollback"] or desired.release is not None:
            return desired
        from .rollback import returned

        return returned(client, desired)

    def look_at(self, client: Any, desired: Desired, pending: Any) -> Tuple[Observed, Any]:
        """Return what there is of the project, and the client by which its parts look."""
        if client is None:
            return Observed(), None
        view: Any = Snapshot(client)
        view.ask([CONTAINERS, NETWORKS, _VOLUMES, *_foreseeable(desired)])
        volumes = (view.get(*_VOLUMES) or {}).get("Volumes")
        members = labelled(desired.name, view.get(*CONTAINERS))
        images = sorted({str(entry.get("ImageID")) for entry in members})
        bases = bases_of(view, [{"Image": image} for image in images])
        observed = observed_of(desired.name, members, bases, view.get(*NETWORKS), volumes)
        gone = observed.newest if desired.state == "absent" else surplus(desired, observed)
        view.ask([(f"/containers/{name}/json", None) for name in gone])
        return observed, view

    def view(self, client: Any, desired: Desired) -> Any:
        """Return a client by which the parts are looked at in one go."""
        view = Snapshot(client)
        view.ask([CONTAINERS, *_foreseeable(desired)])
        return view

    def stages(self, desired: Desired, observed: Observed) -> List[List[Part]]:
        """Return what the stack consists of."""
        return stages_of(desired, observed)

    def sequence(self, desired: Desired, parts: Sequence[Part]) -> List[Any]:
        """Return the parts of a stage that have steps, in the order in which they are done: those
        in one list together, a Rolling in batches."""
        if not desired.has_updates:
            steps = [part for part in parts if part.plan.steps]
            return [steps] if steps else []
        from .update import sequence

        return sequence(desired.services, parts, self.needs(desired, parts))

    def prepare(self, desired: Desired, part: Part, before: Sequence[Part]) -> None:
        """Have a part know what those before it do: a restart may take others along."""
        service = service_of(part)
        entry, asked = desired.services.get(service, {}), desired.options["force_restart"]
        if desired.state not in ("started", "present"):
            return
        if service in asked or restarted_with(entry):
            from .restarts import with_restart

            part.desired = with_restart(part.desired, entry, asked, before)

    def needs(self, desired: Desired, parts: Sequence[Part]) -> Any:
        """Return what has to be done before what, by address."""
        return needs_of(desired, parts)

    def own_plan(self, desired: Desired, observed: Observed, parts: Sequence[Part]) -> Plan:
        """Return what is to be said of the stack as a whole."""
        if desired.state == "absent":
            return Plan(refused=_left_alone(parts))
        left = [] if desired.options["prune"] else orphans(desired, observed)
        notes = tuple(
            f"{name} is of no service that is declared, and stays; prune: true removes it"
            for name in left
        )
        notes += _updates(desired, parts)
        if desired.release is not None:
            release = desired.release
            notes += (f"returns to release {release.serial}, which was up at {release.time}",)
        refused = (*_too_many(desired, surplus(desired, observed)), *_left_alone(parts))
        return Plan(notes=notes, refused=refused)

    def present(self, observed: Any) -> Dict[str, Any]:
        """Return the stack as it is now, given its group: its containers by service."""
        services: Dict[str, List[Dict[str, Any]]] = {}
        result: Dict[str, Any] = {"name": observed.desired.name, "services": services}
        for part in observed.parts:
            if part.resource.name == "release" and observed.desired.state != "absent":
                result["release"] = _release(observed.desired, part)
            if part.resource.name != "container" or part.observed is None:
                continue
            service = service_of(part)
            if service and part.observed.current is not None:
                services.setdefault(service, []).append(_shown(part.observed.current))
        return result


def _foreseeable(desired: Desired) -> List[Request]:
    """Return the reads that a project which is as declared takes."""
    result: Dict[str, None] = {}
    for container in desired.containers.values():
        result[f"/containers/{container.name}/json"] = None
        result[f"/images/{container.reference}/json"] = None
        result.update((f"/networks/{name}", None) for name in container.networks)
    requests: List[Request] = [(path, None) for path in result]
    if desired.keeps_releases or desired.state == "absent":
        from .releases import kept_request

        requests.append(kept_request(desired.name))
    return requests


def _release(desired: Desired, part: Part) -> Any:
    """Return the release that was returned to, or else the last one that is kept."""
    return desired.release.public() if desired.release else part.resource.present(part.observed)


def _shown(container: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a result says of one container."""
    return {
        "name": str(container["Name"]).lstrip("/"),
        "id": container["Id"],
        "image": container.get("Image"),
        "state": dig(container, "State.Status"),
        "health": dig(container, "State.Health.Status"),
    }


def _updates(desired: Desired, parts: Sequence[Part]) -> Tuple[str, ...]:
    """Say how services are updated in batches."""
    if not desired.has_updates:
        return ()
    from .update import notes_of, rollings

    return tuple(notes_of(rollings(desired.services, parts)))


def _too_many(desired: Desired, names: Sequence[str]) -> Tuple[str, ...]:
    """Return why so many containers are not removed by what a declaration leaves out."""
    most = desired.options["max_removals"]
    if len(names) <= most:
        return ()
    return (
        f"{len(names)} containers would be removed because nothing declares them any more "
        f"({', '.join(names[:5])}{', …' if len(names) > 5 else ''}), and max_removals is {most}",
    )


def _left_alone(parts: Sequence[Part]) -> Tuple[str, ...]:
    """Return which containers of others would be left in the namespaces of one that is replaced."""
    own = {part.address for part in parts}
    result: List[str] = []
    for part in parts:
        dependents = getattr(part.observed, "dependents", ())
        others = [entry.name for entry in dependents if f"container/{entry.name}" not in own]
        if others and any(step.impact in ("replace", "destroy") for step in part.plan.steps):
            result.append(
                f"{part.address}: {', '.join(others)} would be left in the namespaces of a "
                "container that is gone; remove what is no part of the stack first"
            )
    return tuple(result)


STACK = Stack()
