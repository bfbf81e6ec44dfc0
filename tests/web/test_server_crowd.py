"""Too many at once: who has to go, and that those who behave are answered."""

import errno
import logging
import math
import socket
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.web.server.connections import SAY_EVERY, Crowd, Doing, Limits
from exporter.web.server.listener import REST
from exporter.web.server.server import listen
from tests.e2e.process import until
from tests.web.served import answer, get, request, rest, served

LIMITS = Limits(request=60, idle=60, answer=60)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Guest:
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


def dropped(*guests: Guest) -> list[int]:
    """Tell how often each was dropped."""
    return [guest.dropped for guest in guests]


@pytest.mark.parametrize(
    ("doing", "patience"),
    [(Doing.ASKING, Limits.request), (Doing.IDLE, Limits.idle), (Doing.TAKING, Limits.answer)],
)
def test_patience_ends(clock: Clock, doing: Doing, patience: float) -> None:
    """Each thing that a client does has its time, and then the connection is dropped, once."""
    crowd, guest = Crowd(Limits(), clock), Guest()
    crowd.sees(guest, doing)
    clock.now += patience - 0.01
    crowd.drop_the_slow()
    assert (guest.dropped, len(crowd)) == (0, 1)
    clock.now += 0.02
    crowd.drop_the_slow()
    crowd.drop_the_slow()
    assert (guest.dropped, len(crowd)) == (1, 0)


def test_nobody_is_dropped_for_waiting(clock: Clock) -> None:
    """Who waits for an answer to be made has all time."""
    crowd, guest = Crowd(Limits(), clock), Guest()
    crowd.sees(guest, Doing.WAITING)
    clock.now += 1e6
    crowd.drop_the_slow()
    assert guest.dropped == 0


def test_the_same_again_gains_nothing(clock: Clock) -> None:
    """Doing the same again gives no new time; doing something else does."""
    crowd, same, other = Crowd(Limits(), clock), Guest(), Guest()
    for guest in (same, other):
        crowd.sees(guest, Doing.TAKING)
    clock.now += Limits.answer - 1
    crowd.sees(same, Doing.TAKING)
    crowd.sees(other, Doing.WAITING)
    crowd.sees(other, Doing.TAKING)
    clock.now += 2
    crowd.drop_the_slow()
    assert dropped(same, other) == [1, 0]


def test_the_idlest_goes_first(clock: Clock) -> None:
    """Of those whom nobody waits for, who has done nothing for the longest goes, whatever it is."""
    crowd, guests = Crowd(Limits(), clock), [Guest() for _ in range(5)]
    order = (Doing.IDLE, Doing.ASKING, Doing.WAITING, Doing.TAKING, Doing.IDLE)
    for guest, doing in zip(guests, order, strict=True):
        clock.now += 1
        crowd.sees(guest, doing)
    told = []
    while crowd.drop_the_idlest("full"):
        told.append(dropped(*guests))
    assert told == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 0, 0, 1], [1, 1, 0, 1, 1]]


def test_room_is_made_only_when_there_is_none(clock: Clock) -> None:
    """Nobody is dropped while there is room."""
    crowd, first, second = Crowd(Limits(connections=2), clock), Guest(), Guest()
    crowd.make_room()
    crowd.sees(first, Doing.IDLE)
    crowd.make_room()
    crowd.sees(second, Doing.IDLE)
    assert dropped(first, second) == [0, 0]
    crowd.make_room()
    assert dropped(first, second) == [1, 0]


def test_room_is_made_among_those_who_wait_at_last(clock: Clock) -> None:
    """When all wait for answers to be made, who waits the longest goes: there is always room for one more."""
    crowd, guests = Crowd(Limits(connections=2), clock), [Guest() for _ in range(3)]
    for guest in guests:
        crowd.make_room()
        crowd.sees(guest, Doing.WAITING)
        clock.now += 1
    assert dropped(*guests) == [1, 0, 0]
    assert not crowd.drop_the_idlest("no file to be opened")


def test_few_answers_wait_to_be_taken(clock: Clock) -> None:
    """When more answers wait to be taken than may, the one that waits the longest is dropped."""
    crowd, guests = Crowd(Limits(unread=2), clock), [Guest() for _ in range(3)]
    for guest in guests:
        crowd.sees(guest, Doing.TAKING)
    assert dropped(*guests) == [1, 0, 0]


@pytest.mark.parametrize(
    ("files", "connections", "unread", "at_once"),
    [(64, 32, 8, 2), (1024, 512, 128, 16), (65536, 4096, 128, 16), (math.inf, 4096, 128, 16), (10, 5, 1, 1)],
)
def test_limits_by_open_files(files: float, connections: int, unread: int, at_once: int) -> None:
    """Connections have half of the files that may be open, up to 4,096."""
    limits = Limits.for_files(files)
    assert (limits.connections, limits.unread, limits.at_once) == (connections, unread, at_once)


def test_that_there_are_too_many_is_said_once_a_minute(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells that connections are closed for want of room, once a minute."""
    crowd = Crowd(Limits(connections=1), clock)
    for _ in range(100):
        crowd.make_room()
        crowd.sees(Guest(), Doing.IDLE)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    clock.now += SAY_EVERY
    crowd.make_room()
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
        assert all(after - before > REST / 2 for before, after in pairwise(listening.tried))
        listening.lasting = None
        assert get(client) == b"hello "
