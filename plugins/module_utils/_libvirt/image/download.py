# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes from elsewhere: requests with the task's patience, and downloads that go on.

On urllib itself, and not on ansible.module_utils.urls: the core knows no Ansible; and that neither
goes on with a download that broke off nor bounds what only drips in. Proxies are urllib's, TLS is
decided in trust.py as for engines, and .netrc is left alone.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, Callable, List, Optional, Tuple, TypeVar
from urllib.parse import urlsplit

from ..._desired.errors import InvalidOption
from ..._desired.sizes import show_size
from ..._desired.threads import start
from ..._desired.tls_context import authorities
from ..client.abandoned import go_on
from . import files
from .desired import Desired, shown
from .files import Unfetched

PIECE = 1 << 20
# What a published checksum file is at most.
_TEXT = 4 << 20
_LONGEST_PAUSE = 10.0
# To find a server, to reach it, to agree on keys and to be answered may take a timeout each.
_STAGES = 4
# Bytes a second, on average over that time, which bound how long a body of some size may take.
_SLOWEST = 4096
# Answers after which another attempt may do better (RFC 9110, 15.5.9, 15.6; RFC 6585, 4).
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_TAG = re.compile(r"[0-9a-f]{8}")
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")

T = TypeVar("T")


class _Dripping(OSError):
    """A server that sends hardly anything, and does not stop."""


class _Body:
    """A response whose body comes in pieces, and not slower than a modem's."""

    def __init__(self, response: Any, span: float) -> None:
        self._response = response
        self._span = span
        self._since, self._came = time.monotonic(), 0
        self.headers = response.headers
        self.status: int = response.status

    def __enter__(self) -> _Body:
        return self

    def __exit__(self, *_exc: Any) -> None:
        self.close()

    def close(self) -> None:
        self._response.close()

    def piece(self) -> bytes:
        """Return the bytes that have come, b"" at the end; raise OSError if there are too few."""
        # read() would wait until a piece is full, and each byte would begin the timeout anew.
        piece: bytes = self._response.read1(PIECE)
        self._came += len(piece)
        now = time.monotonic()
        if now - self._since > self._span:
            if self._came < _SLOWEST * self._span:
                raise _Dripping(f"less than {show_size(_SLOWEST)} a second")
            self._since, self._came = now, 0
        return piece

    def all(self, most: int) -> bytes:
        """Return a small body, at most so many bytes of it."""
        content = bytearray()
        for piece in iter(self.piece, b""):
            content += piece
            if len(content) > most:
                break
        return bytes(content[:most])


