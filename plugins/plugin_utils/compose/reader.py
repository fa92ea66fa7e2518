# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller, read within bounds, and places in them: file, line and key path."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible.errors import AnsibleError, AnsibleFileNotFound

from ...module_utils._desired.errors import Faults, InvalidOption
from ..values.env_file import decoded
from .yaml12 import NotYaml, line_of

Read = Callable[[str], bytes]

# A Compose file of fifty services has 43 kB; a config or a secret goes into memory as a whole.
LARGEST_FILE = 4 << 20
MOST_FILES = 200


def _open(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(LARGEST_FILE + 1)


class Reader:
    """Reads files once each; `read` takes a path and returns bytes.

    `read` raises FileNotFoundError, or Ansible's error for it, for a file that is not there.
    """

    def __init__(self, read: Optional[Read] = None) -> None:
        self._read = read or _open
        self._known: Dict[str, Optional[bytes]] = {}

    def data(self, path: str, where: str) -> bytes:
        """Return a file's content; raise InvalidOption for one that is not there or too large."""
        result = self.optional(path, where)
        if result is None:
            hint = "paths are relative to the folder of the first file"
            text = f"there is no file {path} on the controller"
            raise InvalidOption(text, option=where, hint=hint)
        return result

    def optional(self, path: str, where: str) -> Optional[bytes]:
        """Return a file's content, None if there is no such file."""
        if path not in self._known:
            if len(self._known) >= MOST_FILES:
                raise InvalidOption(f"more than {MOST_FILES} files belong to it", option=where)
            self._known[path] = self._content(path, where)
        return self._known[path]

    def _content(self, path: str, where: str) -> Optional[bytes]:
        try:
            data = self._read(path)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, AnsibleFileNotFound):
            return None
        except ValueError:  # a null byte in it
            raise InvalidOption("is not a path", option=where) from None
        except OSError as error:
            raise InvalidOption(f"{path}: {error.strerror}", option=where) from None
        except AnsibleError:
            text = f"{path} cannot be read: is it encrypted with a password that was not given?"
            raise InvalidOption(text, option=where) from None
        if len(data) > LARGEST_FILE:
            raise InvalidOption(f"{path} is larger than 4 MiB", option=where)
        return data

    def text(self, path: str, where: str) -> str:
        """Return a file's text; raise InvalidOption for what is not UTF-8."""
        return text_of(self.data(path, where), path, where)


def text_of(data: bytes, path: str, where: str) -> str:
    """Return the text of a file's content; raise InvalidOption for what is not UTF-8."""
    try:
        return decoded(data)
    except ValueError:
        raise InvalidOption(f"{path} is not UTF-8 text", option=where) from None


class Origin:
    """One document of a Compose file, or a definition in the task: where its key paths stand."""

    def __init__(self, label: str, node: Any = None, value: Any = None) -> None:
        self.label = label
        self.node, self.value = node, value
        # Key paths in a task begin with the option's name, those in a file stand behind its name.
        self.prefix = "" if node is not None else f"{label}."

    def place(self, path: str) -> str:
        """Return file, line and key path."""
        if self.node is None:
            return path if path.startswith(self.prefix) else f"{self.prefix}{path}"
        line, _depth = line_of(self.node, path)
        return f"{self.label}:{line}: {path}"

    def depth(self, path: str) -> int:
        """Return how much of a key path this document has."""
        if self.node is not None:
            return line_of(self.node, path)[1]
        return _depth(self.value, path.removeprefix(self.prefix))


def _depth(value: Any, path: str) -> int:
    """Return how much of a key path a mapping has; what stands in lists does not count."""
    if not isinstance(value, Mapping):
        return 0
    for key, item in value.items():
        text = str(key)
        if path.startswith(text) and path[len(text) : len(text) + 1] in ("", ".", "["):
            return len(text) + 1 + _depth(item, path[len(text) + 1 :])
    return 0


def located(error: InvalidOption, origin: Origin) -> List[InvalidOption]:
    """Return errors with the places of what they are about."""
    result = []
    for part in error.parts:
        path = part.option or ""
        is_placed = isinstance(part, NotYaml) or not path
        place = path or origin.label if is_placed else origin.place(path)
        result.append(InvalidOption(part.message, option=place, hint=part.hint))
    return result


class Located:
    """`with Located(faults, origins):` keeps errors back, with their places.

    Of several origins, the last one that has most of a key path is the place.
    """

    def __init__(self, faults: Faults, origins: Sequence[Origin]) -> None:
        self.faults, self.origins = faults, origins

    def __enter__(self) -> Located:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> bool:
        if not isinstance(error, InvalidOption):
            return False
        for part in error.parts:
            for entry in located(part, self._origin(part.option or "")):
                with self.faults:
                    raise entry
        return True

    def _origin(self, path: str) -> Origin:
        return max(reversed(self.origins), key=lambda origin: origin.depth(path))


def join(folder: str, path: str, where: str) -> str:
    """Return a path on the controller, relative ones below a folder; InvalidOption for `~`."""
    if path.startswith("~"):
        hint = "write the path out"
        raise InvalidOption(f"'{path}': a ~ is not expanded", option=where, hint=hint)
    return os.path.normpath(os.path.join(folder, path))
