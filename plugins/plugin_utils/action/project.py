# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of a stack, read on the controller."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, Dict, List, Mapping

from ansible.utils.display import Display

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._engine.values.compose_words import HOOKS
from ..compose.project import load


def with_project(params: Mapping[str, Any], loader: Any) -> Dict[str, Any]:
    """Return a stack's options with its definition loaded; raise InvalidOption for what is wrong.

    Values that come from env files, and hooks, are kept apart, since they may be secrets.
    """
    sources: List[Any] = list(params["files"])
    if params.get("definition") is not None:
        sources.append(params["definition"])
    if not sources:
        if params["state"] == "absent":
            return dict(params)
        hint = "name Compose files, or write the definition below definition"
        raise InvalidOption("is required", option="files", hint=hint)

    def read(path: str) -> bytes:
        with open(loader.get_real_file(path), "rb") as file:
            return file.read()

    project = load(
        sources,
        name=params.get("name") or "",
        environment=params["env"],
        env_files=params["env_files"],
        profiles=params["profiles"],
        basedir=loader.get_basedir(),
        read=read,
    )
    for text in project.warnings:
        Display().warning(text)
    services = {name: dict(entry) for name, entry in project.services.items()}
    secret = {name: entry.pop("secret_environment", None) for name, entry in services.items()}
    hooks = {name: _hooks(entry) for name, entry in services.items()}
    plain = {
        "name": project.name,
        "services": services,
        "networks": project.networks,
        "volumes": project.volumes,
        "disabled": list(project.disabled),
    }
    hidden = {
        "environment": {name: values for name, values in secret.items() if values},
        "configs": _encoded(project.configs),
        "secrets": _encoded(project.secrets),
        "hooks": {name: text for name, text in hooks.items() if text},
    }
    kept = {key: values for key, values in hidden.items() if values}
    return {**params, "project": plain, "secret_values": kept or None}


def _hooks(service: Dict[str, Any]) -> str:
    """Take the hooks out of a service; return them as one text, "" for none.

    Ansible blanks whatever equals a secret option, and a command's words stand everywhere.
    """
    hooks = {word: service.pop(word) for word in HOOKS if word in service}
    return b64encode(json.dumps(hooks).encode()).decode() if any(hooks.values()) else ""


def _encoded(entries: Mapping[str, Mapping[str, Any]]) -> Dict[str, str]:
    """Return contents in base64, which JSON can hold."""
    return {key: b64encode(entry["content"]).decode() for key, entry in entries.items()}
