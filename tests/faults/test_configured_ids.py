"""Configured job ids that AWS does not know, refuses, or knows in one Region only."""

import pytest

from exporter.config import ConfigError, Discovery, load
from exporter.simulator.errors import ApiError
from tests.faults.sight import Log, up
from tests.faults.wire import Wire, only, refuses
from tests.support.harness import REGION, START, Bench, Series, job

ELSEWHERE = "us-east-1"
NOT_FOUND = "ResourceNotFoundException"
ERRORS = "aws_backup_exporter_job_errors"
LONG_AGO = START - 300 * 86400


def asked(aws: Bench, region: str = REGION) -> list[str]:
    """Give the ids that AWS was asked about in a Region."""
    account = aws.server.account(region)
    return [call.parameters["BackupJobId"] for call in account.calls if call.operation == "DescribeBackupJob"]


def errors(series: Series) -> list[tuple[str, str, str]]:
    """Give Region, id and code of each error about a configured id."""
    found = series.find(ERRORS)
    assert all(value == 1 for _, value in found)
    return sorted((labels["aws_region"], labels["job_id"], labels["code"]) for labels, _ in found)


@pytest.mark.parametrize("job_id", ['""', '" "', '"\\t"', "null"])
def test_an_empty_id_is_a_mistake(job_id: str) -> None:
    """The configuration refuses an empty job id, and says where it stands."""
    text = f"targets:\n  - name: a\n    regions: [eu-west-1]\n    job_ids:\n      - {job_id}\n"

    with pytest.raises(ConfigError, match=r"job_ids") as refused:
        load(text, "config.yaml")

    assert "config.yaml:5" in str(refused.value)


def test_an_unknown_id(aws: Bench, log: Log) -> None:
    """An id that AWS does not know has an error series; the exporter is up, and other jobs are there."""
    aws.account.put(job("a"))

    series = aws.watch(aws.target(job_ids=("nowhere", "a"))).scrape()

    assert errors(series) == [(REGION, "nowhere", NOT_FOUND)]
    assert up(series) == 1
    assert series.state("a") == "RUNNING"
    assert series.find("aws_backup_job_info", job_id="nowhere") == []
    assert log.failures == []


def test_an_id_found_later(aws: Bench) -> None:
    """Once AWS knows the id, its error series is gone and its job series are there."""
    watch = aws.watch(aws.target(job_ids=("a",)))
    assert errors(watch.scrape()) == [(REGION, "a", NOT_FOUND)]
    aws.account.put(job("a", created=LONG_AGO))
    aws.clock.advance(15)

    series = watch.scrape()

    assert errors(series) == []
    assert series.state("a") == "RUNNING"


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "ValidationException"])
def test_an_id_that_is_refused(aws: Bench, wire: Wire, code: str) -> None:
    """An id that AWS refuses for its form has an error series under AWS's code, and up stays 1."""
    wire.breakage = only("/backup-jobs/b%C3%A4d%2Fid", refuses(code))

    series = aws.watch(aws.target(endpoint_url=wire.endpoint_url, job_ids=("bäd/id",))).scrape()

    assert errors(series) == [(REGION, "bäd/id", code)]
    assert up(series) == 1


def test_the_error_follows_what_aws_says(aws: Bench, wire: Wire) -> None:
    """When AWS gives another reason, the series of the first one does not stay behind."""
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url, job_ids=("a",)))
    watch.scrape()
    wire.breakage = only("/backup-jobs/a", refuses("InvalidParameterValueException"))

    assert errors(watch.scrape()) == [(REGION, "a", "InvalidParameterValueException")]


def test_found_in_one_of_two_regions(aws: Bench) -> None:
    """An id that one Region knows is no error in the other, and is not asked about there again."""
    aws.server.account(ELSEWHERE).put(job("a"))
    watch = aws.watch(aws.target(regions=(REGION, ELSEWHERE), job_ids=("a",)))
    for _ in range(3):
        series = watch.scrape()
        aws.clock.advance(15)
        assert errors(series) == []
        assert series.labels("aws_backup_job_state")["aws_region"] == ELSEWHERE

    assert len(asked(aws, REGION)) <= 1
    assert asked(aws, ELSEWHERE) == ["a"] * 3


