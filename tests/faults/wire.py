"""A wire between the exporter and the simulated AWS, which breaks when told to."""

import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

JSON = "application/json"
DRIP = 0.05  # seconds between two bytes
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Exchange(BaseHTTPRequestHandler):
    """One request of the exporter, and how it is answered.

    Attributes:
        body: the body of the request.
    """

    protocol_version = "HTTP/1.1"  # connections stay open, as those of AWS do
    disable_nagle_algorithm = True  # else head and body of each response are 40 ms apart
    server: "_Server"

    def do_GET(self) -> None:
        """Answer a describe or a list call."""
        self._handle()

    def do_POST(self) -> None:
        """Answer any other call."""
        self._handle()

    def give(self, status: int, body: str | bytes, content_type: str = JSON, **headers: str) -> None:
        """Send a whole answer."""
        data = body.encode() if isinstance(body, str) else body
        self.send_response_only(status)  # without a Date: tests have a time of their own
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def give_half(self) -> None:
        """Send an answer that ends before it is all there."""
        self.send_response_only(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"BackupJobs": [{"BackupJobId": "a",')
        self.wfile.flush()
        self.close_connection = True

    def forward(self, change: Callable[[bytes], bytes] = bytes) -> None:
        """Let the simulated AWS answer; its answer may be changed on the way."""
        beyond = HTTPConnection(self.server.wire.beyond, timeout=10)
        try:
            beyond.request(self.command, self.path, self.body, dict(self.headers))
            answer = beyond.getresponse()
            error = answer.getheader("x-amzn-ErrorType")
            headers = {"Date": answer.getheader("Date", "")} | ({"x_amzn_ErrorType": error} if error else {})
            self.give(answer.status, change(answer.read()), answer.getheader("Content-Type", JSON), **headers)
        finally:
            beyond.close()

    def hold(self) -> None:
        """Answer nothing until the wire is taken down."""
        self.server.wire.down.wait()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""

    def _handle(self) -> None:
        wire = self.server.wire
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wire.requests.append((self.path, dict(self.headers)))
        wire.breakage(self)


Breakage = Callable[[Exchange], None]


class Wire:
    """Where the exporter is told to find AWS.

    Attributes:
        beyond: host and port of the simulated AWS.
        breakage: what happens to each request.
        requests: path and headers of each so far.
        down: set when the wire is taken down.
        drops: bytes that were sent one by one.
    """

    def __init__(self, beyond: str) -> None:
        self.beyond = beyond
        self.breakage: Breakage = Exchange.forward
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.down = Event()
        self.drops = 0
        self._server = _Server(self)
        self._server.server_bind()
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def plug_in(self) -> None:
        """Begin to listen; connections are refused until then."""
        self._server.server_activate()
        self._thread.start()

    def mend(self) -> None:
        """Let every request through again."""
        self.breakage = Exchange.forward

    def take_down(self) -> None:
        """Let go of everything."""
        self.down.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, wire: Wire) -> None:
        super().__init__(("127.0.0.1", 0), Exchange, bind_and_activate=False)
        self.wire = wire
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle the requests of a connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close without the polite end that a reset must not have."""
        self._open.discard(request)
        request.close()

    def close_connections(self) -> None:
        """End the connections that wait for another request."""
        for connection in [*self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The exporter may well have gone away."""


@contextmanager
def unplugged(endpoint_url: str) -> Iterator[Wire]:
    """Lay a wire to an AWS; it refuses connections until it is plugged in."""
    wire = Wire(urlsplit(endpoint_url).netloc)
    try:
        yield wire
    finally:
        wire.take_down()


# Ways to break.


def answers(status: int, body: str | bytes, content_type: str = JSON, **headers: str) -> Breakage:
    """Answer so, whatever is asked."""
    return lambda exchange: exchange.give(status, body, content_type, **headers)


def refuses(code: str, status: int = 400, message: str = "so it is") -> Breakage:
    """Answer with an AWS error."""
    return answers(status, json.dumps({"message": message}), x_amzn_ErrorType=code)


def resets(exchange: Exchange) -> None:
    """Reset the connection in the middle of an answer."""
    exchange.give_half()
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def hangs_up(exchange: Exchange) -> None:
    """Close the connection without an answer."""
    exchange.close_connection = True


def only(part_of_path: str, breakage: Breakage) -> Breakage:
    """Break the requests whose path has this part, and let the others through."""
    return lambda exchange: breakage(exchange) if part_of_path in exchange.path else exchange.forward()


def only_signed_with(part_of_signature: str, breakage: Breakage) -> Breakage:
    """Break the requests whose signature has this part: a Region, an access key."""

    def break_some(exchange: Exchange) -> None:
        if part_of_signature in exchange.headers["Authorization"]:
            breakage(exchange)
        else:
            exchange.forward()

    return break_some


def drips(exchange: Exchange) -> None:
    """Send one byte of an answer after the other, for ever, or until the exporter has gone."""
    with suppress(OSError):
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not exchange.server.wire.down.wait(DRIP):
            exchange.wfile.write(b"-")
            exchange.server.wire.drops += 1
    exchange.close_connection = True
