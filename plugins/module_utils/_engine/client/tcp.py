# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams to an engine behind `tcp://`, with TLS 1.2 or later, certificates checked by name."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import time
from typing import Any, Callable

from ..._desired.errors import EngineMissing, InvalidOption
from ..._desired.threads import start
from ..._desired.tls_context import authorities
from .address import Address, Tls

_PIECE = 65536
# What OpenSSL calls the reasons (X509_verify_cert_error_string(3)).
_EXPIRED, _NOT_YET, _OTHER_NAMES = 10, 9, (62, 64)


def tcp_dial(address: Address, timeout: float) -> Callable[[], socket.socket]:
    """Return a dial for an engine's port."""
    secure = securer(address, timeout)

    def dial() -> socket.socket:
        try:
            plain = socket.create_connection((address.host, address.port), timeout)
        except socket.timeout as error:
            raise EngineMissing(f"{address} did not answer within {timeout:g} s") from error
        except OSError as error:
            raise EngineMissing(
                f"cannot connect to {address}: {error.strerror or error}",
                hint="start the engine, or correct engine_host",
            ) from error
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return secure(plain)

    return dial


def securer(address: Address, timeout: float) -> Callable[[socket.socket], socket.socket]:
    """Return what turns a stream to the port of `address` into one to speak HTTP on."""
    tls = address.tls
    if tls is None:
        return lambda stream: stream
    context, name = _context(tls), tls.name
    return lambda stream: _shake_hands(stream, context, name, address, timeout)


def _context(tls: Tls) -> ssl.SSLContext:
    context = authorities(own=not tls.ca)
    for option, path in (("engine_ca", tls.ca), ("engine_cert", tls.cert), ("engine_key", tls.key)):
        if path and not os.access(path, os.R_OK):
            raise InvalidOption(f"no file that this user can read: {path}", option=option)
    try:
        if tls.ca:
            context.load_verify_locations(tls.ca)
    except ssl.SSLError as error:
        raise InvalidOption(f"no certificate in PEM: {tls.ca}", option="engine_ca") from error
    if tls.cert:
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(tls.cert, tls.key or None, password=lambda: b"")
        except (ssl.SSLError, ValueError) as error:
            fault = f"{tls.cert} and {tls.key} are not a certificate and its key without a password"
            raise InvalidOption(fault, option="engine_key") from error
    return context


def _shake_hands(
    stream: socket.socket, context: ssl.SSLContext, name: str, address: Address, timeout: float
) -> socket.socket:
    stream.settimeout(timeout)
    try:
        return Pump(stream, context, name).begin()
    except (OSError, ValueError) as error:
        stream.close()
        raise refusal(error, address, name) from error


def refusal(error: Exception, address: Address, name: str = "") -> EngineMissing:
    """Return the one error for a handshake that failed."""
    hint = None
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "engine_ca names the authority that signed it"
        if error.verify_code == _EXPIRED:
            text, hint = "its certificate has expired", "renew it on the engine's host"
        elif error.verify_code == _NOT_YET:
            text, hint = "its certificate is not valid yet", "compare the clocks"
        elif error.verify_code in _OTHER_NAMES:
            text = f"its certificate is not for {name}"
            hint = "use the name that it is for, or give that as engine_tls_hostname"
        else:
            text = f"its certificate is not trusted ({error.verify_message})"
    elif isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        text = f"TLS failed ({reason})"
        if "alert" in reason or "certificate" in reason:
            hint = "the engine wants a client certificate that its authority signed: engine_cert"
        elif "version" in reason or "protocol" in reason:
            hint = "the engine has to speak TLS 1.2 or later; without TLS, set engine_tls: false"
    else:
        text = f"TLS failed ({error})"
        hint = "it may want another client certificate (engine_cert), or not speak TLS 1.2"
    return EngineMissing(f"{address}: {text}", hint=hint)


