"""How calls are counted, retried and budgeted when they fail."""

import pytest

from exporter.config import Api
from exporter.simulator.errors import ApiError
from tests.faults.sight import Log, calls, codes, up
from tests.faults.wire import refuses, unplugged
from tests.support.harness import Bench, job

LIST, DESCRIBE = "ListBackupJobs", "DescribeBackupJob"
ONE_A_SECOND = Api(requests_per_second=1)


def test_each_attempt_is_counted(aws: Bench) -> None:
    """A call that succeeds at the third attempt counts as two failures and one success."""
    aws.account.put(job("a"))
    aws.account.fail(DESCRIBE, ApiError("ThrottlingException", 400), 1)
    aws.account.fail(DESCRIBE, ApiError("ServiceUnavailableException", 500), 1)

    series = aws.watch().scrape()

    assert up(series) == 1
    assert calls(series, DESCRIBE, "ThrottlingException") == 1
    assert calls(series, DESCRIBE, "ServiceUnavailableException") == 1
    assert calls(series, DESCRIBE, "ok") == 1


def test_the_count_is_what_aws_saw(aws: Bench) -> None:
    """The counter tells exactly the calls that arrived at AWS, retries included."""
    aws.account.put(job("a"))
    watch = aws.watch()
    aws.account.fail(None, ApiError("InternalFailure", 500), 4)
    for _ in range(3):
        aws.clock.advance(15)
        series = watch.scrape()

    found = series.find("aws_backup_exporter_api_requests_total")
    arrived = [call.operation for call in aws.account.calls]
    for operation in (LIST, DESCRIBE):
        assert sum(value for own, value in found if own["operation"] == operation) == arrived.count(operation)


def test_counters_never_fall(aws: Bench) -> None:
    """The counts of calls stay through failure and recovery."""
    watch = aws.watch()
    aws.account.fail(LIST, ApiError("AccessDeniedException", 403))
    watch.scrape()
    watch.scrape()
    aws.account.recover()
    watch.scrape()
    series = watch.scrape()

    assert calls(series, LIST, "AccessDeniedException") == 2
    assert calls(series, LIST, "ok") >= 2


def test_retries_take_from_the_budget(aws: Bench) -> None:
    """Where the budget holds two calls, a failing one is made twice, not three times."""
    aws.account.fail(LIST, ApiError("InternalFailure", 500))
    watch = aws.watch(api=ONE_A_SECOND)

    series = watch.scrape()

    assert calls(series, LIST, "InternalFailure") == 2
    assert len(aws.account.calls) == 2


def test_no_retry_of_what_will_not_help(aws: Bench) -> None:
    """A refusal that another try would not change is not tried again."""
    aws.account.put(job("a"))
    aws.account.fail(DESCRIBE, ApiError("AccessDeniedException", 403))

    series = aws.watch().scrape()

    assert calls(series, DESCRIBE, "AccessDeniedException") == 1


def test_failures_are_timed_too(aws: Bench) -> None:
    """The histogram of call durations counts failed calls as well."""
    aws.account.fail(LIST, ApiError("AccessDeniedException", 403))

    series = aws.watch().scrape()

    assert series.value("aws_backup_exporter_api_request_duration_seconds_count", operation=LIST) == 1


def test_refused_connection(aws: Bench, log: Log) -> None:
    """When nothing listens the code is `connection` after three attempts, and the log says what to check."""
    aws.account.put(job("a"))
    with unplugged(aws.server.endpoint_url) as wire:
        watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))

        series = watch.scrape()

        assert up(series) == 0
        assert calls(series, LIST, "connection") == 3
        assert "endpoint_url" in log.failure["remedy"]
        wire.plug_in()
        series = watch.scrape()
        assert (up(series), series.state("a")) == (1, "RUNNING")


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"]
)
def test_throttling_has_many_names(aws: Bench, log: Log, code: str) -> None:
    """Whatever AWS calls it, throttling is retried, and the log names the setting to lower."""
    aws.account.fail(LIST, ApiError(code, 400))

    series = aws.watch().scrape()

    assert calls(series, LIST, code) == 3
    assert "requests_per_second" in log.failure["remedy"]


def test_labels_of_errors_are_names(aws: Bench) -> None:
    """Only AWS's error codes and the documented words become values of the label `code`."""
    with unplugged(aws.server.endpoint_url) as wire:
        wire.plug_in()
        watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
        for name in ("aws#ThrottledException", "ExpiredToken:https://sts.amazonaws.com/doc", "503", ""):
            wire.breakage = refuses(name, 400)
            series = watch.scrape()

    assert codes(series, LIST) == {"ThrottledException", "ExpiredToken", "malformed"}
