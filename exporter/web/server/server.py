"""Listens on addresses and serves an ASGI application until it is stopped."""

import asyncio
import errno
import math
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.server.connection import Client, Connection
from exporter.web.server.connection_tracker import ConnectionTracker, Limits, TrackedConnection
from exporter.web.server.listener import ConnectionPolicy, Listener

BACKLOG = 4096
SHUTDOWN_TIMEOUT = 2  # seconds for responses in progress to complete
MAX_OPEN_FILES = 65536  # not higher, because credential processes may close each possible descriptor


Resolve = Callable[..., Sequence[tuple[Any, ...]]]

_ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)\.?")
"""What the system parses as an IPv4 address, such as 127.1, 0 or 010.0.0.1."""


class CannotListenError(Exception):
    """Listening on an address failed; the message gives the reason and the remedy."""


class InvalidAddressError(ValueError):
    """An address is not HOST:PORT; the message gives the remedy."""


def host_and_port(address: str) -> tuple[str, int]:
    """Split HOST:PORT; remove the brackets of an IPv6 address.

    Raises:
        InvalidAddressError: the address is invalid; the message gives the remedy.
    """
    host, colon, port = address.rpartition(":")
    if "/" in host:
        raise InvalidAddressError(f"{address!r} is not HOST:PORT; remove http:// and the path")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise InvalidAddressError(f"{address!r} is not HOST:PORT; use for example :10058 or 127.0.0.1:10058")
    if host == "*":
        raise InvalidAddressError(f"{address!r} is not HOST:PORT; to listen on all interfaces, use :{port}")
    if host.startswith("[") and host.endswith("]") and _is_ipv6(host[1:-1]):
        return host[1:-1], int(port)
    if _is_ipv6(host):
        raise InvalidAddressError(f"{address!r}: an IPv6 address must be in brackets; use [{host}]:{port}")
    if host and not _is_name(host):
        raise InvalidAddressError(f"{address!r}: {host!r} is neither a host name nor an IP address")
    return host, int(port)


def _is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"[A-Za-z0-9._-]+", text.encode("idna").decode()))
    except UnicodeError:
        return False


def listen(address: str, resolve: Resolve = socket.getaddrinfo) -> socket.socket:
    """Listen on HOST:PORT, with the semantics of Go's `net.Listen`.

    An empty host or `[::]` means all interfaces, IPv6 and IPv4. If a host name has several addresses, the
    first IPv4 address is used, if any.

    Args:
        address: HOST:PORT.
        resolve: resolves a host name, as `socket.getaddrinfo` does.

    Raises:
        InvalidAddressError: the address is not HOST:PORT.
        CannotListenError: the address is in use, not permitted or unknown.
    """
    host, port = host_and_port(address)
    if _ENDS_IN_NUMBER.fullmatch(host) and not _is_ipv4(host):
        reason = "not a valid IPv4 address; use four numbers from 0 to 255"
        raise CannotListenError(f"cannot listen on {address}: {reason}")
    try:
        return _bind(host, port, resolve)
    except OSError as error:
        raise CannotListenError(f"cannot listen on {address}: {_reason(error)}") from error


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _bind(host: str, port: int, resolve: Resolve) -> socket.socket:
    if not host and not socket.has_dualstack_ipv6():
        host = "0.0.0.0"  # noqa: S104 - an empty host means all interfaces
    candidates = resolve(host or "::", port, type=socket.SOCK_STREAM)
    family, *_, address = min(candidates, key=lambda info: info[0] != socket.AF_INET)  # the first of IPv4
    all_interfaces = family == socket.AF_INET6 and IPv6Address(address[0]).is_unspecified
    return socket.create_server(
        address,
        family=family,
        backlog=BACKLOG,
        dualstack_ipv6=all_interfaces and socket.has_dualstack_ipv6(),
    )


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "address already in use; stop the other process or set another --web.listen-address"
    if error.errno == errno.EACCES:
        return "permission denied; set --web.listen-address to a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have this address; set another --web.listen-address"
    return error.strerror or str(error)


