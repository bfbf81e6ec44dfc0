"""Accepts connections, up to the connection limit, with TLS if a certificate is configured."""

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

OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
ACCEPT_RETRY_DELAY = 0.1  # seconds to pause after a failed accept
MAX_DISCARDED = 64 * 1024  # bytes of a plain HTTP request to read before it is rejected
SEND_BUFFER = 256 * 1024  # bytes of a response in the kernel; by default it buffers megabytes per connection
TLS_HANDSHAKE_BYTE = b"\x16"
HTTPS_REQUIRED = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"Client sent an HTTP request to an HTTPS server; use https:// instead of http://\n"
)


class ConnectionPolicy(Protocol):
    """Decides which clients to admit, and whether to use TLS."""

    def context(self) -> ssl.SSLContext | None:
        """Return the SSL context for the next connection; None for plain HTTP."""

    def admits(self, certificate: Mapping[str, Any] | None, /) -> bool:
        """Return whether to admit a client, given its certificate in the format of `getpeercert()`."""


class _TlsProtocol(SSLProtocol):
    """asyncio's TLS protocol with a smaller buffer than the default of 256 KiB per connection."""

    max_size = 16 * 1024

    def _on_handshake_complete(self, handshake_exc: BaseException | None) -> None:
        """Send the TLS alert when the handshake fails; asyncio would close the connection without it."""
        if handshake_exc is not None:
            self._transport.write(self._outgoing.read())  # type: ignore[attr-defined, union-attr] # private
        super()._on_handshake_complete(handshake_exc)


class _PendingConnection:
    """An accepted connection whose handshake is not complete.

    Attributes:
        task: performs the handshake.
    """

    task: asyncio.Task[None]

    def drop(self) -> None:
        """Cancel the handshake."""
        self.task.cancel()


class Listener:
    """Accepts connections on one socket.

    Args:
        listening: the listening socket.
        tracker: tracks all connections.
        policy: consulted for each connection.
        make_protocol: creates the HTTP protocol of a connection, given its pending entry in the tracker.
        accept_batch: how many connections to accept before existing connections are served.
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        tracker: ConnectionTracker,
        policy: ConnectionPolicy,
        make_protocol: Callable[[TrackedConnection], asyncio.Protocol],
        accept_batch: int,
    ) -> None:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # inherited by connections
        self._listening = listening
        self._tracker = tracker
        self._policy = policy
        self._make_protocol = make_protocol
        self._accept_batch = accept_batch
        self._loop = asyncio.get_running_loop()
        self._pending: set[asyncio.Task[None]] = set()
        self._open = False

    def open(self) -> None:
        """Start to accept connections."""
        self._open = True
        self._loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Stop to accept connections; cancel handshakes in progress."""
        self._open = False
        self._loop.remove_reader(self._listening)
        for task in self._pending:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(self._accept_batch):
            try:
                client, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionError:
                continue
            except OSError as error:
                self._accept_failed(error)
                return
            self._tracker.make_room()
            self._start_connection(client)

    def _accept_failed(self, error: OSError) -> None:
        """Close an idle connection if that frees resources; otherwise pause, as accept would fail again."""
        if error.errno in OUT_OF_RESOURCES and self._tracker.drop_idlest(
            f"Failed to accept connection: {error.strerror}; closing the longest idle connection"
        ):
            return
        log.debug("Failed to accept connection", exc_info=error)
        self._loop.remove_reader(self._listening)
        self._loop.call_later(ACCEPT_RETRY_DELAY, self._resume)

    def _resume(self) -> None:
        if self._open:
            self.open()

    def _start_connection(self, client: socket.socket) -> None:
        client.setblocking(False)
        client.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # asyncio sets it on its own sockets only
        pending = _PendingConnection()
        task = pending.task = self._loop.create_task(self._set_up(client, pending))
        self._pending.add(task)
        self._tracker.update(pending, Activity.READING_REQUEST)

        def on_done(_: object) -> None:
            self._pending.discard(task)
            self._tracker.remove(pending)
            if task.cancelled():
                client.close()
            elif error := task.exception():
                client.close()
                expected = isinstance(error, OSError)
                level = logging.DEBUG if expected else logging.ERROR
                log.log(level, "Failed to set up connection", exc_info=error)

        task.add_done_callback(on_done)

    async def _set_up(self, client: socket.socket, pending: TrackedConnection) -> None:
        context = self._policy.context()
        if context is None:
            await self._loop.connect_accepted_socket(lambda: self._make_protocol(pending), client)
        elif await self._peek(client) == TLS_HANDSHAKE_BYTE:
            await self._handshake(client, context, self._make_protocol(pending))
        else:
            await self._reject_plain_http(client)

    async def _peek(self, client: socket.socket) -> bytes:
        """Return the first byte without consuming it."""
        readable = asyncio.Event()
        self._loop.add_reader(client, readable.set)
        try:
            await readable.wait()
            return client.recv(1, socket.MSG_PEEK)
        finally:
            self._loop.remove_reader(client)

    async def _handshake(
        self, client: socket.socket, context: ssl.SSLContext, protocol: asyncio.Protocol
    ) -> None:
        done = self._loop.create_future()
        transport, _ = await self._loop.connect_accepted_socket(
            lambda: _TlsProtocol(self._loop, protocol, context, done, server_side=True), client
        )
        try:
            await done
        except BaseException:
            transport.abort()
            raise

    async def _reject_plain_http(self, client: socket.socket) -> None:
        await self._loop.sock_recv(client, MAX_DISCARDED)  # unread data would reset the connection on close
        await self._loop.sock_sendall(client, HTTPS_REQUIRED)
        client.close()
