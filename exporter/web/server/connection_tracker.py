"""Who is connected, what each does, and who has to go: the slow, and the idlest where there are too many."""

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self

log = logging.getLogger(__name__)

SAY_EVERY = 60.0  # seconds between two lines of the log about too many connections


@dataclass(frozen=True)
class Limits:
    """How long clients may take, and how many there may be.

    Attributes:
        request: seconds to send a whole request: from the connection, or from the first byte after an
            answer, to the last. A TLS handshake has as long.
        idle: seconds that a connection is kept after an answer; longer than any usual scrape interval, so
            that Prometheus can keep its own.
        answer: seconds to take the next part of an answer: 64 KiB of an exposition. Who takes longer is
            slower than any scrape may be.
        unread: answers that may wait to be taken at the same time. Each holds memory.
        connections: all that there may be. Above it, whoever is idle the longest has to go.
        headers: bytes of a request without its body; up to twice that may get through.
        body: bytes of a body. None is needed; so much is read and thrown away, so that the client comes to
            read its answer.
    """

    request: float = 10.0
    idle: float = 75.0
    answer: float = 30.0
    unread: int = 128
    connections: int = 4096
    headers: int = 16 * 1024
    body: int = 1024 * 1024

    @classmethod
    def for_files(cls, files: float) -> Self:
        """Give what is right for a process that may open so many files; half are for AWS and all else.

        Answers that nobody takes have a quarter of the connections at most, so that new clients have a place
        for long enough to be answered.
        """
        connections = int(min(cls.connections, files // 2))
        return cls(connections=connections, unread=min(cls.unread, connections // 4))

    @property
    def at_once(self) -> int:
        """How many connections are taken in before those that are there have their turn."""
        return max(1, min(16, self.connections // 16))


class Activity(Enum):
    """What a connection does."""

    ASKING = "sends its request"
    IDLE = "has its answer, and is kept"
    WAITING = "waits for its answer to be made"
    TAKING = "takes its answer"


class TrackedConnection(Protocol):
    """A connection."""

    def drop(self) -> None:
        """Close it at once, whatever was not sent yet."""


class ConnectionTracker:
    """All connections, by what they do; within that, whoever does it the longest comes first.

    Args:
        limits: how long and how many.
        clock: seconds, steadily.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._activity: dict[TrackedConnection, Activity] = {}
        self._since: dict[Activity, OrderedDict[TrackedConnection, float]] = {
            activity: OrderedDict() for activity in Activity
        }
        self._patience = {
            Activity.ASKING: limits.request,
            Activity.IDLE: limits.idle,
            Activity.TAKING: limits.answer,
        }
        self._said = -math.inf

    def __len__(self) -> int:
        return len(self._activity)

    def sees(self, connection: TrackedConnection, activity: Activity) -> None:
        """Take note of what a connection does now; the same as before is no news."""
        if self._activity.get(connection) is activity:
            return
        self.misses(connection)
        self._activity[connection] = activity
        self._since[activity][connection] = self._clock()
        taking = self._since[Activity.TAKING]
        if len(taking) > self._limits.unread:
            self._drop(next(iter(taking)))

    def misses(self, connection: TrackedConnection) -> None:
        """Take note that a connection is gone."""
        activity = self._activity.pop(connection, None)
        if activity is not None:
            del self._since[activity][connection]

    def drop_the_slow(self) -> None:
        """Drop whoever had more time than the limits give."""
        now = self._clock()
        for activity, patience in self._patience.items():
            queue = self._since[activity]
            while queue and next(iter(queue.values())) + patience <= now:
                self._drop(next(iter(queue)))

    def make_room(self) -> None:
        """See to it that one more may come."""
        if len(self) < self._limits.connections:
            return
        if not self.drop_the_idlest("as many connections as there may be: the longest idle are closed"):
            self._drop_the_first(Activity.WAITING)

    def drop_the_idlest(self, why: str) -> bool:
        """Drop who is idle the longest, else who takes its answer the longest; False when there is none."""
        found = self._drop_the_first(Activity.ASKING, Activity.IDLE) or self._drop_the_first(Activity.TAKING)
        if found:
            self._say(why)
        return found

    def drop_all(self) -> None:
        """Drop all, whatever they do."""
        for connection in list(self._activity):
            self._drop(connection)

    def _drop_the_first(self, *those: Activity) -> bool:
        firsts = [next(iter(queue.items())) for activity in those if (queue := self._since[activity])]
        if firsts:
            self._drop(min(firsts, key=lambda first: first[1])[0])
        return bool(firsts)

    def _drop(self, connection: TrackedConnection) -> None:
        self.misses(connection)
        connection.drop()

    def _say(self, why: str) -> None:
        if self._clock() >= self._said + SAY_EVERY:
            self._said = self._clock()
            log.warning(why, extra={"connections": len(self)})
