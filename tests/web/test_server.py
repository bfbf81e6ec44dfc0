"""What the server does with requests, good and bad, and how it stops."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from exporter.web.server.connection_tracker import Limits
from tests.e2e.process import PATIENCE, until
from tests.web.served import PART, SECRET, Served, answer, get, request, rest, served

NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LIMITS = Limits(request=60, idle=60, response=60)


@pytest.fixture(scope="module")
def steady() -> Iterator[Served]:
    """A server for all tests that leave it as it was."""
    with served(LIMITS) as server:
        yield server


def test_requests_in_a_row(steady: Served) -> None:
    """Requests that come all at once are answered one after the other, each with its own answer."""
    client = steady.client()
    client.sendall(b"".join(request(f"/?{number}") for number in range(100)))
    assert [answer(client) for _ in range(100)] == [b"hello %d" % number for number in range(100)]


def test_head_leaves_no_body_behind(steady: Served) -> None:
    """After HEAD the next answer begins where it should."""
    client = HTTPConnection("127.0.0.1", steady.port, timeout=PATIENCE)
    client.request("HEAD", "/large")
    response = client.getresponse()
    assert (response.status, response.read()) == (200, b"")
    client.request("GET", "/?next")
    assert client.getresponse().read() == b"hello next"
    client.close()


def test_a_small_body_is_thrown_away(steady: Served) -> None:
    """A request with a small body is answered, and the connection kept for the next."""
    client = steady.client()
    client.sendall(request("/?1", "Content-Length: 70000") + bytes(70000) + request("/?2"))
    assert [answer(client), answer(client)] == [b"hello 1", b"hello 2"]


def test_too_many_requests_in_a_row(caplog: pytest.LogCaptureFixture) -> None:
    """A client that sends more requests than fit in memory for one, before it has an answer, is closed."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/wait") + request("/") * Limits.headers)
        assert rest(client) == b""
        server.let_go_on()
        assert server.answers()
    assert caplog.records == []


def test_a_large_body_is_not_taken() -> None:
    """A client that sends more of a body than any may is closed."""
    with served(replace(LIMITS, body=100_000)) as server:
        client = server.client()
        client.sendall(request("/", "Content-Length: 100000000000"))
        assert answer(client) == b"hello "
        until(lambda: _fails(client, PART))
        server.has_no_connections()


def test_a_client_that_ends_its_side() -> None:
    """A client that ends its side after the request has its answer all the same, and is closed."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/wait"))
        until(lambda: server.app.waiting)
        client.shutdown(socket.SHUT_WR)
        server.has_seen_the_end()
        server.let_go_on()
        said = rest(client)
        assert said.startswith(b"HTTP/1.1 200 OK\r\n")
        assert said.endswith(b"at last")


def test_a_client_that_ends_its_side_after_several() -> None:
    """A client that ends its side after several requests has all answers, and is closed."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/wait") + request("/?1") + request("/?2") + b"GET /")
        until(lambda: server.app.waiting)
        client.shutdown(socket.SHUT_WR)
        server.let_go_on()
        answers = rest(client)
        assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
        assert answers.endswith(b"hello 2")


def test_more_after_the_last_request(steady: Served) -> None:
    """What a client sends after a request that it said was its last is never read, and harms no answer."""
    client = steady.client()
    client.sendall(request("/?1", "Connection: close") + request("/?2"))
    said = rest(client)
    assert said.count(b"HTTP/1.1") == 1
    assert said.endswith(b"hello 1")


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nHost"])
def test_a_client_that_ends_its_side_without_a_request(begin: bytes) -> None:
    """A client that ends its side without a request is closed."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(begin)
        client.shutdown(socket.SHUT_WR)
        assert rest(client) == b""
        server.has_no_connections()


@pytest.mark.parametrize(
    "bad",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / SIP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : space\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: strange\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + NEXT,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
        + NEXT,
        b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        + NEXT,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + NEXT,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + NEXT,
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + NEXT,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0,1\r\n\r\n" + NEXT,
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT,
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n" + NEXT,
        b"GET / HTTP/1.2\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n",
        b"GET metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + NEXT,
        b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://a/ HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (2 * Limits.headers) + b"\r\n\r\n",
        b"GET /" + b"x" * (2 * Limits.headers) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * (Limits.headers // 2) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (2 * Limits.headers),
    ],
    ids=lambda bad: repr(bad[:60]),
)
def test_what_is_no_request(steady: Served, bad: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is no request, or too large a one, is answered with 400 and closed; the log does not fill."""
    client = steady.client()
    client.sendall(bad)
    said = rest(client)
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert said.count(b"HTTP/1.1") == 1  # what comes after is never answered
    assert steady.answers()
    assert caplog.records == []


