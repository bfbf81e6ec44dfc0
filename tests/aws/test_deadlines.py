"""The deadline of a call is for AWS: what comes afterwards has its time."""

from threading import Event

from exporter.aws.deadlines import Call, Deadlines
from tests.support.harness import Clock

LONG = 20.0  # seconds until a test gives up


def expires(call: Call) -> bool:
    """Wait until a call has expired."""
    pause = Event()
    return any(call.expired or pause.wait(0.01) for _ in range(int(LONG * 100)))


def test_reading_an_answer_has_its_time() -> None:
    """A call whose answer is there does not expire, however long it takes to read it."""
    clock = Clock()
    deadlines = Deadlines(clock)
    with deadlines.within(1.0) as call:
        deadlines.answered()
        clock.advance(5.0)
        with deadlines.within(0.0) as later:
            assert expires(later)
        assert not call.expired


def test_without_an_answer_it_expires() -> None:
    """A call without an answer expires at its deadline."""
    clock = Clock()
    deadlines = Deadlines(clock)
    with deadlines.within(1.0) as call:
        clock.advance(5.0)
        with deadlines.within(0.0) as later:
            assert expires(later)
        assert call.expired