class Web:
    """Requests about one option (`url`, `checksum`) of a task."""

    def __init__(self, desired: Desired, option: str) -> None:
        self._option = option
        self._timeout = desired.timeout
        self.retries = desired.retries
        tls = urllib.request.HTTPSHandler(context=_trust(desired.ca_path))
        # Proxies are those of the task's environment.
        self._opener = urllib.request.build_opener(tls, _Redirects(option))

    def open(self, url: str, start: int = 0) -> _Body:
        """Return the response to a GET from a byte on; raise Unfetched for any failure."""
        headers = {"User-Agent": "dockyard.fleet", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            request = urllib.request.Request(url, headers=headers)
            timeout = self._timeout
            opened = _within(_STAGES * timeout, lambda: self._opener.open(request, timeout=timeout))
            return _Body(opened, _STAGES * timeout)
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and start:
                return _Body(error, _STAGES * self._timeout)
            raise self._answered(url, error) from None
        except Unfetched:
            raise
        except (http.client.InvalidURL, ValueError) as error:
            raise InvalidOption(f"'{shown(url)}': {error}", option=self._option) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(url, error) from None

    def text(self, url: str) -> str:
        """Return a small text, tried as often as the task says."""

        def once() -> str:
            with self.open(url) as response:
                try:
                    return response.all(_TEXT).decode("utf-8", "replace")
                except (OSError, http.client.HTTPException) as error:
                    raise self._silent(url, error) from None

        return self.patiently(once)

    def patiently(self, once: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        """Call `once` until it succeeds; retries count anew whenever `progress` has grown."""
        failures, before = 0, progress()
        while True:
            try:
                return once()
            except Unfetched as error:
                now = progress()
                failures = 1 if now > before else failures + 1
                before = now
                if not error.passing or failures > self.retries:
                    raise
                time.sleep(min(2.0**failures / 4, _LONGEST_PAUSE))

    def _answered(self, url: str, error: urllib.error.HTTPError) -> Unfetched:
        error.close()
        hints = {404: "correct the address", 401: "serve it without a login"}
        result = Unfetched(
            f"{shown(url)} answers {error.code} {error.reason}",
            option=self._option,
            hint=hints.get(error.code),
        )
        result.passing = error.code in _PASSING
        return result

    def _silent(self, url: str, error: Exception) -> Unfetched:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return Unfetched(
                f"{shown(url)} cannot be trusted: {reason.verify_message}",
                option=self._option,
                hint="name the authority's certificate with ca_path if it is a private one",
            )
        words = str(reason) or type(reason).__name__
        result = Unfetched(f"{shown(url)} does not answer: {words}", option=self._option)
        result.passing = True
        return result


def _trust(path: str) -> ssl.SSLContext:
    context = authorities()
    if path:
        try:
            folder = os.path.isdir(path)
            context.load_verify_locations(None if folder else path, path if folder else None)
        except (OSError, ssl.SSLError) as error:
            raise InvalidOption(f"{path}: {error}", option="ca_path") from None
    return context


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to another address of the web; a checksum comes no less safely by it."""

    def __init__(self, option: str) -> None:
        self._option = option

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        scheme = urlsplit(newurl).scheme
        falls = self._option == "checksum" and req.type == "https" and scheme == "http"
        if scheme not in ("http", "https") or falls:
            fp.close()
            raise Unfetched(
                f"{shown(req.full_url)} redirects to {shown(newurl)}, which is less secure",
                option=self._option,
                hint="give the address where it is served over https",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _within(seconds: float, once: Callable[[], T]) -> T:
    """Return what a call returns; raise TimeoutError if that takes longer.

    A socket's own timeout counts from byte to byte, and names are resolved without any.
    """
    done: List[Callable[[], T]] = []

    def work() -> None:
        try:
            result = once()
            done.append(lambda: result)
        except Exception as error:
            failed = error

            def fail() -> T:
                raise failed

            done.append(fail)

    start(work).join(seconds)
    if not done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return done[0]()


def probe(desired: Desired) -> None:
    """Raise Unfetched if the image's URL does not answer with success."""
    web = Web(desired, "url")
    web.patiently(lambda: web.open(desired.url)).close()


def download(desired: Desired, folder: str, stem: str) -> str:
    """Download the image into a temporary file, going on where an earlier run was cut off.

    Return its path. Raise Unfetched, leaving what came, or FleetError if the folder is full.
    """
    web = Web(desired, "url")

    def progress() -> int:
        there = _partial(folder, stem)
        return os.path.getsize(there) if there else 0

    return web.patiently(lambda: _once(web, desired.url, folder, stem), progress)


def _once(web: Web, url: str, folder: str, stem: str) -> str:
    path = _partial(folder, stem)
    start = os.path.getsize(path) if path else 0
    response = web.open(url, start)
    with response:
        total = _total(response)
        if response.status == 416 and total == start:
            return path
        target = files.part(folder, stem, _tag(response, total))
        if response.status == 206 and _begins(response) == start and target == path:
            return _receive(response, url, target, start, total)
        files.remove_parts(folder, stem)
        if response.status == 200:
            return _receive(response, url, target, 0, total)
    # The rest of another file was offered: ask for the whole of it.
    with web.open(url) as whole:
        total = _total(whole)
        target = files.part(folder, stem, _tag(whole, total))
        return _receive(whole, url, target, 0, total)


def _partial(folder: str, stem: str) -> str:
    """Return the path of what an earlier run downloaded, "" if there is nothing."""
    for entry in files.parts(folder, stem.rpartition("-")[0]):
        if files.belongs(entry, stem) and _TAG.fullmatch(entry.split(".")[-2]):
            return os.path.join(folder, entry)
    return ""


def _tag(response: Any, total: Optional[int]) -> str:
    """Return what tells this file of the server from another one under the same address."""
    headers = response.headers
    validator = headers.get("ETag") or headers.get("Last-Modified") or ""
    return hashlib.sha256(f"{validator}\n{total}".encode()).hexdigest()[:8]


def _range(response: Any) -> Tuple[Optional[int], Optional[int]]:
    match = _RANGE.fullmatch(response.headers.get("Content-Range") or "")
    if not match:
        return None, None
    return (int(match[1]) if match[1] else None), int(match[2])


def _begins(response: Any) -> Optional[int]:
    return _range(response)[0]


def _total(response: Any) -> Optional[int]:
    """Return the size of the whole file in bytes, None if the server does not say."""
    if response.status != 200:
        return _range(response)[1]
    length = response.headers.get("Content-Length") or ""
    return int(length) if length.isdigit() else None


def _receive(response: Any, url: str, path: str, start: int, total: Optional[int]) -> str:
    """Append a response's body to a file and return its path; raise Unfetched if it breaks off."""
    if total is not None:
        files.need_room(os.path.dirname(path), total - start)
    size, broken, slow = start, "", False
    with open(files.create(path) if not start else path, "ab" if start else "wb") as out:
        while True:
            try:
                piece = response.piece()
            except (OSError, http.client.HTTPException) as error:
                piece, broken, slow = b"", f" ({error})", isinstance(error, _Dripping)
            if not piece:
                break
            go_on()
            files.need_room(os.path.dirname(path), len(piece))
            out.write(piece)
            size += len(piece)
    if broken or (total is not None and size != total):
        # One that drips would drip again, and each attempt brings bytes.
        raise _cut(url, size, total, broken, not slow)
    return path


def _cut(url: str, size: int, total: Optional[int], reason: str, passing: bool) -> Unfetched:
    whole = f" of {show_size(total)}" if total is not None else ""
    result = Unfetched(
        f"{shown(url)} was cut off after {show_size(size)}{whole}{reason}",
        option="url",
        hint="what arrived is kept; the next run continues from there",
    )
    result.passing = passing
    return result
