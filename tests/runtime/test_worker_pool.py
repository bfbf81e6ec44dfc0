"""The pool of threads that all scopes share."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from functools import partial
from threading import Event

import pytest

from exporter.runtime.worker_pool import WorkerPool
from tests.support.harness import Clock

PATIENCE = 0.01  # also how often it is looked whether somebody is held up
LONG = 20.0  # seconds until a test gives up


class Work:
    """Some work that begins, and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = Event()
        self.may_end = Event()

    def __call__(self) -> None:
        """Do it."""
        self.begun.set()
        assert self.may_end.wait(LONG)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def works() -> Iterator[list[Work]]:
    """Some works; each ends after the test."""
    made = [Work() for _ in range(4)]
    yield made
    for work in made:
        work.may_end.set()


def test_concurrency_is_limited(clock: Clock, works: list[Work]) -> None:
    """The next begins when one of those at work has ended, and no sooner."""
    pool = WorkerPool("test", 2, clock, patience=PATIENCE)
    done = [pool.submit(work) for work in works[:3]]
    assert works[0].begun.wait(LONG)
    assert works[1].begun.wait(LONG)
    assert not works[2].begun.wait(10 * PATIENCE)

    works[1].may_end.set()

    assert works[2].begun.wait(LONG)
    assert [one.done() for one in done] == [False, True, False]


def test_no_replacement_starts_while_busy(clock: Clock, works: list[Work]) -> None:
    """While threads wait for the CPU, a slow task makes no room for another."""
    scarce = True
    pool = WorkerPool("test", 1, clock, patience=PATIENCE, busy=lambda: scarce)
    pool.submit(works[0])
    pool.submit(works[1])
    assert works[0].begun.wait(LONG)
    clock.advance(10 * PATIENCE)
    assert not works[1].begun.wait(10 * PATIENCE)
    scarce = False
    assert works[1].begun.wait(LONG)


def test_slow_task_no_longer_counts(clock: Clock, works: list[Work]) -> None:
    """Who has worked for long no longer counts, though nobody ends and nothing new comes."""
    pool = WorkerPool("test", 1, clock, patience=PATIENCE)
    for work in works[:2]:
        pool.submit(work)
    assert works[0].begun.wait(LONG)
    assert not works[1].begun.wait(10 * PATIENCE)

    clock.advance(PATIENCE)

    assert works[1].begun.wait(LONG)


def test_slow_task_is_replaced_once(clock: Clock, works: list[Work]) -> None:
    """When one that made room ends at last, no second place is free."""
    pool = WorkerPool("test", 1, clock, patience=PATIENCE)
    done = [pool.submit(work) for work in works[:2]]
    assert works[0].begun.wait(LONG)
    clock.advance(PATIENCE)
    assert works[1].begun.wait(LONG)

    works[0].may_end.set()
    wait(done[:1], LONG)
    pool.submit(works[2])

    assert not works[2].begun.wait(10 * PATIENCE)


def test_tasks_run_in_order(clock: Clock) -> None:
    """What came first is begun first."""
    pool = WorkerPool("test", 1, clock)
    order: list[int] = []

    wait([pool.submit(partial(order.append, number)) for number in range(100)], LONG)

    assert order == list(range(100))


def test_few_threads(clock: Clock) -> None:
    """No more threads are made than may work at the same time."""
    pool = WorkerPool("few", 3, clock)

    wait([pool.submit(lambda: None) for _ in range(200)], LONG)

    assert sum(thread.name.startswith("few") for thread in threading.enumerate()) <= 3


def test_failed_task_does_not_affect_others(clock: Clock) -> None:
    """What a task raises is in its future, and the next task starts."""
    pool = WorkerPool("test", 1, clock)

    failed, well = pool.submit(_fail), pool.submit(lambda: None)

    assert isinstance(failed.exception(LONG), IndexError)
    assert well.exception(LONG) is None


def _fail() -> None:
    raise IndexError


def test_no_task_starts_after_stop(clock: Clock, works: list[Work]) -> None:
    """What waits when it is told to stop is never begun, nor what comes later; who waits for it is let go."""
    pool = WorkerPool("test", 1, clock, patience=PATIENCE)
    pool.submit(works[0])
    assert works[0].begun.wait(LONG)
    waiting = pool.submit(works[1])

    pool.stop()
    late = pool.submit(works[2])
    wait([waiting, late], LONG)
    works[0].may_end.set()

    assert waiting.cancelled()
    assert late.cancelled()
    assert not works[1].begun.wait(10 * PATIENCE)


def test_a_slow_key_waits_until_no_other_has_a_task(clock: Clock, works: list[Work]) -> None:
    """A key whose task took too long comes after the keys whose tasks did not, however early it came."""
    pool = WorkerPool("test", 1, clock, patience=PATIENCE)
    slow = pool.submit(works[0], "slow")
    assert works[0].begun.wait(LONG)
    clock.advance(PATIENCE)
    works[0].may_end.set()
    wait([slow], LONG)
    pool.submit(works[1], "prompt")
    assert works[1].begun.wait(LONG)
    order: list[str] = []

    waiting = [pool.submit(partial(order.append, key), key) for key in ("slow", "prompt", "other")]
    works[1].may_end.set()
    wait(waiting, LONG)

    assert order == ["prompt", "other", "slow"]


def test_keys_are_served_round_robin(clock: Clock, works: list[Work]) -> None:
    """A key with many tasks does not keep another from its first."""
    pool = WorkerPool("test", 1, clock, patience=PATIENCE)
    first = pool.submit(works[0], "busy")
    assert works[0].begun.wait(LONG)
    order: list[str] = []

    waiting = [pool.submit(partial(order.append, key), key) for key in ("busy", "busy", "busy", "other")]
    works[0].may_end.set()
    wait([first, *waiting], LONG)

    assert order == ["busy", "other", "busy", "busy"]


def test_concurrency_per_key_is_limited(clock: Clock, works: list[Work]) -> None:
    """Tasks of a key that are slow still count against the key, so that it cannot take all threads."""
    pool = WorkerPool("test", 4, clock, patience=PATIENCE, per_key=2)
    for work in works[:3]:
        pool.submit(work, "one")
    assert works[0].begun.wait(LONG)
    assert works[1].begun.wait(LONG)
    clock.advance(PATIENCE)
    pool.submit(works[3], "other")
    assert works[3].begun.wait(LONG)
    assert not works[2].begun.wait(10 * PATIENCE)

    works[0].may_end.set()

    assert works[2].begun.wait(LONG)
