"""The log: a line when a failure begins, a line when it ends, nothing in between."""

from io import StringIO

import pytest

from exporter.simulator.errors import ApiError
from tests.faults.sight import Log, up
from tests.faults.wire import Wire, answers, refuses
from tests.support.harness import Bench


def test_one_line_for_a_long_failure(aws: Bench, log: Log) -> None:
    """A failure that lasts is reported when it begins and when it ends, not on each scrape."""
    aws.account.fail("ListBackupJobs", ApiError("AccessDeniedException", 403))
    watch = aws.watch()
    for _ in range(5):
        watch.scrape()
        aws.clock.advance(15)
    aws.account.recover()
    for _ in range(3):
        watch.scrape()
        aws.clock.advance(15)

    assert log.events == ["Refresh failed", "Refresh succeeded again"]


def test_another_failure_is_another_line(aws: Bench, wire: Wire, log: Log) -> None:
    """When one failure turns into another, that one is reported as well."""
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    for breakage in (refuses("ThrottlingException"), answers(200, "{}"), answers(200, "[]")):
        wire.breakage = breakage
        watch.scrape()
    wire.mend()
    watch.scrape()

    assert [failure["code"] for failure in log.failures] == ["ThrottlingException", "malformed"]
    assert log.recoveries == 1


def test_a_failure_that_comes_back(aws: Bench, log: Log) -> None:
    """A failure that ended and comes back is reported again."""
    watch = aws.watch()
    for _ in range(2):
        aws.account.fail("ListBackupJobs", ApiError("AccessDeniedException", 403))
        watch.scrape()
        aws.account.recover()
        watch.scrape()

    assert log.events == ["Refresh failed", "Refresh succeeded again"] * 2


def test_a_healthy_scrape_says_nothing(aws: Bench, log: Log) -> None:
    """As long as all is well, nothing is written, nor is a first success called a recovery."""
    watch = aws.watch()
    for _ in range(3):
        watch.scrape()

    assert log.events == []


def test_the_line_says_where(aws: Bench, log: Log) -> None:
    """The line names the target, the Region and the collector that failed."""
    aws.account.fail("ListBackupJobs", ApiError("AccessDeniedException", 403))
    aws.watch().scrape()

    failure = log.failure
    assert (failure["target"], failure["aws_region"], failure["collector"]) == (
        "test",
        "eu-west-1",
        "backup_jobs",
    )


def test_it_is_one_line(aws: Bench, wire: Wire, written: StringIO) -> None:
    """An error message of several lines is written as one line, with what to do about it."""
    wire.breakage = refuses("AccessDeniedException", 403, 'first\nts=2026 level="info" \r\n third')
    aws.watch(aws.target(endpoint_url=wire.endpoint_url)).scrape()

    [line] = written.getvalue().splitlines()
    assert "level=error" in line
    assert "code=AccessDeniedException" in line
    assert "first ts=2026" in line
    assert "allow backup:ListBackupJobs" in line


def test_several_regions_fail_alike(aws: Bench, log: Log) -> None:
    """Each Region that fails has a line of its own when it fails and when it works again."""
    regions = ("eu-west-1", "us-east-1")
    for region in regions:
        aws.server.account(region).fail(None, ApiError("AccessDeniedException", 403))
    watch = aws.watch(aws.target(regions=regions))
    watch.scrape()
    for region in regions:
        aws.server.account(region).recover()
    series = watch.scrape()

    assert sorted(failure["aws_region"] for failure in log.failures) == list(regions)
    assert log.recoveries == 2
    assert {up(series, aws_region=region) for region in regions} == {1}


@pytest.mark.parametrize("times", [1, 2])
def test_a_hiccup_is_no_failure(aws: Bench, log: Log, times: int) -> None:
    """What a retry mends at once is neither a failure nor a line in the log."""
    aws.account.fail("ListBackupJobs", ApiError("ServiceUnavailableException", 500), times)

    assert up(aws.watch().scrape()) == 1
    assert log.events == []
