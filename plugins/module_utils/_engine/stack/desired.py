# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack should be: the project that the loader made of Compose files, and how far to go."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Mapping, Optional, Tuple

from ..._desired.bounded_json import decode
from ..._desired.errors import Faults, InvalidOption
from ..client.options import LIMITS
from ..image.desired import Desired as Image
from ..values.compose_words import PROJECT_NAME
from .container import ServiceDesired as Container
from .hooks import Declared, Hooks, hooks_of
from .images import images_of
from .service import Keyed, Names, Project, Replica, containers_of, has_updates

if TYPE_CHECKING:
    from .releases import Release

STATES = ("absent", "present", "started", "stopped")
WAITS = ("none", "started", "healthy")


def spec() -> Dict[str, Any]:
    """Return the argument spec of a stack without the connection's options.

    `project` is internal: the definition as the action plugin has loaded it, `secret_values` what
    of it is not to be shown: `environment`, the variables of env files by service, `configs` and
    `secrets`, contents in base64 by key, and `hooks` by service, JSON in base64.
    """
    words = {"type": "list", "elements": "str"}
    return {
        "name": {"type": "str"},
        "files": {**words, "default": []},
        "definition": {"type": "dict"},
        "env": {"type": "dict", "default": {}},
        "env_files": {**words, "default": []},
        "profiles": {**words, "default": []},
        "project_dir": {"type": "str"},
        "state": {"type": "str", "choices": list(STATES), "default": "started"},
        "wait": {"type": "str", "choices": list(WAITS), "default": "started"},
        "wait_timeout": {"type": "str", "default": "5m"},
        "monitor": {"type": "str", "default": "500ms"},
        "force_restart": {**words, "default": []},
        "prune": {"type": "bool", "default": False},
        "max_removals": {"type": "int", "default": 10},
        "destroy": {**words, "default": []},
        "allow": {**words, "choices": list(LIMITS), "default": list(LIMITS)},
        "protect": {"type": "bool", "default": False},
        "adopt": {"type": "bool", "default": False},
        "keep_releases": {"type": "int"},
        "rollback": {"type": "bool", "default": False},
        "project": {"type": "dict"},
        "secret_values": {"type": "dict", "no_log": True},
    }


@dataclass(frozen=True, repr=False, eq=False)
class Desired:
    """A stack as declared.

    `disabled` are services that no active profile has. `containers` are what each replica should
    be under the name that it is given when it is new, `images` what they need. `options` are
    those of the task. `release` is the one that all this is of, by `rollback`.
    """

    project: Project
    disabled: FrozenSet[str]
    containers: Mapping[Replica, Container]
    images: Tuple[Image, ...]
    options: Mapping[str, Any]
    release: Optional[Release] = None

    @property
    def name(self) -> str:
        """The project's name."""
        return self.project.name

    @property
    def services(self) -> Keyed:
        """The services by key."""
        return self.project.services

    @property
    def has_updates(self) -> bool:
        """Whether a service says how its replicas are updated."""
        return any(map(has_updates, self.services.values()))

    @property
    def address(self) -> str:
        """The stack's name in plans."""
        return f"stack/{self.name}"

    @property
    def state(self) -> str:
        """What its containers should do; `absent` for no stack at all."""
        return str(self.options["state"])

    @property
    def allow(self) -> Tuple[str, ...]:
        """What a change may cost."""
        return tuple(self.options["allow"])

    @property
    def protect(self) -> bool:
        """Whether nothing may be replaced or removed."""
        return bool(self.options["protect"])

    @property
    def keeps_releases(self) -> bool:
        """Whether it is kept as a release when it is up, or releases of later ones go."""
        asked = self.options["keep_releases"] is not None and self.state == "started"
        return asked or self.release is not None

    def with_names(self, names: Names) -> Mapping[Replica, Container]:
        """Return what each replica should be, called as those that are there already."""
        for replica, container in self.containers.items():
            if names.get(replica, container.name) != container.name:
                return containers_of(self.project, self.options, names)
        return self.containers


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared stack; raise InvalidOption with all that cannot be right."""
    given = params.get("project") or {}
    name = str(params.get("name") or given.get("name") or "")
    faults = Faults()
    hooks: Dict[str, Hooks] = {}
    with faults:
        _check_name(name)
    with faults:
        hooks = hooks_of(_hooked(params, given), _hidden(params))
    with faults:
        _check_destroy(params)
    if params["rollback"] or params["keep_releases"] is not None:
        from .release_options import check_releases

        with faults:
            check_releases(name, params)
    project = Project(
        name="project" if faults.errors else name,  # whose containers have names of their own
        services={} if params["state"] == "absent" else _services(params, given),
        networks=given.get("networks") or {},
        volumes=given.get("volumes") or {},
        contents=_contents(params),
        hooks=Declared(hooks, _hidden(params)),
    )
    containers: Dict[Replica, Container] = {}
    images: List[Image] = []
    with faults:
        containers = containers_of(project, params, {})
    with faults:
        # A rollback has the images of a release, and the contexts of builds are of no use to it.
        images = [] if params["rollback"] else images_of(project, params)
    if any(map(has_updates, project.services.values())):
        from .update import check_updates

        with faults:
            check_updates(project.services)
    disabled = frozenset(given.get("disabled") or ())
    if params["force_restart"]:
        from .restarts import check_restarts

        with faults:
            check_restarts(params, given.get("services") or {}, disabled)
    faults.tell()
    return Desired(project, disabled, containers, tuple(images), params)


def _services(params: Mapping[str, Any], project: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return the services with the variables that are secret."""
    secret = (params.get("secret_values") or {}).get("environment") or {}
    result = {name: dict(entry) for name, entry in (project.get("services") or {}).items()}
    for name, values in secret.items():
        result[name]["secret_environment"] = values
    return result


def _hooked(params: Mapping[str, Any], project: Mapping[str, Any]) -> Dict[str, Mapping[str, Any]]:
    """Return the services with their hooks, which are handed over as JSON in base64."""
    result: Dict[str, Mapping[str, Any]] = dict(project.get("services") or {})
    for name, text in ((params.get("secret_values") or {}).get("hooks") or {}).items():
        result[name] = {**result.get(name, {}), **decode(b64decode(text))}
    return result


def _contents(params: Mapping[str, Any]) -> Dict[str, Dict[str, bytes]]:
    """Return the contents of configs and secrets, which are handed over in base64."""
    values = params.get("secret_values") or {}
    return {
        option: {key: b64decode(text) for key, text in (values.get(option) or {}).items()}
        for option in ("configs", "secrets")
    }


def _hidden(params: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the secret texts of the whole project, which no output may show."""
    services = ((params.get("secret_values") or {}).get("environment") or {}).values()
    values = {str(value) for values in services for value in values.values()}
    contents = _contents(params)["secrets"].values()
    return tuple(values | {content.decode("utf-8", "replace").strip() for content in contents})


def _check_name(name: str) -> None:
    if not name:
        raise InvalidOption("is required", option="name", hint="name the project")
    if not PROJECT_NAME.fullmatch(name):
        hint = "lower-case letters, digits, '_' and '-', beginning with a letter or digit"
        raise InvalidOption(f"'{name}' is not a project name", option="name", hint=hint)


def _check_destroy(params: Mapping[str, Any]) -> None:
    """Raise InvalidOption for data that is named, and would stay all the same."""
    if params["destroy"] and params["state"] != "absent":
        hint = "it names the volumes that go with state: absent"
        raise InvalidOption("is for state: absent", option="destroy", hint=hint)
