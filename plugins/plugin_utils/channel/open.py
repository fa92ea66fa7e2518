# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an action plugin reaches the engine of a host: streams to its unix socket."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Protocol, Tuple

from ...module_utils._desired.errors import EngineMissing
from ...module_utils._engine.client.address import SSH, TCP, Address
from ...module_utils._engine.client.options import patience
from ...module_utils._engine.client.resolve import engine_name
from .address import wanted_address
from .forward import Child, Forward, NoSharedConnection
from .local import Direct, Port, current_user
from .own_ssh import OwnSsh
from .probe import Blocked
from .relay import Relay
from .ssh import Ssh

if TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

# One plugin, three names; a plugin of another collection may share the last word only.
BUILTIN = tuple(
    prefix + word
    for word in ("local", "ssh")
    for prefix in ("", "ansible.builtin.", "ansible.legacy.")
)


class NoChannel(Exception):
    """No way to the engine from here; the caller runs the module on the target instead."""

    def __init__(self, reasons: List[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Way:
    """The way that was taken and why not an earlier one.

    `name` is `socket`, `port`, `forward`, `relay`, `child`, or with an `ssh://` address
    `ssh-forward` or `ssh-relay`.
    """

    name: str
    tried: Tuple[str, ...] = ()


class Carrier(Protocol):
    """What makes streams: one class per way. `address` is the engine's, as its host sees it."""

    address: Address

    def dial(self) -> socket.socket:
        """Return a new connected stream."""

    def close(self) -> None:
        """Release what the way holds."""


class Channel:
    """A proven way to an engine. `of_host`: its address is as the task's host sees it, which is
    another machine.
    """

    of_host: bool = True

    def __init__(self, way: Way, carrier: Carrier) -> None:
        self.way = way
        self._carrier = carrier

    @property
    def address(self) -> Address:
        """The engine's address as its host sees it."""
        return self._carrier.address

    def public(self) -> Dict[str, Any]:
        """Return what a result says of the way."""
        address = str(self._carrier.address)
        return {"name": self.way.name, "address": address, "tried": list(self.way.tried)}

    def engine(self, host: str) -> str:
        """Return one text for the engine, whichever way this is; `host` is the task's."""
        name = engine_name(self._carrier.address)
        return f"{host} {name}" if self.of_host else name

    def dial(self) -> socket.socket:
        """Return a new stream, connected to the engine; several may be open, also from threads.

        Its timeout is the channel's; the caller sets and closes its own. Behind a relay stands a
        process per stream: keep them few. If the way broke meanwhile, raise OSError, FleetError or
        AnsibleConnectionFailure; no other way is tried then.
        """
        try:
            return self._carrier.dial()
        except Blocked as blocked:
            raise ConnectionError(str(blocked)) from blocked

    def close(self) -> None:
        """End forward and relays and remove their files; harmless to repeat, never raises."""
        # What the task reached must be reported, whatever happens while tidying up.
        with contextlib.suppress(Exception):
            self._carrier.close()


def open_channel(
    action: ActionBase,
    options: Mapping[str, Any],
    forward: Optional[Callable[..., Forward]] = None,
) -> Channel:
    """Open the first way that works and prove it with an answer of the engine.

    `forward` makes the carrier of the way of that name, in place of one for this task alone.

    `options` are the task's, as `engine_options` has them. Raise InvalidOption for an address that
    cannot be used, EngineMissing if it is certain that there is no engine or no right to use it,
    NoChannel if no way exists; AnsibleConnectionFailure passes through, so that a host that does
    not answer is unreachable as in any task.
    """
    connection = action._connection
    name = str(getattr(connection, "ansible_name", ""))
    kind = name.rpartition(".")[2] if name in BUILTIN else ""
    address = wanted_address(action, options, kind == "local")
    timeout = patience(options)
    tried: List[str] = []
    try:
        if address.scheme == SSH:
            channel = _open_own_ssh(address, timeout, tried, forward or Forward)
            channel.of_host = False
            return channel
        if options.get("engine_context") and kind != "local":
            raise Blocked("docker contexts are files of the host, read there alone")
        if kind == "local":
            channel = _open_local(connection, address, timeout, tried)
            channel.of_host = False
            return channel
        if kind == "ssh":
            return _open_ssh(connection, address, timeout, tried, forward or Forward)
        raise Blocked(f"the connection plugin {name or 'in use'} carries no streams")
    except Blocked as blocked:
        raise NoChannel([*tried, str(blocked)]) from blocked


def _open_local(connection: Any, address: Address, timeout: float, tried: List[str]) -> Channel:
    if address.scheme == TCP:  # whoever may use a port, becoming another user changes nothing
        return Channel(Way("port"), Port(address, timeout))
    user = current_user()
    become = become_of(connection, user)
    if become is None:
        return Channel(Way("socket"), Direct(address, timeout, user))
    # Root can use every socket: what the own user may do as well needs no other one's rights.
    if become.get_option("become_user") in (None, "", "root"):
        try:
            return Channel(Way("socket"), Direct(address, timeout, user))
        except EngineMissing as error:
            tried.append(f"socket: {error.message}")
    else:
        tried.append("socket: the task becomes another user")
    return Channel(Way("relay", tuple(tried)), Relay(None, connection, become, address, timeout))


def _open_ssh(
    connection: Any,
    address: Address,
    timeout: float,
    tried: List[str],
    forward: Callable[..., Forward],
) -> Channel:
    ssh = Ssh(connection)
    become = None if address.scheme == TCP else become_of(connection, ssh.user)
    if become is None:
        channel = _forwarded(ssh, address, timeout, tried, forward)
        if channel is not None:
            return channel
    else:
        tried.append("forward: the task uses become, and a forward has the login user's rights")
    if address.scheme == TCP:
        raise Blocked(f"relay: is for sockets, not for {address}")
    relay = Relay(ssh, connection, become, address, timeout)
    return Channel(Way("relay", tuple(tried)), relay)


def _forwarded(
    ssh: Ssh,
    address: Address,
    timeout: float,
    tried: List[str],
    forward: Callable[..., Forward],
) -> Optional[Channel]:
    try:
        return Channel(Way("forward"), forward(ssh, address, timeout))
    except NoSharedConnection as blocked:
        tried.append(str(blocked))
        try:
            return Channel(Way("child", tuple(tried)), Child(ssh, address, timeout))
        except Blocked as again:
            tried.append(str(again))
    except Blocked as blocked:
        tried.append(str(blocked))
    return None


def _open_own_ssh(
    address: Address, timeout: float, tried: List[str], forward: Callable[..., Forward]
) -> Channel:
    """Go by an `ssh://` address: the user's own ssh on this machine, whatever the connection."""
    ssh = OwnSsh(address)
    try:
        channel = Channel(Way("ssh-forward"), forward(ssh, address, timeout))
    except Blocked as blocked:
        tried.append(str(blocked))
        relay = Relay(ssh, None, None, address, timeout)
        channel = Channel(Way("ssh-relay", tuple(tried)), relay)
    return channel


def become_of(connection: Any, user: Optional[str]) -> Any:
    """Return the become plugin, or None if the task becomes no other user."""
    become = getattr(connection, "become", None)
    if become is None or (become.get_option("become_user") or "root") == user:
        return None
    return become
