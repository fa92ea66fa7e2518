# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service as containers: its keys are the options of a container, with the project's names.

Compose Specification, "services": a container is called `PROJECT-SERVICE-NUMBER`, networks and
volumes `PROJECT_KEY`, unless they are named.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from posixpath import join, normpath
from typing import Any, Callable, Collection, Dict, Mapping, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.option_defaults import defaults_of
from ..._desired.values import canonical
from ..container.desired import LENT, Desired
from ..container.desired import desired_of as container_of
from ..container.desired import spec as container_spec
from ..container.state import UP
from ..values.compose_words import HOOKS, NUMBER, ONEOFF, PROJECT, SERVICE, is_relative
from .container import ServiceDesired as Container
from .files import File, parse_files
from .hooks import Declared
from .order import awaited, dependencies, restarted_with

# One of a service's containers: the service and its number, from 1.
Replica = Tuple[str, int]
Names = Mapping[Replica, str]
Keyed = Mapping[str, Mapping[str, Any]]

# Keys that say how there comes to be a container, and not what it is.
_NOT_OF_A_CONTAINER = frozenset(
    (
        *("attach", "build", "configs", "container_name", "depends_on", "profiles", "scale"),
        *("secrets", *HOOKS),
    )
)
_DEPLOY = ("mode", "replicas", "update_config", "rollback_config")
# What others wait for, as a container's `wait` has it.
_WAITS = {"service_healthy": "healthy", "service_completed_successfully": "completed"}
# Options of a task that hold for each of its containers.
_SHARED = ("wait_timeout", "monitor", "allow", "protect", "adopt")


def replicas_of(service: Mapping[str, Any]) -> int:
    """Return how many containers a service should have."""
    deploy = service.get("deploy") or {}
    for value in (service.get("scale"), deploy.get("replicas")):
        if value is not None:
            return int(value)
    return 1


def has_updates(service: Mapping[str, Any]) -> bool:
    """Tell whether a service says how its replicas are updated."""
    deploy = service.get("deploy") or {}
    return bool(deploy.get("update_config") or deploy.get("rollback_config"))


def real_name(project: str, key: str, entry: Mapping[str, Any]) -> str:
    """Return the name on the engine of a network or volume of a project."""
    return str((entry or {}).get("name") or f"{project}_{key}")


def _real_names(project: str, entries: Keyed) -> Dict[str, str]:
    return {key: real_name(project, key, entry) for key, entry in entries.items()}


def container_name(project: str, service: str, number: int, entry: Mapping[str, Any]) -> str:
    """Return the name of a new container of a service."""
    return str(entry.get("container_name") or f"{project}-{service}-{number}")


@dataclass(frozen=True, repr=False)
class Project:
    """What is declared, by key and in the loader's long forms (plugin_utils/compose/project.py).

    `contents` are bytes, by `configs` and `secrets` and their keys. `hooks` are those of all
    services, of a project that is to be absent too.
    """

    name: str
    services: Keyed
    networks: Keyed
    volumes: Keyed
    contents: Mapping[str, Mapping[str, bytes]]
    hooks: Declared = field(default_factory=Declared)


def image_name(project: str, service: str, entry: Mapping[str, Any]) -> str:
    """Return the reference of a service's image; one that is built needs none of its own."""
    own = f"{project}-{service}" if entry.get("build") else ""
    return str(entry.get("image") or own)


def containers_of(
    project: Project, options: Mapping[str, Any], names: Names
) -> Dict[Replica, Container]:
    """Return what each replica of each service should be, in the order of the services.

    `names` are those that replicas have already; `options` are the task's. Raise InvalidOption with
    all that is wrong, each with its service.
    """
    faults = Faults()
    result: Dict[Replica, Container] = {}
    called = {
        (service, number): names.get(
            (service, number), container_name(project.name, service, number, entry)
        )
        for service, entry in project.services.items()
        for number in range(1, replicas_of(entry) + 1)
    }
    context = _Context(project, options, called)
    for service, entry in project.services.items():
        with faults:
            result.update(context.replicas(service, entry))
    faults.tell()
    return result


