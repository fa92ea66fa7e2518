# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code of this collection that is compiled once, and not in each run.

Ansible's loader of collections compiles whatever it imports, each time: of the second that the
first task of a run costs, that was a third. Python itself keeps compiled code in __pycache__ beside
a file (PEP 3147), as it does for the action plugins themselves, which Ansible has it load.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Dict, Optional, Sequence

_PLUGINS = __name__.rpartition(".plugin_utils.")[0]
_OURS = (f"{_PLUGINS}.module_utils.", f"{_PLUGINS}.plugin_utils.")
_THEIRS = "_AnsibleCollectionFinder"  # ansible.utils.collection_loader


class _LibraryFinder(MetaPathFinder):
    """Finds what is imported of this collection's own libraries, for Python's loader of files."""

    def __init__(self) -> None:
        self._folders: Dict[str, FileFinder] = {}

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        """Return what Python's loader needs; None for what is no file, which is Ansible's."""
        if not fullname.startswith(_OURS):
            return None
        for folder in path or ():
            result = self._in(folder).find_spec(fullname)
            # A package without a file of its own has no loader.
            if result is not None and result.loader is not None:
                return result
        return None

    def _in(self, folder: str) -> FileFinder:
        if folder not in self._folders:
            self._folders[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))
        return self._folders[folder]


def keep_compiled() -> None:
    """Have this collection's libraries imported as Python imports others, from now on.

    Where it may not write, or is told not to (PYTHONDONTWRITEBYTECODE), they are compiled as ever.
    """
    names = [type(finder).__name__ for finder in sys.meta_path]
    # Before Ansible's own, and after whatever somebody put before that, such as its sanity tests.
    if _THEIRS in names and _LibraryFinder.__name__ not in names:
        sys.meta_path.insert(names.index(_THEIRS), _LibraryFinder())
