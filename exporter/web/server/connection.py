"""One HTTP connection: reads requests with h11 in order, and enforces the limits on its client."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import h11
from starlette.types import ASGIApp

from exporter.web.server.connection_tracker import Activity, ConnectionTracker, Limits, TrackedConnection
from exporter.web.server.request_validation import validated
from exporter.web.server.response_writer import ResponseWriter

log = logging.getLogger(__name__)

BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This is not a valid HTTP request.\n"
)

AdmitCallback = Callable[[Mapping[str, Any] | None], bool]


@dataclass(frozen=True)
class Open:
    """The open connections and requests, which a server waits for before it stops.

    Attributes:
        connections: those not closed yet.
        answers: tasks of the application, including those whose clients have disconnected.
    """

    connections: "set[Connection]" = field(default_factory=set)
    answers: set[asyncio.Task[None]] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """Serves one client: the application handles its requests one at a time.

    Args:
        app: the application.
        tracker: tracks all connections.
        pending: the entry of this connection in the tracker until the handshake is done.
        admits: returns whether to admit a client with this certificate; called after a TLS handshake.
        limits: limits on the size of requests.
        opened: lists the connection and its tasks while they are open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        tracker: ConnectionTracker,
        pending: TrackedConnection,
        admits: AdmitCallback,
        limits: Limits,
        opened: Open,
    ) -> None:
        self._app = app
        self._tracker = tracker
        self._pending = pending
        self._admits = admits
        self._limits = limits
        self._open = opened
        self._http = h11.Connection(h11.SERVER, limits.headers)
        self._response: ResponseWriter | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._body_size = 0
        self._eof_received = False
        self._last = False

    def drop(self) -> None:
        """Close the connection at once and discard unsent data."""
        self._transport.abort()

    def finish(self) -> None:
        """Close after the current response, or now if there is none."""
        self._last = True
        if not self._responding:
            self._close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # never another
        """Start the connection, after its handshake."""
        self._transport = transport
        self._scope = _scope(transport)
        self._open.connections.add(self)
        transport.set_write_buffer_limits(high=1, low=0)  # calls pause_writing for any unsent byte
        self._tracker.remove(self._pending)
        self._tracker.update(self, Activity.READING_REQUEST)
        if self._encrypted and not self._admits(transport.get_extra_info("peercert")):
            log.debug("Client certificate rejected", extra={"client": self._scope["client"]})
            self.drop()

    def connection_lost(self, _: Exception | None) -> None:
        """Clean up after the connection was closed."""
        self._writable.set()  # a response that waits notices the disconnect
        self._open.connections.discard(self)
        self._tracker.remove(self)

    def data_received(self, data: bytes) -> None:
        """Process data from the client, up to the limits."""
        for start in range(0, len(data), self._limits.headers):  # h11 checks its limit only between calls
            if self._transport.is_closing():
                return
            self._receive(data[start : start + self._limits.headers])
        self._update_tracker()

    def eof_received(self) -> bool:
        """Keep the connection for a response in progress when the client closes its side; not with TLS."""
        self._eof_received = True
        return self._responding and not self._encrypted

    def pause_writing(self) -> None:
        """Record that the client does not read the response."""
        self._writable.clear()
        self._update_tracker()

    def resume_writing(self) -> None:
        """Record that the client has read all data."""
        self._writable.set()
        self._update_tracker()

    def _receive(self, data: bytes) -> None:
        self._body_size = self._body_size + len(data) if self._http.their_state is h11.SEND_BODY else 0
        if self._body_size > self._limits.body:
            self.drop()
            return
        self._http.receive_data(data)
        self._read()
        if len(self._unprocessed) > self._limits.headers:  # excessive pipelining
            self.drop()

    def _read(self) -> None:
        """Process the received data, until a request has to wait for the previous one; discard bodies."""
        try:
            while self._http.their_state is not h11.MUST_CLOSE:
                if self._http.our_state is self._http.their_state is h11.DONE:
                    self._http.start_next_cycle()
                event = self._http.next_event()
                if isinstance(event, h11.Request):
                    self._respond_to(validated(event))
                elif event is h11.PAUSED:
                    self._transport.pause_reading()
                    return
                elif event is h11.NEED_DATA:
                    return
        except h11.RemoteProtocolError:
            self._refuse()

    def _refuse(self) -> None:
        """Respond to invalid HTTP, unless a response is in progress; close the connection in any case."""
        if not self._responding and self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._http.send_failed()  # this response bypasses h11
            self._transport.write(BAD_REQUEST)
        self._close()

    def _respond_to(self, request: h11.Request) -> None:
        self._response = ResponseWriter(self._scope, request, self._http, self._transport, self._writable)
        task = asyncio.get_running_loop().create_task(self._response.make(self._app, self._responded))
        self._open.answers.add(task)
        task.add_done_callback(self._open.answers.discard)

    def _responded(self) -> None:
        """Continue with the next request, unless the connection has to close."""
        if self._last or self._http.our_state is not h11.DONE:
            self._close()
        elif not self._transport.is_closing():
            self._transport.resume_reading()
            self._read()
            if self._eof_received and not self._responding:
                self._close()
        self._update_tracker()

    def _close(self) -> None:
        if not self._transport.is_closing():  # a TLS transport that is closed twice cannot be aborted
            self._transport.close()

    @property
    def _unprocessed(self) -> bytes:
        return self._http.trailing_data[0]

    @property
    def _encrypted(self) -> bool:
        return bool(self._scope["scheme"] == "https")

    @property
    def _responding(self) -> bool:
        return self._response is not None and not self._response.complete

    def _update_tracker(self) -> None:
        self._tracker.update(self, self._activity())

    def _activity(self) -> Activity:
        if not self._writable.is_set():
            return Activity.SENDING_RESPONSE
        if self._http.their_state is not h11.SEND_BODY:
            if self._responding:
                return Activity.PROCESSING
            if self._response is not None and not self._unprocessed:
                return Activity.IDLE
        return Activity.READING_REQUEST


def _scope(transport: asyncio.Transport) -> dict[str, Any]:
    """Return the part of the ASGI scope that all requests on a connection share."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "https" if transport.get_extra_info("sslcontext") else "http",
        "root_path": "",
        "server": _host_and_port(transport.get_extra_info("sockname")),
        "client": _host_and_port(transport.get_extra_info("peername")),
    }


def _host_and_port(address: tuple[Any, ...] | None) -> tuple[str, int] | None:
    return (address[0], address[1]) if address else None  # None: the client has already disconnected