class Pump:
    """Join a stream with TLS to one end of a socket pair; the other is a plain stream.

    TLS of its own accord sends what is no data (session tickets): who waits for a readable
    connection would take it for an answer. One thread does both directions, since a TLS object
    is not for two, and ends with either side. A half close is passed on.
    """

    def __init__(self, stream: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._stream = stream
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=name)
        self._open = True  # the user may still send
        self._timeout = stream.gettimeout() or 0

    def begin(self) -> socket.socket:
        """Shake hands within the stream's time-out, start the thread and return the user's end."""
        self._end = time.monotonic() + self._timeout
        self._until(self._tls.do_handshake)
        if self._tls.version() == "TLSv1.3":
            self._await_rejection()
        ours, user = socket.socketpair()
        ours.settimeout(self._timeout)
        start(self._run, user)
        return ours

    def _await_rejection(self) -> None:
        """Have the engine say what it thinks of our certificate.

        In TLS 1.3 a client's handshake ends before the server has looked at its certificate; a
        refusal comes in place of the first answer (RFC 8446, 4.4.2.4).
        """
        self._tls.write(b"HEAD /_ping HTTP/1.1\r\nHost: engine\r\n\r\n")
        seen = b""
        while not seen.endswith(b"\r\n\r\n"):
            piece = self._until(lambda: self._tls.read(1))
            if not piece or len(seen) > _PIECE:
                raise ConnectionResetError("closed before it answered")
            seen += piece

    def _until(self, step: Callable[[], Any]) -> Any:
        """Do one step of TLS, with as much to and fro as it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:  # an alert too
                self._flush()
            left = self._end - time.monotonic()
            if left <= 0:
                raise socket.timeout("timed out")
            self._stream.settimeout(left)
            data = self._stream.recv(_PIECE)
            if not data:
                raise ConnectionResetError("closed during the handshake")
            self._arrived.write(data)

    def _flush(self) -> None:
        data = self._leaving.read()
        if data:
            self._stream.sendall(data)

    def _run(self, user: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._move(user)
        user.close()
        self._stream.close()

    def _move(self, user: socket.socket) -> None:
        """Move data both ways until the engine has ended; neither way waits for the other."""
        for end in (user, self._stream):
            end.setblocking(False)
        down = bytearray()
        more = self._decode(down)
        up = bytearray(self._leaving.read())
        while more or down:
            theirs = select.POLLIN if more and len(down) < _PIECE else 0
            ours = select.POLLIN if self._open and len(up) < _PIECE else 0
            poll = select.poll()
            poll.register(self._stream, theirs | (select.POLLOUT if up else 0))
            poll.register(user, ours | (select.POLLOUT if down else 0))
            seen = dict(poll.poll())
            events = seen.get(user.fileno(), 0)
            if events & (select.POLLHUP | select.POLLERR):
                return  # a half close is no hang-up: the user closed its end
            if events & select.POLLIN:
                self._encode(user.recv(_PIECE))
            if seen.get(self._stream.fileno(), 0) & ~select.POLLOUT:
                data = self._stream.recv(_PIECE)
                self._arrived.write(data)
                more = bool(data) and self._decode(down)
            up += self._leaving.read()
            _some(self._stream, up)
            _some(user, down)

    def _encode(self, data: bytes) -> None:
        if data:
            self._tls.write(data)
            return
        self._open = False
        # It says that nothing more comes; that the engine has not said so yet is no fault.
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()

    def _decode(self, down: bytearray) -> bool:
        """Add what has arrived; False when the engine said that nothing more comes."""
        try:
            while True:
                data = self._tls.read(_PIECE)
                if not data:
                    return False
                down += data
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError:  # its end after ours is one; what came before is to be delivered
            return False


def _some(stream: socket.socket, data: bytearray) -> None:
    """Send as much as the stream takes now."""
    with contextlib.suppress(BlockingIOError):
        if data:
            del data[: stream.send(data)]
