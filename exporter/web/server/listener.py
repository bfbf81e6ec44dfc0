"""Takes in whoever connects: as many as there may be, with TLS where there is a certificate."""

import asyncio
import errno
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from exporter.web.server.connection_tracker import Activity, ConnectionTracker, TrackedConnection

log = logging.getLogger(__name__)

OUT_OF_MEANS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
REST = 0.1  # seconds, after a failure that nothing can be done about
MANY = 64 * 1024
UNSENT = 256 * 1024  # bytes that the system keeps of an answer; left to itself it keeps megabytes for each
BEGINS_TLS = b"\x16"
NO_TLS = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This port speaks HTTPS: write https:// in place of http://\n"
)


class ConnectionPolicy(Protocol):
    """Decides who is let in, and how."""

    def context(self) -> ssl.SSLContext | None:
        """Give what the next connection is encrypted with; None for plain HTTP."""

    def admits(self, certificate: Mapping[str, Any] | None, /) -> bool:
        """Say whether a client may stay, by its certificate as `SSLSocket.getpeercert` gives it."""


class _Encrypted(SSLProtocol):
    """asyncio's TLS, with less than the 256 KiB that it would keep for each connection."""

    max_size = 16 * 1024

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        """Let the client know why it is refused: asyncio would close without a word."""
        if handshake_exc is not None:
            self._transport.write(self._outgoing.read())  # type: ignore[attr-defined, union-attr] # private
        super()._on_handshake_complete(handshake_exc)


class _Arrival:
    """A connection until it is made.

    Attributes:
        task: what makes it.
    """

    task: asyncio.Task[None]

    def drop(self) -> None:
        """Give it up."""
        self.task.cancel()


class Listener:
    """Takes in whoever connects to one socket.

    Args:
        listening: the socket.
        tracker: where all connections are known.
        policy: asked about each connection.
        make: makes what speaks HTTP with one client, and takes its place in the tracker.
        at_once: how many are taken in before those that are there have their turn.
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        tracker: ConnectionTracker,
        policy: ConnectionPolicy,
        make: Callable[[TrackedConnection], asyncio.Protocol],
        at_once: int,
    ) -> None:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT)  # so has each connection
        self._listening = listening
        self._tracker = tracker
        self._policy = policy
        self._make = make
        self._at_once = at_once
        self._loop = asyncio.get_running_loop()
        self._arrivals: set[asyncio.Task[None]] = set()
        self._open = False

    def open(self) -> None:
        """Take in connections from now on."""
        self._open = True
        self._loop.add_reader(self._listening, self._take_in)

    def close(self) -> None:
        """Take in none any longer; those that are not made yet are given up."""
        self._open = False
        self._loop.remove_reader(self._listening)
        for task in self._arrivals:
            task.cancel()

    def _take_in(self) -> None:
        for _ in range(self._at_once):
            try:
                client, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                self._cannot(error)
                return
            self._tracker.make_room()
            self._welcome(client)

    def _cannot(self, error: OSError) -> None:
        """Close an idle connection where that helps; else wait, for the same would happen at once again."""
        if error.errno in OUT_OF_MEANS and self._tracker.drop_the_idlest(
            f"cannot take in more: {error.strerror}"
        ):
            return
        log.debug("cannot take in a connection", exc_info=error)
        self._loop.remove_reader(self._listening)
        self._loop.call_later(REST, self._go_on)

    def _go_on(self) -> None:
        if self._open:
            self.open()

    def _welcome(self, client: socket.socket) -> None:
        client.setblocking(False)
        arrival = _Arrival()
        task = arrival.task = self._loop.create_task(self._let_in(client, arrival))
        self._arrivals.add(task)
        self._tracker.sees(arrival, Activity.ASKING)

        def arrived(_: object) -> None:
            self._arrivals.discard(task)
            self._tracker.misses(arrival)
            if task.cancelled():
                client.close()
            elif error := task.exception():
                client.close()
                expected = isinstance(error, OSError)
                log.log(logging.DEBUG if expected else logging.ERROR, "connection not made", exc_info=error)

        task.add_done_callback(arrived)

    async def _let_in(self, client: socket.socket, arrival: TrackedConnection) -> None:
        context = self._policy.context()
        if context is None:
            await self._loop.connect_accepted_socket(lambda: self._make(arrival), client)
        elif await self._first_byte(client) == BEGINS_TLS:
            await self._shake_hands(client, context, self._make(arrival))
        else:
            await self._refuse(client)

    async def _first_byte(self, client: socket.socket) -> bytes:
        """Look at it, and leave it there."""
        readable = asyncio.Event()
        self._loop.add_reader(client, readable.set)
        try:
            await readable.wait()
            return client.recv(1, socket.MSG_PEEK)
        finally:
            self._loop.remove_reader(client)

    async def _shake_hands(
        self, client: socket.socket, context: ssl.SSLContext, protocol: asyncio.Protocol
    ) -> None:
        done = self._loop.create_future()
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: _Encrypted(self._loop, protocol, context, done, server_side=True), client
        )
        try:
            await done
        except BaseException:
            transport.abort()
            raise

    async def _refuse(self, client: socket.socket) -> None:
        await self._loop.sock_recv(client, MANY)  # closed with something unread, the answer would be lost
        await self._loop.sock_sendall(client, NO_TLS)
        client.close()
