"""How the server speaks ASGI with an application, and HTTP with its client."""

import logging
import socket
from email.utils import parsedate_to_datetime

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.web.server.connection_tracker import Limits
from tests.e2e.process import until
from tests.web.served import Served, answer, request, rest, served

LIMITS = Limits(request=60, idle=60, response=60)
START = {"type": "http.response.start", "status": 200, "headers": []}


def body(text: bytes, *, more: bool = False) -> dict[str, object]:
    """Make the message with a part of a body."""
    return {"type": "http.response.body", "body": text, "more_body": more}


async def hello(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer in two parts, without their length."""
    await send(START)
    await send(body(b"hel", more=True))
    await send(body(b"lo"))


async def says_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Return without an answer."""


async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail before the answer."""
    raise ValueError("what failed")


async def fails_after_the_start(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Fail when the answer was begun."""
    await send(START)
    await send(body(b"first", more=True))
    raise ValueError("what failed")


async def reads_the_body(_scope: Scope, receive: Receive, _send: Send) -> None:
    """Ask for the body of the request."""
    await receive()


async def sends_what_is_no_header(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Send a header that would end in another one."""
    await send({**START, "headers": [(b"x", b"a\r\nSet-Cookie: b")]})
    await send(body(b"hello"))


def asked(app: ASGIApp, sent: bytes) -> bytes:
    """Send bytes to a server with this application, and read until it closes."""
    with served(LIMITS, app=app) as server:
        client = server.client()
        client.sendall(sent)
        return rest(client)


def test_the_scope() -> None:
    """The application is told what ASGI demands of the request and of the connection."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await hello(scope, receive, send)

    with served(LIMITS, app=app) as server:
        client = server.client()
        client.sendall(request("/a%20b?c=%20d", "X-Name: Value", "Connection: close", method="POST"))
        rest(client)
        assert scopes == [
            {
                "type": "http",
                "asgi": {"version": "3.0", "spec_version": "2.4"},
                "http_version": "1.1",
                "scheme": "http",
                "method": "POST",
                "root_path": "",
                "path": "/a b",
                "raw_path": b"/a%20b",
                "query_string": b"c=%20d",
                "headers": [(b"host", b"localhost"), (b"x-name", b"Value"), (b"connection", b"close")],
                "client": client.getsockname(),
                "server": ("127.0.0.1", server.port),
                "state": {},
            }
        ]


def test_an_answer_of_unknown_length() -> None:
    """An answer without its length is sent in chunks, and with the date; nothing names the server."""
    head, _, chunks = asked(hello, request("/", "Connection: close")).partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
    assert status == b"HTTP/1.1 200 OK"
    assert chunks == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    assert parsedate_to_datetime(headers.pop(b"date").decode()).tzinfo
    assert headers == {b"transfer-encoding": b"chunked", b"connection": b"close"}


def test_an_answer_of_unknown_length_for_http_1_0() -> None:
    """For HTTP/1.0, which knows no chunks, such an answer ends with the connection."""
    assert asked(hello, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nhello")


def test_a_client_that_waits_before_it_sends_a_body() -> None:
    """A client that asks before it sends a body has its answer without sending it."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/", "Expect: 100-continue", "Content-Length: 5"))
        assert answer(client) == b"hello "
        client.sendall(b"12345" + request("/?2"))
        assert answer(client) == b"hello 2"


@pytest.mark.parametrize("app", [says_nothing, fails, reads_the_body, sends_what_is_no_header])
def test_a_failure_before_the_answer(app: ASGIApp, caplog: pytest.LogCaptureFixture) -> None:
    """An application that fails, or breaks the rules, gives 500, closed, and one line of the log."""
    said = asked(app, request("/"))
    assert b"Set-Cookie" not in said
    assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert said.endswith(b"\r\n\r\nInternal Server Error")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_failure_before_the_answer_to_head() -> None:
    """Also such an answer has no body for HEAD."""
    assert asked(fails, request("/", method="HEAD")).endswith(b"\r\n\r\n")


def test_a_failure_after_the_start(caplog: pytest.LogCaptureFixture) -> None:
    """An answer that was begun is cut short: the chunk that ends it never comes."""
    assert asked(fails_after_the_start, request("/")).endswith(b"\r\n\r\n5\r\nfirst\r\n")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_answer_for_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """An application that sends to a client that has left is told with an OSError, and that is no failure."""
    told: list[OSError] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        try:
            while True:
                await send(body(bytes(1 << 16), more=True))
        except OSError as error:
            told.append(error)
            raise

    with served(LIMITS, app=app) as server:
        client = server.client(buffer=4096)
        client.sendall(request("/"))
        client.close()
        server.has_no_connections()
        until(lambda: told)
    assert caplog.records == []


def test_the_last_part_of_an_answer_does_not_wait() -> None:
    """The system sends each part at once, rather than wait until the client has acknowledged the others."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/"))
        assert answer(client) == b"hello "
        assert _socket_of(server).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def _socket_of(server: Served) -> socket.socket:
    [connection] = server.server.opened.connections
    its_socket: socket.socket = connection._transport.get_extra_info("socket")
    return its_socket
