"""What changed in the series of one kind of job, for the code that renders them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from exporter.model import Job, RunningJob


@dataclass(slots=True)
class Changes:
    """What happened since the last drain to the jobs that have series.

    Attributes:
        tracked: the tracked jobs that changed, by id; None for one that is no longer tracked or has lost its
            series.
        progressed: tracked jobs of which only numbers changed, since the last drain or since `tracked`.
        running: running jobs of which something published changed, by id; None for one that is no longer
            running or has lost its series.
        final: final jobs, each with its bucket; they never change again.
        dropped: final jobs that lost their series, by bucket.
        expired: buckets that left the window, with all their jobs.
    """

    tracked: dict[str, Job | None] = field(default_factory=dict)
    progressed: dict[str, Job] = field(default_factory=dict)
    running: dict[str, RunningJob | None] = field(default_factory=dict)
    final: dict[str, tuple[int, Job]] = field(default_factory=dict)
    dropped: dict[int, set[str]] = field(default_factory=dict)
    expired: list[int] = field(default_factory=list)


class ChangeLog:
    """Collects changes until they are drained.

    Attributes:
        version: grows with each change, except of the numbers of a tracked job.
        progress: grows with each change of the numbers of a tracked job.
    """

    def __init__(self) -> None:
        self._changes = Changes()
        self.version = 0
        self.progress = 0

    def drain(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def add(self, job: Job) -> None:
        """Record that a tracked job has series, all of which may be new."""
        self.version += 1
        self._changes.tracked[job.id] = job
        self._changes.progressed.pop(job.id, None)

    def remove(self, job_id: str) -> None:
        """Record that a tracked job no longer has series."""
        self.version += 1
        self._changes.tracked[job_id] = None
        self._changes.progressed.pop(job_id, None)

    def change(self, before: Job, job: Job) -> None:
        """Record the difference between two versions of a tracked job that has series."""
        if job is before:
            return
        if not _only_numbers_differ(before, job):
            self.add(job)
        elif before.values != job.values:
            self.progress += 1
            self._changes.progressed[job.id] = job

    def set_running(self, job_id: str, running: RunningJob | None) -> None:
        """Record a change of a running job; None if it is no longer running or has lost its series."""
        self.version += 1
        self._changes.running[job_id] = running

    def add_final(self, job: Job, bucket: int) -> None:
        """Record a final job, which has series."""
        self.version += 1
        self._changes.final[job.id] = (bucket, job)

    def drop_final(self, job_id: str, bucket: int) -> None:
        """Record that a final job lost its series."""
        self.version += 1
        if not self._changes.final.pop(job_id, None):
            self._changes.dropped.setdefault(bucket, set()).add(job_id)

    def expire(self, bucket: int, job_ids: Iterable[str]) -> None:
        """Record that a bucket left the window, with these jobs that have series."""
        self.version += 1
        for job_id in job_ids:
            self._changes.final.pop(job_id, None)
        self._changes.expired.append(bucket)


def _only_numbers_differ(before: Job, after: Job) -> bool:
    """Compare the published fields of a job; all other fields follow from these."""
    return (
        before.state == after.state
        and before.info == after.info
        and before.account_id == after.account_id
        and before.child_states == after.child_states
        and before.message == after.message
        and before.category == after.category
    )
