"""When running jobs count as overdue, and when they last made progress. Pure."""

from collections.abc import Callable

from exporter.ledger.job_versions import PROGRESS
from exporter.ledger.tracked_job import TrackedJob
from exporter.model import Job, Kind, RunningJob, name_in_arn

GRACE = 3600.0  # seconds after the expected end until a job counts as overdue, and
GRACE_SHARE = 0.5  # of the expected duration
RESOLUTION = 300.0  # seconds; lines change only so often while a job makes progress
EXPECTED_END = "ExpectedCompletionDate"


class RunningJobs:
    """Watches the running jobs of one kind. A child job is covered by its parent.

    Args:
        kind: the job kind.
        since: returns when the exporter started. Times are kept relative to it, because a correction of the
            time changes it as well.
    """

    def __init__(self, kind: Kind, since: Callable[[], float]) -> None:
        self._states = kind.running_states
        self._since = since
        members = [gauge.member for gauge in kind.gauges]
        self._progress = [place for place, member in enumerate(members) if member in PROGRESS]
        self._expected_end = members.index(EXPECTED_END) if EXPECTED_END in members else None

    def watch(self, tracked: TrackedJob, before: Job | None, now: float) -> None:
        """Record when a job makes progress.

        A job that is new may have stopped long ago. It counts as progressing, so that a restart of the
        exporter delays alerts but raises none.

        Args:
            tracked: the job.
            before: its previous version; None if it is new.
            now: when its current version arrived.
        """
        if tracked.job.state in self._states and (before is None or self._progresses(before, tracked.job)):
            tracked.progressed = now - self._since()

    def describe(self, tracked: TrackedJob) -> RunningJob | None:
        """Return what is published about a running job; None if the job is not running, or a child job."""
        job = tracked.job
        if job.state not in self._states or job.completed is not None or job.parent_id:
            return None
        return RunningJob(
            job.account_id,
            job.resource_arn,
            job.resource_name or name_in_arn(job.resource_arn),
            job.resource_type,
            job.vault_name,
            self._overdue_at(tracked),
            self._progressed_at(tracked),
        )

    def _progresses(self, before: Job, job: Job) -> bool:
        return job.state != before.state or any(
            (job.values[place] or 0) > (before.values[place] or 0) for place in self._progress
        )

    def _overdue_at(self, tracked: TrackedJob) -> float | None:
        end = None if self._expected_end is None else tracked.job.values[self._expected_end]
        return None if end is None else end + GRACE + GRACE_SHARE * (end - tracked.created)

    def _progressed_at(self, tracked: TrackedJob) -> float | None:
        if all(tracked.job.values[place] is None for place in self._progress):
            return None
        at = self._since() + tracked.progressed
        return at - at % RESOLUTION
