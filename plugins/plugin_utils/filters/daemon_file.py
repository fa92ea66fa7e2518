# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon.json says: read as strictly as the engine does, and where it keeps data.

A file that cannot be read holds settings that are unknown. It is never taken for an empty one:
that would drop a `data-root`, and with it every container, image and volume out of sight.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Set, Tuple, Union

# Where data lies, with what the engine takes where the key is not set ("dockerd" reference). What
# is None depends on the host, so that only the engine itself can say what it took.
PLACES: Dict[str, Any] = {
    "data-root": "/var/lib/docker",
    "exec-root": "/var/run/docker",
    "containerd": "",
    "containerd-namespace": "moby",
    "containerd-plugin-namespace": "plugins.moby",
    "userns-remap": "",
    "storage-driver": None,
    "storage-opts": [],
}
SNAPSHOTTER = "features.containerd-snapshotter"


class Unreadable(ValueError):
    """The file cannot be read; the text says where and why, and what may mend it."""


def read(config: Union[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the settings in the text of a daemon.json; empty text is an engine without any.

    Raises Unreadable for what the engine would refuse, or read in a way that cannot be foreseen.
    """
    if isinstance(config, Mapping):
        return _placed(config)
    text = config[1:] if config.startswith("\ufeff") else config
    try:
        text.encode()
        content = (
            json.loads(text, object_pairs_hook=_once, parse_constant=_no_json)
            if text.strip()
            else {}
        )
    except json.JSONDecodeError as error:
        raise Unreadable(_describe(text, error)) from None
    except UnicodeEncodeError as error:
        raise Unreadable(f"line {text.count(chr(10), 0, error.start) + 1}: is not UTF-8") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except Unreadable:
        raise
    except ValueError:  # Python's bound on the digits of a number
        raise Unreadable("holds a number that is too long") from None
    if not isinstance(content, dict):
        raise Unreadable(f"holds {_kind(content)} where a dictionary belongs")
    return _placed(content)


def moves(old: Mapping[str, Any], new: Mapping[str, Any], engine: Mapping[str, Any]) -> List[str]:
    """Return the keys by which an engine with `new` would look for its data elsewhere than now.

    `engine` is what `docker info` says in JSON, empty where no engine answers.
    """
    before, after = {**_places(old), **_told(old, engine)}, _places(new)
    # Left to the engine, or to its command line, before and after: that does not change.
    declared = _declared(old) | _declared(new)
    changed = [name for name in before if name in declared and before[name] != after[name]]
    opts = [*before["storage-opts"], *after["storage-opts"]]
    if all(str(entry).startswith("overlay2.") for entry in opts):  # bounds, not places
        return [name for name in changed if name != "storage-opts"]
    return changed


def staying(old: Mapping[str, Any], moved: List[str]) -> str:
    """Return in words what to declare so that the keys in `moved` stay as they are."""
    words = []
    for name in moved:
        key = "graph" if name == "data-root" and name not in old else name.split(".")[0]
        value = json.dumps(old[key]) if key in old else ""
        words.append(f"{key}: {value}" if value else f"{name} left out")
    return ", ".join(words)


def root(old: Mapping[str, Any], engine: Mapping[str, Any]) -> str:
    """Return the folder in which the engine has its data now."""
    return str(engine.get("DockerRootDir") or _places(old)["data-root"])


def _places(config: Mapping[str, Any]) -> Dict[str, Any]:
    places = {name: config.get(name, default) for name, default in PLACES.items()}
    if "data-root" not in config and config.get("graph"):  # its name before 17.05
        places["data-root"] = config["graph"]
    places["data-root"] = places["data-root"].rstrip("/") or "/"
    places["exec-root"] = places["exec-root"].replace("/var/run/", "/run/").rstrip("/")
    places[SNAPSHOTTER] = config.get("features", {}).get("containerd-snapshotter")
    return places


def _declared(config: Mapping[str, Any]) -> Set[str]:
    inner = {SNAPSHOTTER} if "containerd-snapshotter" in config.get("features", {}) else set()
    return {*config, *inner} | ({"data-root"} if config.get("graph") else set())


def _told(old: Mapping[str, Any], engine: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what the engine took for keys that its configuration leaves to it."""
    if not engine.get("Driver"):
        return {}
    kinds = [str(row[1]) for row in engine.get("DriverStatus") or [] if row[:1] == ["driver-type"]]
    told: Dict[str, Any] = {SNAPSHOTTER: any("containerd" in kind for kind in kinds)}
    if "storage-driver" not in old:
        told["storage-driver"] = engine["Driver"]
    if not (old.get("userns-remap") or {"data-root", "graph"} & {*old}):
        told["data-root"] = str(engine.get("DockerRootDir") or PLACES["data-root"]).rstrip("/")
    return told


def _placed(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse values of a kind that leaves open where the data is."""
    for name, default in {**PLACES, "graph": "", "features": {}}.items():
        wanted: Tuple[type, ...] = (type(default or ""),)
        if isinstance(default, (list, dict)):
            wanted = (type(default),)
        if name in config and not isinstance(config[name], wanted):
            raise Unreadable(
                f"{name} is {_kind(config[name])} where {_kind(default or wanted[0]())} belongs"
            )
    return config


def _once(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    twice = [name for name, times in Counter(name for name, _value in pairs).items() if times > 1]
    if twice:
        raise Unreadable(f"has {twice[0]} twice; keep one of them")
    return dict(pairs)


def _no_json(word: str) -> NoReturn:
    raise Unreadable(f"holds {word}, which is not JSON")


def _describe(text: str, error: json.JSONDecodeError) -> str:
    """Return where reading stopped, what is wrong there, and what may have been meant."""
    before, rest = text[: error.pos].rstrip(), text[error.pos :].lstrip(" \t\r\n,")
    place, reason = error.pos, error.msg[0].lower() + error.msg[1:]
    if not rest:
        reason = "the file ends before its settings do"
    elif rest[0] in "}]" and (before.endswith(",") or text[error.pos] == ","):
        # Python 3.13 stops at the comma, the ones before it at the bracket.
        place = text.rindex(",", 0, error.pos + 1)
        reason = "a comma before the closing bracket; remove it"
    elif rest.startswith(("//", "#", "/*")):
        reason = "a comment, which JSON does not have; remove it"
    elif rest[0] == "'":
        reason = 'a string in single quotes; write it in "…"'
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    return f"line {line}, column {column}: {reason}"


def _kind(value: Any) -> str:
    words: Dict[Optional[type], str] = {
        dict: "a dictionary",
        list: "a list",
        str: "a string",
        bool: "true or false",
    }
    return "null" if value is None else words.get(type(value), "a number")