def test_found_in_neither_of_two_regions(aws: Bench) -> None:
    """An id that no Region knows is an error in each, until one of them knows it."""
    watch = aws.watch(aws.target(regions=(REGION, ELSEWHERE), job_ids=("a",)))
    assert errors(watch.scrape()) == [(REGION, "a", NOT_FOUND), (ELSEWHERE, "a", NOT_FOUND)]
    aws.server.account(REGION).put(job("a"))
    aws.clock.advance(15)

    series = watch.scrape()

    assert errors(series) == []
    assert {up(series, aws_region=region) for region in (REGION, ELSEWHERE)} == {1}


def test_home_region_fails(aws: Bench) -> None:
    """While the Region that knows the id fails, the other one is not asked, and the job stays published."""
    home = aws.server.account(ELSEWHERE)
    home.put(job("a", created=LONG_AGO))
    watch = aws.watch(aws.target(regions=(REGION, ELSEWHERE), job_ids=("a",)))
    watch.scrape()
    aws.account.forget_calls()
    home.fail(None, ApiError("AccessDeniedException", 403))

    series = watch.scrape()

    assert (up(series, aws_region=ELSEWHERE), up(series, aws_region=REGION)) == (0, 1)
    assert asked(aws, REGION) == []
    assert errors(series) == []
    assert series.state("a") == "RUNNING"


def test_a_finished_one_stays_however_old(aws: Bench) -> None:
    """A configured job that finished long ago keeps its series, and is described once."""
    aws.account.put(job("a", "COMPLETED", created=LONG_AGO, CompletionDate=LONG_AGO + 60))
    watch = aws.watch(aws.target(job_ids=("a",)))
    for _ in range(30):
        series = watch.scrape()
        assert series.state("a") == "COMPLETED"
        aws.clock.advance(86400)

    assert asked(aws) == ["a"]


def test_an_active_one_that_aws_forgets(aws: Bench, wire: Wire) -> None:
    """A configured job that AWS no longer knows loses its series and has an error instead."""
    aws.account.put(job("a", created=LONG_AGO))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url, job_ids=("a",)))
    assert watch.scrape().state("a") == "RUNNING"
    wire.breakage = only("/backup-jobs/a", refuses(NOT_FOUND))
    aws.clock.advance(15)

    series = watch.scrape()

    assert series.find("aws_backup_job_info") == []
    assert errors(series) == [(REGION, "a", NOT_FOUND)]
    assert up(series) == 1


def test_a_discovered_one_that_aws_forgets(aws: Bench, wire: Wire) -> None:
    """A discovered job that AWS no longer knows loses its series and its place in the counts, without ado."""
    aws.account.put(job("a", created=START - 1800))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    assert watch.scrape().state("a") == "RUNNING"
    wire.breakage = only("/backup-jobs/a", refuses(NOT_FOUND))
    aws.clock.advance(15)

    series = watch.scrape()

    assert series.find("aws_backup_job_info") == []
    assert series.value("aws_backup_jobs", state="RUNNING") == 0
    assert series.find(ERRORS) == []
    assert up(series) == 1


@pytest.mark.parametrize("code", ["InvalidParameterValueException", "MissingParameterValueException"])
def test_a_refusal_is_not_the_end_of_a_job(aws: Bench, wire: Wire, code: str) -> None:
    """A discovered job whose id AWS refuses for once is published again on the scrape after that."""
    aws.account.put(job("a", created=START - 1800))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url))
    watch.scrape()
    wire.breakage = only("/backup-jobs/a", refuses(code))
    aws.clock.advance(15)
    watch.scrape()
    wire.mend()
    aws.clock.advance(15)

    assert watch.scrape().state("a") == "RUNNING"


def test_without_discovery(aws: Bench) -> None:
    """With discovery off only the configured ids are asked about, and errors show likewise."""
    aws.account.put(job("a"))
    aws.account.put(job("b"))
    watch = aws.watch(aws.target(job_ids=("a", "nowhere")), discovery=Discovery(enabled=False))
    for _ in range(2):
        series = watch.scrape()
        assert up(series) == 1
        assert [labels["job_id"] for labels, _ in series.find("aws_backup_job_info")] == ["a"]
        assert errors(series) == [(REGION, "nowhere", NOT_FOUND)]

    assert {call.operation for call in aws.account.calls} == {"DescribeBackupJob"}
