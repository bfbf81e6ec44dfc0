"""An HTTP connection: uvicorn's protocol with limits on time and size."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.web.server.connection_tracker import Activity, ConnectionTracker, Limits, TrackedConnection
from exporter.web.server.request_validation import StrictConnection

log = logging.getLogger(__name__)

BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This is not a valid HTTP request.\n"
)

AdmitCallback = Callable[[Mapping[str, Any] | None], bool]


class Client:
    """The state of the client, available to responses as `client` in the `state` of the ASGI scope.

    Attributes:
        disconnected: whether the client has closed the connection, so that its response is not needed.
    """

    disconnected = False


class Connection(H11Protocol):
    """Reports the client's activity to the tracker, and enforces limits that uvicorn does not have.

    Args:
        config: uvicorn's configuration.
        state: uvicorn's server state.
        tracker: tracks all connections.
        pending: the entry of this connection in the tracker until the handshake is done.
        admits: returns whether to admit a client with this certificate; called after a TLS handshake.
        limits: limits on the size of requests.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        *,
        tracker: ConnectionTracker,
        pending: TrackedConnection,
        admits: AdmitCallback,
        limits: Limits,
    ) -> None:
        self._client = Client()
        super().__init__(config, state, app_state={"client": self._client})
        self.conn = StrictConnection(h11.SERVER, limits.headers)
        self._tracker = tracker
        self._pending = pending
        self._admits = admits
        self._limits = limits
        self._body_size = 0
        self._write_blocked = False
        self._eof_received = False

    def drop(self) -> None:
        """Close the connection at once and discard unsent data."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Start the connection, after its handshake."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1, low=0)  # calls pause_writing for any unsent byte
        self._tracker.remove(self._pending)
        self._tracker.update(self, Activity.READING_REQUEST)
        if self._encrypted and not self._admits(transport.get_extra_info("peercert")):
            log.debug("Client certificate rejected", extra={"client": self.client})
            self.drop()

    def connection_lost(self, _: Exception | None) -> None:
        """Clean up after the connection was closed."""
        self._client.disconnected = True
        super().connection_lost(None)  # with an error, uvicorn would keep its timer and thereby this object
        self._tracker.remove(self)

    def data_received(self, data: bytes) -> None:
        """Process data from the client, up to the limits."""
        for start in range(0, len(data), self._limits.headers):  # h11 checks its limit only between calls
            if self.transport.is_closing():
                return
            self._receive(data[start : start + self._limits.headers])
        self._update_tracker()

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn always closes
        """Keep the connection for a response in progress when the client closes its side; not with TLS."""
        self._eof_received = True
        return self._answering and not self._encrypted

    def pause_writing(self) -> None:
        """Record that the client does not read the response."""
        super().pause_writing()
        self._write_blocked = True
        self._update_tracker()

    def resume_writing(self) -> None:
        """Record that the client has read all data."""
        super().resume_writing()
        self._write_blocked = False
        self._update_tracker()

    def on_response_complete(self) -> None:
        """Continue with the next request, unless the client has closed its side."""
        super().on_response_complete()
        if self._eof_received and not self._answering and not self.transport.is_closing():
            self.transport.close()
        self._update_tracker()

    def shutdown(self) -> None:
        """Close the connection after the response in progress, or now if there is none."""
        if not self.transport.is_closing():  # a TLS transport that is closed twice cannot be aborted
            super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Respond to invalid HTTP, unless a response is in progress; close the connection in any case."""
        if not self._answering and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.conn.send_failed()  # this response bypasses h11
            self.transport.write(BAD_REQUEST)
        self.transport.close()

    def _receive(self, data: bytes) -> None:
        self._body_size = self._body_size + len(data) if self.conn.their_state is h11.SEND_BODY else 0
        if self._body_size > self._limits.body:
            self.drop()
            return
        super().data_received(data)
        if len(self._unprocessed) > self._limits.headers:  # excessive pipelining
            self.drop()

    @property
    def _unprocessed(self) -> bytes:
        return self.conn.trailing_data[0]

    @property
    def _encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _update_tracker(self) -> None:
        self._tracker.update(self, self._activity())

    def _activity(self) -> Activity:
        if self._write_blocked:
            return Activity.SENDING_RESPONSE
        if self.conn.their_state is not h11.SEND_BODY:
            if self._answering:
                return Activity.PROCESSING
            if self.cycle is not None and not self._unprocessed:
                return Activity.IDLE
        return Activity.READING_REQUEST
