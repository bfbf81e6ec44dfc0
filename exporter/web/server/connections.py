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


class Doing(Enum):
    """What a connection does."""

    ASKING = "sends its request"
    IDLE = "has its answer, and is kept"
    WAITING = "waits for its answer to be made"
    TAKING = "takes its answer"


class Guest(Protocol):
    """A connection."""

    def drop(self) -> None:
        """Close it at once, whatever was not sent yet."""


class Crowd:
    """All connections, by what they do; within that, whoever does it the longest comes first.

    Args:
        limits: how long and how many.
        clock: seconds, steadily.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._doing: dict[Guest, Doing] = {}
        self._since: dict[Doing, OrderedDict[Guest, float]] = {doing: OrderedDict() for doing in Doing}
        self._patience = {Doing.ASKING: limits.request, Doing.IDLE: limits.idle, Doing.TAKING: limits.answer}
        self._said = -math.inf

    def __len__(self) -> int:
        return len(self._doing)

    def sees(self, guest: Guest, doing: Doing) -> None:
        """Take note of what a connection does now; the same as before is no news."""
        if self._doing.get(guest) is doing:
            return
        self.misses(guest)
        self._doing[guest] = doing
        self._since[doing][guest] = self._clock()
        taking = self._since[Doing.TAKING]
        if len(taking) > self._limits.unread:
            self._drop(next(iter(taking)))

    def misses(self, guest: Guest) -> None:
        """Take note that a connection is gone."""
        doing = self._doing.pop(guest, None)
        if doing is not None:
            del self._since[doing][guest]

    def drop_the_slow(self) -> None:
        """Drop whoever had more time than the limits give."""
        now = self._clock()
        for doing, patience in self._patience.items():
            queue = self._since[doing]
            while queue and next(iter(queue.values())) + patience <= now:
                self._drop(next(iter(queue)))

    def make_room(self) -> None:
        """See to it that one more may come."""
        if len(self) < self._limits.connections:
            return
        if not self.drop_the_idlest("as many connections as there may be: the longest idle are closed"):
            self._drop_the_first(Doing.WAITING)

    def drop_the_idlest(self, why: str) -> bool:
        """Drop who is idle the longest, else who takes its answer the longest; False when there is none."""
        found = self._drop_the_first(Doing.ASKING, Doing.IDLE) or self._drop_the_first(Doing.TAKING)
        if found:
            self._say(why)
        return found

    def drop_all(self) -> None:
        """Drop all, whatever they do."""
        for guest in list(self._doing):
            self._drop(guest)

    def _drop_the_first(self, *those: Doing) -> bool:
        firsts = [next(iter(queue.items())) for doing in those if (queue := self._since[doing])]
        if firsts:
            self._drop(min(firsts, key=lambda first: first[1])[0])
        return bool(firsts)

    def _drop(self, guest: Guest) -> None:
        self.misses(guest)
        guest.drop()

    def _say(self, why: str) -> None:
        if self._clock() >= self._said + SAY_EVERY:
            self._said = self._clock()
            log.warning(why, extra={"connections": len(self)})
