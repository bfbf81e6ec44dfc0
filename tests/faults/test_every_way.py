"""Every way in which AWS or the network can fail: what is common to all of them."""

from typing import NamedTuple

import pytest
from botocore.session import Session

from exporter.config import Api
from tests.faults.sight import Log, calls, codes, up
from tests.faults.wire import (
    Breakage,
    Exchange,
    Wire,
    answers,
    hangs_up,
    only,
    only_signed_with,
    refuses,
    resets,
)
from tests.support.harness import REGION, Bench, Watch, job

ELSEWHERE = "us-east-1"
LIST, DESCRIBE = "ListBackupJobs", "DescribeBackupJob"
PATIENT = Api(connect_timeout=30.0, read_timeout=30.0)
IMPATIENT = Api(connect_timeout=30.0, read_timeout=1.0)


class Way(NamedTuple):
    """A way to fail: how, the code it is known by, and how often such a call is made in all."""

    name: str
    breakage: Breakage
    code: str
    attempts: int = 1

    @property
    def api(self) -> Api:
        """Settings with which this failure is not waited for too long, and nothing else is given up."""
        return IMPATIENT if self.code == "timeout" else PATIENT


def declared(operation: str) -> list[Way]:
    """Give each error that an operation declares, except those that are about one job."""
    model = Session().get_service_model("backup").operation_model(operation)
    ways = []
    for shape in model.error_shapes:
        status = shape.metadata.get("error", {}).get("httpStatusCode") or (
            500 if shape.metadata.get("fault") else 400
        )
        ways.append(Way(shape.name, refuses(shape.name, status), shape.name, 3 if status >= 500 else 1))
    return ways


HTML = "<html><body>Bad gateway</body></html>"
WAYS = [
    *declared(LIST),
    Way("throttled", refuses("ThrottlingException", message="Rate exceeded"), "ThrottlingException", 3),
    Way("expired", refuses("ExpiredTokenException", 403), "ExpiredTokenException"),
    Way("unknown key", refuses("UnrecognizedClientException", 403), "UnrecognizedClientException"),
    Way("denied", refuses("AccessDeniedException", 403), "AccessDeniedException"),
    Way("internal", refuses("InternalFailure", 500), "InternalFailure", 3),
    Way("new error", refuses("NeverHeardOfException", 418), "NeverHeardOfException"),
    Way("silence", Exchange.hold, "timeout"),
    Way("reset", resets, "connection", 3),
    Way("cut off", Exchange.give_half, "malformed"),
    Way("hung up", hangs_up, "connection", 3),
    Way("HTML", answers(200, HTML, "text/html"), "malformed"),
    Way("HTML as JSON", answers(200, HTML), "malformed"),
    Way("HTML with 503", answers(503, HTML, "text/html"), "malformed", 3),
    Way("HTML with 403", answers(403, HTML, "text/html"), "malformed"),
    Way("nothing with 404", answers(404, ""), "malformed"),
    Way("not text", answers(200, b"\xff\xfe\x00"), "malformed"),
    Way("nothing", answers(200, ""), "malformed"),
    Way("cut JSON", answers(200, '{"BackupJobs": [{"BackupJobId": "a", "Sta'), "malformed"),
    Way("empty object", answers(200, "{}"), "malformed"),
    Way("a list", answers(200, '[{"BackupJobId": "a"}]'), "malformed"),
    Way("null", answers(200, "null"), "malformed"),
    Way("a text", answers(200, '"BackupJobs"'), "malformed"),
    Way("a number", answers(200, "42"), "malformed"),
    Way("another service", answers(200, '{"message": "welcome"}'), "malformed"),
]
of_each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


def start(aws: Bench, wire: Wire, way: Way | None = None) -> Watch:
    """Watch one running job, over the wire; AWS has answered once."""
    aws.account.put(job("a", PercentDone="10.0"))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), api=way.api if way else PATIENT)
    assert up(watch.scrape()) == 1
    aws.clock.advance(15)
    return watch


@of_each_way
def test_a_list_that_fails(aws: Bench, wire: Wire, log: Log, way: Way) -> None:
    """Up is 0, each attempt is counted under its code, the log says why, and what was known stays."""
    watch = start(aws, wire, way)
    wire.breakage = way.breakage

    series = watch.scrape()

    assert up(series) == 0
    assert codes(series, LIST) == {"ok", way.code}
    assert calls(series, LIST, way.code) == way.attempts
    assert log.failure["code"] == way.code
    assert log.failure["reason"].startswith(LIST)
    assert series.value("aws_backup_job_progress_ratio", job_id="a") == 0.1
    assert log.bugs == 0


@of_each_way
def test_recovery(aws: Bench, wire: Wire, log: Log, way: Way) -> None:
    """The scrape after the failure ended is right again, and the log says so once."""
    watch = start(aws, wire, way)
    wire.breakage = way.breakage
    watch.scrape()
    aws.account.put(job("a", "COMPLETED"))
    aws.account.put(job("b"))
    wire.mend()
    aws.clock.advance(15)

    series = watch.scrape()

    assert up(series) == 1
    assert series.value("aws_backup_last_refresh_timestamp_seconds") == aws.clock()
    assert (series.state("a"), series.state("b")) == ("COMPLETED", "RUNNING")
    watch.scrape()
    assert log.events == ["Refresh failed", "Refresh succeeded again"]


