"""Streams with TLS: data both ways, half closes, and one clear error for what does not fit."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    EngineMissing,
    InvalidOption,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.address import (
    Address,
    Tls,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import Client
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.tcp import tcp_dial

from tests.lab.certificates import Authority, TlsPort, server_context
from tests.lab.fake_engine import FakeEngine


class Yard:
    """Authorities, the certificates of a server and of a client, and an engine behind ports."""

    def __init__(self, folder: Path) -> None:
        self.ours = Authority(folder)
        self.other = Authority(folder, "other")
        self.server = self.ours.sign("server", "localhost", "127.0.0.1")
        self.client = self.ours.sign("client")
        self.stranger = self.other.sign("stranger")
        self.old = self.ours.sign("old", "localhost", ended_days_ago=2)
        self.misnamed = self.ours.sign("misnamed", "elsewhere.example")

    def tls(self, ca: Path | None = None, client: Any = None, name: str = "localhost") -> Tls:
        cert, key = client or self.client
        return Tls(str(ca or self.ours.ca), str(cert), str(key), name)

    def context(self, server: Any = None, newest: Any = None) -> ssl.SSLContext:
        made = server_context(*(server or self.server), self.ours.ca)
        if newest:
            made.maximum_version = newest
        return made


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    return Yard(tmp_path_factory.mktemp("yard"))


@pytest.fixture(scope="module")
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"])
        yield fake


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_works_over_tls_and_keeps_its_connection(
    yard: Yard, engine: FakeEngine, newest: ssl.TLSVersion
) -> None:
    with TlsPort(engine.socket_path, yard.context(newest=newest)) as port:
        address = Address("tcp://", "", "localhost", port.port, tls=yard.tls())
        dialled = []

        def dial() -> socket.socket:
            dialled.append(tcp_dial(address, 5)())
            return dialled[-1]

        with Client(dial, 5) as client:
            assert [client.get("/version")["ApiVersion"] for _turn in range(5)]
            made = client.post("/containers/create", {"name": "tls"}, {"Image": "app:1"})
            assert client.get(f"/containers/{made['Id']}/json")["Name"] == "/tls"
            client.delete("/containers/tls")
        assert len(dialled) == 1


def refusal(yard: Yard, context: ssl.SSLContext, tls: Tls) -> str:
    with FakeEngine() as fake, TlsPort(fake.socket_path, context) as port:
        address = Address("tcp://", "", "localhost", port.port, tls=tls)
        with pytest.raises(EngineMissing) as caught:
            tcp_dial(address, 5)()
        text = str(caught.value)
        assert text.startswith(f"tcp://localhost:{port.port}: ")
        return text


def test_each_wrong_certificate_is_one_clear_error(yard: Yard) -> None:
    assert "has expired" in refusal(yard, yard.context(yard.old), yard.tls())
    text = refusal(yard, yard.context(yard.misnamed), yard.tls())
    assert "not for localhost" in text
    assert "engine_tls_hostname" in text
    text = refusal(yard, yard.context(), yard.tls(ca=yard.other.ca))
    assert "not trusted" in text
    assert "engine_ca" in text
    assert "not trusted" in refusal(yard, yard.context(), Tls(name="localhost"))


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_missing_or_strange_is_asked_for(
    yard: Yard, newest: ssl.TLSVersion
) -> None:
    for tls in (Tls(str(yard.ours.ca), name="localhost"), yard.tls(client=yard.stranger)):
        assert "engine_cert" in refusal(yard, yard.context(newest=newest), tls)


def test_tls_before_1_2_is_refused(yard: Yard) -> None:
    context = yard.context()
    context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL itself would refuse to serve it
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert "TLS 1.2" in refusal(yard, context, yard.tls())


def test_another_name_is_checked_where_one_is_given(yard: Yard, engine: FakeEngine) -> None:
    with TlsPort(engine.socket_path, yard.context(yard.misnamed)) as port:
        tls = yard.tls(name="elsewhere.example")
        tcp_dial(Address("tcp://", "", "localhost", port.port, tls=tls), 5)().close()


def test_a_handshake_that_drips_is_given_up(yard: Yard) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            conn, _peer = listener.accept()
            with conn, contextlib.suppress(OSError):
                conn.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
                while not over.wait(0.05):
                    conn.sendall(b"\x03")

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        address = Address("tcp://", "", "localhost", listener.getsockname()[1], tls=yard.tls())
        begun = time.monotonic()
        with pytest.raises(EngineMissing, match="TLS failed"):
            tcp_dial(address, 0.5)()
        assert time.monotonic() - begun < 5
        over.set()
        thread.join()


def test_a_port_without_tls_and_one_without_listener(yard: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            stream, _peer = listener.accept()
            stream.recv(4096)  # what is left unread would make of the end a reset
            stream.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            stream.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EngineMissing, match="engine_tls: false"):
            tcp_dial(Address("tcp://", "", "localhost", port, tls=yard.tls()), 5)()
        thread.join()
    with pytest.raises(EngineMissing, match="cannot connect"):
        tcp_dial(Address("tcp://", "", "localhost", port), 5)()


@pytest.mark.parametrize("option", ["engine_ca", "engine_cert", "engine_key"])
def test_a_file_that_is_missing_or_no_pem_names_its_option(
    yard: Yard, tmp_path: Path, option: str
) -> None:
    field = option.partition("_")[2]
    (tmp_path / "x").write_text("no PEM")
    for path, words in ((tmp_path / "none", "no file"), (tmp_path / "x", "x")):
        tls = yard.tls()._replace(**{field: str(path)})
        with pytest.raises(InvalidOption) as caught:
            tcp_dial(Address("tcp://", "", "localhost", 1, tls=tls), 5)
        assert words in str(caught.value)
        assert str(path) in str(caught.value)


def test_data_goes_both_ways_at_once_and_a_half_close_is_passed_on(yard: Yard) -> None:
    """An echo that answers while it is sent to, more than any buffer holds, then a last word."""
    body = os.urandom(3_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=echo, args=(listener, yard.context()))
        thread.start()
        address = Address("tcp://", "", "localhost", listener.getsockname()[1], tls=yard.tls())
        with tcp_dial(address, 20)() as stream:
            sender = threading.Thread(target=send, args=(stream, body))
            sender.start()
            seen = b"".join(iter(lambda: stream.recv(65536), b""))
            sender.join()
        thread.join()
    assert seen == body + b"last word"


def send(stream: socket.socket, body: bytes) -> None:
    stream.sendall(body)
    stream.shutdown(socket.SHUT_WR)


def echo(listener: socket.socket, context: ssl.SSLContext) -> None:
    plain, _peer = listener.accept()
    with context.wrap_socket(plain, server_side=True) as stream:
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += stream.recv(1)
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for data in iter(lambda: stream.recv(4096), b""):
            stream.sendall(data)
        stream.sendall(b"last word")
        stream.unwrap()  # says that nothing more comes, as an engine does
