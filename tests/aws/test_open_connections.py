"""Requests over open connections: what is sent and read is what botocore sends and reads."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import botocore.session
import pytest
import trustme
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ConnectionClosedError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.deadlines import Deadlines
from exporter.aws.open_connections import CHUNK, OpenConnections, Response, _exchange

TARGET = "/backup-jobs/?maxResults=1000"
HEADERS: Any = {"x-amz-date": "20260101T000000Z", "user-agent": "exporter", "authorization": "AWS4 a, b=c"}
PATIENCE = 20.0  # seconds until a test gives up


def plain(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """Give a response as AWS sends it."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, length, b"", body])


JSON = plain(b'{"BackupJobs": []}', b"Content-Type: application/json", b"Date: now")
RESPONSES: Mapping[str, list[bytes]] = {
    "plain": [JSON],
    "in single bytes": [JSON[at : at + 1] for at in range(len(JSON))],
    "a head in two parts": [JSON[:20], JSON[20:]],
    "no body": [plain(b"")],
    "a large body": [plain(b"x" * (3 * CHUNK + 7))],
    "an error": [plain(b"{}", b"x-amzn-ErrorType: AccessDenied", status=b"403 Forbidden")],
    "no reason": [b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}"],
    "a space after a value": [plain(b"{}", b"Date: now \t")],
    "chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"0\r\n\r\n"],
    "chunks and a length": [plain(b"2\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")],
    "broken chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}"],
    "no length": [b"HTTP/1.1 200 OK\r\nDate: now\r\n\r\n", b"{}"],
    "a length that is no number": [b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}"],
    "two lengths": [plain(b"{}", b"Content-Length: 1")],
    "an open connection": [plain(b"{}", b"Connection: keep-alive")],
    "the last response": [plain(b"{}", b"Connection: close")],
    "an old protocol": [b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    "continue": [b"HTTP/1.1 100 Continue\r\n\r\n", JSON],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "not modified": [plain(b"{}", status=b"304 Not Modified")],
    "a header twice": [plain(b"{}", b"Via: a", b"Via: b")],
    "a header in two lines": [plain(b"{}", b"Via: a,", b" b")],
    "a line break within a header": [plain(b"{}", b"Via: a\nContent-Length: 1")],
    "letters beyond ASCII": [plain(b"{}", "Via: \u00fc".encode("latin-1"))],
    "no header at all": [b"HTTP/1.1 200 OK\r\n\r\n"],
    "an endless header": [b"HTTP/1.1 200 OK\r\nVia: " + b"a" * 200_000 + b"\r\n\r\n"],
    "a truncated body": [JSON[:-5]],
    "nothing": [],
    "no HTTP": [b"SSH-2.0-OpenSSH_9.2\r\n"],
}
OTHERS = (
    *("chunks", "chunks and a length", "broken chunks", "no length", "a length that is no number"),
    *("two lengths", "an old protocol", "continue", "no content", "not modified", "no header at all"),
    *("a header in two lines", "a line break within a header", "letters beyond ASCII", "an endless header"),
)
"""Responses of other forms than those of AWS."""


class Host:
    """A host at the other end: it answers the first request of a connection plainly, each other one as told.

    Attributes:
        parts: the answer to each request but the first.
        requests: what was received, for each connection.
        ends: whether the host closes the connection after that.
        silent: whether the host is silent after that.
        ended: set when the host has closed a connection.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.parts: list[bytes] = [JSON]
        self.requests: list[list[bytes]] = []
        self.silent = False
        self.ends = True
        self._context = context
        self.ended = Event()
        self._down = Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept)
        self._thread.start()

    def stop(self) -> None:
        """End all connections."""
        self._down.set()
        for opened in (self._listener, *self._open):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        threads = []
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.append(connection)
                threads.append(Thread(target=self._serve, args=(connection,)))
                threads[-1].start()
        for thread in threads:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        requests: list[bytes] = []
        self.requests.append(requests)
        with suppress(OSError):
            wrapped = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with wrapped:
                wrapped.settimeout(PATIENCE)
                while request := wrapped.recv(CHUNK):
                    requests.append(request)
                    for part in [JSON] if len(requests) == 1 else self.parts:
                        wrapped.sendall(part)
                    if self.silent:
                        self._down.wait(PATIENCE)
                    if self.ends and len(requests) > 1:
                        break
        self.ended.set()


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that listens."""
    host = Host()
    yield host
    host.stop()


