"""Of the threads that ask AWS one computes at a time; they wait for AWS together."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread

import pytest

from exporter.aws.cpu_turns import SEVERAL, Turns

LONG = 20.0  # seconds until a test gives up


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    """Another thread."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


def take(turns: Turns) -> None:
    """Make a call that does nothing."""
    with turns.taken():
        pass


def test_one_at_a_time(other: ThreadPoolExecutor) -> None:
    """While one thread makes a request, another one waits for its turn."""
    turns = Turns()
    with turns.taken():
        waiting = other.submit(take, turns)
        assert not waiting.done()
    waiting.result(LONG)


def test_turns_are_scarce_when_several_wait() -> None:
    """Turns are scarce while several threads wait for theirs, and no longer."""
    turns = Turns()
    with ThreadPoolExecutor(SEVERAL) as others:
        with turns.taken():
            assert not turns.are_scarce()
            waiting = [others.submit(take, turns) for _ in range(SEVERAL)]
            pause = Event()
            assert any(turns.are_scarce() or pause.wait(0.01) for _ in range(int(100 * LONG)))
        for one in waiting:
            one.result(LONG)
    assert not turns.are_scarce()


def test_another_while_one_waits_for_aws(other: ThreadPoolExecutor) -> None:
    """While one thread waits for AWS, it is another's turn."""
    turns = Turns()
    with turns.taken():
        turns.waits()
        other.submit(take, turns).result(LONG)
        turns.goes_on()
    other.submit(take, turns).result(LONG)


def test_an_answer_is_read_in_turn(other: ThreadPoolExecutor) -> None:
    """Whoever has its answer waits until it is its turn again, and reads it while nobody else computes."""
    turns = Turns()
    answered, read = Event(), Event()

    def call() -> None:
        with turns.taken():
            turns.waits()
            assert answered.wait(LONG)
            turns.goes_on()
            read.set()

    calling = other.submit(call)
    with turns.taken():
        answered.set()
        assert not read.is_set()
    calling.result(LONG)


def test_a_call_without_an_answer_leaves_the_turn(other: ThreadPoolExecutor) -> None:
    """A call that fails while it waits for AWS keeps no turn."""
    turns = Turns()
    with suppress(OSError), turns.taken():
        turns.waits()
        raise OSError
    other.submit(take, turns).result(LONG)


def test_calls_of_others_take_no_turn(other: ThreadPoolExecutor) -> None:
    """A call that is made outside, by the credential chain, neither takes a turn nor gives one away."""
    turns = Turns()
    turns.waits()
    turns.goes_on()
    other.submit(take, turns).result(LONG)


def test_an_answer_takes_one_turn(other: ThreadPoolExecutor) -> None:
    """To be told of an answer twice is to be told of it once."""
    turns = Turns()
    with turns.taken():
        turns.waits()
        turns.goes_on()
        turns.goes_on()
    other.submit(take, turns).result(LONG)


def test_nobody_has_a_turn_while_it_is_quiet() -> None:
    """While a scrape is written no call begins; it does as soon as that is done."""
    turns = Turns()
    begun = Event()

    def call() -> None:
        with turns.taken():
            begun.set()

    with turns.paused():
        thread = Thread(target=call)
        thread.start()
        assert not begun.wait(0.1)
    assert begun.wait(LONG)
    thread.join(LONG)
