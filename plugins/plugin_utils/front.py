# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the controller, shared by the action plugins of the container side.

It checks the options, opens a channel to the host's engine and runs the core here; where no
channel opens, the same core runs as a module on the target.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._desired.errors import FleetError, InvalidOption
from ..module_utils._desired.lock import lock
from ..module_utils._desired.run import failure, run
from ..module_utils._desired.spec import check_known
from ..module_utils._engine.http import Client
from ..module_utils._engine.options import engine_options
from .channel import Channel, NoChannel, open_channel
from .pending import Pending
from .plain import plain


class Front(ActionBase):
    """An action plugin that keeps one `resource`; `module` is its full name as a module."""

    resource: Any = None
    module = ""
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return the task's result; every failure of ours is one clear message."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        try:
            params = self.prepare(self._options())
            made = self._anywhere(params, task_vars or {})
        except FleetError as error:
            made = failure(error)
        result.update(made)
        return result

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read what only the controller has; subclasses may add internal options."""
        return params

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module on the target gets; internal options begin with `_`."""
        given = ((key, value) for key, value in params.items() if value is not None)
        return {key: value for key, value in given if not key.startswith("_")}

    def _options(self) -> Dict[str, Any]:
        """Return the task's options, checked and with defaults; values are never repeated."""
        given = plain(self._task.args)
        spec = {**engine_options(), **self.resource.spec()}
        check_known(given, spec)
        for name, entry in spec.items():
            value = given.get(name)
            secret = entry.get("no_log") and entry.get("type") == "dict" and value is not None
            if secret and not isinstance(value, Mapping):
                # core's own message would repeat the value
                raise InvalidOption("takes a mapping of names to values", option=name)
        checked = ArgumentSpecValidator(spec).validate(given)
        if checked.error_messages:
            raise InvalidOption("; ".join(checked.error_messages))
        options: Dict[str, Any] = plain(checked.validated_parameters)
        return options

    def _anywhere(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the core here over a channel, or on the target; note what a check foresees."""
        host = str(self._task.delegate_to or task_vars.get("inventory_hostname", ""))
        pending = Pending(host, params["engine_host"] or "")
        params["pending"] = pending.read()
        if params["engine_via"] == "target" or self._task.async_val:
            result = self._on_target(params, task_vars, [])
        else:
            try:
                result = self._here(params, host)
            except NoChannel as closed:
                if params["engine_via"] == "channel":
                    raise InvalidOption(
                        "; ".join(closed.reasons), option="engine_via", hint="use auto"
                    ) from None
                result = self._on_target(params, task_vars, closed.reasons)
        foreseen = result.pop("_pending", None)
        if foreseen:
            pending.add(foreseen)
        return result

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        opened: Dict[str, Any] = {}

        def connect() -> Client:
            channel = open_channel(self, params["engine_host"], params["engine_timeout"])
            client = Client(channel.dial, params["engine_timeout"])
            opened.update(channel=channel, client=client)
            return client

        what = f"{host} {params['engine_host'] or ''}"
        try:
            result = run(
                self.resource, params, connect, self._task, params["pending"], lambda: lock(what)
            )
            channel: Optional[Channel] = opened.get("channel")
            if channel is not None:
                way = {"name": channel.way.name, "tried": list(channel.way.tried)}
                result["engine_way"] = {**way, "lock": "controller"}
            return result
        finally:
            for thing in ("client", "channel"):
                if thing in opened:
                    opened[thing].close()

    def _on_target(
        self, params: Dict[str, Any], task_vars: Mapping[str, Any], reasons: Any
    ) -> Dict[str, Any]:
        result: Dict[str, Any] = self._execute_module(
            module_name=self.module,
            module_args=self.module_args(params),
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        if "engine_way" in result:
            result["engine_way"]["tried"] = list(reasons)
        return result
