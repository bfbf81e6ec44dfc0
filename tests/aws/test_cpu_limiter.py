"""One thread at a time builds a request or reads a response; any number wait for AWS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread

import pytest

from exporter.aws.cpu_limiter import CONTENDED, CpuLimiter

LONG = 20.0  # seconds until a test gives up


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    """Another thread."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


def run(limiter: CpuLimiter) -> None:
    """Run a call that does nothing."""
    with limiter.acquired():
        pass


def test_one_at_a_time(other: ThreadPoolExecutor) -> None:
    """While one thread builds a request, another one waits."""
    limiter = CpuLimiter()
    with limiter.acquired():
        waiting = other.submit(run, limiter)
        assert not waiting.done()
    waiting.result(LONG)


def test_contended_while_several_wait() -> None:
    """The limiter is contended while several threads wait, and no longer."""
    limiter = CpuLimiter()
    with ThreadPoolExecutor(CONTENDED) as others:
        with limiter.acquired():
            assert not limiter.is_contended()
            waiting = [others.submit(run, limiter) for _ in range(CONTENDED)]
            pause = Event()
            assert any(limiter.is_contended() or pause.wait(0.01) for _ in range(int(100 * LONG)))
        for one in waiting:
            one.result(LONG)
    assert not limiter.is_contended()


def test_released_while_waiting_for_aws(other: ThreadPoolExecutor) -> None:
    """While one thread waits for AWS, another one may work."""
    limiter = CpuLimiter()
    with limiter.acquired():
        limiter.release()
        other.submit(run, limiter).result(LONG)
        limiter.reacquire()
    other.submit(run, limiter).result(LONG)


def test_a_response_is_read_with_the_lock(other: ThreadPoolExecutor) -> None:
    """A thread that receives a response waits until no other one works before it reads it."""
    limiter = CpuLimiter()
    answered, read = Event(), Event()

    def call() -> None:
        with limiter.acquired():
            limiter.release()
            assert answered.wait(LONG)
            limiter.reacquire()
            read.set()

    calling = other.submit(call)
    with limiter.acquired():
        answered.set()
        assert not read.is_set()
    calling.result(LONG)


def test_a_failed_call_releases_the_lock(other: ThreadPoolExecutor) -> None:
    """A call that fails while it waits for AWS does not keep the lock."""
    limiter = CpuLimiter()
    with suppress(OSError), limiter.acquired():
        limiter.release()
        raise OSError
    other.submit(run, limiter).result(LONG)


def test_other_calls_do_not_use_the_lock(other: ThreadPoolExecutor) -> None:
    """A call outside `acquired`, by the credential chain, neither acquires nor releases the lock."""
    limiter = CpuLimiter()
    limiter.release()
    limiter.reacquire()
    other.submit(run, limiter).result(LONG)


def test_reacquired_once(other: ThreadPoolExecutor) -> None:
    """Two events for the same response acquire the lock once."""
    limiter = CpuLimiter()
    with limiter.acquired():
        limiter.release()
        limiter.reacquire()
        limiter.reacquire()
    other.submit(run, limiter).result(LONG)


def test_no_call_starts_while_paused() -> None:
    """While a scrape is written no call starts; it starts as soon as the pause ends."""
    limiter = CpuLimiter()
    begun = Event()

    def call() -> None:
        with limiter.acquired():
            begun.set()

    with limiter.paused():
        thread = Thread(target=call)
        thread.start()
        assert not begun.wait(0.1)
    assert begun.wait(LONG)
    thread.join(LONG)
