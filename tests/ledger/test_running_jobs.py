"""When running jobs count as overdue, and when they last made progress."""

from typing import Any

import pytest

from exporter.ledger.job_store import JobStore
from exporter.model import RunningJob
from exporter.model.job_kinds import BACKUP, COPY, RESTORE, SCAN
from exporter.model.kind import Kind
from tests.ledger.facts import told
from tests.support.makers import ACCOUNT, HOUR, NOW, WINDOW, job, ledger, store

MINUTE = 60.0
SLOT = NOW - 200  # NOW, rounded down to five minutes
ARN = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/vol-1"


class Told:
    """A store of backup jobs, and what it has handed over about running jobs.

    Args:
        started: when the exporter started.
    """

    def __init__(self, started: float = NOW) -> None:
        self.started = started
        self.store = JobStore(BACKUP, window=WINDOW, since=lambda: self.started)
        self.running: dict[str, RunningJob | None] = {}

    def tell(self, state: str = "RUNNING", *, at: float = NOW, described: bool = True, **fields: Any) -> None:
        """AWS tells of the job `a`; numbers go by the suffix of their metric."""
        self.store.update(job(state=state, **fields), at, described=described)
        self.running |= self.store.drain().running

    def reach(self, at: float, **numbers: float) -> None:
        """AWS tells how far the job has come."""
        self.tell(at=at, numbers=numbers)

    @property
    def job(self) -> RunningJob:
        """The job as it was handed over last."""
        found = self.running["a"]
        assert found
        return found


def test_a_job_is_overdue_an_hour_and_half_its_expected_duration_after_its_expected_end() -> None:
    """A job that should take two hours counts as overdue four hours after its creation."""
    aws = Told()
    aws.tell(created=NOW - HOUR, numbers={"expected_completion_timestamp_seconds": NOW + HOUR})
    assert aws.job.overdue_at == NOW + 3 * HOUR


def test_a_job_with_no_creation_date_is_measured_from_when_it_was_first_seen() -> None:
    """Without CreationDate the expected duration begins when the exporter first saw the job."""
    aws = Told()
    aws.tell(created=None, numbers={"expected_completion_timestamp_seconds": NOW + 2 * HOUR})
    assert aws.job.overdue_at == NOW + 4 * HOUR


def test_without_an_expected_end_no_job_is_overdue() -> None:
    """A job of which AWS expects no end never counts as overdue; its progress is known all the same."""
    aws = Told()
    aws.reach(NOW, progress_ratio=0.1)
    assert (aws.job.overdue_at, aws.job.progressed_at) == (None, SLOT)


def test_aws_can_expect_a_later_end() -> None:
    """When AWS corrects the expected end, the job counts as overdue later."""
    aws = Told()
    aws.reach(NOW, expected_completion_timestamp_seconds=NOW + 2 * HOUR)
    aws.reach(NOW + MINUTE, expected_completion_timestamp_seconds=NOW + 4 * HOUR)
    assert aws.job.overdue_at == NOW + 7 * HOUR


@pytest.mark.parametrize("number", ["progress_ratio", "transferred_bytes"])
def test_growth_of_one_number_is_progress(number: str) -> None:
    """A job makes progress when only its percentage grows, and when only its bytes do."""
    aws = Told()
    both = {"progress_ratio": 0.5, "transferred_bytes": 0.5}
    aws.reach(NOW, **both)
    aws.reach(NOW + HOUR, **both | {number: 0.6})
    assert aws.job.progressed_at == SLOT + HOUR


@pytest.mark.parametrize("number", ["progress_ratio", "transferred_bytes"])
def test_one_number_is_enough(number: str) -> None:
    """A job of which AWS tells either the percentage or the bytes makes progress when that one grows."""
    aws = Told()
    aws.reach(NOW, **{number: 1})
    aws.reach(NOW + HOUR, **{number: 2})
    assert aws.job.progressed_at == SLOT + HOUR


def test_without_growth_there_is_no_progress() -> None:
    """The last progress stays while neither number grows, whatever else AWS tells of the job."""
    aws = Told()
    aws.reach(NOW, progress_ratio=0.5, transferred_bytes=7)
    aws.reach(NOW + HOUR, progress_ratio=0.5, transferred_bytes=7, size_bytes=100)
    aws.tell(at=NOW + 2 * HOUR, numbers={"progress_ratio": 0.5}, message="still at it")
    assert aws.job.progressed_at == SLOT


def test_a_number_that_shrinks_is_no_progress() -> None:
    """AWS may tell less than before: that is no progress, nor is the return to where the job was."""
    aws = Told()
    for minutes, ratio in ((0, 0.5), (10, 0.4), (20, 0.5)):
        aws.reach(NOW + minutes * MINUTE, progress_ratio=ratio)
    assert aws.job.progressed_at == SLOT


def test_an_answer_that_comes_late_is_no_progress() -> None:
    """A row that AWS made before the description that is known already changes nothing."""
    aws = Told()
    aws.reach(NOW, progress_ratio=0.5)
    aws.running.clear()
    aws.tell(at=NOW + 30, numbers={"progress_ratio": 0.3}, described=False)
    assert aws.running == {}


def test_a_job_that_tells_no_progress_has_no_last_progress() -> None:
    """A job of which AWS tells neither number cannot be seen to stop."""
    aws = Told()
    aws.tell(created=NOW, numbers={"expected_completion_timestamp_seconds": NOW + HOUR})
    assert aws.job.progressed_at is None