class Client:
    """A client of a host, with one open connection."""

    def __init__(
        self, origin: str, *, deadlines: Deadlines | None = None, read_timeout: float = PATIENCE
    ) -> None:
        self._origin = origin
        client: Any = botocore.session.get_session().create_client(
            "backup",
            region_name="eu-west-1",
            endpoint_url=origin,
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(read_timeout=read_timeout),
        )
        self._session = client._endpoint.http_session
        deadlines = deadlines or Deadlines()
        deadlines.apply_to(client)
        self.by_botocore()
        self._connections = OpenConnections(self._session, origin, origin.partition("//")[2], deadlines)
        self.pool = self._session._manager.connection_from_url(origin)

    def get(self, **headers: str) -> Response | None:
        """Get a response over an open connection."""
        return self._connections.get(TARGET, HEADERS | headers)

    def by_botocore(self) -> Response:
        """Get a response as botocore does."""
        url: Any = self._origin + TARGET
        answer = self._session.send(AWSPreparedRequest("GET", url, HEADERS, None, False))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, answer.content)


@pytest.fixture
def client(host: Host) -> Client:
    """A client of the host."""
    return Client(f"http://127.0.0.1:{host.port}")


def result(get: Callable[[], Response | None]) -> Response | type[BotoCoreError] | None:
    """Give the response, or the class of the exception."""
    try:
        return get()
    except BotoCoreError as error:
        return type(error)


def test_the_request_is_that_of_botocore(host: Host, client: Client) -> None:
    """A request has the same lines as botocore's, and uses the connection that botocore opened."""
    client.get()

    [[theirs, ours]] = host.requests
    assert sorted(line.title() for line in ours.split(b"\r\n")) == sorted(
        line.title() for line in theirs.split(b"\r\n")
    )
    assert ours.startswith(b"GET /backup-jobs/?maxResults=1000 HTTP/1.1\r\n")


@pytest.mark.parametrize("response", RESPONSES)
def test_responses_are_read_as_botocore_does(host: Host, response: str) -> None:
    """Of any response status, headers and body are those that botocore reads, or it is left to botocore."""
    host.parts = RESPONSES[response]
    origin = f"http://127.0.0.1:{host.port}"
    ours, theirs = result(Client(origin).get), result(Client(origin).by_botocore)

    assert ours == (None if response in OTHERS else theirs)


@pytest.mark.parametrize("response", OTHERS)
def test_an_endpoint_that_responds_otherwise_is_left_to_botocore(
    host: Host, client: Client, response: str
) -> None:
    """After a response of another form botocore sends all requests."""
    host.parts = RESPONSES[response]
    assert client.get() is None
    assert client.by_botocore().status_code == 200  # over another connection, whose first response is plain
    assert client.get() is None

    assert [len(requests) for requests in host.requests] == [2, 1]


def test_a_head_that_is_cut_off_is_a_closed_connection(host: Host, client: Client) -> None:
    """A response that ends before its body is an error, not an empty body as for botocore."""
    host.parts = [JSON[:20]]
    with pytest.raises(ConnectionClosedError):
        client.get()


@pytest.mark.parametrize("response", ["plain", "an error", "a large body", "no body", "an open connection"])
def test_a_plain_response_leaves_the_connection_open(host: Host, client: Client, response: str) -> None:
    """After a plain response the connection is used again, by either."""
    host.parts, host.ends = RESPONSES[response], False
    for get in (client.get, client.get, client.by_botocore, client.get):
        assert get() is not None

    assert [len(requests) for requests in host.requests] == [5]


@pytest.mark.parametrize("response", ["plain", "the last response", "a truncated body"])
def test_nothing_is_left_for_the_next_response(host: Host, client: Client, response: str) -> None:
    """What follows a response is not read as the next one, and nor is what follows the last one."""
    host.parts = [b"".join([*RESPONSES[response], b"HTTP/1.1 500 Not for you\r\nContent-Length: 0\r\n\r\n"])]
    client.get()

    assert client.get() is None
    assert client.by_botocore().status_code == 200
    assert len(host.requests) == 2


