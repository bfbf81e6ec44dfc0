"""The demo after hours and a day of running."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.assembly.assembly import Assembler
from exporter.command.demo import demo_account, demo_organization
from exporter.exposition.self_metrics import Telemetry
from tests.support.harness import TEXT, Clock, Series, Watch, dependencies

HOUR, DAY = 3600.0, 86400.0
SCRAPE = 15.0
LARGEST = 3.5e6  # bytes of a scrape as text


@pytest.fixture
def demo() -> Iterator[Watch]:
    """The demo, with a clock that moves when told."""
    clock = Clock()
    with demo_account(clock) as (config, _):
        exporter = Assembler(Telemetry(), dependencies(clock)).assemble(config)
        yield Watch(exporter, clock)
        exporter.stop()


def size_after(demo: Watch, seconds: float) -> int:
    """Scrape so much later; tells how many bytes that is."""
    demo.clock.advance(seconds)
    demo.refresh()
    return len(demo.exporter.exposition.write(TEXT))


def progress(series: Series) -> dict[str, float]:
    """Give how far each job is."""
    return {labels["job_id"]: value for labels, value in series.find("aws_backup_job_progress_ratio")}


def ended(series: Series) -> float:
    """Tell how many jobs have finished so far."""
    return sum(value for _, value in series.find("aws_backup_jobs_finished_total"))


def is_lively(demo: Watch) -> bool:
    """Tell whether there are jobs in six states, and within a minute some get on and some end."""
    first = demo.read()
    size_after(demo, SCRAPE)
    then = demo.read()
    before, now = progress(first), progress(then)
    states = Counter(labels["state"] for labels, _ in then.find("aws_backup_job_state"))
    on = sum(now.get(job_id, 0) > ratio for job_id, ratio in before.items())
    return len(states) >= 6 and on >= 3 and ended(then) > ended(first)


def test_it_stays_small_and_lively(demo: Watch) -> None:
    """At first, after hours, and after a day a scrape is a few megabytes, and there is something to see."""
    demo.catch_up()
    sizes = [size_after(demo, 60)]
    assert is_lively(demo)
    sizes += [size_after(demo, HOUR) for _ in range(3)]
    assert is_lively(demo)
    sizes += [size_after(demo, DAY), *(size_after(demo, SCRAPE) for _ in range(4))]
    assert is_lively(demo)

    assert max(sizes) < LARGEST
    assert sizes[-1] < 1.2 * sizes[3]


def test_the_organization_can_be_listed() -> None:
    """The demo of an organization monitors twelve accounts, and its calls to AWS Organizations stay here."""
    with demo_organization(Clock()) as (config, dependencies):
        [target] = config.targets
        session: Any = dependencies.open_session(None)
        client = session.create_client("organizations", region_name="us-east-1")
        assert len(client.list_accounts()["Accounts"]) == 12
    assert target.organization is not None
    assert target.organization.jobs
    assert target.organization.members is not None
