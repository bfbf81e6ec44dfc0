"""One job that cannot be described among many that can."""

import pytest

from exporter.config import Api
from tests.faults.sight import Log, up
from tests.faults.wire import Breakage, Wire, answers, only, refuses, resets
from tests.harness import START, Bench, job

BREAKAGES = {
    "denied": refuses("AccessDeniedException", 403),
    "stumbles": refuses("DependencyFailureException", 500),
    "malformed": answers(200, "[]"),
    "reset": resets,
}


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
@pytest.mark.parametrize("number", [5, 60])
def test_the_others_are_kept_up_to_date(
    aws: Bench, wire: Wire, log: Log, breakage: Breakage, number: int
) -> None:
    """While one job cannot be described up is 0, yet all others reach their end, and nothing is lost."""
    for place in range(number):
        aws.account.put(job(f"good{place}", created=START - 1800))
    aws.account.put(job("bad", created=START - 1800))
    wire.breakage = only("/backup-jobs/bad", breakage)
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), api=Api(requests_per_second=50))
    watch.scrape()
    for place in range(number):
        aws.account.put(job(f"good{place}", "COMPLETED", created=START - 1800, CompletionDate=START))
    for _ in range(4):
        aws.clock.advance(60)
        series = watch.scrape()

    assert up(series) == 0
    assert {series.state(f"good{place}") for place in range(number)} == {"COMPLETED"}
    assert series.state("bad") == "RUNNING"
    assert log.events == ["cannot refresh"]
    wire.mend()
    aws.clock.advance(60)
    assert up(watch.scrape()) == 1
