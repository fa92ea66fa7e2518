# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of a model: those on the controller made absolute, those on the host left relative.

What docker compose takes from the machine where it runs is on the controller here: build contexts,
files of variables, labels, configs and secrets. The source of a bind is on the host. A relative one
stays relative to the project's folder, and begins with `./`, `../` or is `.` or `..` (`is_relative`
tells): which folder of the host that is, only the task can say.
"""

from __future__ import annotations

import os
import posixpath
from typing import Any, Callable, Dict, Mapping

from ...module_utils._desired.errors import Faults, InvalidOption
from ...module_utils._engine.values.compose_words import is_relative
from .reader import join
from .yaml12 import RESET, Override

_REMOTE = ("git@", "github.com/")


def resolve(model: Mapping[str, Any], folder: str, project: str, prefix: str) -> Dict[str, Any]:
    """Return a model whose paths are resolved: `folder` is that of its file, `project` the first's.

    Raise InvalidOption for paths that begin with `~`.
    """
    result = dict(model)
    faults = Faults()
    resolver = _Resolver(folder, project, faults)
    services = _open(result.get("services"))
    if services is not None:
        result["services"] = _like(
            result["services"],
            {
                name: resolver.service(entry, f"{prefix}services.{name}")
                for name, entry in services.items()
            },
        )
    for section in ("configs", "secrets"):
        entries = _open(result.get(section))
        if entries is not None:
            files = {
                name: resolver.key(entry, "file", f"{prefix}{section}.{name}.file")
                for name, entry in entries.items()
            }
            result[section] = _like(result[section], files)
    faults.tell()
    return result


def _open(value: Any) -> Any:
    """Return the mapping that a value is, below its mark, or None."""
    value = value.value if isinstance(value, Override) else value
    return value if isinstance(value, dict) else None


def _like(marked: Any, value: Any) -> Any:
    return Override(value) if isinstance(marked, Override) else value


class _Resolver:
    def __init__(self, folder: str, project: str, faults: Faults) -> None:
        self.folder, self.project, self.faults = folder, project, faults

    def service(self, entry: Any, where: str) -> Any:
        plain = _open(entry)
        if plain is None:
            return entry
        result = dict(plain)
        if result.get("build"):
            result["build"] = self._build(result["build"], f"{where}.build")
        for key, change in (
            ("env_file", self._env_file),
            ("label_file", self._path),
            ("volumes", self._volume),
        ):
            if result.get(key):
                result[key] = self._list(result[key], f"{where}.{key}", change)
        return _like(entry, result)

    def key(self, entry: Any, key: str, where: str) -> Any:
        """Return a mapping with one path of it made absolute."""
        plain = _open(entry)
        if plain is None or not isinstance(plain.get(key), str):
            return entry
        return _like(entry, {**plain, key: self._path(plain[key], where)})

    def _list(self, value: Any, where: str, change: Callable[[Any, str], Any]) -> Any:
        if value is RESET:
            return value
        plain = value.value if isinstance(value, Override) else value
        return _like(value, [change(entry, f"{where}[{at}]") for at, entry in enumerate(plain)])

    def _path(self, path: str, where: str) -> str:
        with self.faults:
            return join(self.folder, path, where)
        return path

    def _env_file(self, entry: Mapping[str, Any], where: str) -> Dict[str, Any]:
        return {**entry, "path": self._path(entry["path"], where)}

    def _build(self, value: Any, where: str) -> Any:
        plain = _open(value)
        if plain is None:
            return value
        result = dict(plain)
        context = result.get("context")
        if isinstance(context, str):
            result["context"] = self._context(context, f"{where}.context")
        for key, change in (("additional_contexts", self._context), ("ssh", self._path)):
            more = _open(result.get(key))
            if more:
                paths = {
                    name: change(entry, f"{where}.{key}.{name}")
                    for name, entry in more.items()
                    if isinstance(entry, str) and entry
                }
                result[key] = _like(result[key], {**more, **paths})
        return _like(value, result)

    def _context(self, context: str, where: str) -> str:
        remote = "://" in context or context.startswith(_REMOTE) or context.startswith("service:")
        return context if remote else self._path(context, where)

    def _volume(self, entry: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        if entry.get("type") != "bind":
            return entry
        source = entry["source"]
        if not is_relative(source):
            return entry
        whole = os.path.normpath(os.path.join(self.folder, source))
        near = posixpath.normpath(os.path.relpath(whole, self.project))
        return {**entry, "source": near if near[:1] == "." else f"./{near}"}


def check_device(volume: Mapping[str, Any], where: str) -> None:
    """Raise InvalidOption for a volume of driver `local` that is a bind of a relative path."""
    options = volume.get("driver_opts") or {}
    device = options.get("device", "")
    if "bind" in options.get("o", "").split(",") and not device.startswith("/"):
        hint = "such as /srv/data"
        option = f"{where}.driver_opts.device"
        raise InvalidOption("is not an absolute path on the host", option=option, hint=hint)
