"""Jobs whose fields are missing, strange or wrong."""

import json
import math
from typing import Any

import pytest
from botocore.session import Session

from tests.faults.sight import Log, codes, malformed, up
from tests.faults.wire import Wire, answers, only
from tests.support.harness import START, Bench, Series, Watch, job

MODEL = Session().get_service_model("backup").operation_model("DescribeBackupJob")
MEMBERS = sorted(MODEL.output_shape.members) if MODEL.output_shape else []
GAUGES = {
    "PercentDone": "progress_ratio",
    "BytesTransferred": "transferred_bytes",
    "BackupSizeInBytes": "size_bytes",
    "NumberOfChildJobs": "child_jobs",
    "CreationDate": "created_timestamp_seconds",
    "CompletionDate": "completed_timestamp_seconds",
    "ExpectedCompletionDate": "expected_completion_timestamp_seconds",
    "StartBy": "start_by_timestamp_seconds",
}


def listed(aws: Bench, wire: Wire, row: dict[str, Any]) -> Watch:
    """Watch an account whose list has this one row, which DescribeBackupJob says as well."""
    aws.account.put(row)
    wire.breakage = only("/backup-jobs/?", answers(200, json.dumps({"BackupJobs": [row]})))
    return aws.watch(aws.target(endpoint_url=wire.endpoint_url))


def published(series: Series, job_id: str) -> set[str]:
    """Give the names of a job's metrics."""
    return {name for name, labels, _ in series.samples if labels.get("job_id") == job_id}


def test_a_job_of_two_fields(aws: Bench, wire: Wire) -> None:
    """A job with nothing but an id and a state has an info series and a state, and no number at all."""
    series = listed(aws, wire, {"BackupJobId": "a", "State": "CREATED"}).scrape()

    assert up(series) == 1
    assert published(series, "a") == {"aws_backup_job_info", "aws_backup_job_state"}
    assert series.labels("aws_backup_job_info")["aws_account_id"] == ""
    assert series.value("aws_backup_jobs", state="CREATED") == 1


def test_a_job_of_two_fields_gets_the_others_later(aws: Bench, wire: Wire) -> None:
    """What a job lacks at first is published once AWS tells it, and its first series are not left behind."""
    watch = listed(aws, wire, {"BackupJobId": "a", "State": "CREATED"})
    watch.scrape()
    wire.mend()
    aws.account.put(job("a", "RUNNING", PercentDone="50.0"))

    series = watch.scrape()

    assert series.value("aws_backup_job_progress_ratio") == 0.5
    assert len(series.find("aws_backup_job_info")) == 1
    assert {labels["vault_name"] for labels, value in series.find("aws_backup_jobs") if value} == {"prod"}


def test_a_job_without_a_state(aws: Bench, wire: Wire) -> None:
    """A job whose state AWS does not tell has no state series, is not counted, and is asked about again."""
    watch = listed(aws, wire, {"BackupJobId": "a"})

    series = watch.scrape()

    assert up(series) == 1
    assert published(series, "a") == {"aws_backup_job_info"}
    assert series.find("aws_backup_jobs") == []
    wire.mend()
    aws.account.put(job("a", "COMPLETED"))
    aws.clock.advance(15)
    series = watch.scrape()
    assert series.state("a") == "COMPLETED"
    assert series.value("aws_backup_jobs", state="COMPLETED") == 1


def test_an_unknown_state(aws: Bench, log: Log) -> None:
    """A state that nobody knows yet is published and counted as it came, and the job is followed."""
    aws.account.put(job("a", "HIBERNATING"))
    watch = aws.watch()

    series = watch.scrape()

    assert series.state("a") == "HIBERNATING"
    assert series.value("aws_backup_jobs", state="HIBERNATING") == 1
    assert series.value("aws_backup_exporter_jobs", phase="active") == 1
    aws.account.put(job("a", "COMPLETED"))
    aws.clock.advance(15)
    series = watch.scrape()
    assert series.state("a") == "COMPLETED"
    assert sum(value for _, value in series.find("aws_backup_jobs")) == 1
    assert series.value("aws_backup_jobs_finished_total", state="COMPLETED") == 1
    assert log.events == []


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("0.0", 0.0),
        ("0.00%", 0.0),
        ("100.0", 1.0),
        ("100.00%", 1.0),
        (" 50 % ", 0.5),
        ("", None),
        ("%", None),
        ("n/a", None),
        ("nan", None),
        ("NaN%", None),
        ("inf", None),
        ("-Infinity", None),
        (None, None),
    ],
)
def test_percent_done(aws: Bench, text: str | None, ratio: float | None) -> None:
    """PercentDone is a ratio when it is a number, with or without its sign, else there is no series."""
    aws.account.put(job("a") if text is None else job("a", PercentDone=text))

    series = aws.watch().scrape()

    assert up(series) == 1
    found = [value for _, value in series.find("aws_backup_job_progress_ratio")]
    assert found == ([] if ratio is None else [ratio])


SIZES = pytest.mark.parametrize("member", ["BytesTransferred", "BackupSizeInBytes", "NumberOfChildJobs"])