class AdmitAll:
    """Admits all clients over plain HTTP."""

    def context(self) -> None:
        """Return None: no TLS."""

    def admits(self, _: object) -> bool:
        """Admit all clients."""
        return True


class Server(uvicorn.Server):
    """A uvicorn server that accepts connections itself and limits what each may use.

    It does not handle signals; the caller does.

    Args:
        app: the ASGI application.
        policy: decides which clients to admit, and whether to use TLS.
        limits: limits on the time, number and size of requests and connections.
    """

    def __init__(self, app: ASGIApp, policy: ConnectionPolicy, limits: Limits) -> None:
        super().__init__(_config(app, limits))
        self._policy = policy
        self._limits = limits
        self._tracker = ConnectionTracker(limits, time.monotonic)
        self._listeners: list[Listener] = []

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections."""
        await super().startup(sockets=[])
        self._listeners = [
            Listener(
                listening,
                tracker=self._tracker,
                policy=self._policy,
                make_protocol=self._connection,
                accept_batch=self._limits.accept_batch,
            )
            for listening in sockets or ()
        ]
        for listener in self._listeners:
            listener.open()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second, close expired connections and check whether to stop."""
        self._tracker.drop_expired()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to accept connections, and wait for the responses in progress up to SHUTDOWN_TIMEOUT."""
        for listener in self._listeners:
            listener.close()
        asyncio.get_running_loop().call_later(SHUTDOWN_TIMEOUT, self._tracker.drop_all)
        await super().shutdown(sockets)

    def _connection(self, pending: TrackedConnection) -> Connection:
        return Connection(
            self.config,
            self.server_state,
            tracker=self._tracker,
            pending=pending,
            admits=self._policy.admits,
            limits=self._limits,
        )


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        _CancelOnDisconnect(app),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # at warning level it logs each invalid request, so a client could flood the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(limits.idle) + 1,  # the tracker closes it first
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT + 1,  # by then all connections are closed
        h11_max_incomplete_event_size=limits.headers,
    )


class _ClientDisconnectedError(ConnectionError):
    pass


class _CancelOnDisconnect:
    """Yields to other tasks between the parts of a response, and cancels it when the client disconnects."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client: Client = scope["state"]["client"]

        async def send_part(message: Message) -> None:
            await send(message)
            if message.get("more_body"):
                await asyncio.sleep(0)
                if client.disconnected:
                    raise _ClientDisconnectedError

        with suppress(_ClientDisconnectedError):
            await self._app(scope, receive, send_part)


def make_server(app: ASGIApp, policy: ConnectionPolicy | None = None, limits: Limits | None = None) -> Server:
    """Create the server; `await serve(sockets)` runs it until its `should_exit` is set.

    Args:
        app: the ASGI application.
        policy: decides which clients to admit; by default all, over plain HTTP.
        limits: limits of requests and connections; by default derived from the limit of open files.
    """
    return Server(app, policy or AdmitAll(), limits or Limits.for_files(open_files_limit()))


def raise_open_files_limit() -> None:
    """Raise the soft limit of open files to the hard limit, up to MAX_OPEN_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # some systems allow less than the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_files_limit() -> float:
    """Return how many files the process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """Return the addresses of listening sockets as HOST:PORT."""
    return [_join(*_socket_address(listening)) for listening in sockets]


def local_address(listening: socket.socket) -> str:
    """Return the address at which a browser on this machine reaches a socket, as HOST:PORT."""
    host, port = _socket_address(listening)
    return _join("localhost" if host in ("0.0.0.0", "::", "127.0.0.1") else host, port)  # noqa: S104


def _socket_address(listening: socket.socket) -> tuple[str, str]:
    """Return host and port; an IPv6 address includes its zone."""
    return socket.getnameinfo(listening.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)


def _join(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