def test_a_last_response_ends_the_connection(host: Host, client: Client) -> None:
    """A connection is not used again if the response announces that it will be closed."""
    host.parts, host.ends = RESPONSES["the last response"], False

    assert client.get() == Response(200, {"connection": "close", "content-length": "2"}, b"{}")
    assert client.get() is None
    assert client.by_botocore().status_code == 200


def test_a_connection_that_was_closed_meanwhile_is_not_used(host: Host, client: Client) -> None:
    """A connection that the host has closed is left to botocore, which opens another."""
    client.get()
    assert host.ended.wait(PATIENCE)

    assert client.get() is None
    assert client.by_botocore().status_code == 200


def test_without_an_open_connection_nothing_is_sent(client: Client) -> None:
    """While the only connection is in use, the next request needs another."""
    in_use = client.pool._get_conn()

    assert client.get() is None
    client.pool._put_conn(in_use)
    assert client.get() is not None


def test_silence_is_a_time_out(host: Host) -> None:
    """A host that does not answer within the read timeout is an error, and the connection ends."""
    client = Client(f"http://127.0.0.1:{host.port}", read_timeout=0.5)
    host.parts, host.silent = [], True
    with pytest.raises(ReadTimeoutError):
        client.get()
    assert client.get() is None


def test_the_deadline_ends_the_connection(host: Host) -> None:
    """A call that is past its deadline ends, although it waits for the rest of a response."""
    deadlines = Deadlines()
    client = Client(f"http://127.0.0.1:{host.port}", deadlines=deadlines, read_timeout=5.0)
    host.parts, host.silent = [JSON[:20]], True
    with deadlines.within(0.1) as call, pytest.raises(ConnectionClosedError):
        client.get()
    assert call.expired
    assert client.get() is None


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\n", "\u00fc", "a\0"])
def test_a_value_that_cannot_be_sent_is_left_to_botocore(host: Host, client: Client, value: str) -> None:
    """A line break in a token is not sent as a line: botocore reports it."""
    assert client.get(token=value) is None
    assert len(host.requests[0]) == 1


class OtherSession:
    """An HTTP session whose connection pools offer no way to take a connection out of them."""

    def __init__(self) -> None:
        self._manager = self

    def connection_from_url(self, _: str) -> object:
        """Give a pool."""
        return object()


def test_another_version_of_urllib3_leaves_everything_to_botocore() -> None:
    """Where connections cannot be taken out of a pool, botocore sends all requests."""
    connections = OpenConnections(OtherSession(), "http://localhost", "localhost", Deadlines())
    assert connections.get(TARGET, HEADERS) is None


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS requests share the connection as well, and the response is the same."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    host = Host(context)
    try:
        host.parts = RESPONSES["a large body"]
        response = Client(f"https://127.0.0.1:{host.port}").get()
    finally:
        host.stop()

    assert response
    assert response.content == b"x" * (3 * CHUNK + 7)
    assert [len(requests) for requests in host.requests] == [2]


class Sent:
    """A socket from which some bytes come, in pieces of any length."""

    def __init__(self, sent: bytes, lengths: Iterator[int]) -> None:
        self._sent, self._lengths = sent, lengths

    def sendall(self, request: bytes) -> None:
        """Send nothing."""

    def recv(self, most: int) -> bytes:
        """Give the next piece."""
        length = min(most, next(self._lengths, most))
        piece, self._sent = self._sent[:length], self._sent[length:]
        return piece


@given(body=st.binary(max_size=200), after=st.binary(max_size=9), lengths=st.lists(st.integers(1, 50)))
def test_pieces_of_any_length(body: bytes, after: bytes, lengths: list[int]) -> None:
    """However a response arrives, its body is all of the body, and what follows ends the connection."""
    sock: Any = Sent(plain(body, b"Date: now") + after, iter(lengths))
    response, is_reusable = _exchange(sock, b"")

    assert response == Response(200, {"date": "now", "content-length": str(len(body))}, body)
    assert not (is_reusable and after and not sock.recv(1))
