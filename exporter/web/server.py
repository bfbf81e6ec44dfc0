"""Carries the routes over HTTP: listens, serves until told to stop, and ends within its time."""

import errno
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

log = logging.getLogger(__name__)

BACKLOG = 1024
LAST_ANSWERS = 2  # seconds that answers under way may take after the order to stop
IDLE_CONNECTION = 75  # seconds; longer than any usual scrape interval, so that Prometheus can keep its own


class CannotListenError(Exception):
    """An address cannot be listened on; says why and what to do."""


class NoAddressError(ValueError):
    """What should be HOST:PORT is not."""


def host_and_port(address: str) -> tuple[str, int]:
    """Take HOST:PORT apart, without the brackets of an IPv6 address.

    Raises:
        NoAddressError: it is something else.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise NoAddressError(f"{address!r} is not HOST:PORT; write for example :10058 or 127.0.0.1:10058")
    return host.removeprefix("[").removesuffix("]"), int(port)


def listen(address: str) -> socket.socket:
    """Listen on HOST:PORT; an empty host is every interface, IPv6 and IPv4.

    Raises:
        NoAddressError: it is something else than HOST:PORT.
        CannotListenError: the address is taken, forbidden or unknown.
    """
    host, port = host_and_port(address)
    try:
        return _bind(host, port)
    except OSError as error:
        raise CannotListenError(f"cannot listen on {address}: {_reason(error)}") from error


def _bind(host: str, port: int) -> socket.socket:
    if not host:
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        host = "0.0.0.0"  # noqa: S104 - every interface is what an empty host asks for
    family, *_, found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(found[:2], family=family, backlog=BACKLOG)


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another process listens there; stop it, or choose another with --web.listen-address"
    if error.errno == errno.EACCES:
        return "not allowed; choose a port above 1023 with --web.listen-address"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address"
    return error.strerror or str(error)


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner: what ends the process is not uvicorn's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def make_server(app: Starlette) -> Server:
    """Make the server; `await serve(sockets)` runs it until its `should_exit` is set."""
    return Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_CONNECTION,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
    )


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """Say where sockets listen, as HOST:PORT."""
    names = (listening.getsockname()[:2] for listening in sockets)
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in names]
