"""A machine whose clock is wrong: at the start, for a while, or for good."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import formatdate
from http.client import HTTPConnection

import pytest

from exporter.assembly import Assembler, Dependencies
from exporter.collectors.protocols import PACE
from exporter.config import Config
from exporter.exposition.self_metrics import Telemetry
from exporter.refresh.refresher import CHECK_INTERVAL
from exporter.runtime.clock import Clock as TrueClock
from tests.faults.sight import Log, up
from tests.faults.wire import JSON, Exchange, Wire
from tests.support.harness import START, Bench, Clock, Series, Watch, job, never_idle, static_session

DAY, HOUR = 86_400.0, 3600.0
SKEW_THAT_AWS_BEARS = 300.0


@dataclass
class Machine:
    """A machine whose system clock is ahead of the true time by so many seconds; AWS tells that it is."""

    true: Clock
    wire: Wire
    ahead: float = 0.0
    tells_date: bool = True

    def __post_init__(self) -> None:
        self.wire.breakage = self.answer

    def answer(self, exchange: Exchange) -> None:
        """Answer as AWS does, which refuses what is signed with a wrong time."""
        date = {"Date": formatdate(self.true(), usegmt=True)} if self.tells_date else {}
        if abs(self.ahead) > SKEW_THAT_AWS_BEARS:
            message = json.dumps({"message": "Signature expired: it is not now"})
            exchange.give(403, message, x_amzn_ErrorType="InvalidSignatureException", **date)
            return
        beyond = HTTPConnection(self.wire.beyond, timeout=10)
        beyond.request(exchange.command, exchange.path, headers=dict(exchange.headers))
        answer = beyond.getresponse()
        exchange.give(answer.status, answer.read(), answer.getheader("Content-Type", JSON), **date)
        beyond.close()


@pytest.fixture
def machine(aws: Bench, wire: Wire) -> Machine:
    """A machine with a right clock."""
    return Machine(aws.clock, wire)


Start = Callable[[], Watch]


@pytest.fixture
def start(aws: Bench, machine: Machine) -> Iterator[Start]:
    """Start an exporter on that machine."""
    with ExitStack() as running:

        def begin() -> Watch:
            clock = TrueClock(lambda: aws.clock() + machine.ahead, aws.clock)
            dependencies = Dependencies(
                open_session=static_session, clock=clock, steady=aws.clock, sleep=aws.clock.advance
            )
            target = aws.target(endpoint_url=machine.wire.endpoint_url)
            config = never_idle(Config(targets=(target,), collectors=("backup_jobs", "vaults")))
            exporter = Assembler(Telemetry(), dependencies).assemble(config)
            running.callback(exporter.stop)
            return Watch(exporter, aws.clock)

        yield begin


def fill(aws: Bench) -> None:
    """Put jobs into the account that began and ended over the day, and one that runs."""
    for hours in range(1, 23):
        created = START - hours * HOUR
        aws.account.put(job(f"ended-{hours}", "COMPLETED", created=created, CompletionDate=created + 60))
    aws.account.put(job("runs", created=START - 2 * HOUR))


def counts(series: Series) -> tuple[float, float, int]:
    """Tell how many jobs are counted as completed and as running, and how many have series."""
    return (
        series.value("aws_backup_jobs", state="COMPLETED"),
        series.value("aws_backup_jobs", state="RUNNING"),
        len(series.find("aws_backup_job_state")),
    )


def scrapes(aws: Bench, watch: Watch, number: int) -> Series:
    """Scrape so many times, every 30 seconds, with what runs in the background between; give the last."""
    for _ in range(number):
        aws.clock.advance(30)
        watch.catch_up()
        series = watch.scrape()
    return series


@pytest.mark.parametrize("tells_date", [True, False])
@pytest.mark.parametrize("ahead", [DAY, -DAY])
def test_a_start_with_a_wrong_clock_is_made_good(
    aws: Bench, machine: Machine, start: Start, ahead: float, tells_date: bool
) -> None:
    """Once NTP has set the clock right, all is published, without a restart."""
    fill(aws)
    machine.ahead, machine.tells_date = ahead, tells_date
    watch = start()
    assert up(scrapes(aws, watch, 3)) == 0
    machine.ahead = 0.0
    series = scrapes(aws, watch, 2)
    assert up(series) == 1
    assert counts(series) == (22, 1, 23)


@pytest.mark.parametrize("tells_date", [True, False])
@pytest.mark.parametrize("ahead", [DAY, 40 * DAY, -HOUR, -DAY])
def test_a_jump_and_back_loses_nothing(
    aws: Bench, machine: Machine, start: Start, ahead: float, tells_date: bool
) -> None:
    """The clock is wrong for two scrapes: after that all jobs of the window are there, and counted."""
    fill(aws)
    machine.tells_date = tells_date
    watch = start()
    assert counts(scrapes(aws, watch, 2)) == (22, 1, 23)
    machine.ahead = ahead
    scrapes(aws, watch, 2)
    machine.ahead = 0.0
    assert counts(scrapes(aws, watch, 3)) == (22, 1, 23)


def test_jobs_show_their_end_while_the_clock_is_a_little_wrong(
    aws: Bench, machine: Machine, start: Start
) -> None:
    """A clock that is wrong by less than AWS refuses changes nothing of what is published."""
    fill(aws)
    watch = start()
    scrapes(aws, watch, 2)
    machine.ahead = SKEW_THAT_AWS_BEARS - 1
    aws.account.put(job("runs", "COMPLETED", created=START - 2 * HOUR, CompletionDate=aws.clock() + 10))
    series = scrapes(aws, watch, 1)
    assert series.state("runs") == "COMPLETED"
    assert series.value("aws_backup_last_refresh_timestamp_seconds", collector="backup_jobs") == aws.clock()


def test_what_rarely_changes_keeps_its_pace_when_the_clock_goes_back(
    aws: Bench, machine: Machine, start: Start
) -> None:
    """When the clock goes back an hour, vaults are listed at their pace, not an hour later."""
    watch = start()
    scrapes(aws, watch, 1)
    machine.ahead = -SKEW_THAT_AWS_BEARS
    aws.account.forget_calls()
    aws.clock.advance(PACE + CHECK_INTERVAL)
    watch.catch_up()
    assert "ListBackupVaults" in {call.operation for call in aws.account.calls}


def test_old_jobs_do_not_count_as_newly_finished(aws: Bench, machine: Machine, start: Start) -> None:
    """An exporter that starts with a clock that is behind counts only what ends after its start."""
    fill(aws)
    machine.ahead = -SKEW_THAT_AWS_BEARS
    aws.account.put(job("just-ended", "COMPLETED", created=START - 120, CompletionDate=START - 60))
    watch = start()
    series = scrapes(aws, watch, 2)
    assert series.value("aws_backup_jobs_finished_total", state="COMPLETED") == 0


def test_a_wrong_clock_is_told_once(aws: Bench, machine: Machine, start: Start, log: Log) -> None:
    """The log says once that the clock jumped, once that AWS refuses, and once that it is right again."""
    watch = start()
    scrapes(aws, watch, 2)
    machine.ahead = DAY
    scrapes(aws, watch, 3)
    machine.ahead = 0.0
    scrapes(aws, watch, 3)
    assert sorted(set(log.events)) == sorted(log.events)
    assert "System clock jumped; using the time reported by AWS" in log.events
    assert "System clock is correct again" in log.events
