"""A server with a small application in a thread of its own, and raw clients that do as they like."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.web.server.connection_tracker import Limits
from exporter.web.server.listener import ConnectionPolicy
from exporter.web.server.server import AdmitAll, Server, listen, make_server
from tests.e2e.process import PATIENCE, until

PART = bytes(64 * 1024)
LARGE = 512  # parts: more than the buffers of two sockets hold


class App:
    """What answers.

    Attributes:
        waiting: requests to /wait that were not told to go on.
        large: large answers that were begun.
        parts: parts of them that were made.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.large = 0
        self.parts = 0
        self.go_on = asyncio.Event()
        routes = {
            "/": self._short,
            "/large": self._large,
            "/wait": self._wait,
            "/broken": self._broken,
            "/half-broken": self._half_broken,
        }
        self.asgi = Starlette(routes=[Route(path, answer) for path, answer in routes.items()])

    async def _short(self, request: Request) -> Response:
        return PlainTextResponse(f"hello {request.url.query}")

    async def _large(self, _: Request) -> Response:
        self.large += 1
        return Large(self)

    async def _wait(self, _: Request) -> Response:
        self.waiting += 1
        await self.go_on.wait()
        self.waiting -= 1
        return PlainTextResponse("at last")

    async def _broken(self, _: Request) -> Response:
        raise RuntimeError(SECRET)

    async def _half_broken(self, _: Request) -> Response:
        return StreamingResponse(_breaking(), headers={"Content-Length": "100"})


class Large(Response):
    """A large answer, made part by part, by who does not ask whether the client is still there."""

    def __init__(self, app: App) -> None:
        super().__init__(headers={"Content-Length": str(LARGE * len(PART))})
        self._app = app

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Make and send it."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        for _ in range(LARGE):
            await send({"type": "http.response.body", "body": PART, "more_body": True})
            self._app.parts += 1
        await send({"type": "http.response.body", "body": b""})


SECRET = "what broke is nobody's business"


async def _breaking() -> AsyncIterator[bytes]:
    yield b"the first part"
    raise RuntimeError(SECRET)


@dataclass
class Served:
    """A running server."""

    server: Server
    app: App
    port: int
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    _sockets: list[socket.socket] = field(default_factory=list)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self.server.opened.connections)

    def has_no_connections(self) -> None:
        """Wait until there is no connection, and no answer under way."""
        until(lambda: not self.connections and not self.server.opened.answers)

    def has_seen_the_end(self) -> None:
        """Wait until it knows of each client that it has ended its side."""
        there = self.server.opened.connections
        until(lambda: all(connection._eof_received for connection in there))

    def client(self, *, buffer: int = 0) -> socket.socket:
        """Connect; with a buffer, no more than about so many bytes wait on the client's side."""
        client = socket.socket()
        self._sockets.append(client)
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        return client

    def tls_client(self, context: ssl.SSLContext, *, buffer: int = 0) -> ssl.SSLSocket:
        """Connect with TLS."""
        client = context.wrap_socket(self.client(buffer=buffer), server_hostname="localhost")
        self._sockets.append(client)
        return client

    def answers(self) -> bool:
        """Whether a client that behaves has its answer."""
        return get(self.client()) == b"hello "

    def let_go_on(self) -> None:
        """Answer all that wait."""
        self.loop.call_soon_threadsafe(self.app.go_on.set)

    def stop(self) -> None:
        """Order it to stop."""
        with suppress(RuntimeError):  # it has stopped already
            self.loop.call_soon_threadsafe(self.server.stop)

    def close(self) -> None:
        """Stop, and wait for it; clients that are still there would keep it for a while."""
        self.stop()
        for client in self._sockets:
            client.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the server does not stop"


@contextmanager
def served(
    limits: Limits | None = None,
    watcher: ConnectionPolicy | None = None,
    listening: socket.socket | None = None,
    app: ASGIApp | None = None,
) -> Iterator[Served]:
    """Run a server until the block ends; what answers is the small application unless another is given."""
    listening = listening or listen("127.0.0.1:0")
    port = listening.getsockname()[1]
    made: list[Served] = []

    async def run() -> None:
        small = App()
        server = make_server(app or small.asgi, watcher or AdmitAll(), limits)
        made.append(Served(server, small, port, asyncio.get_running_loop(), threading.current_thread()))
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    until(lambda: made)
    try:
        yield made[0]
    finally:
        made[0].close()


def request(path: str, *headers: str, method: str = "GET") -> bytes:
    """Write a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def get(client: socket.socket, path: str = "/") -> bytes:
    """Ask once, and read the body of the answer; the connection is closed then."""
    client.sendall(request(path, "Connection: close"))
    return rest(client).partition(b"\r\n\r\n")[2]


def rest(client: socket.socket) -> bytes:
    """Read until the server has closed; what came, if it closed without ceremony."""
    received = bytearray()
    try:
        while part := client.recv(1 << 20):
            received += part
    except (ConnectionError, ssl.SSLError):
        pass
    return bytes(received)


def answer(client: socket.socket) -> bytes:
    """Read one answer with a Content-Length; returns its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(1)
        assert part, f"closed after {received!r}"
        received += part
    length = next(
        int(line.split(b":")[1])
        for line in received.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    body = b""
    while len(body) < length:
        part = client.recv(length - len(body))
        assert part, f"closed after {body!r}"
        body += part
    return body
