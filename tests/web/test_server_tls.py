"""TLS at the watcher: the context of the moment, handshakes that do not come to their end, certificates."""

import asyncio
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.web.server.connection_tracker import Limits
from exporter.web.server.listener import _TlsProtocol
from tests.e2e.process import PATIENCE, until
from tests.web.certificates import authority
from tests.web.served import LARGE, PART, answer, get, request, rest, served

LIMITS = Limits(request=60, idle=60, response=60)
SHORT = 0.3


class WebConfigWatcher:
    """Lets in whom the test wants.

    Attributes:
        now: what the next connection is encrypted with.
        admitted: whether clients may stay.
        shown: the certificates that it was asked about.
    """

    def __init__(self, now: ssl.SSLContext) -> None:
        self.now: ssl.SSLContext | None = now
        self.admitted = True
        self.shown: list[Mapping[str, Any] | None] = []

    def context(self) -> ssl.SSLContext | None:
        """Give the context."""
        return self.now

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Say what the test wants."""
        self.shown.append(certificate)
        return self.admitted


@pytest.fixture
def watcher(tmp_path: Path) -> WebConfigWatcher:
    """A watcher with a certificate."""
    return WebConfigWatcher(context(tmp_path))


def context(folder: Path, name: str = "localhost") -> ssl.SSLContext:
    """Make a server's context with a new certificate."""
    authority().issue(name).write(folder)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.crt", folder / "server.key")
    return made


def client_context(*names: str) -> ssl.SSLContext:
    """Make a client's context, with a certificate for the names, if any."""
    return authority().client_context(*names)


def test_requests_over_tls(watcher: WebConfigWatcher) -> None:
    """Requests over TLS are answered, several on a connection, small and large."""
    with served(LIMITS, watcher) as server:
        client = server.tls_client(client_context())
        for _ in range(2):
            client.sendall(request("/?over tls".replace(" ", "-")))
            assert answer(client) == b"hello over-tls"
        assert get(client, "/large") == PART * LARGE


def test_a_renewed_certificate(watcher: WebConfigWatcher, tmp_path: Path) -> None:
    """A connection has the certificate of the moment, and keeps it."""
    with served(LIMITS, watcher) as server:
        before = server.tls_client(client_context())
        watcher.now = context(tmp_path)
        after = server.tls_client(client_context())
        assert before.getpeercert(binary_form=True) != after.getpeercert(binary_form=True)
        for client in (before, after):
            client.sendall(request("/?1"))
            assert answer(client) == b"hello 1"


def test_plain_http_where_tls_is_spoken(watcher: WebConfigWatcher) -> None:
    """Who speaks plain HTTP where TLS is spoken is told so."""
    with served(LIMITS, watcher) as server:
        client = server.client()
        client.sendall(request("/"))
        said = rest(client)
        assert said.startswith(b"HTTP/1.0 400 Bad Request\r\n")
        assert b"https://" in said