@pytest.mark.parametrize(
    "target",
    [
        "http://exporter.example.com:10058/?1",
        "HTTP://exporter.example.com?1",
        "https://[::1]:10058/?1",
    ],
)
def test_an_absolute_target(steady: Served, target: str) -> None:
    """A request whose target is a whole URL is answered by its path, and the connection kept."""
    client = steady.client()
    client.sendall(request(target) + request("/?2"))
    assert [answer(client), answer(client)] == [b"hello 1", b"hello 2"]


@pytest.mark.parametrize(
    "plain",
    [
        b"GET /?1 HTTP/1.1\nHost: a\n\n",
        b"GET /?1 HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET /?1 HTTP/1.1\r\nHost: [::1]:10058\r\n\r\n",
        b"GET /?1 HTTP/1.1\r\nHost: [fe80::1%25eth0]:10058\r\n\r\n",
        b"GET /?1 HTTP/1.1\r\nHost: a\r\nX: folded\r\n so\r\n\r\n",
        b"GET /?1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n",
        b"GET /?1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        b"GET /?1 HTTP/1.0\r\n\r\n",
    ],
)
def test_unusual_requests(steady: Served, plain: bytes) -> None:
    """What RFC 9112 lets a server accept, and means but one thing, is answered."""
    client = steady.client()
    client.sendall(plain)
    assert answer(client) == b"hello 1"


@pytest.mark.parametrize("path", ["/", "/wait"])
def test_a_body_that_is_none(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A body that breaks the rules closes the connection, whether or not the answer is made."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request(path, "Transfer-Encoding: chunked"))
        if path == "/":
            assert answer(client) == b"hello "
        else:
            until(lambda: server.app.waiting)
        client.sendall(b"no chunk\r\n\r\n")
        assert rest(client) == b""
        server.let_go_on()
        server.has_no_connections()
        assert server.answers()
    assert caplog.records == []


def test_a_failure_in_the_application(caplog: pytest.LogCaptureFixture) -> None:
    """A failure of ours is answered with 500 and no word of what broke; that is in the log, once."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/broken", "Connection: close"))
        said = rest(client)
        assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert said.endswith(b"\r\n\r\nInternal Server Error")
        assert server.answers()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert SECRET in caplog.text


def test_a_failure_in_the_middle_of_an_answer() -> None:
    """An answer that breaks off is cut short, so that nobody takes it for whole; it has no word of why."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/half-broken"))
        said = rest(client)
        assert said.partition(b"\r\n\r\n")[2] in (b"", b"the first part")
        assert server.answers()


def test_it_stops_after_the_answers_under_way() -> None:
    """The order to stop lets an answer under way be made and taken."""
    with served(LIMITS) as server:
        client = server.client()
        client.sendall(request("/wait"))
        until(lambda: server.app.waiting)
        server.stop()
        until(lambda: _refuses(server))
        server.let_go_on()
        assert rest(client).endswith(b"at last")


@pytest.mark.slow
def test_it_stops_whatever_clients_do(caplog: pytest.LogCaptureFixture) -> None:
    """Clients that are idle, slow or take nothing do not keep the server from stopping, in silence."""
    with served(LIMITS) as server:
        idle, slow, deaf = server.client(), server.client(), server.client(buffer=4096)
        idle.sendall(request("/"))
        assert answer(idle) == b"hello "
        slow.sendall(b"GET /")
        deaf.sendall(request("/large"))
        until(lambda: server.app.parts)
        server.stop()
        assert [rest(idle), rest(slow)] == [b"", b""]
        server.thread.join(PATIENCE)
        assert not server.thread.is_alive()
    assert caplog.records == []


def _fails(client: socket.socket, what: bytes) -> bool:
    try:
        client.sendall(what)
    except OSError:
        return True
    return False


def _refuses(server: Served) -> bool:
    try:
        get(server.client())
    except OSError:
        return True
    return False
