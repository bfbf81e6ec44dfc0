"""Carries the routes over HTTP: listens, serves until told to stop, and ends within its time."""

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
LAST_ANSWERS = 2  # seconds that answers under way may take after the order to stop
MOST_FILES = 65536  # programs that we start for credentials may close each possible one, one by one


Resolve = Callable[..., Sequence[tuple[Any, ...]]]

_ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)\.?")
"""What the system takes for an IPv4 address, whatever comes of it: 127.1, 0, 010.0.0.1."""


class CannotListenError(Exception):
    """An address cannot be listened on; says why and what to do."""


class NoAddressError(ValueError):
    """What should be HOST:PORT is not."""


def host_and_port(address: str) -> tuple[str, int]:
    """Take HOST:PORT apart, without the brackets of an IPv6 address.

    Raises:
        NoAddressError: it is something else; says what to write.
    """
    host, colon, port = address.rpartition(":")
    if "/" in host:
        raise NoAddressError(f"{address!r} is not HOST:PORT; leave out http:// and the path")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise NoAddressError(f"{address!r} is not HOST:PORT; write for example :10058 or 127.0.0.1:10058")
    if host == "*":
        raise NoAddressError(f"{address!r} is not HOST:PORT; for every interface write :{port}")
    if host.startswith("[") and host.endswith("]") and _is_ipv6(host[1:-1]):
        return host[1:-1], int(port)
    if _is_ipv6(host):
        raise NoAddressError(f"{address!r}: an IPv6 address stands in brackets; write [{host}]:{port}")
    if host and not _is_name(host):
        raise NoAddressError(f"{address!r}: {host!r} is neither a host name nor an IP address")
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
    """Listen on HOST:PORT, where Go's exporters do.

    An empty host is every interface, IPv6 and IPv4, and so is `[::]`. Of the addresses behind a name the
    first one of IPv4 is taken, if there is any.

    Args:
        address: HOST:PORT.
        resolve: gives the addresses behind a name, as `socket.getaddrinfo` does.

    Raises:
        NoAddressError: it is something else than HOST:PORT.
        CannotListenError: the address is taken, forbidden or unknown.
    """
    host, port = host_and_port(address)
    if _ENDS_IN_NUMBER.fullmatch(host) and not _is_ipv4(host):
        reason = "not an IPv4 address; write four numbers from 0 to 255"
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
        host = "0.0.0.0"  # noqa: S104 - every interface is what an empty host asks for
    found = resolve(host or "::", port, type=socket.SOCK_STREAM)
    family, *_, where = min(found, key=lambda one: one[0] != socket.AF_INET)  # the first among equals
    everywhere = family == socket.AF_INET6 and IPv6Address(where[0]).is_unspecified
    return socket.create_server(
        where, family=family, backlog=BACKLOG, dualstack_ipv6=everywhere and socket.has_dualstack_ipv6()
    )


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there; stop it, or choose another with --web.listen-address"
    if error.errno == errno.EACCES:
        return "not allowed; choose a port above 1023 with --web.listen-address"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    return error.strerror or str(error)


class AdmitAll:
    """Lets everyone in, over plain HTTP."""

    def context(self) -> None:
        """Encrypt nothing."""

    def admits(self, _: object) -> bool:
        """Admit everyone."""
        return True


class Server(uvicorn.Server):
    """A uvicorn server that takes in connections itself, and lets none hold up the others.

    Signals are left to its owner: what ends the process is not uvicorn's business.

    Args:
        app: what answers.
        policy: who is let in, and how.
        limits: how long clients may take, and how many there may be.
    """

    def __init__(self, app: ASGIApp, policy: ConnectionPolicy, limits: Limits) -> None:
        super().__init__(_config(app, limits))
        self._policy = policy
        self._limits = limits
        self._tracker = ConnectionTracker(limits, time.monotonic)
        self._listeners: list[Listener] = []

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in connections."""
        await super().startup(sockets=[])
        self._listeners = [
            Listener(
                listening,
                tracker=self._tracker,
                policy=self._policy,
                make=self._connection,
                at_once=self._limits.at_once,
            )
            for listening in sockets or ()
        ]
        for listener in self._listeners:
            listener.open()

    async def on_tick(self, counter: int) -> bool:
        """See, ten times a second, who was too slow, and whether it is time to stop."""
        self._tracker.drop_the_slow()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in no more, and give the answers under way their last seconds."""
        for listener in self._listeners:
            listener.close()
        asyncio.get_running_loop().call_later(LAST_ANSWERS, self._tracker.drop_all)
        await super().shutdown(sockets)

    def _connection(self, place: TrackedConnection) -> Connection:
        return Connection(
            self.config,
            self.server_state,
            tracker=self._tracker,
            place=place,
            admits=self._policy.admits,
            limits=self._limits,
        )


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        _PartByPart(app),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # it warns of each bad request: whoever sends many would fill the log
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(limits.idle) + 1,  # the tracker comes first
        timeout_graceful_shutdown=LAST_ANSWERS + 1,  # when all connections are closed already
        h11_max_incomplete_event_size=limits.headers,
    )


class _GoneError(ConnectionError):
    pass


class _PartByPart:
    """Lets an answer be made part by part: in between others have their turn, and the client may leave."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client: Client = scope["state"]["client"]

        async def send_part(message: Message) -> None:
            await send(message)
            if message.get("more_body"):
                await asyncio.sleep(0)
                if client.gone:
                    raise _GoneError

        with suppress(_GoneError):
            await self._app(scope, receive, send_part)


def make_server(app: ASGIApp, policy: ConnectionPolicy | None = None, limits: Limits | None = None) -> Server:
    """Make the server; `await serve(sockets)` runs it until its `should_exit` is set.

    Args:
        app: what answers.
        policy: who is let in, and how; everyone over plain HTTP when not given.
        limits: how long clients may take, and how many there may be; when not given, what is right for the
            files that the process may open.
    """
    return Server(app, policy or AdmitAll(), limits or Limits.for_files(open_files_limit()))


def raise_open_files_limit() -> None:
    """Let the process open as many files as it is allowed to, up to MOST_FILES; a connection is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # some systems allow less than they say: then it stays as it is
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_files_limit() -> float:
    """Tell how many files the process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """Say where sockets listen, as HOST:PORT."""
    return [_written(*_place(listening)) for listening in sockets]


def local_address(listening: socket.socket) -> str:
    """Say where a browser on this machine finds a socket, as HOST:PORT."""
    host, port = _place(listening)
    return _written("localhost" if host in ("0.0.0.0", "::", "127.0.0.1") else host, port)  # noqa: S104


def _place(listening: socket.socket) -> tuple[str, str]:
    """Give host and port; an IPv6 address with its zone, if it has one."""
    return socket.getnameinfo(listening.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)


def _written(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
