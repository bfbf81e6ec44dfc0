"""Clients that take their time: each is closed, and holds up no other."""

import gc
import socket
import struct
import weakref
from dataclasses import replace

import pytest

from exporter.web.server.connection_tracker import Limits
from tests.e2e.process import until
from tests.web.served import LARGE, PART, answer, request, rest, served

SHORT = 0.3
BREAK_OFF = struct.pack("ii", 1, 0)  # a reset, not an end
PATIENT = Limits(request=60, idle=60, response=60)
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"G",
        b"GET /",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r",
    ],
)
def test_a_request_that_does_not_come_to_its_end(begin: bytes) -> None:
    """Who does not send a whole request in time is closed, without an answer."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(begin)
        assert rest(client) == b""
        assert server.answers()


def test_a_request_byte_by_byte() -> None:
    """Bytes that keep coming prolong nothing: a request has its time as a whole."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        assert until(lambda: _refused(client, b"x"))
        assert server.answers()


def test_the_next_request_has_its_time_too() -> None:
    """On a connection that is kept, the next request has to come to its end in time, once it has begun."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(request("/?1"))
        assert answer(client) == b"hello 1"
        client.sendall(b"GET /")
        assert rest(client) == b""


def test_a_half_request_behind_a_whole_one() -> None:
    """A request that begins together with the one before it has to come to its end in time."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(request("/?1") + b"GET /")
        assert answer(client) == b"hello 1"
        assert rest(client) == b""


def test_an_idle_connection_is_closed() -> None:
    """A connection without a new request is closed after its time."""
    with served(replace(PATIENT, idle=SHORT)) as server:
        client = server.client()
        client.sendall(request("/?1"))
        assert answer(client) == b"hello 1"
        assert rest(client) == b""


def test_an_idle_connection_is_kept() -> None:
    """A connection with an answer is kept for longer than a request may take."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client, silent = server.client(), server.client()
        client.sendall(request("/?1"))
        assert answer(client) == b"hello 1"
        assert rest(silent) == b""  # by now a request would have had its time
        client.sendall(request("/?2"))
        assert answer(client) == b"hello 2"


def test_a_body_that_does_not_come_to_its_end() -> None:
    """Who announces a body and does not send it has its answer, and is closed."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(POST)
        assert b"405" in rest(client).partition(b"\r\n")[0]


def test_a_body_byte_by_byte() -> None:
    """A body that keeps coming has no more time."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(POST)
        assert until(lambda: _refused(client, b"x"))


def test_a_body_before_an_answer() -> None:
    """Who is slow to send a body is closed, also while the answer is being made."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client = server.client()
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
        until(lambda: server.app.waiting)
        assert rest(client) == b""
        server.let_go_on()


def test_an_answer_that_takes_long_to_make() -> None:
    """Time that the server takes for an answer is not counted against the client."""
    with served(replace(PATIENT, request=SHORT)) as server:
        client, silent = server.client(), server.client()
        client.sendall(request("/wait"))
        until(lambda: server.app.waiting)
        assert rest(silent) == b""  # by now a request would have had its time
        server.let_go_on()
        assert answer(client) == b"at last"


def test_an_answer_that_is_not_taken() -> None:
    """Who does not take an answer is closed, and the rest of it is never made."""
    with served(replace(PATIENT, response=SHORT)) as server:
        client = server.client(buffer=4096)
        client.sendall(request("/large"))
        until(lambda: server.app.parts)
        server.has_no_connections()
        assert server.app.parts < LARGE
        assert len(rest(client)) < LARGE * len(PART)


def test_an_answer_that_is_not_taken_on_a_connection_to_close() -> None:
    """A connection that is to be closed after its answer does not wait for ever for it to be taken."""
    with served(replace(PATIENT, response=SHORT)) as server:
        client = server.client(buffer=4096)
        client.sendall(request("/large", "Connection: close"))
        until(lambda: server.app.parts)
        server.has_no_connections()


def test_answers_that_are_not_taken_are_not_made() -> None:
    """Of the many answers that a client asks for at once and does not take, only the first is begun."""
    with served(PATIENT) as server:
        client = server.client(buffer=4096)
        client.sendall(request("/large") * 50)
        until(lambda: server.app.parts)
        assert server.answers()
        assert server.app.large == 1
        assert server.app.parts < LARGE


def test_a_client_that_leaves_in_the_middle(caplog: pytest.LogCaptureFixture) -> None:
    """Who leaves in the middle of an answer is forgotten, and the log does not fill."""
    with served(PATIENT) as server:
        client = server.client(buffer=4096)
        client.sendall(request("/large"))
        until(lambda: server.app.parts)
        client.close()
        server.has_no_connections()
        assert server.app.parts < LARGE
    assert caplog.records == []


def test_a_client_that_breaks_off() -> None:
    """Of a kept connection that its client breaks off nothing remains."""
    with served(PATIENT) as server:
        client = server.client()
        client.sendall(request("/?1"))
        assert answer(client) == b"hello 1"
        [connection] = map(weakref.ref, server.server.opened.connections)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, BREAK_OFF)
        client.close()
        server.has_no_connections()
        until(lambda: gc.collect() >= 0 and connection() is None)


def _refused(client: socket.socket, what: bytes) -> bool:
    try:
        client.sendall(what)
    except OSError:
        return True
    return False
