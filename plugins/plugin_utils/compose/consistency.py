# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a project is in itself right: what it refers to is there, and nothing contradicts."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._desired.values import nearest
from .paths import check_device

Services = Mapping[str, Mapping[str, Any]]
Fault = Tuple[str, str, str]


def errors(
    services: Services, disabled: Sequence[str], sections: Mapping[str, Mapping[str, Any]]
) -> Iterator[InvalidOption]:
    """Yield what is wrong with enabled services, and with what they use."""
    for name, entry in services.items():
        where = f"services.{name}"
        for checks in (_image, _references, _build, _limits, _scale, _targets):
            for path, text, hint in checks(entry, sections):
                yield InvalidOption(text, option=f"{where}.{path}" if path else where, hint=hint)
        for path, text, hint in _others(entry, services, disabled):
            yield InvalidOption(text, option=f"{where}.{path}", hint=hint)
    names = _cycle(services)
    if names:
        option = f"services.{names[0]}.depends_on"
        yield InvalidOption(f"services wait for each other: {' → '.join(names)}", option=option)
    for key, volume in (sections.get("volumes") or {}).items():
        try:
            check_device(volume, f"volumes.{key}")
        except InvalidOption as error:
            yield error


def _image(entry: Mapping[str, Any], sections: Any) -> Iterator[Fault]:
    if not entry.get("image") and not entry.get("build"):
        yield "", "has neither an image nor a build", "write image: …, or build: …"


def _references(entry: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[Fault]:
    if entry.get("network_mode") and entry.get("networks"):
        yield "network_mode", "excludes networks", "leave out one of them"
    for network in entry.get("networks") or ():
        if network not in sections["networks"]:
            yield _missing(f"networks.{network}", network, sections, "networks")
    for position, mount in enumerate(entry.get("volumes") or ()):
        source = mount.get("source")
        if mount["type"] == "volume" and source and source not in sections["volumes"]:
            yield _missing(f"volumes[{position}]", source, sections, "volumes")
    for key in ("configs", "secrets"):
        for position, mount in enumerate(entry.get(key) or ()):
            if mount["source"] not in sections[key]:
                yield _missing(f"{key}[{position}]", mount["source"], sections, key)


def _missing(path: str, name: str, sections: Mapping[str, Any], section: str) -> Fault:
    known = list(sections[section])
    hint = nearest(name, known) if known else f"declare it under {section}"
    return path, f"{section} has no {name}", hint


def _build(entry: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[Fault]:
    build = entry.get("build") or {}
    if "dockerfile" in build and "dockerfile_inline" in build:
        yield "build.dockerfile_inline", "excludes dockerfile", "leave out one of them"
    platform, platforms = entry.get("platform"), build.get("platforms")
    if platform and platforms and platform not in platforms:
        yield "build.platforms", f"does not have the service's platform {platform}", "add it"
    for position, mount in enumerate(build.get("secrets") or ()):
        if mount["source"] not in sections["secrets"]:
            yield _missing(f"build.secrets[{position}]", mount["source"], sections, "secrets")


_SAME = {
    "cpus": ("limits", "cpus"),
    "mem_limit": ("limits", "memory"),
    "pids_limit": ("limits", "pids"),
    "mem_reservation": ("reservations", "memory"),
}


def _limits(entry: Mapping[str, Any], sections: Any) -> Iterator[Fault]:
    resources = (entry.get("deploy") or {}).get("resources") or {}
    for key, (kind, name) in _SAME.items():
        other = (resources.get(kind) or {}).get(name)
        if entry.get(key) and other is not None and entry[key] != other:
            path = f"deploy.resources.{kind}.{name}"
            yield path, f"differs from {key}", "leave out one of them"


def _scale(entry: Mapping[str, Any], sections: Any) -> Iterator[Fault]:
    deploy = entry.get("deploy") or {}
    counts = {"scale": entry.get("scale"), "deploy.replicas": deploy.get("replicas")}
    given = {key: count for key, count in counts.items() if count is not None}
    for key, count in given.items():
        if count < 0:
            yield key, "is less than 0", "write 0 for none"
        elif count > 1 and entry.get("container_name"):
            hint = "leave out container_name: several containers cannot have one name"
            yield key, "is more than one, with container_name", hint
    if len(set(given.values())) > 1:
        yield "scale", "differs from deploy.replicas", "leave out one of them"


def _targets(entry: Mapping[str, Any], sections: Any) -> Iterator[Fault]:
    seen: Dict[str, str] = {}
    places = [
        (f"tmpfs[{number}]", line.partition(":")[0])
        for number, line in enumerate(entry.get("tmpfs") or ())
    ]
    places += [
        (f"volumes[{number}]", mount["target"])
        for number, mount in enumerate(entry.get("volumes") or ())
    ]
    for path, target in places:
        if target in seen:
            yield path, f"{target} is mounted by {seen[target]} already", "leave out one of them"
        seen.setdefault(target, path)


def _others(
    entry: Mapping[str, Any], services: Services, disabled: Sequence[str]
) -> Iterator[Fault]:
    for name, need in (entry.get("depends_on") or {}).items():
        if name in services:
            continue
        if name in disabled:
            if need["required"]:
                hint = "name one of its profiles, or set required: false"
                yield f"depends_on.{name}", f"{name} is left out by its profiles", hint
        else:
            yield f"depends_on.{name}", f"there is no service {name}", nearest(name, services)


def _cycle(services: Services) -> List[str]:
    """Return the names of services that wait for each other, the first once more at the end."""
    done: Dict[str, bool] = {}
    for first in services:
        stack: List[Tuple[str, Iterator[str]]] = [(first, _needs(services, first))]
        if first in done:
            continue
        done[first] = False
        while stack:
            name, needs = stack[-1]
            following = next(needs, None)
            if following is None:
                done[name] = True
                stack.pop()
            elif following not in done:
                done[following] = False
                stack.append((following, _needs(services, following)))
            elif not done[following]:
                names = [entry for entry, _needs_ in stack]
                return [*names[names.index(following) :], following]
    return []


def _needs(services: Services, name: str) -> Iterator[str]:
    needs = services[name].get("depends_on") or ()
    return iter([other for other in needs if other in services])
