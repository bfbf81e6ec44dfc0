"""Too many at once: who has to go, and that those who behave are answered."""

import errno
import logging
import math
import socket
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.web.server.connection_tracker import LOG_INTERVAL, Activity, ConnectionTracker, Limits
from exporter.web.server.listener import ACCEPT_RETRY_DELAY
from exporter.web.server.server import listen
from tests.e2e.process import until
from tests.web.served import answer, get, request, rest, served

LIMITS = Limits(request=60, idle=60, response=60)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class TrackedConnection:
    """A connection that takes note of being dropped."""

    def __init__(self) -> None:
        self.dropped = 0

    def drop(self) -> None:
        """Take note."""
        self.dropped += 1


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


def dropped(*connections: TrackedConnection) -> list[int]:
    """Tell how often each was dropped."""
    return [connection.dropped for connection in connections]


@pytest.mark.parametrize(
    ("activity", "patience"),
    [
        (Activity.READING_REQUEST, Limits.request),
        (Activity.IDLE, Limits.idle),
        (Activity.SENDING_RESPONSE, Limits.response),
    ],
)
def test_patience_ends(clock: Clock, activity: Activity, patience: float) -> None:
    """Each thing that a client does has its time, and then the connection is dropped, once."""
    tracker, connection = ConnectionTracker(Limits(), clock), TrackedConnection()
    tracker.update(connection, activity)
    clock.now += patience - 0.01
    tracker.drop_expired()
    assert (connection.dropped, len(tracker)) == (0, 1)
    clock.now += 0.02
    tracker.drop_expired()
    tracker.drop_expired()
    assert (connection.dropped, len(tracker)) == (1, 0)


def test_nobody_is_dropped_for_waiting(clock: Clock) -> None:
    """Who waits for an answer to be made has all time."""
    tracker, connection = ConnectionTracker(Limits(), clock), TrackedConnection()
    tracker.update(connection, Activity.PROCESSING)
    clock.now += 1e6
    tracker.drop_expired()
    assert connection.dropped == 0


def test_the_same_again_gains_nothing(clock: Clock) -> None:
    """Activity the same again gives no new time; activity something else does."""
    tracker, same, other = ConnectionTracker(Limits(), clock), TrackedConnection(), TrackedConnection()
    for connection in (same, other):
        tracker.update(connection, Activity.SENDING_RESPONSE)
    clock.now += Limits.response - 1
    tracker.update(same, Activity.SENDING_RESPONSE)
    tracker.update(other, Activity.PROCESSING)
    tracker.update(other, Activity.SENDING_RESPONSE)
    clock.now += 2
    tracker.drop_expired()
    assert dropped(same, other) == [1, 0]


def test_the_idlest_goes_first(clock: Clock) -> None:
    """Of those whom nobody waits for, who has done nothing for the longest goes, whatever it is."""
    tracker, connections = ConnectionTracker(Limits(), clock), [TrackedConnection() for _ in range(5)]
    order = (
        Activity.IDLE,
        Activity.READING_REQUEST,
        Activity.PROCESSING,
        Activity.SENDING_RESPONSE,
        Activity.IDLE,
    )
    for connection, activity in zip(connections, order, strict=True):
        clock.now += 1
        tracker.update(connection, activity)
    told = []
    while tracker.drop_idlest("full"):
        told.append(dropped(*connections))
    assert told == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 1], [1, 1, 0, 1, 1]]


def test_room_is_made_only_when_there_is_none(clock: Clock) -> None:
    """Nobody is dropped while there is room."""
    tracker, first, second = (
        ConnectionTracker(Limits(connections=2), clock),
        TrackedConnection(),
        TrackedConnection(),
    )
    tracker.make_room()
    tracker.update(first, Activity.IDLE)
    tracker.make_room()
    tracker.update(second, Activity.IDLE)
    assert dropped(first, second) == [0, 0]
    tracker.make_room()
    assert dropped(first, second) == [1, 0]


def test_room_is_made_among_those_who_wait_at_last(clock: Clock) -> None:
    """When all wait for answers to be made, who waits the longest goes: there is always room for one more."""
    tracker, connections = (
        ConnectionTracker(Limits(connections=2), clock),
        [TrackedConnection() for _ in range(3)],
    )
    for connection in connections:
        tracker.make_room()
        tracker.update(connection, Activity.PROCESSING)
        clock.now += 1
    assert dropped(*connections) == [1, 0, 0]
    assert not tracker.drop_idlest("no file to be opened")


