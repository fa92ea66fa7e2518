# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, pull and remove an image: the core, run from the controller, where the context is."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Mapping

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._desired.run import coming
from ..module_utils._desired.schema import declare
from ..module_utils._engine.image.building.build import added_files
from ..module_utils._engine.image.building.context import Context
from ..module_utils._engine.image.building.desired import DOCKERFILE, placed, read_for
from ..module_utils._engine.image.fields import FIELDS
from ..module_utils._engine.image.resource import IMAGE
from ..module_utils._engine.image.source import Source, read_source
from ..module_utils._engine.tar.file import without_zstd
from ..module_utils._engine.values.image_reference import parse_reference
from ..module_utils._engine.values.mappings import parse_map
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.planned import Pending
from ..plugin_utils.action.preload import preload
from ..plugin_utils.transfer.sender import Sender

preload(["_engine.image", "_engine.registry"])


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.image)."""

    resource = IMAGE
    module = "dockyard.fleet.image"

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the core, with the way to another host where images come from one."""
        host = params.get("from_host")
        if not host or params["state"] != "present":
            return super().work(params, task_vars)
        engine = params.get("from_engine_host") or ""
        planned = coming(self._task, Pending(host, engine).read)
        sender = Sender(self, host, engine, params["engine_timeout"], task_vars, planned)
        with contextlib.closing(sender):
            return super().work({**params, "_origin": sender}, task_vars)

    def values(self, params: Dict[str, Any]) -> None:
        """Look at values alone: a context that may not be meant is not read for it."""
        declare(FIELDS, params)

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read the build context; a relative path is relative to the playbook."""
        if params["remote_src"]:
            # Whatever way is asked for: only there can those files be read.
            return {**params, "engine_via": "target", "_context": None, "_source": None}
        params = {**params, "_source": None}
        if params["state"] == "present":
            params = self._archives(params)
        build = params.get("build")
        if not build or params["state"] != "present":
            return {**params, "_context": None}
        build = {**build, "context": self._path(build["context"], "build.context")}
        contexts = build.get("additional_contexts")
        if contexts:
            where = "build.additional_contexts"
            pairs = parse_map(contexts, where).items()
            contexts = {name: self._path(entry, f"{where}.{name}") for name, entry in pairs}
            build["additional_contexts"] = contexts
        build = placed(build)
        return {**params, "build": build, "_context": read_for(build)}

    def _archives(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Return the options with whole paths of archives, and what is in the one to load."""
        result = dict(params)
        for name in ("load", "save"):
            if result.get(name):
                result[name] = self._path(result[name], name)
        if result.get("import"):
            path = self._path(result["import"]["path"], "import.path")
            result["import"] = {**result["import"], "path": path}
        if result.get("load") or result.get("import"):
            name = str(parse_reference(result["name"], "name")) if result.get("name") else ""
            result["_source"] = read_source(result, name)
        return result

    def _path(self, path: str, option: str) -> str:
        """Return a path of the controller in full; addresses stay as they are."""
        if path.startswith("~"):
            raise InvalidOption(
                f"'{path}': a ~ is not expanded",
                option=option,
                hint="write the whole path, or one relative to the playbook",
            )
        return path if "://" in path else os.path.join(self._loader.get_basedir(), path)

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module gets: of the context what decides, the archive on demand."""
        if params.get("from_host") and params["state"] == "present":
            raise InvalidOption(
                "images go by the controller, which needs a channel to the engine",
                option="from_host",
                hint="use engine_via: channel to see what is in the way, and leave out async",
            )
        context = params["_context"]
        if isinstance(context, Context):
            names = ("digest", "files", "dockerfile")
            context = {**{name: getattr(context, name) for name in names}, "archive": None}
        source = params["_source"]
        if isinstance(source, Source):
            source = source.public()
        if params.get("save") and not params["remote_src"]:
            raise InvalidOption(
                "an archive on the controller needs a channel to the engine",
                option="save",
                hint="use engine_via: channel, or name a path of the host with remote_src: true",
            )
        return {**super().module_args(params), "_context": context, "_source": source}

    def _on_target(
        self, params: Dict[str, Any], task_vars: Mapping[str, Any], reasons: Any
    ) -> Dict[str, Any]:
        # A task that runs in the background cannot ask again.
        if not self._task.async_val:
            result = super()._on_target(params, task_vars, reasons)
            if not result.get("needs_context"):
                return result
        if isinstance(params["_context"], Context):
            sent = {**self.module_args(params)["_context"], "archive": self._packed(params)}
            params = {**params, "_context": sent}
        source = params["_source"]
        if isinstance(source, Source):
            params = {**params, "_source": source.public(self._sent(source.path))}
        return super()._on_target(params, task_vars, reasons)

    def _sent(self, path: str) -> str:
        with without_zstd(path, "load") as file:
            return self.upload("image.tar", iter(lambda: file.read(1 << 18), b""))

    def _packed(self, params: Mapping[str, Any]) -> str:
        context = params["_context"]
        build = params["build"]
        dockerfile = build.get("dockerfile") or DOCKERFILE
        added = added_files(build.get("dockerfile_inline"), context.root, dockerfile)
        return self.upload("context.tar", context.tar(added))
