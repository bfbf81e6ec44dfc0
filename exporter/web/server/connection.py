"""One HTTP connection: uvicorn's, with an end to the patience for its client."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.web.server.connection_tracker import Activity, ConnectionTracker, Limits, TrackedConnection
from exporter.web.server.request_validation import Requests

log = logging.getLogger(__name__)

BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This is not a valid HTTP request.\n"
)

Admits = Callable[[Mapping[str, Any] | None], bool]


class Client:
    """What an answer may know of its client; in the `state` of the scope as `client`.

    Attributes:
        gone: whether it has left; what is still to be answered need not be made.
    """

    gone = False


class Connection(H11Protocol):
    """Tells the tracker what its client does, and ends what uvicorn would suffer for ever.

    Args:
        config: uvicorn's.
        state: uvicorn's.
        tracker: where all connections are known.
        place: who had this one's place in the tracker until it was made.
        admits: whether a client may stay, by its certificate; asked after a TLS handshake.
        limits: how much a client may send.
    """

    def __init__(
        self,
        config: Config,
        state: ServerState,
        *,
        tracker: ConnectionTracker,
        place: TrackedConnection,
        admits: Admits,
        limits: Limits,
    ) -> None:
        self._client = Client()
        super().__init__(config, state, app_state={"client": self._client})
        self.conn = Requests(h11.SERVER, limits.headers)
        self._tracker = tracker
        self._place = place
        self._admits = admits
        self._limits = limits
        self._body = 0
        self._unsent = False
        self._ended = False

    def drop(self) -> None:
        """Close it at once, whatever was not sent yet."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take up a connection, after its handshake."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=1, low=0)  # so that we are told of every byte not taken
        self._tracker.misses(self._place)
        self._tracker.sees(self, Activity.ASKING)
        if self._encrypted and not self._admits(transport.get_extra_info("peercert")):
            log.debug("client not admitted", extra={"client": self.client})
            self.drop()

    def connection_lost(self, _: Exception | None) -> None:
        """Forget a connection."""
        self._client.gone = True
        super().connection_lost(None)  # told of an error, uvicorn would keep its timer, and so all of this
        self._tracker.misses(self)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends, up to a point."""
        for start in range(0, len(data), self._limits.headers):  # h11 takes what comes at once, however large
            if self.transport.is_closing():
                return
            self._take(data[start : start + self._limits.headers])
        self._look()

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn never stays
        """Stay for an answer under way when the client has ended its side; TLS cannot."""
        self._ended = True
        return self._answering and not self._encrypted

    def pause_writing(self) -> None:
        """Take note that the client does not take what is sent."""
        super().pause_writing()
        self._unsent = True
        self._look()

    def resume_writing(self) -> None:
        """Take note that the client has taken everything."""
        super().resume_writing()
        self._unsent = False
        self._look()

    def on_response_complete(self) -> None:
        """Go on to the next request, if there is more to come."""
        super().on_response_complete()
        if self._ended and not self._answering and not self.transport.is_closing():
            self.transport.close()
        self._look()

    def shutdown(self) -> None:
        """Close after the answer under way, or now."""
        if not self.transport.is_closing():  # closed twice, a TLS transport could not be dropped any longer
            super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answer what is no HTTP, unless there is an answer under way already; close in any case."""
        if not self._answering and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.conn.send_failed()  # it has no part in this answer
            self.transport.write(BAD_REQUEST)
        self.transport.close()

    def _take(self, data: bytes) -> None:
        self._body = self._body + len(data) if self.conn.their_state is h11.SEND_BODY else 0
        if self._body > self._limits.body:
            self.drop()
            return
        super().data_received(data)
        if len(self._not_read) > self._limits.headers:  # more requests in a row than anyone means to send
            self.drop()

    @property
    def _not_read(self) -> bytes:
        return self.conn.trailing_data[0]

    @property
    def _encrypted(self) -> bool:
        return self.scheme == "https"

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        self._tracker.sees(self, self._activity())

    def _activity(self) -> Activity:
        if self._unsent:
            return Activity.TAKING
        if self.conn.their_state is not h11.SEND_BODY:
            if self._answering:
                return Activity.WAITING
            if self.cycle is not None and not self._not_read:
                return Activity.IDLE
        return Activity.ASKING
