"""Lists that are read at the same time when many jobs are active."""

from collections.abc import Iterator
from threading import Barrier, Event

import pytest

from exporter.model.job_kinds import BACKUP
from tests.support.harness import START, Bench, Clock, bench, job

MANY = 60
LONG = 30.0  # seconds until a test gives up
LISTS = 1 + len(BACKUP.active_states)


class Meeting:
    """Holds calls up, once called, until so many are there at the same time."""

    def __init__(self) -> None:
        self.called = Event()
        self._all_there = Barrier(LISTS)

    def __call__(self, operation: str) -> None:
        """Wait for the others."""
        if self.called.is_set() and operation == BACKUP.list_operation:
            self._all_there.wait(LONG)


@pytest.fixture
def meeting() -> Meeting:
    """A meeting that is not called yet."""
    return Meeting()


@pytest.fixture
def aws(meeting: Meeting) -> Iterator[Bench]:
    """A simulated AWS whose lists wait for each other."""
    with bench(Clock(), delay=meeting) as made:
        yield made


def test_many_active_jobs_take_the_time_of_one_list(aws: Bench, meeting: Meeting) -> None:
    """Discovery and the lists of all active states are under way at the same time."""
    for number in range(MANY):
        aws.account.put(job(f"j{number}", created=START - 60))
    watch = aws.watch()
    watch.catch_up()
    aws.clock.advance(15)
    aws.account.put(job("new", created=START + 10))
    aws.account.forget_calls()
    meeting.called.set()

    series = watch.scrape()

    assert series.value("aws_backup_up", collector="backup_jobs") == 1
    assert series.state("new") == "RUNNING"
    assert [call.operation for call in aws.account.calls] == [BACKUP.list_operation] * LISTS
