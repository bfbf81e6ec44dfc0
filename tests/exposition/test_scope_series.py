"""What a page writes anew, and what it keeps."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from exporter.exposition.compression import Piece
from exporter.exposition.job_metrics import running_families
from exporter.exposition.metric_types import Family
from exporter.exposition.resource_metrics import LAST_ATTEMPT, LAST_STATE, RESOURCE_FAMILIES
from exporter.exposition.scope_series import ScopeSeries
from exporter.ledger.resources import Resources
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job
from tests.support.harness import Clock
from tests.support.makers import HOUR, NOW, job, ledger

ARN = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"


class Account:
    """An account that tells of its jobs, and a page that writes its resources."""

    def __init__(self) -> None:
        self._ledger = ledger(resources=Resources({}, lambda _: None))
        self._page = ScopeSeries(self._ledger, Clock(NOW))

    def tell(self, told: Job, at: float = NOW) -> None:
        """AWS tells of a job."""
        with self._ledger.open(BACKUP) as store:
            store.update(told, at, described=True)
        with self._ledger.open_resources() as resources:
            resources.record(BACKUP, told)

    def pieces(self, families: Sequence[Family] = RESOURCE_FAMILIES) -> dict[str, Piece]:
        """Give what is written of the resources, or of some metrics, by metric."""
        names = {family.name for family in families}
        return {name: piece for name, piece in self._page.pieces().data.items() if name in names}


def written_anew(before: dict[str, Piece], after: dict[str, Piece]) -> set[str]:
    """Name the metrics that were deflated again."""
    return {name for name in after if after[name] is not before.get(name)}


def of_resource(job_id: str, state: str, **fields: Any) -> Job:
    """Make a job of the resource."""
    return replace(job(job_id, state, **fields), resource_arn=ARN)


def test_a_resource_of_which_nothing_is_new_is_kept() -> None:
    """While a job of a resource goes on, the resource's lines are not deflated again."""
    account = Account()
    account.tell(of_resource("a", "RUNNING", numbers={"progress_ratio": 0.1}))
    before = account.pieces()
    account.tell(of_resource("a", "RUNNING", numbers={"progress_ratio": 0.2}))
    assert before
    assert written_anew(before, account.pieces()) == set()


def test_of_a_resource_only_what_is_new_is_written() -> None:
    """When a resource's newest job fails, when and how it was last tried is written, the rest is kept."""
    account = Account()
    account.tell(of_resource("a", "COMPLETED", created=NOW - 2 * HOUR, completed=NOW - HOUR))
    before = account.pieces()
    account.tell(of_resource("b", "FAILED"))
    assert "aws_backup_resource_last_success_timestamp_seconds" in before
    assert written_anew(before, account.pieces()) == {
        LAST_ATTEMPT.name,
        LAST_STATE.name,
        "aws_backup_resource_last_ended_job_info",
        "aws_backup_resource_last_ended_timestamp_seconds",
    }


def test_of_a_running_job_only_what_is_new_is_written() -> None:
    """A job that goes on has another last progress every five minutes; when it is overdue is kept."""
    account, (overdue, last_progress) = Account(), running_families(BACKUP)
    seen = []
    for minutes in range(7):
        ratio = {"progress_ratio": minutes / 100, "expected_completion_timestamp_seconds": NOW + HOUR}
        account.tell(job(numbers=ratio), NOW + 60 * minutes)
        seen.append(account.pieces([overdue, last_progress]))
    assert written_anew({}, seen[0]) == {overdue.name, last_progress.name}
    written = [written_anew(before, after) for before, after in pairwise(seen)]
    assert written == [set(), {last_progress.name}, *[set()] * 4]


def test_a_job_that_ends_is_no_running_job() -> None:
    """When a job ends, its series as a running job go."""
    account = Account()
    account.tell(job(numbers={"progress_ratio": 0.1}))
    assert account.pieces(running_families(BACKUP))
    account.tell(job(state="COMPLETED", completed=NOW))
    assert not account.pieces(running_families(BACKUP))
