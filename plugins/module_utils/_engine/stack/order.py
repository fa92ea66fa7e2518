# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a project's services: who depends on whom (Compose Specification, "depends_on")."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..._desired.errors import InvalidOption
from ..container.desired import LENT

Services = Mapping[str, Mapping[str, Any]]


def lenders(service: Mapping[str, Any]) -> List[str]:
    """Return the services whose namespaces or volumes one uses."""
    shared = [str(service.get(option) or "").partition("service:")[2] for option in LENT]
    mounts = [str(text) for text in service.get("volumes_from") or ()]
    shared += [text.partition(":")[0] for text in mounts if not text.startswith("container:")]
    return [name for name in shared if name]


def dependencies(service: Mapping[str, Any]) -> Dict[str, str]:
    """Return the services that one depends on, each with the condition that it waits for.

    Beside `depends_on` those are the services whose namespaces or volumes it uses, or that it
    links to.
    """
    linked = [str(text).partition(":")[0] for text in service.get("links") or ()]
    result = dict.fromkeys((*lenders(service), *linked), "service_started")
    for name, entry in (service.get("depends_on") or {}).items():
        result[name] = str((entry or {}).get("condition") or "service_started")
    return result


def restarted_with(service: Mapping[str, Any]) -> List[str]:
    """Return the services whose restart or replacement takes one along."""
    needs = (service.get("depends_on") or {}).items()
    return [name for name, entry in needs if (entry or {}).get("restart")]


def awaited(services: Services) -> Dict[str, str]:
    """Return the services for which others wait longer than until they are started, each with the
    condition."""
    result: Dict[str, str] = {}
    for entry in services.values():
        for name, condition in dependencies(entry).items():
            if condition != "service_started":
                result[name] = condition
    return result


def in_order(services: Services) -> List[str]:
    """Return the services, each behind those that it depends on.

    Raise InvalidOption for services that depend on each other.
    """
    result: List[str] = []
    above: List[str] = []

    def visit(name: str) -> None:
        if name in above:
            circle = " → ".join([*above[above.index(name) :], name])
            raise InvalidOption(f"they depend on each other: {circle}", option="services")
        if name in result or name not in services:
            return
        above.append(name)
        for other in dependencies(services[name]):
            visit(other)
        above.pop()
        result.append(name)

    for name in services:
        visit(name)
    return result


def levels(services: Services) -> Dict[str, int]:
    """Return for each service, in order, how many others have to be made for good before it.

    One that uses what another container has names that by its id, which is known once it is there;
    whatever depends on such a service comes no earlier.
    """
    result: Dict[str, int] = {}
    for name in in_order(services):
        lent = lenders(services[name])
        result[name] = max(
            (
                result[other] + (1 if other in lent else 0)
                for other in dependencies(services[name])
                if other in result
            ),
            default=0,
        )
    return result
