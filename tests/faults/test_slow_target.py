"""A target whose AWS answers too slowly: it slows only itself, and it does not stay silent."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from threading import Event

import pytest

from exporter.assembly import Assembler, Dependencies
from exporter.config import Api, Config, Discovery, Target
from exporter.exposition.self_metrics import Telemetry
from exporter.model.records import Scope
from tests.faults.sight import Log, calls, up
from tests.faults.wire import Wire, drips, only, unplugged
from tests.support.harness import (
    REGION,
    START,
    Bench,
    Clock,
    Series,
    Watch,
    bench,
    job,
    never_idle,
    static_session,
)

LONG = 30.0  # seconds until a test gives up
SHORT = Api(connect_timeout=2.0, read_timeout=1.0)
SLOW_TARGETS, SLOW_JOBS = 3, 12
BY_ID = Discovery(enabled=False)

Start = Callable[..., Watch]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start an exporter on the machine's clocks, for calls that take real time."""
    with ExitStack() as running:

        def begin(*targets: Target, api: Api = SHORT) -> Watch:
            config = never_idle(Config(targets=targets, collectors=("backup_jobs",), api=api))
            exporter = Assembler(Telemetry(), Dependencies(open_session=static_session)).assemble(config)
            running.callback(exporter.stop)
            return Watch(exporter, None)  # type: ignore[arg-type] # nobody moves the clock

        yield begin


class RealClock(Clock):
    """The machine's clock."""

    def __call__(self) -> float:
        """Tell the time."""
        return time.time()


@pytest.fixture
def aws_now() -> Iterator[Bench]:
    """A simulated AWS on the machine's clock, with one running job."""
    with bench(RealClock()) as made:
        made.account.put(job("a", created=time.time()))
        yield made


@pytest.fixture
def slow_wire(aws_now: Bench) -> Iterator[Wire]:
    """A wire to it."""
    with unplugged(aws_now.server.endpoint_url) as laid:
        laid.plug_in()
        yield laid


def refreshed(watch: Watch) -> Future[None]:
    """Refresh everything, and wait for it."""
    done = watch.exporter.refresher.refresh().all
    done.result(LONG)
    return done


def test_an_answer_that_drips_ends_at_the_deadline(
    aws_now: Bench, slow_wire: Wire, log: Log, start: Start
) -> None:
    """A call whose answer comes byte by byte ends when the time-outs have passed, as `timeout`."""
    slow_wire.breakage = only("/backup-jobs/a", drips)
    watch = start(aws_now.target(endpoint_url=slow_wire.endpoint_url))

    refreshed(watch)

    series = watch.read()
    assert slow_wire.drops > 1
    assert up(series) == 0
    assert calls(series, "DescribeBackupJob", "timeout") == 1
    assert "api.read_timeout" in log.failure["remedy"]


def test_a_list_that_drips_ends_at_the_deadline(aws_now: Bench, slow_wire: Wire, start: Start) -> None:
    """The deadline holds for lists as it does for descriptions."""
    slow_wire.breakage = drips
    watch = start(aws_now.target(endpoint_url=slow_wire.endpoint_url))
    refreshed(watch)
    assert calls(watch.read(), "ListBackupJobs", "timeout") == 1


def test_a_slow_target_slows_only_itself(aws_now: Bench, slow_wire: Wire, start: Start) -> None:
    """While many calls of three targets hang, a job of a healthy target is described on each refresh."""
    slow_regions = tuple(f"eu-slow-{number + 1}" for number in range(SLOW_TARGETS))
    for region in slow_regions:
        for place in range(SLOW_JOBS):
            aws_now.server.account(region).put(job(f"slow-{place}", created=time.time()))
    slow_wire.breakage = only("/backup-jobs/slow", drips)
    watch = start(
        Target(name="slow", regions=slow_regions, endpoint_url=slow_wire.endpoint_url),
        aws_now.target(name="healthy"),
        api=Api(connect_timeout=LONG, read_timeout=LONG),
    )
    refresher = watch.exporter.refresher
    healthy = Scope("healthy", REGION)
    refresher.refresh()

    for scrape in range(1, 6):
        refresher.refresh(healthy).all.result(LONG)
        assert len(aws_now.described()) == scrape

    assert watch.read().value("aws_backup_up", target="healthy") == 1


def test_a_refresh_that_does_not_end_is_told(aws: Bench, log: Log) -> None:
    """When a refresh outlasts three scrapes, up is 0 and the log says once why; until it ends."""
    called, answer = Event(), Event()

    def hang(_: str) -> None:
        called.set()
        answer.wait(LONG)

    region = "eu-west-3"
    with bench(aws.clock, delay=hang) as hanging:
        watch = aws.watch(Target(name="t", regions=(region,), endpoint_url=hanging.server.endpoint_url))
        refresh = watch.exporter.refresher.refresh().all
        assert called.wait(LONG)
        for _ in range(6):
            aws.clock.advance(15)
            watch.exporter.refresher.refresh()
        series = watch.read()
        assert up(series) == 0
        assert "has been running" in log.failure["reason"]
        assert series.find("aws_backup_last_refresh_timestamp_seconds") == []
        answer.set()
        refresh.result(LONG)
    assert up(watch.read()) == 1
    assert log.recoveries == 1


def test_scrapes_that_come_all_at_once_are_no_stall(aws: Bench) -> None:
    """Many scrapes within the time of one refresh do not make it stale."""
    answer = Event()
    with bench(aws.clock, delay=lambda _: answer.wait(LONG) and None) as slow:
        watch = aws.watch(Target(name="t", regions=(REGION,), endpoint_url=slow.server.endpoint_url))
        refresh = watch.exporter.refresher.refresh().all
        for _ in range(100):
            watch.exporter.refresher.refresh()
        assert [health.fault for health in watch.exporter.ledgers[0].health().values()] == [None]
        answer.set()
        refresh.result(LONG)


def test_jobs_that_the_budget_leaves_out_are_told(aws: Bench, log: Log) -> None:
    """When active jobs wait for more than three scrapes, up is 0 and the last refresh stays where it was."""
    ids = tuple(f"j{number}" for number in range(20))
    for job_id in ids:
        aws.account.put(job(job_id, created=START - 10 * 86_400))
    watch = aws.watch(aws.target(job_ids=ids), discovery=BY_ID, api=Api(requests_per_second=0.2))
    seen: list[Series] = []
    for _ in range(6):
        seen.append(watch.scrape())
        aws.clock.advance(10)
    assert [up(series) for series in seen] == [1, 1, 1, 0, 0, 0]
    moved = [series.value("aws_backup_last_refresh_timestamp_seconds") for series in seen]
    assert len(set(moved[2:])) == 1
    assert log.failure["remedy"] == "raise api.requests_per_second, or scrape less often"


def test_a_budget_that_suffices_for_all_within_three_scrapes_is_none(aws: Bench) -> None:
    """Jobs that are described in turn, each on one of three scrapes, are not stale."""
    ids = tuple(f"j{number}" for number in range(6))
    for job_id in ids:
        aws.account.put(job(job_id, created=START - 10 * 86_400))
    watch = aws.watch(aws.target(job_ids=ids), discovery=BY_ID, api=Api(requests_per_second=1.0))
    for _ in range(8):
        assert up(watch.scrape()) == 1
        aws.clock.advance(3)
