"""Tracks connections by activity; closes those that exceed a timeout, or idle ones at the limit."""

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

log = logging.getLogger(__name__)

LOG_INTERVAL = 60.0  # seconds between two log messages about too many connections


@dataclass(frozen=True)
class Limits:
    """Limits on the time, number and size of requests and connections.

    Attributes:
        request: seconds to send a complete request, from the connection or the first byte after a response
            to the last byte. A TLS handshake has the same limit.
        idle: seconds that a connection is kept after a response; longer than usual scrape intervals, so
            that Prometheus can reuse its connection.
        response: seconds to read the next part of a response, 64 KiB of an exposition. A slower client
            would exceed any scrape timeout.
        unread: responses that may wait to be read at the same time. Each uses memory.
        connections: maximum number of connections. Beyond it, the connection idle for the longest is closed.
        headers: size of a request without its body, in bytes; up to twice that may be accepted.
        body: size of a request body, in bytes. No request needs one; it is read and discarded, so that the
            client reads the response.
    """

    request: float = 10.0
    idle: float = 75.0
    response: float = 30.0
    unread: int = 128
    connections: int = 4096
    headers: int = 16 * 1024
    body: int = 1024 * 1024

    @classmethod
    def for_files(cls, files: float) -> Self:
        """Return limits for a process that may open this many files; half are reserved for other uses.

        At most a quarter of the connections may have unread responses, so that new clients stay connected
        long enough to get a response.
        """
        connections = int(min(cls.connections, files // 2))
        return cls(connections=connections, unread=min(cls.unread, connections // 4))

    @property
    def accept_batch(self) -> int:
        """How many connections to accept before existing connections are served."""
        return max(1, min(16, self.connections // 16))


class Activity(Enum):
    """The current activity of a connection."""

    READING_REQUEST = "the client sends a request"
    IDLE = "the connection is kept after a response"
    PROCESSING = "the response is being created"
    SENDING_RESPONSE = "the client reads the response"


class TrackedConnection(Protocol):
    """A connection that the tracker can close."""

    def drop(self) -> None:
        """Close the connection at once and discard unsent data."""


class ConnectionTracker:
    """Tracks all connections by activity, ordered by the time since the activity started.

    Args:
        limits: the limits to enforce.
        clock: seconds on a monotonic clock.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._activity: dict[TrackedConnection, Activity] = {}
        self._since: dict[Activity, OrderedDict[TrackedConnection, float]] = {
            activity: OrderedDict() for activity in Activity
        }
        self._timeouts = {
            Activity.READING_REQUEST: limits.request,
            Activity.IDLE: limits.idle,
            Activity.SENDING_RESPONSE: limits.response,
        }
        self._logged_at = -math.inf

    def __len__(self) -> int:
        return len(self._activity)

    def update(self, connection: TrackedConnection, activity: Activity) -> None:
        """Record the activity of a connection; does nothing if it did not change."""
        if self._activity.get(connection) is activity:
            return
        self.remove(connection)
        self._activity[connection] = activity
        self._since[activity][connection] = self._clock()
        unread = self._since[Activity.SENDING_RESPONSE]
        if len(unread) > self._limits.unread:
            self._drop(next(iter(unread)))

    def remove(self, connection: TrackedConnection) -> None:
        """Stop to track a connection."""
        activity = self._activity.pop(connection, None)
        if activity is not None:
            del self._since[activity][connection]

    def drop_expired(self) -> None:
        """Close the connections that exceeded a timeout."""
        now = self._clock()
        for activity, timeout in self._timeouts.items():
            queue = self._since[activity]
            while queue and next(iter(queue.values())) + timeout <= now:
                self._drop(next(iter(queue)))

    def make_room(self) -> None:
        """Close a connection if needed, so that one more can be accepted."""
        if len(self) < self._limits.connections:
            return
        if not self.drop_idlest("Connection limit reached; closing the longest idle connections"):
            self._drop_oldest(Activity.PROCESSING)

    def drop_idlest(self, message: str) -> bool:
        """Close the connection idle for the longest, or else the slowest reader; False if there is none.

        Args:
            message: the log message that gives the reason.
        """
        dropped = self._drop_oldest(Activity.READING_REQUEST, Activity.IDLE) or self._drop_oldest(
            Activity.SENDING_RESPONSE
        )
        if dropped:
            self._log(message)
        return dropped

    def drop_all(self) -> None:
        """Close all connections."""
        for connection in list(self._activity):
            self._drop(connection)

    def _drop_oldest(self, *activities: Activity) -> bool:
        oldest = [next(iter(queue.items())) for activity in activities if (queue := self._since[activity])]
        if oldest:
            self._drop(min(oldest, key=lambda item: item[1])[0])
        return bool(oldest)

    def _drop(self, connection: TrackedConnection) -> None:
        self.remove(connection)
        connection.drop()

    def _log(self, message: str) -> None:
        if self._clock() >= self._logged_at + LOG_INTERVAL:
            self._logged_at = self._clock()
            log.warning(message, extra={"connections": len(self)})