@of_each_way
def test_failure_from_the_start(aws: Bench, wire: Wire, log: Log, way: Way) -> None:
    """Nothing is made up before AWS first answers: up is 0, and there are no jobs and no time of success."""
    aws.account.put(job("a"))
    wire.breakage = way.breakage
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), api=way.api)

    series = watch.scrape()

    assert up(series) == 0
    assert series.find("aws_backup_last_refresh_timestamp_seconds") == []
    assert series.find("aws_backup_job_state") == []
    assert series.find("aws_backup_jobs") == []
    assert log.failure["code"] == way.code
    wire.mend()
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "RUNNING")


@of_each_way
def test_one_failing_harms_no_other(aws: Bench, wire: Wire, way: Way) -> None:
    """A target that fails takes nothing from another one, nor from its own other Region."""
    there = aws.server.account(ELSEWHERE)
    there.put(job("b"))
    aws.server.account("eu-central-1").put(job("c"))
    wire.breakage = only_signed_with(f"/{REGION}/backup/", way.breakage)
    watch = aws.watch(
        aws.target(name="bad", endpoint_url=wire.endpoint_url, regions=(REGION, ELSEWHERE)),
        aws.target(name="good", regions=("eu-central-1",)),
        api=way.api,
    )

    for state in ("RUNNING", "COMPLETED"):
        there.put(job("b", state))
        aws.server.account("eu-central-1").put(job("c", state))
        aws.clock.advance(15)
        series = watch.scrape()
        assert up(series, target="bad", aws_region=REGION) == 0
        assert up(series, target="bad", aws_region=ELSEWHERE) == 1
        assert up(series, target="good") == 1
        assert (series.state("b"), series.state("c")) == (state, state)
    assert calls(series, LIST, way.code, aws_region=ELSEWHERE) == 0
    assert calls(series, LIST, way.code, target="good") == 0


# Refusing an id is about one job: it is tested further down.
DESCRIBE_WAYS = [way for way in WAYS if way.code != "InvalidParameterValueException"]


@pytest.mark.parametrize("way", DESCRIBE_WAYS, ids=lambda way: way.name)
def test_a_description_that_fails(aws: Bench, wire: Wire, log: Log, way: Way) -> None:
    """When listing works and describing does not, up is 0, and the job stays as the list tells it."""
    watch = start(aws, wire, way)
    wire.breakage = only("/backup-jobs/a", way.breakage)

    series = watch.scrape()

    assert up(series) == 0
    assert log.failure["code"] == way.code
    assert way.code in codes(series, DESCRIBE)
    assert series.state("a") == "RUNNING"
    wire.mend()
    aws.account.put(job("a", "COMPLETED"))
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "COMPLETED")
    assert log.events == ["Refresh failed", "Refresh succeeded again"]


@pytest.mark.parametrize("way", declared(DESCRIBE), ids=lambda way: way.name)
def test_declared_by_describe(aws: Bench, wire: Wire, log: Log, way: Way) -> None:
    """Each error that DescribeBackupJob declares is counted by name, costs no series and is got over."""
    watch = start(aws, wire, way)
    wire.breakage = only("/backup-jobs/a", way.breakage)

    series = watch.scrape()

    assert calls(series, DESCRIBE, way.code) == way.attempts
    assert [failure["code"] for failure in log.failures] == ([] if up(series) else [way.code])
    assert series.state("a") == "RUNNING"
    wire.mend()
    aws.account.put(job("a", "FAILED"))
    aws.clock.advance(15)
    series = watch.scrape()
    assert (up(series), series.state("a")) == (1, "FAILED")


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "InvalidParameterValueException", "MissingParameterValueException"]
)
def test_an_error_about_one_job(aws: Bench, wire: Wire, log: Log, code: str) -> None:
    """That AWS does not know one job, or refuses its id, is no failure of the exporter."""
    watch = start(aws, wire)
    wire.breakage = only("/backup-jobs/a", refuses(code))

    assert up(watch.scrape()) == 1
    assert log.events == []


@pytest.mark.parametrize(
    "answer",
    [
        '{"BackupJobId": "z", "State": "RUNNING"}',
        '{"BackupJobId": "", "State": "RUNNING"}',
        '{"BackupJobs": []}',
    ],
    ids=["another job", "an empty id", "the answer of a list"],
)
def test_a_description_of_something_else(aws: Bench, wire: Wire, log: Log, answer: str) -> None:
    """An answer to another question is malformed: up is 0, and nothing of it is published."""
    watch = start(aws, wire)
    wire.breakage = only("/backup-jobs/a", answers(200, answer))

    series = watch.scrape()

    assert up(series) == 0
    assert log.failure["code"] == "malformed"
    assert [labels["job_id"] for labels, _ in series.find("aws_backup_job_info")] == ["a"]
    wire.mend()
    assert up(watch.scrape()) == 1
