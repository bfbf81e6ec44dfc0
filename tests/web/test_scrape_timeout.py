"""How long a scrape may wait for AWS."""

import pytest

from exporter.model.records import Scope
from exporter.web.scrape_timeout import Deadline
from tests.support.harness import Clock

PRODUCTION = Scope("production", "eu-west-1")


@pytest.mark.parametrize(
    ("announced", "patience"),
    [
        ("15", 14.5),
        ("2.5", 2.0),
        ("0.5", 0.25),
        ("", 9.5),
        ("soon", 9.5),
        ("-1", 9.5),
        ("0", 9.5),
        ("nan", 9.5),
        ("inf", 9.5),
        ("10,10", 9.5),
    ],
)
def test_patience(announced: str, patience: float) -> None:
    """A scrape waits until shortly before its time-out; ten seconds are assumed when none is announced."""
    assert Deadline(Clock()).max_wait(announced, None) == patience


def test_writing_has_its_time() -> None:
    """Half as much time again as writing took is left for writing the same, and for nothing else."""
    clock = Clock()
    deadline = Deadline(clock)

    with deadline.writing(None):
        clock.advance(2.0)

    assert deadline.max_wait("10", None) == 6.5
    assert deadline.max_wait("10", PRODUCTION) == 9.5


def test_writing_many_scopes_has_its_time_from_the_start() -> None:
    """Before anything was written, time is left by how many scopes there are to write."""
    assert Deadline(Clock()).max_wait("10", None, 1000) == 7.5


def test_writing_that_became_quick() -> None:
    """What counts is how long writing took the last time."""
    clock = Clock()
    deadline = Deadline(clock)
    for seconds in (3.0, 2.0):
        with deadline.writing(PRODUCTION):
            clock.advance(seconds)

    assert deadline.max_wait("10", PRODUCTION) == 6.5


def test_writing_takes_half_of_the_time_at_most() -> None:
    """However long writing takes, AWS is waited for."""
    clock = Clock()
    deadline = Deadline(clock)
    with deadline.writing(None):
        clock.advance(60.0)

    assert deadline.max_wait("10", None) == 5.0
