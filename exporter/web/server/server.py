"""Listens on addresses and serves an ASGI application until it is stopped."""

import asyncio
import errno
import math
import re
import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from starlette.types import ASGIApp

from exporter.web.server.connection import Connection, Open
from exporter.web.server.connection_tracker import ConnectionTracker, Limits, TrackedConnection
from exporter.web.server.listener import ConnectionPolicy, Listener

BACKLOG = 4096
EXPIRY_INTERVAL = 0.5  # seconds between two checks for expired connections
TICK = 0.1  # seconds between two checks whether all responses have been sent, while stopping
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


class Server:
    """An HTTP server that limits what each client may use.

    It does not handle signals; the caller does.

    Args:
        app: the ASGI application.
        policy: decides which clients to admit, and whether to use TLS.
        limits: limits on the time, number and size of requests and connections.

    Attributes:
        opened: the open connections and requests.
    """

    def __init__(self, app: ASGIApp, policy: ConnectionPolicy, limits: Limits) -> None:
        self._app = app
        self._policy = policy
        self._limits = limits
        self._tracker = ConnectionTracker(limits, time.monotonic)
        self.opened = Open()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let `serve` end. Call this in its event loop."""
        self._stopping.set()

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve clients until `stop` is called; then wait for the responses in progress.

        Args:
            sockets: listening sockets; they are closed at the end.
        """
        listeners = [self._listener(listening) for listening in sockets]
        for listener in listeners:
            listener.open()
        self._drop_expired()
        await self._stopping.wait()
        for listener in listeners:
            listener.close()
        for listening in sockets:
            listening.close()
        await self._finish()

    def _drop_expired(self) -> None:
        """Drop expired connections now, and at intervals until `stop` is called."""
        if not self._stopping.is_set():
            asyncio.get_running_loop().call_later(EXPIRY_INTERVAL, self._drop_expired)
            self._tracker.drop_expired()

    async def _finish(self) -> None:
        """Close idle connections, and wait for the responses in progress up to SHUTDOWN_TIMEOUT."""
        asyncio.get_running_loop().call_later(SHUTDOWN_TIMEOUT, self._tracker.drop_all)
        for connection in list(self.opened.connections):
            connection.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT + 1):  # by then all connections are closed
                while self.opened.connections or self.opened.answers:
                    await asyncio.sleep(TICK)

    def _listener(self, listening: socket.socket) -> Listener:
        return Listener(
            listening,
            tracker=self._tracker,
            policy=self._policy,
            make_protocol=self._connection,
            accept_batch=self._limits.accept_batch,
        )

    def _connection(self, pending: TrackedConnection) -> Connection:
        return Connection(
            self._app,
            tracker=self._tracker,
            pending=pending,
            admits=self._policy.admits,
            limits=self._limits,
            opened=self.opened,
        )


def make_server(app: ASGIApp, policy: ConnectionPolicy | None = None, limits: Limits | None = None) -> Server:
    """Create the server; `await serve(sockets)` runs it until `stop` is called.

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
    return _join("localhost" if host in ("0.0.0.0", "::", "127.0.0.1") else host, port)  # noqa: S104 - compares


def _socket_address(listening: socket.socket) -> tuple[str, str]:
    """Return host and port; an IPv6 address includes its zone."""
    return socket.getnameinfo(listening.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)


def _join(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