def test_a_first_zero_is_no_progress() -> None:
    """A number that AWS begins to tell as zero does not show that the job moved."""
    aws = Told()
    aws.tell()
    aws.reach(NOW + HOUR, progress_ratio=0.0)
    assert aws.job.progressed_at == SLOT


def test_a_job_waits_before_it_runs() -> None:
    """A job has no facts while it waits; it progresses when it starts to run; at its end they go."""
    aws = Told()
    aws.tell("PENDING", numbers={"progress_ratio": 0.0})
    assert aws.running == {}
    aws.reach(NOW + 5 * HOUR, progress_ratio=0.0)
    assert aws.job.progressed_at == SLOT + 5 * HOUR
    aws.tell("COMPLETED", at=NOW + 6 * HOUR, completed=NOW + 6 * HOUR)
    assert aws.running == {"a": None}


def test_a_job_that_is_stopped_still_runs() -> None:
    """A job that is being stopped should end as well: to be stopped is its last progress."""
    aws = Told()
    aws.reach(NOW, progress_ratio=0.5)
    aws.tell("ABORTING", at=NOW + HOUR, numbers={"progress_ratio": 0.5})
    assert aws.job.progressed_at == SLOT + HOUR
    aws.tell("ABORTED", at=NOW + 2 * HOUR)
    assert aws.running == {"a": None}


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("COMPLETED", {}),
        ("RUNNING", {"parent": "stack"}),
        ("RUNNING", {"completed": NOW}),
        ("CREATED", {}),
        ("NOVEL", {}),
    ],
)
def test_other_jobs_have_no_facts(state: str, fields: dict[str, Any]) -> None:
    """Finished jobs, child jobs, jobs that have an end, and jobs in another state have none."""
    aws = Told()
    numbers = {"progress_ratio": 0.5, "expected_completion_timestamp_seconds": NOW}
    aws.tell(state, numbers=numbers, **fields)
    assert aws.running == {}


def test_a_forgotten_job_has_no_facts() -> None:
    """When AWS no longer knows a running job, its facts go."""
    aws = Told()
    aws.reach(NOW, progress_ratio=0.5)
    aws.store.remove("a")
    assert aws.store.drain().running == {"a": None}


def test_progress_is_handed_over_every_five_minutes() -> None:
    """While a job makes progress, its facts change at most once in five minutes."""
    aws = Told()
    seen = []
    for minutes in range(11):
        aws.running.clear()
        aws.reach(SLOT + minutes * MINUTE, progress_ratio=minutes / 100)
        seen += [found.progressed_at for found in aws.running.values() if found]
    assert seen == [SLOT, SLOT + 300, SLOT + 600]


def test_after_a_restart_a_job_counts_as_progressing() -> None:
    """An exporter that sees a job for the first time does not know how long it has stood still."""
    aws = Told(started=NOW + 10 * HOUR)
    aws.tell(at=NOW + 10 * HOUR, created=NOW, numbers={"progress_ratio": 0.5})
    assert aws.job.progressed_at == SLOT + 10 * HOUR
    aws.reach(NOW + 11 * HOUR, progress_ratio=0.5)
    assert aws.job.progressed_at == SLOT + 10 * HOUR


@pytest.mark.parametrize("hours", [24, -24])
def test_a_correction_of_the_time_moves_the_last_progress(hours: int) -> None:
    """When the time turns out to be wrong, progress seen with the wrong time is corrected with it."""
    aws = Told()
    aws.reach(NOW + HOUR, progress_ratio=0.5)
    aws.started += hours * HOUR
    aws.reach(NOW + (2 + hours) * HOUR, progress_ratio=0.5)
    assert aws.job.progressed_at == SLOT + (1 + hours) * HOUR


def test_a_running_job_has_the_names_of_its_resource() -> None:
    """The facts name resource and vault; a resource without a name, by the last part of its ARN."""
    made = store()
    for name in ("data", ""):
        made.update(
            told(BACKUP, name or "unnamed", "RUNNING", NOW, arn=ARN, ResourceName=name), NOW, described=True
        )
    found = made.drain().running
    assert found["data"] == RunningJob(ACCOUNT, ARN, "data", "EBS", "prod", None, None)
    assert found["unnamed"] == RunningJob(ACCOUNT, ARN, "vol-1", "EBS", "prod", None, None)


@pytest.mark.parametrize("kind", [COPY, RESTORE, SCAN], ids=lambda kind: kind.name)
def test_other_kinds_have_no_facts(kind: Kind) -> None:
    """AWS tells too little of running copies, restores and scans."""
    made = JobStore(kind, window=WINDOW, since=lambda: NOW)
    made.update(told(kind, "a", "RUNNING", NOW, PercentDone="5.0"), NOW, described=True)
    assert made.drain().running == {}


def test_a_job_without_series_has_no_facts() -> None:
    """Beyond the limit a running job has none; when it gets series, it has the progress seen before."""
    made = store()
    scope = ledger(made, max_jobs=1)
    numbers = {"progress_ratio": 0.5}
    scope.update_jobs(BACKUP, [job("old", created=NOW - HOUR, numbers=numbers)], NOW, described=True)
    scope.update_jobs(BACKUP, [job("new", numbers=numbers)], NOW, described=True)
    with scope.open(BACKUP) as opened:
        found = opened.drain().running
    assert [job_id for job_id, running in found.items() if running] == ["old"]
    ended = job("old", "COMPLETED", created=NOW - HOUR, completed=NOW + HOUR)
    scope.update_jobs(BACKUP, [ended], NOW + HOUR, described=True)
    with scope.open(BACKUP) as opened:
        found = opened.drain().running
    assert found["old"] is None
    assert found["new"]
    assert found["new"].progressed_at == SLOT
