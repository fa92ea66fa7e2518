# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other ways to write what rows of the table hold: `deploy`, `gpus`, devices by name, `disable`."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..._desired.errors import InvalidOption
from ..._desired.schema import check_keys
from ..client.options import DEFAULT_SOCKET
from .fields.program import parse_signal

_LIMITS = {"cpus": "cpus", "memory": "mem_limit", "pids": "pids_limit"}
# Compose's `deploy` for a swarm only: it changes nothing on an engine.
_SWARM = ("labels", "placement", "endpoint_mode", "rollback_config", "update_config", "mode")
_RESERVED = ("memory", "devices", "cpus", "generic_resources")
_CONDITIONS = {"none": "no", "on-failure": "on-failure", "any": "always"}


def expand(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options with `deploy`, `gpus`, `use_api_socket`, named devices and
    `healthcheck.disable` in others.

    Raise InvalidOption for an unknown key, or a value that another option contradicts.
    """
    result = dict(params)
    for option in ("env_file", "label_file"):
        if result.pop(option, None):
            raise InvalidOption("is read on the controller, by the action plugin", option=option)
    requests: List[Any] = list(result.get("device_requests") or ())
    requests += _gpus(result.pop("gpus", None))
    requests += _named(result)
    deploy = result.pop("deploy", None)
    if deploy:
        requests += _deploy(result, deploy)
    if requests:
        result["device_requests"] = requests
    if result.pop("use_api_socket", False):
        socket = f"{DEFAULT_SOCKET}:{DEFAULT_SOCKET}"
        result["volumes"] = [*(result.get("volumes") or ()), socket]
    return _merge_disable(result)


def _merge_disable(params: Dict[str, Any]) -> Dict[str, Any]:
    """Write `healthcheck.disable` as the test NONE, which is what the engine knows."""
    check = params.get("healthcheck") or {}
    if not check.get("disable"):
        return params
    others = [key for key, value in check.items() if value is not None and key != "disable"]
    if others:
        raise InvalidOption(
            f"excludes {', '.join(sorted(others))}",
            option="healthcheck.disable",
            hint="leave them out, or leave disable out",
        )
    return {**params, "healthcheck": {"test": ["NONE"]}}


def _gpus(value: Any) -> List[Dict[str, Any]]:
    if not value:
        return []
    if value == "all":
        value = [{"count": "all"}]
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise InvalidOption("must be all, or a list of mappings", option="gpus", hint="gpus: all")
    return [
        {**entry, "capabilities": sorted({*(entry.get("capabilities") or ()), "gpu"})}
        for entry in value
    ]


def _named(result: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Take devices by name (CDI: `vendor.com/class=name`) out of `devices`."""
    devices = result.get("devices") or []
    named = [entry for entry in devices if isinstance(entry, str) and "=" in entry]
    result["devices"] = [entry for entry in devices if entry not in named] or None
    return [{"driver": "cdi", "device_ids": named}] if named else []


def _deploy(result: Dict[str, Any], deploy: Mapping[str, Any]) -> List[Any]:
    """Write `deploy` into the options that mean the same; return its requests for devices."""
    check_keys(deploy, (*_SWARM, "resources", "restart_policy", "replicas"), "deploy")
    if str(deploy.get("replicas", 1)) != "1":
        raise InvalidOption(
            "a task is about one container", option="deploy.replicas", hint="write one for each"
        )
    resources = deploy.get("resources") or {}
    check_keys(resources, ("limits", "reservations"), "deploy.resources")
    limits, reserved = resources.get("limits") or {}, resources.get("reservations") or {}
    check_keys(limits, _LIMITS, "deploy.resources.limits")
    check_keys(reserved, _RESERVED, "deploy.resources.reservations")
    for key, option in _LIMITS.items():
        _set(result, option, limits.get(key), f"deploy.resources.limits.{key}")
    _set(result, "mem_reservation", reserved.get("memory"), "deploy.resources.reservations.memory")
    policy = deploy.get("restart_policy") or {}
    if policy:
        _set(result, "restart", _policy(policy), "deploy.restart_policy")
    return list(reserved.get("devices") or ())


def _policy(policy: Mapping[str, Any]) -> str:
    where = "deploy.restart_policy"
    check_keys(policy, ("condition", "max_attempts", "delay", "window"), where)
    condition = policy.get("condition", "any")
    if condition not in _CONDITIONS:
        raise InvalidOption(
            f"'{condition}' is not a condition",
            option=f"{where}.condition",
            hint=", ".join(_CONDITIONS),
        )
    attempts = policy.get("max_attempts")
    name = _CONDITIONS[condition]
    return f"{name}:{attempts}" if attempts and name == "on-failure" else name


def _set(result: Dict[str, Any], option: str, value: Any, where: str) -> None:
    if value is None:
        return
    if result.get(option) is not None and str(result[option]) != str(value):
        raise InvalidOption(f"{option} has another value", option=where, hint="keep one of them")
    result[option] = int(value) if option == "pids_limit" else value


def handler(params: Mapping[str, Any]) -> str:
    """Return the signal to send by its usual name, "" for none; raise InvalidOption for what is no
    signal, and for a container that is not to go on running."""
    for option in ("force_restart", "send_signal"):
        if params[option] and params["state"] not in ("started", "present"):
            hint = "it is for containers that keep running; leave one of the two out"
            text = f"cannot be combined with state: {params['state']}"
            raise InvalidOption(text, option=option, hint=hint)
    signal = params["send_signal"]
    return parse_signal(signal, "send_signal") if signal else ""
