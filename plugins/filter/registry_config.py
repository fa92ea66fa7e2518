# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of a registry, and what is new in it: the filter behind role registry."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registry_config
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say what the configuration of a registry has to be, and what that changes
description:
  - Merges settings of a registry, writes them as YAML, and compares them with a file that is there.
positional: _input, settings, more
options:
  _input:
    description:
      - The text of the configuration that is there. Empty if there is none.
    type: str
    required: true
  settings:
    description: The settings that the registry shall have.
    type: dict
    required: true
  more:
    description:
      - Settings to merge over them, however deep they lie. One that is null takes a setting away.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Say what another port changes
  ansible.builtin.debug:
    msg: "{{ (old | dockyard.fleet.registry_config(new)).changes }}"  # [http.addr]
  vars:
    old: "http: {addr: ':5000'}"
    new: {http: {addr: ':5001'}}
"""

RETURN = r"""
_value:
  description: What the configuration has to be.
  type: dict
  contains:
    text:
      description: The configuration, in YAML.
      type: str
    read_only:
      description: The same for a registry that takes nothing, as while garbage is collected.
      type: str
    changes:
      description: The paths of settings that differ from what is there, without values.
      type: list
      elements: str
    ours:
      description: Whether the role wrote what is there.
      type: bool
    leaves:
      description: The folder of the data by the file that is there, if it is another then.
      type: str
    problem:
      description: Why the file that is there cannot be read, in words, or empty.
      type: str
"""

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

import yaml
from ansible_collections.dockyard.fleet.plugins.plugin_utils.values.untag import plain

# The first line of a file that the role wrote.
OURS = "# Kept by the role dockyard.fleet.registry."


def registry_config(
    text: str, settings: Mapping[str, Any], more: Optional[Mapping[str, Any]] = None
) -> Dict[str, Any]:
    """Return the configuration that `settings` and `more` make, compared with the one in `text`."""
    config = merge(merge({}, plain(settings)), plain(more or {}))
    read_only = merge(config, {"storage": {"maintenance": {"readonly": {"enabled": True}}}})
    old, problem = _read(plain(text))
    return {
        "text": _written(config),
        "read_only": _written(read_only),
        "changes": list(_changes(old, config, "")),
        "ours": text.startswith(OURS),
        "leaves": "" if _folder(old) == _folder(config) else _folder(old),
        "problem": problem,
    }


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Dict[str, Any]:
    """Return both mappings in one, deeply; what is null above takes away what is below it."""
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            under = merged.get(key)
            merged[key] = merge(under if isinstance(under, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def _written(config: Mapping[str, Any]) -> str:
    body = yaml.safe_dump(dict(config), default_flow_style=False, allow_unicode=True, width=1000)
    return f"{OURS}\n{body}"


def _read(text: str) -> Any:
    try:
        old = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        position = getattr(error, "problem_mark", None)
        place = f" in line {position.line + 1}" if position else ""
        return {}, f"is no YAML{place}"
    if not isinstance(old, dict):
        return {}, "is no mapping of settings"
    return old, ""


def _changes(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys: List[Any] = [*new, *(key for key in old if key not in new)]
        for key in keys:
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(old.get(key), new.get(key), inner)
    elif old != new:
        yield path


def _folder(config: Mapping[str, Any]) -> str:
    """Return the folder of the data; the program's own default where the driver has none."""
    storage = config.get("storage")
    if storage == "filesystem":
        return "/var/lib/registry"
    if not isinstance(storage, Mapping) or "filesystem" not in storage:
        return ""
    driver = storage["filesystem"]
    folder = driver.get("rootdirectory") if isinstance(driver, Mapping) else None
    return folder if isinstance(folder, str) else "/var/lib/registry"


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"registry_config": registry_config}
