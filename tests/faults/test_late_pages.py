"""Pages of lists that were written before what is known already, and arrive after it."""

import json
from typing import Any

import pytest

from exporter.model.job_kinds import BACKUP
from tests.faults.sight import up
from tests.faults.wire import Wire, answers, only
from tests.support.harness import START, Bench, Series, Watch, job

LISTS = "/backup-jobs/?"
STATE = "aws_backup_resource_last_job_state"


def state_of_resource(series: Series) -> str:
    """Tell the one state of nine that is 1."""
    [state] = [labels["state"] for labels, value in series.find(STATE) if value]
    return state


def watch(aws: Bench, wire: Wire) -> Watch:
    """Watch AWS over the wire."""
    return aws.watch(aws.target(endpoint_url=wire.endpoint_url), collectors=("backup_jobs", "resources"))


@pytest.mark.parametrize("stale", [state for state in BACKUP.states if state not in BACKUP.terminal])
def test_an_end_is_final(aws: Bench, wire: Wire, stale: str) -> None:
    """A row that was written before a job ended, and comes after its description, changes nothing."""
    aws.account.put(job("a"))
    watched = watch(aws, wire)
    watched.scrape()
    aws.account.put(job("a", "COMPLETED", CompletionDate=START + 10))
    aws.clock.advance(15)
    before = watched.scrape()
    wire.breakage = only(LISTS, answers(200, json.dumps({"BackupJobs": [job("a", stale)]})))
    for _ in range(2):
        aws.clock.advance(15)
        series = watched.scrape()
        assert (up(series), series.state("a"), state_of_resource(series)) == (1, "COMPLETED", "COMPLETED")
        assert _of_jobs(series) == _of_jobs(before)


def test_an_end_beyond_the_window_is_final(aws: Bench, wire: Wire) -> None:
    """So it is with a job of the look-back, which has no series of its own but tells of its resource."""
    aws.account.put(job("a", "FAILED", created=START - 2 * 86400.0, CompletionDate=START - 86400.0))
    watched = watch(aws, wire)
    watched.catch_up()
    before = watched.scrape()
    late = job("a", "RUNNING", created=START - 2 * 86400.0)
    wire.breakage = only(LISTS, answers(200, json.dumps({"BackupJobs": [late]})))
    aws.clock.advance(15)
    series = watched.scrape()
    assert state_of_resource(before) == state_of_resource(series) == "FAILED"


def test_a_job_never_goes_back(aws: Bench, wire: Wire) -> None:
    """While a job runs, rows that tell of less progress or of an earlier state are passed over."""
    aws.account.put(job("a", PercentDone="50.0", BytesTransferred=7))
    watched = watch(aws, wire)
    watched.scrape()
    rows: list[dict[str, Any]] = [
        dict(job("a", "PENDING", PercentDone="0.0")),
        dict(job("a", PercentDone="30.0", BytesTransferred=3)),
    ]
    aws.clock.advance(15)
    wire.breakage = only(LISTS, answers(200, json.dumps({"BackupJobs": rows})))
    aws.account.put(job("a", PercentDone="40.0", BytesTransferred=5))
    series = watched.scrape()
    assert series.state("a") == state_of_resource(series) == "RUNNING"
    assert series.value("aws_backup_job_progress_ratio", job_id="a") == 0.5
    assert series.value("aws_backup_job_transferred_bytes", job_id="a") == 7


def _of_jobs(series: Series) -> list[tuple[str, dict[str, str], float]]:
    names = ("aws_backup_job", "aws_backup_resource")
    return [(name, dict(labels), value) for name, labels, value in series.samples if name.startswith(names)]