@pytest.mark.slow
@pytest.mark.parametrize("begin", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_handshake_that_does_not_come_to_its_end(watcher: WebConfigWatcher, begin: bytes) -> None:
    """A handshake has its time, from the connection on; then the connection is closed."""
    with served(replace(LIMITS, request=SHORT), watcher) as server:
        client = server.client()
        client.sendall(begin)
        assert rest(client) == b""
        assert get(server.tls_client(client_context())) == b"hello "


def test_a_handshake_gives_way(watcher: WebConfigWatcher) -> None:
    """When there may be no more connections, those that wait for a handshake give way as idle ones do."""
    with served(replace(LIMITS, connections=2), watcher) as server:
        first, second = server.client(), server.client()
        second.sendall(b"\x16")
        assert [get(server.tls_client(client_context())) for _ in range(2)] == [b"hello ", b"hello "]
        assert [rest(first), rest(second)] == [b"", b""]


@pytest.mark.slow
def test_a_request_after_the_handshake_that_does_not_come_to_its_end(watcher: WebConfigWatcher) -> None:
    """After the handshake a request has its time; then the connection is closed."""
    with served(replace(LIMITS, request=SHORT), watcher) as server:
        client = server.tls_client(client_context())
        client.sendall(b"GET /")
        assert rest(client) == b""


@pytest.mark.slow
def test_an_idle_connection(watcher: WebConfigWatcher) -> None:
    """A connection over TLS that was idle for its time is closed, though the client says no farewell."""
    with served(replace(LIMITS, idle=SHORT), watcher) as server:
        client = server.tls_client(client_context())
        client.sendall(request("/?1"))
        assert answer(client) == b"hello 1"
        server.has_no_connections()


@pytest.mark.slow
def test_an_answer_over_tls_that_is_not_taken(watcher: WebConfigWatcher) -> None:
    """Who does not take an answer over TLS is closed, and the rest of it is never made."""
    with served(replace(LIMITS, response=SHORT), watcher) as server:
        client = server.tls_client(client_context(), buffer=4096)
        client.sendall(request("/large"))
        until(lambda: server.app.parts)
        server.has_no_connections()
        assert server.app.parts < LARGE


def test_a_client_that_leaves_in_the_middle(
    watcher: WebConfigWatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """Who leaves in the middle of an answer over TLS is forgotten, and the rest of it is never made."""
    with served(LIMITS, watcher) as server:
        client = server.tls_client(client_context(), buffer=4096)
        client.sendall(request("/large"))
        until(lambda: server.app.parts)
        client.close()
        server.has_no_connections()
        assert server.app.parts < LARGE
    assert caplog.records == []


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\xff\xff" + bytes(70_000),
        b"\x16" * 10,
        b"\x00" * 100,
    ],
    ids=lambda bad: repr(bad[:10]),
)
def test_what_is_no_handshake(
    watcher: WebConfigWatcher, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no handshake ends the connection; the log does not fill."""
    with served(LIMITS, watcher) as server:
        client = server.client()
        with suppress(OSError):  # the server may have closed the connection by then
            client.sendall(bad)
            client.shutdown(socket.SHUT_WR)
        rest(client)
        assert get(server.tls_client(client_context())) == b"hello "
    assert caplog.records == []


def test_a_client_that_does_not_trust(watcher: WebConfigWatcher, caplog: pytest.LogCaptureFixture) -> None:
    """A client that breaks off the handshake leaves nothing behind, in the log neither."""
    with served(LIMITS, watcher) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            server.tls_client(ssl.create_default_context())
        server.has_no_connections()
    assert caplog.records == []


def test_a_client_with_a_certificate(watcher: WebConfigWatcher) -> None:
    """The watcher is asked about the certificate of each client, and whom it admits is answered."""
    assert watcher.now
    watcher.now.verify_mode = ssl.CERT_REQUIRED
    watcher.now.load_verify_locations(cadata=authority().certificate)
    with served(LIMITS, watcher) as server:
        assert get(server.tls_client(client_context("prometheus.example.com"))) == b"hello "
    [shown] = watcher.shown
    assert shown
    assert shown["subjectAltName"] == (("DNS", "prometheus.example.com"),)


def test_a_client_without_a_certificate(watcher: WebConfigWatcher) -> None:
    """Where a certificate is needed, a client without one gets no answer, and the watcher is not asked."""
    assert watcher.now
    watcher.now.verify_mode = ssl.CERT_REQUIRED
    with served(LIMITS, watcher) as server:
        client = server.tls_client(client_context())  # with TLS 1.3 it learns of the refusal afterwards
        _try_to_send(client, request("/"))
        assert rest(client) == b""
        server.has_no_connections()
    assert watcher.shown == []


def test_a_client_that_is_not_admitted(watcher: WebConfigWatcher, caplog: pytest.LogCaptureFixture) -> None:
    """A client that the watcher does not admit is closed without an answer; only the debug log tells."""
    watcher.admitted = False
    with caplog.at_level(logging.DEBUG, "exporter"), served(LIMITS, watcher) as server:
        client = server.tls_client(client_context())
        _try_to_send(client, request("/"))
        assert rest(client) == b""
        server.has_no_connections()
    assert "Client certificate rejected" in [record.message for record in caplog.records]
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


def test_a_door_that_fails(watcher: WebConfigWatcher, caplog: pytest.LogCaptureFixture) -> None:
    """A failure at the watcher closes the connection and is logged; the next is let in."""
    with served(LIMITS, watcher) as server:
        good, watcher.now = watcher.now, "no context"  # type: ignore[assignment] # on purpose
        client = server.client()
        client.sendall(b"\x16")
        assert rest(client) == b""
        watcher.now = good
        assert get(server.tls_client(client_context())) == b"hello "
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.slow
def test_it_stops_whatever_clients_do(watcher: WebConfigWatcher, caplog: pytest.LogCaptureFixture) -> None:
    """Clients that do not say farewell, or are in their handshake, do not keep the server from stopping."""
    with served(LIMITS, watcher) as server:
        kept, half = server.tls_client(client_context()), server.client()
        kept.sendall(request("/"))
        assert answer(kept) == b"hello "
        half.sendall(b"\x16")
        server.stop()
        server.thread.join(PATIENCE)
        assert not server.thread.is_alive()
    assert caplog.records == []


def test_what_we_rely_on_in_asyncio(watcher: WebConfigWatcher) -> None:
    """The TLS of this Python keeps no more memory for a connection than `listener.py` says."""
    assert watcher.now

    async def most_kept(tls: type[SSLProtocol], context: ssl.SSLContext) -> int:
        done = asyncio.get_running_loop().create_future()
        made = tls(asyncio.get_running_loop(), asyncio.Protocol(), context, done, server_side=True)
        made._app_transport.close()
        return len(made.get_buffer(-1))

    ours, theirs = (asyncio.run(most_kept(tls, watcher.now)) for tls in (_TlsProtocol, SSLProtocol))
    assert ours == _TlsProtocol.max_size < theirs


def _try_to_send(client: socket.socket, what: bytes) -> None:
    with suppress(OSError):
        client.sendall(what)
