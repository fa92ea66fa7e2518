"""A publisher of images on loopback: HTTP or HTTPS, ranges, and the faults of real ones."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Origin:
    """Files by path, at `url`; `asked` holds (path, Range) of every request.

    `ranges`: whether parts are served. `cut`: a response ends after so many bytes, though more
    were announced. `answers`: status codes given before anything else, one a request. `sent`: how
    many bytes of bodies went out. `drips`: "head" or "body" comes byte by byte, without end.
    `sends_on`: paths that are elsewhere, with the address.
    """

    folder: Path
    tls: bool = False
    files: Dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cut: Optional[int] = None
    answers: List[int] = field(default_factory=list)
    asked: List[Tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    drips: str = ""
    sends_on: Dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Origin:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if self.tls:
            self.ca = self.folder / "ca.pem"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(_certificates(self.folder, self.ca))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_exc: Any) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ranges_of(self, path: str) -> List[str]:
        """Return the Range headers of the requests for a path."""
        return [asked for one, asked in self.asked if one == path]

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, wanted = request.path.partition("?")[0], request.headers.get("Range", "")
        self.asked.append((path, wanted))
        if path in self.sends_on:
            request.send_response(302)
            request.send_header("Location", self.sends_on[path])
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if self.drips == "head":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            self._drip(request)
            return
        body = self.files.get(path)
        status = self.answers.pop(0) if self.answers else 200
        if body is None or status != 200:
            request.send_error(status if status != 200 else 404)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start >= len(body) > 0 and wanted and self.ranges:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(body)}")
            request.send_header("ETag", _etag(body))
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("ETag", _etag(body))
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        if self.drips == "body":
            self._drip(request)
            return
        end = len(body) if self.cut is None else min(len(body), start + self.cut)
        try:
            request.wfile.write(body[start:end])
            self.sent += end - start
        except OSError:
            pass  # who only looked whether it is there hangs up
        request.close_connection = True

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        """Send a byte now and then, until nothing listens."""
        with contextlib.suppress(OSError):
            while not self._ended.wait(0.02):
                request.wfile.write(b"x")


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _certificates(folder: Path, authority: Path) -> str:
    """Make an authority and a server's certificate for 127.0.0.1; return the server's file."""
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, n)]) for n in ("ca", "origin")]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _name in names]

    def make(which: int) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[which])
            .issuer_name(names[0])
            .public_key(keys[which].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not which, path_length=None), critical=True)
        )
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        if which:
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(keys[0], hashes.SHA256())

    pem = serialization.Encoding.PEM
    authority.write_bytes(make(0).public_bytes(pem))
    private = keys[1].private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server = folder / "server.pem"
    server.write_bytes(private + make(1).public_bytes(pem))
    return str(server)
