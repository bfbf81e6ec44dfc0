"""How often AWS is asked: on each scrape while there is a job to follow, otherwise once a minute."""

from collections import Counter

import pytest

from exporter.config import Api, Discovery
from exporter.simulator.errors import ApiError
from tests.support.harness import START, Bench, Watch, job

SCRAPE = 15.0
IDLE = Api(idle_refresh=60.0)
REFRESHES_WHEN_IDLE = 5  # of twenty scrapes


def listed(aws: Bench, watch: Watch, scrapes: int = 20) -> int:
    """Scrape so often, every 15 seconds; count how often jobs were listed."""
    aws.account.forget_calls()
    for _ in range(scrapes):
        aws.clock.advance(SCRAPE)
        watch.scrape()
    return Counter(call.operation for call in aws.account.calls)["ListBackupJobs"]


def test_an_idle_account_is_asked_once_a_minute(aws: Bench) -> None:
    """Where every job is finished, one scrape of four asks AWS; the others show what is known."""
    aws.account.put(job("a", "COMPLETED"))
    watch = aws.watch(api=IDLE)
    watch.scrape()
    assert listed(aws, watch) == REFRESHES_WHEN_IDLE
    assert watch.read().state("a") == "COMPLETED"


def test_the_default_is_a_minute() -> None:
    """Without a setting, an idle account is asked once a minute."""
    assert Api().idle_refresh == IDLE.idle_refresh


def test_an_account_with_an_active_job_is_asked_on_each_scrape(aws: Bench) -> None:
    """A new job is found within a minute, and followed on each scrape until its end."""
    watch = aws.watch(api=IDLE)
    watch.scrape()
    aws.account.put(job("a", created=START))
    listed(aws, watch, scrapes=4)
    assert watch.read().state("a") == "RUNNING"
    assert listed(aws, watch) == 20
    assert aws.described() == ["a"] * 20
    aws.account.put(job("a", "COMPLETED", created=START, CompletionDate=aws.clock() + 1))
    aws.clock.advance(SCRAPE)
    assert watch.scrape().state("a") == "COMPLETED"
    assert listed(aws, watch) == REFRESHES_WHEN_IDLE
    assert aws.described() == []


def test_a_configured_id_that_is_not_finished_is_asked_on_each_scrape(aws: Bench) -> None:
    """Also without discovery, and however old the job is; when it has ended, AWS is not asked again."""
    aws.account.put(job("a", created=START - 60 * 86_400))
    watch = aws.watch(aws.target(job_ids=("a",)), api=IDLE, discovery=Discovery(enabled=False))
    for _ in range(5):
        watch.scrape()
        aws.clock.advance(SCRAPE)
    assert aws.described() == ["a"] * 5
    aws.account.put(job("a", "COMPLETED", created=START - 60 * 86_400))
    for _ in range(10):
        watch.scrape()
        aws.clock.advance(SCRAPE)
    assert aws.described() == ["a"] * 6


def test_a_configured_id_that_aws_does_not_know_is_asked_on_each_scrape(aws: Bench) -> None:
    """It may become known."""
    watch = aws.watch(aws.target(job_ids=("unknown",)), api=IDLE)
    watch.scrape()
    assert listed(aws, watch) == 20


def test_finished_jobs_are_active_until_their_last_description(aws: Bench) -> None:
    """Composite jobs that ended together are described on the next scrapes, as the request budget allows."""
    parents = [f"p{number}" for number in range(8)]
    for job_id in parents:
        aws.account.put(job(job_id, IsParent=True))
    watch = aws.watch(api=Api(idle_refresh=60.0, requests_per_second=1))
    watch.catch_up()
    watch.scrape()
    for job_id in parents:
        aws.account.put(job(job_id, "COMPLETED", IsParent=True, NumberOfChildJobs=2))
    listed(aws, watch, scrapes=len(parents))
    assert len(watch.read().find("aws_backup_job_child_jobs")) == len(parents)
    assert listed(aws, watch) == REFRESHES_WHEN_IDLE


def test_a_description_that_is_postponed_keeps_no_scope_active(aws: Bench) -> None:
    """A finished job that AWS cannot describe is retried after ten minutes; until then its scope is idle."""
    aws.account.put(job("parent", IsParent=True))
    watch = aws.watch(api=IDLE)
    watch.catch_up()
    watch.scrape()
    aws.account.put(job("parent", "COMPLETED", IsParent=True, NumberOfChildJobs=2))
    aws.account.fail("DescribeBackupJob", ApiError("ServiceUnavailableException", 503, "busy"))
    watch.scrape()
    assert listed(aws, watch) == REFRESHES_WHEN_IDLE


@pytest.mark.parametrize("operation", ["ListBackupJobs", "ListCopyJobs"])
def test_a_collector_that_failed_asks_on_each_scrape(aws: Bench, operation: str) -> None:
    """Whatever the reason, so that it is up again with the first scrape that gets through."""
    watch = aws.watch(api=IDLE, collectors=("backup_jobs", "copy_jobs"))
    watch.scrape()
    aws.account.forget_calls()
    aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"), 20)
    for _ in range(25):
        aws.clock.advance(SCRAPE)
        series = watch.scrape()
    assert {value for _, value in series.find("aws_backup_up")} == {1}
    calls = Counter(call.operation for call in aws.account.calls)
    assert calls.pop(operation) > 20
    assert calls.total() <= 7


def test_the_last_refresh_is_when_aws_answered(aws: Bench) -> None:
    """A scrape that leaves an idle account out neither moves the time of its last refresh nor its health."""
    watch = aws.watch(api=IDLE)
    watch.scrape()
    asked = [aws.clock()]
    for _ in range(20):
        aws.clock.advance(SCRAPE)
        aws.account.forget_calls()
        series = watch.scrape()
        asked += [aws.clock()] if aws.account.calls else []
        assert series.value("aws_backup_last_refresh_timestamp_seconds") == asked[-1]
        assert series.value("aws_backup_up") == 1


def test_jobs_that_come_and_go_between_two_refreshes_count(aws: Bench) -> None:
    """A job that began and ended while its account was left out has series and is counted as finished."""
    watch = aws.watch(api=IDLE)
    watch.scrape()
    aws.clock.advance(5)
    aws.account.put(job("short", "COMPLETED", created=START + 1, CompletionDate=START + 4))
    listed(aws, watch, scrapes=4)
    series = watch.read()
    assert series.state("short") == "COMPLETED"
    assert series.value("aws_backup_jobs_finished_total", state="COMPLETED") == 1


def test_expired_jobs_leave_with_the_refresh(aws: Bench) -> None:
    """The series of an idle account's jobs end with the first refresh after they have left the window."""
    aws.account.put(job("a", "COMPLETED"))
    watch = aws.watch(api=IDLE)
    watch.scrape()
    aws.clock.advance(25.1 * 3600)
    assert watch.scrape().find("aws_backup_job_state") == []