@SIZES
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("-1", -1.0),
        ("9223372036854775808", 2.0**63),
        ('"12"', 12.0),
        ("null", None),
        pytest.param("1" + "0" * 400, None, id="too large for a float"),
    ],
)
def test_numbers(aws: Bench, wire: Wire, member: str, text: str, number: float | None) -> None:
    """A number is published as AWS gives it; one that AWS does not give has no series."""
    aws.account.put(job("a"))
    answer = f'{{"BackupJobId": "a", "State": "RUNNING", "{member}": {text}}}'
    wire.breakage = only("/backup-jobs/a", answers(200, answer))

    series = aws.watch(aws.target(endpoint_url=wire.endpoint_url)).scrape()

    assert up(series) == 1
    found = [value for _, value in series.find(f"aws_backup_job_{GAUGES[member]}")]
    assert found == ([] if number is None else [number])


@SIZES
@pytest.mark.parametrize("text", ['""', '"nan"', "NaN", "Infinity", "-1e999", "[]", "{}"])
def test_no_numbers(aws: Bench, wire: Wire, log: Log, member: str, text: str) -> None:
    """Something else where a number belongs makes no series and is counted; all else is published."""
    aws.account.put(job("a"))
    answer = f'{{"BackupJobId": "a", "State": "RUNNING", "PercentDone": "50.0", "{member}": {text}}}'
    wire.breakage = only("/backup-jobs/a", answers(200, answer))

    series = aws.watch(aws.target(endpoint_url=wire.endpoint_url)).scrape()

    assert up(series) == 1
    assert series.find(f"aws_backup_job_{GAUGES[member]}") == []
    assert series.value("aws_backup_job_progress_ratio") == 0.5
    assert malformed(series, "DescribeBackupJob") == 1
    [(place, job_id, _)] = log.omissions
    assert (place, job_id) == (member, "a")


@pytest.mark.parametrize("member", sorted(GAUGES))
def test_what_aws_does_not_give_is_absent(aws: Bench, member: str) -> None:
    """A number that one job has and another lacks has a series for the first one alone."""
    value: Any = "50.0" if member == "PercentDone" else START
    aws.account.put(job("with", **{member: value}))
    without = dict(job("without"))
    without.pop(member, None)
    aws.account.put(without)

    series = aws.watch().scrape()

    found = series.find(f"aws_backup_job_{GAUGES[member]}")
    assert [labels["job_id"] for labels, _ in found] == ["with"]


def test_a_value_that_vanishes(aws: Bench) -> None:
    """A number that AWS gave and no longer gives has no series any longer."""
    aws.account.put(job("a", ExpectedCompletionDate=START + 60, PercentDone="5.0"))
    watch = aws.watch()
    watch.scrape()
    aws.account.put(job("a", PercentDone=""))
    aws.clock.advance(15)

    series = watch.scrape()

    assert series.find("aws_backup_job_expected_completion_timestamp_seconds") == []
    assert series.find("aws_backup_job_progress_ratio") == []


ODD: list[Any] = [
    None,
    "",
    "x",
    "ä\u2028\ud800\n\x00",
    -1,
    2**63,
    10**400,
    1e999,
    math.nan,
    True,
    [],
    {},
    [None],
    ["x"],
]
ODD += [{"x": None}, {"x": {"y": []}}]


@pytest.mark.parametrize("member", MEMBERS)
def test_any_value_in_any_field(aws: Bench, wire: Wire, log: Log, member: str) -> None:
    """Whatever stands in a field, the rest is published; without an id it is no answer, and malformed."""
    aws.account.put(job("a"))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    watch.scrape()
    for odd in ODD:
        answer = dict(job("a")) | {member: odd}
        wire.breakage = only("/backup-jobs/a", answers(200, json.dumps(answer)))
        aws.clock.advance(15)
        series = watch.scrape()
        values = [value for name, _, value in series.samples if name.startswith("aws_backup_job")]
        assert all(map(math.isfinite, values)), odd
        assert up(series) == (member != "BackupJobId"), odd
    wire.mend()
    aws.account.put(job("a", "COMPLETED"))
    aws.clock.advance(15)

    series = watch.scrape()

    assert (up(series), series.state("a")) == (1, "COMPLETED")
    assert codes(series, "DescribeBackupJob") <= {"ok", "malformed"}
    assert {failure["code"] for failure in log.failures} <= {"malformed"}
    assert log.bugs == 0


@pytest.mark.parametrize("member", MEMBERS)
def test_any_value_in_any_field_of_a_list(aws: Bench, wire: Wire, log: Log, member: str) -> None:
    """Whatever stands in a field of a list's row, the list is read."""
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    for number, odd in enumerate(ODD):
        row = dict(job(f"a{number}", "COMPLETED")) | {member: odd}
        wire.breakage = only("/backup-jobs/?", answers(200, json.dumps({"BackupJobs": [row]})))
        aws.clock.advance(15)
        assert up(watch.scrape()) == 1, odd
    wire.mend()
    aws.account.put(job("z"))

    series = watch.scrape()

    assert (up(series), series.state("z")) == (1, "RUNNING")
    assert codes(series, "ListBackupJobs") == {"ok"}
    assert (log.failures, log.bugs) == ([], 0)
