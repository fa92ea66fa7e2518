# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to libvirt: one choke point through which every call passes."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from ..._desired.errors import EngineMissing, FleetError
from .options import DEFAULT_URI

# Seconds that other runs may take to make a volume in a pool.
_POOL_PATIENCE = 120


class LibvirtError(FleetError):
    """A call that libvirt refused; `code` is its virErrorNumber, the message its own words."""

    def __init__(self, message: str, code: int, call: str) -> None:
        super().__init__(message)
        self.code = code
        self.call = call


class LibvirtMissing(EngineMissing):
    """There is no libvirt to talk to: no binding, no daemon, or no permission."""


def binding() -> Any:
    """Return the module libvirt; raise LibvirtMissing when this interpreter has none."""
    try:
        import libvirt
    except ImportError:
        raise LibvirtMissing(
            "this Python has no libvirt binding",
            hint="install python3-libvirt, and set ansible_python_interpreter to /usr/bin/python3",
        ) from None
    return libvirt


class Hypervisor:
    """One libvirt, opened at the first call. A worker gets a connection of its own."""

    def __init__(self, uri: str = DEFAULT_URI) -> None:
        self.uri = uri
        self.lib = binding()
        self._connection: Any = None
        # libvirt would print every error to stderr, where Ansible takes it for the module's.
        self.lib.registerErrorHandler(lambda _context, _error: None, None)

    @property
    def connection(self) -> Any:
        """The open virConnect; raise LibvirtMissing when it cannot be opened."""
        if self._connection is None:
            try:
                self._connection = self.lib.open(self.uri)
            except self.lib.libvirtError as error:
                raise _missing(self.uri, str(error)) from None
        return self._connection

    def call(self, what: str, *args: Any, on: Any = None, missing: Sequence[int] = ()) -> Any:
        """Call the method `what` of `on` (the connection by default); return its answer.

        An error whose code is in `missing` answers None; any other raises LibvirtError.
        """
        target = self.connection if on is None else on
        try:
            return self.invoke(getattr(target, what), args)
        except self.lib.libvirtError as error:
            if error.get_error_code() in missing:
                return None
            raise LibvirtError(_words(error), error.get_error_code(), what) from None

    def invoke(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> Any:
        """Make one call: the place where tests let a call fail or a process die."""
        return function(*args)

    def domain(self, name: str) -> Any:
        """Return the virDomain of a name, None if there is none."""
        return self.call("lookupByName", name, missing=(self.lib.VIR_ERR_NO_DOMAIN,))

    def network(self, name: str) -> Any:
        """Return the virNetwork of a name, None if there is none."""
        return self.call("networkLookupByName", name, missing=(self.lib.VIR_ERR_NO_NETWORK,))

    def pool(self, name: str) -> Any:
        """Return the virStoragePool of a name, None if there is none."""
        missing = (self.lib.VIR_ERR_NO_STORAGE_POOL,)
        return self.call("storagePoolLookupByName", name, missing=missing)

    def volume(self, pool: Any, name: str) -> Any:
        """Return the virStorageVol of a name in an active pool, None if there is none.

        The pool is refreshed on a miss only: refreshing reads every file in it.
        """
        missing = (self.lib.VIR_ERR_NO_STORAGE_VOL,)
        result = self.call("storageVolLookupByName", name, on=pool, missing=missing)
        if result is None:
            self.refresh(pool)
            result = self.call("storageVolLookupByName", name, on=pool, missing=missing)
        return result

    def refresh(self, pool: Any) -> None:
        """Let a pool look at what it holds; libvirt refuses that while volumes are made in it."""
        deadline = time.monotonic() + _POOL_PATIENCE
        while True:
            try:
                self.call("refresh", 0, on=pool)
                return
            except LibvirtError as error:
                # 9.0 has no code of its own for it (storagePoolRefresh, storage_driver.c).
                if "asynchronous jobs" not in error.message or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def worker(self) -> Hypervisor:
        """Return one more connection to the same libvirt."""
        return type(self)(self.uri)

    def close(self) -> None:
        """Close the connection; it opens again when it is needed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _words(error: Any) -> str:
    text = str(error.get_error_message() or error)
    return text.replace("internal error: ", "").strip()


def _missing(uri: str, text: str) -> LibvirtMissing:
    rights = "use become: true, or add the user to the group libvirt"
    hints: Dict[str, str] = {
        "ermission denied": rights,
        "uthentication": rights,
        "PolicyKit": rights,
        # Permission is asked of polkit, which is not there: root needs none.
        "system bus": "use become: true",
        "No such file": "start libvirtd (the role kvm_host does), or correct uri",
        "refused": "start libvirtd (the role kvm_host does), or correct uri",
    }
    hint: Optional[str] = next((words for part, words in hints.items() if part in text), None)
    return LibvirtMissing(f"libvirt does not answer at {uri}: {text}", option="uri", hint=hint)
