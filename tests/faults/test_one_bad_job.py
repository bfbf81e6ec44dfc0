"""One job that cannot be described among many that can."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.collectors.job_describer import RETRY_INTERVAL
from exporter.config import Api, Discovery
from tests.faults.sight import Log, up
from tests.faults.wire import Breakage, Wire, answers, only, refuses, resets
from tests.support.harness import START, Bench, job

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
    assert log.events == ["Refresh failed"]
    wire.mend()
    aws.clock.advance(60)
    assert up(watch.scrape()) == 1


@pytest.mark.parametrize("breakage", [BREAKAGES["stumbles"], BREAKAGES["malformed"]])
def test_one_finished_parent_holds_up_no_other(aws: Bench, wire: Wire, log: Log, breakage: Breakage) -> None:
    """While one finished parent cannot be described, all others are; it is tried again later."""
    parents = [f"p{number}" for number in range(10)]
    for place, job_id in enumerate(parents):
        aws.account.put(parent(job_id, created=START - 1800 + place))
    aws.account.put(parent("bad", created=START))
    wire.breakage = only("/backup-jobs/bad", breakage)
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    watch.catch_up()
    for _ in range(3):
        aws.clock.advance(60)
        series = watch.scrape()

    described = {labels["job_id"] for labels, _ in series.find("aws_backup_job_child_jobs")}
    assert described == set(parents)
    assert up(series) == 1
    assert log.events == ["Cannot describe a finished job; retrying later"]
    wire.mend()
    aws.clock.advance(RETRY_INTERVAL)
    assert watch.scrape().value("aws_backup_job_child_jobs", job_id="bad") == 2


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_a_parent_that_ended_while_none_could_be_described(
    aws: Bench, wire: Wire, breakage: Breakage
) -> None:
    """Once AWS describes jobs again, the child counts of a parent that ended meanwhile are right at once."""
    running: Mapping[str, Any] = {
        "IsParent": True,
        "NumberOfChildJobs": 2,
        "ChildJobsInState": {"RUNNING": 2},
    }
    aws.account.put(job("job-parent", created=START - 300, **running))
    aws.account.put(job("job-other", created=START - 300))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    watch.catch_up()
    watch.scrape()
    wire.breakage = only("/backup-jobs/job-", breakage)
    watch.scrape()
    aws.account.put(parent("job-parent", created=START - 300))
    for _ in range(3):
        aws.clock.advance(30)
        assert up(watch.scrape()) == 0
    wire.mend()
    for _ in range(2):
        aws.clock.advance(30)
        series = watch.scrape()
    assert series.value("aws_backup_job_child_jobs_in_state", job_id="job-parent", state="COMPLETED") == 2


def test_finished_parents_that_may_not_be_described_are_told(aws: Bench, wire: Wire, log: Log) -> None:
    """Without the permission to describe, up stays 0, with the remedy said once, until it is there."""
    aws.account.put(parent("p", created=START - 1800))
    wire.breakage = only("/backup-jobs/p", refuses("AccessDeniedException", 403))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    watch.catch_up()
    for _ in range(3):
        aws.clock.advance(60)
        assert up(watch.scrape()) == 0
    assert log.events == ["Refresh failed"]
    wire.mend()
    watch.catch_up()
    aws.clock.advance(60)
    assert up(watch.scrape()) == 1


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_a_job_that_cannot_be_described_takes_its_turn_only(
    aws: Bench, wire: Wire, breakage: Breakage
) -> None:
    """With a budget for one call at a time, a job that always fails is not asked about before the others."""
    for job_id in ("bad", "good1", "good2"):
        aws.account.put(job(job_id))
    wire.breakage = only("/backup-jobs/bad", breakage)
    watch = aws.watch(
        aws.target(endpoint_url=wire.endpoint_url, job_ids=("bad", "good1", "good2")),
        discovery=Discovery(enabled=False),
        api=Api(requests_per_second=0.1),
    )
    for _ in range(9):
        watch.refresh()
        aws.clock.advance(10)
    asked = aws.described()
    assert asked.count("good1") >= 2
    assert asked.count("good2") >= 2


def parent(job_id: str, *, created: float) -> Mapping[str, Any]:
    """A finished parent of two children."""
    children = {"IsParent": True, "NumberOfChildJobs": 2, "ChildJobsInState": {"COMPLETED": 2}}
    return job(job_id, "COMPLETED", created=created, CompletionDate=created + 60, **children)