def test_few_answers_wait_to_be_taken(clock: Clock) -> None:
    """When more answers wait to be taken than may, the one that waits the longest is dropped."""
    tracker, connections = ConnectionTracker(Limits(unread=2), clock), [TrackedConnection() for _ in range(3)]
    for connection in connections:
        tracker.update(connection, Activity.SENDING_RESPONSE)
    assert dropped(*connections) == [1, 0, 0]


@pytest.mark.parametrize(
    ("files", "connections", "unread", "accept_batch"),
    [(64, 32, 8, 2), (1024, 512, 128, 16), (65536, 4096, 128, 16), (math.inf, 4096, 128, 16), (10, 5, 1, 1)],
)
def test_limits_by_open_files(files: float, connections: int, unread: int, accept_batch: int) -> None:
    """Connections have half of the files that may be open, up to 4,096."""
    limits = Limits.for_files(files)
    assert (limits.connections, limits.unread, limits.accept_batch) == (connections, unread, accept_batch)


def test_that_there_are_too_many_is_said_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells that connections are closed for want of room, once a minute."""
    tracker = ConnectionTracker(Limits(connections=1), clock)
    for _ in range(100):
        tracker.make_room()
        tracker.update(TrackedConnection(), Activity.IDLE)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    clock.now += LOG_INTERVAL
    tracker.make_room()
    assert len(caplog.records) == 2


def test_a_new_client_takes_the_place_of_the_idlest() -> None:
    """When there may be no more connections, a new client is answered all the same, and the idlest closed."""
    with served(replace(LIMITS, connections=3)) as server:
        waiting, idle, silent = server.client(), server.client(), server.client()
        waiting.sendall(request("/wait"))
        until(lambda: server.app.waiting)
        idle.sendall(request("/?1"))
        assert answer(idle) == b"hello 1"
        new = server.client()
        new.sendall(request("/?2"))
        assert answer(new) == b"hello 2"
        assert rest(silent) == b""
        for client, number in ((idle, b"3"), (new, b"4")):
            client.sendall(request(f"/?{number.decode()}"))
            assert answer(client) == b"hello " + number
        server.let_go_on()
        assert answer(waiting) == b"at last"


def test_a_flood() -> None:
    """Each of many clients that come all at once, to a server with room for few, is answered."""
    with served(replace(LIMITS, connections=5)) as server:
        for _ in range(20):
            idle = [server.client() for _ in range(20)]
            assert server.answers()
            assert sum(rest(client) == b"" for client in idle[:15]) == 15


class Failing(socket.socket):
    """A listening socket that fails at times.

    Attributes:
        errors: how it fails next, one after the other.
        lasting: how it fails when those are over, if it does.
        tried: when a connection was asked for.
    """

    def __init__(self) -> None:
        with listen("127.0.0.1:0") as listening:
            super().__init__(fileno=listening.detach())
        self.errors: list[int] = []
        self.lasting: int | None = None
        self.tried: list[float] = []

    def accept(self) -> tuple[socket.socket, object]:
        """Fail, or accept."""
        self.tried.append(time.monotonic())
        number = self.errors.pop() if self.errors else self.lasting
        if number is not None:
            raise OSError(number, "as the test wants it")
        return super().accept()


def test_no_file_left_for_a_connection() -> None:
    """When no file can be opened for a new connection, an idle one is closed for it."""
    with Failing() as listening, served(LIMITS, listening=listening) as server:
        idle, other = server.client(), server.client()
        for client in (idle, other):
            client.sendall(request("/"))
            assert answer(client) == b"hello "
        listening.errors.append(errno.EMFILE)
        assert server.answers()
        assert rest(idle) == b""
        other.sendall(request("/?kept"))
        assert answer(other) == b"hello kept"


@pytest.mark.parametrize(
    "number", [errno.EMFILE, errno.ENOMEM, errno.ECONNABORTED, errno.EPROTO, errno.EPERM]
)
def test_a_failure_to_accept(number: int) -> None:
    """A failure to take in a connection does not keep the next from being taken in."""
    with Failing() as listening, served(LIMITS, listening=listening) as server:
        listening.errors += [number] * 3
        assert server.answers()
        assert listening.errors == []


def test_a_failure_that_lasts() -> None:
    """While no connection can be taken in, the server rests between two tries, and goes on afterwards."""
    with Failing() as listening, served(LIMITS, listening=listening) as server:
        listening.lasting = errno.EMFILE
        client = server.client()
        until(lambda: len(listening.tried) > 3)
        assert all(after - before > ACCEPT_RETRY_DELAY / 2 for before, after in pairwise(listening.tried))
        listening.lasting = None
        assert get(client) == b"hello "