class _Context:
    """What the containers of a project share."""

    def __init__(self, project: Project, options: Mapping[str, Any], called: Names) -> None:
        self.project = project
        self.networks = _real_names(project.name, project.networks)
        self.volumes = _real_names(project.name, project.volumes)
        self.options = options
        self.called = called
        self.waited = awaited(project.services)
        self.defaults = defaults_of(container_spec())

    def replicas(self, service: str, entry: Mapping[str, Any]) -> Dict[Replica, Container]:
        """Return what the containers of one service should be."""
        numbers = range(1, replicas_of(entry) + 1)
        if not numbers:
            return {}
        faults = Faults()
        params = {**self.defaults, **self._settings(service, entry, faults)}
        with faults:
            named = {**params, "name": self.called[service, 1]}
            first = _told(f"services.{service}", named, self.defaults)
        faults.tell()
        files = parse_files(entry, self.project.contents)
        return {
            (service, number): self._own(
                self._container(first, self.called[service, number], files),
                service,
                number,
            )
            for number in numbers
        }

    def _container(self, first: Desired, name: str, files: Mapping[str, File]) -> Container:
        return Container(**{**vars(first), "name": name}, files=files, hooks=self.project.hooks)

    def _own(self, container: Container, service: str, number: int) -> Container:
        """Return a container with what is a replica's own: aliases, and Compose's labels."""
        declared = dict(container.declared)
        mine = (container.name, service)
        points = declared.get("networks") or {}
        declared["networks"] = {
            name: {**point, "aliases": tuple(sorted({*mine, *point.get("aliases", ())}))}
            for name, point in points.items()
        }
        if not points:
            del declared["networks"]
        entry = self.project.services[service]
        return replace(
            container,
            declared=declared,
            marks=marks(self.project.name, service, number, entry, declared),
        )

    def _settings(self, service: str, entry: Mapping[str, Any], faults: Faults) -> Dict[str, Any]:
        """Return the options of a container of a service."""
        result = {k: v for k, v in entry.items() if k not in _NOT_OF_A_CONTAINER}
        deploy = {k: v for k, v in (entry.get("deploy") or {}).items() if k not in _DEPLOY}
        update = (entry.get("deploy") or {}).get("update_config") or {}
        if update.get("order"):
            deploy["update_config"] = {"order": update["order"]}
        result["deploy"] = deploy or None
        self._join(result, entry)
        for option in LENT:
            result[option] = None
            with faults:
                result[option] = self._lent(service, option, entry.get(option))
        for option, convert in _CONVERTED.items():
            result[option] = []
            for number, value in enumerate(entry.get(option) or ()):
                with faults:
                    result[option].append(convert(self, service, number, value))
            result[option] = result[option] or None
        state = self.options["state"]
        result.update(
            state=state,
            wait=self._wait(service, entry, state),
            image=image_name(self.project.name, service, entry) or None,
            pull_policy="never",
            dependents="replace",
            **{option: self.options[option] for option in _SHARED},
        )
        if update.get("monitor"):
            result["monitor"] = update["monitor"]
        return result

    def _wait(self, service: str, entry: Mapping[str, Any], state: str) -> str:
        if state not in ("started", "present"):
            return "none"
        wait = _WAITS.get(self.waited.get(service, ""))
        if wait is not None:
            return wait
        wait = str(self.options["wait"])
        # Whether an update goes on depends on it, as in a swarm.
        updates = wait == "started" and (entry.get("deploy") or {}).get("update_config")
        return UP if updates or wait == "healthy" else wait

    def _join(self, result: Dict[str, Any], entry: Mapping[str, Any]) -> None:
        """Put in the networks by their real names; without any it is the project's own."""
        if entry.get("network_mode"):
            result["networks"] = None
            return
        points = entry.get("networks") or {"default": None}
        result["networks"] = {
            self.networks.get(key, f"{self.project.name}_{key}"): dict(point or {})
            for key, point in points.items()
        }

    def _lent(self, service: str, option: str, value: Any) -> Any:
        kind, colon, other = str(value or "").partition(":")
        if kind != "service" or not colon:
            return value
        return f"container:{self._first(service, option, other)}"

    def _first(self, service: str, option: str, other: str) -> str:
        """Return the name of the first container of another service."""
        if (other, 1) not in self.called:
            raise InvalidOption(
                f"there is no service {other}", option=f"services.{service}.{option}"
            )
        return self.called[other, 1]

    def lender(self, service: str, _number: int, text: str) -> str:
        """Return an entry of `volumes_from` with the container's name."""
        if text.startswith("container:"):
            return text[len("container:") :]
        name, colon, mode = text.partition(":")
        return f"{self._first(service, 'volumes_from', name)}{colon}{mode}"

    def link(self, service: str, _number: int, text: str) -> str:
        """Return an entry of `links` with the container's name."""
        name, _colon, alias = text.partition(":")
        return f"{self._first(service, 'links', name)}:{alias or name}"

    def mount(self, service: str, number: int, mount: Mapping[str, Any]) -> Dict[str, Any]:
        """Return an entry of `volumes` with the volume's name, or the whole path on the host."""
        where = f"services.{service}.volumes[{number}]"
        result = dict(mount)
        if result.get("type") == "volume" and result.get("source"):
            result["source"] = self.volumes.get(result["source"], result["source"])
        elif is_relative(str(result.get("source") or "")):
            result["source"] = self._below(where, str(result["source"]))
        return result

    def _below(self, where: str, path: str) -> str:
        """Return a path of the host that is written relative to the project's folder there."""
        folder = self.options.get("project_dir")
        if not folder:
            raise InvalidOption(
                f"'{path}' is relative, and no folder on the host is named",
                option=f"{where}.source",
                hint="set project_dir to the project's folder on the host, or write the whole path",
            )
        return normpath(join(str(folder), path))


_CONVERTED: Mapping[str, Callable[[_Context, str, int, Any], Any]] = {
    "links": _Context.link,
    "volumes": _Context.mount,
    "volumes_from": _Context.lender,
}


def _told(where: str, params: Mapping[str, Any], known: Collection[str]) -> Desired:
    """Return a declared container; what is wrong with it is told by its service."""
    unknown = [key for key in params if key not in known]
    if unknown:
        raise InvalidOption(
            f"{', '.join(sorted(unknown))} is not supported by stacks yet", option=where
        )
    try:
        return container_of(params)
    except InvalidOption as error:
        for part in error.parts:
            part.option = f"{where}.{part.option}" if part.option else where
        raise


def marks(
    project: str, service: str, number: int, entry: Mapping[str, Any], declared: Mapping[str, Any]
) -> Dict[str, str]:
    """Return the labels by which Compose, and the next run, know a container of a project.

    `entry` declares the service. Compose lists no container without a hash of its configuration;
    its own hash cannot be made here, so this one tells it, as is true, that not it has made the
    container.
    """
    along = restarted_with(entry)
    depends = ",".join(
        f"{name}:{condition}:{str(name in along).lower()}"
        for name, condition in dependencies(entry).items()
    )
    plain = {key: value for key, value in declared.items() if key != "secret_environment"}
    return {
        "com.docker.compose.config-hash": sha256(canonical(plain).encode()).hexdigest(),
        "com.docker.compose.depends_on": depends,
        PROJECT: project,
        SERVICE: service,
        NUMBER: str(number),
        ONEOFF: "False",
    }
