"""Jobs that never change again, in buckets of creation time. Pure."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from itertools import chain

from exporter.ledger.job_changes import ChangeLog
from exporter.ledger.job_counts import Place
from exporter.ledger.tracked_job import TrackedJob
from exporter.model import Job


@dataclass(slots=True)
class _Bucket:
    """The final jobs that were created in one span of time.

    Attributes:
        number: the number of the bucket.
        created: when each job that has series was created.
        dropped: the jobs that have lost theirs.
        unpublished: the jobs that never had any.
        uncounted: jobs that seem to have finished before the exporter started, and where to count each.
        unvalidated: jobs of which a validation may still begin.
    """

    number: int
    created: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, None] = field(default_factory=dict)  # often empty: an empty set takes more memory
    unpublished: set[str] = field(default_factory=set)
    uncounted: dict[str, Place] = field(default_factory=dict)
    unvalidated: dict[str, TrackedJob] = field(default_factory=dict)


class FinalJobs:
    """The ids of the final jobs of one kind in one scope; the jobs themselves go to the change log.

    Args:
        changes: receives what the code that renders the jobs has to know.

    Attributes:
        ids: the ids of all final jobs.
        with_series: the number of jobs that have series.
        dropped: the number of jobs that have lost theirs.
    """

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._buckets: dict[int, _Bucket] = {}
        self._bucket_of: dict[str, _Bucket] = {}
        self.ids: Collection[str] = self._bucket_of
        self.with_series = self.dropped = 0

    @property
    def unpublished(self) -> int:
        """The number of jobs that never had series."""
        return len(self.ids) - self.with_series - self.dropped

    @property
    def oldest_bucket(self) -> float:
        """The oldest bucket that has a job with series; infinity if there is none."""
        return min((number for number, bucket in self._buckets.items() if bucket.created), default=math.inf)

    def add(
        self,
        job: Job,
        bucket: int,
        created: float,
        *,
        has_series: bool,
        uncounted: Place | None,
        unvalidated: TrackedJob | None,
    ) -> None:
        """Add a job.

        Args:
            job: the job.
            bucket: the number of its bucket.
            created: when it was created, or first seen.
            has_series: whether it gets series; otherwise only its id is kept.
            uncounted: where to count its end if it turns out to have been active; None when that is done.
            unvalidated: what to track again if a validation of the job begins.
        """
        entry = self._buckets.get(bucket)
        if entry is None:
            entry = self._buckets[bucket] = _Bucket(bucket)
        self._bucket_of[job.id] = entry
        if uncounted:
            entry.uncounted[job.id] = uncounted
        if unvalidated:
            entry.unvalidated[job.id] = unvalidated
        if has_series:
            entry.created[job.id] = created
            self.with_series += 1
            self._changes.add_final(job, bucket)
        else:
            entry.unpublished.add(job.id)
            self._changes.version += 1  # the number of finished jobs is published

    def unvalidated(self, job_id: str) -> TrackedJob | None:
        """Return what to track again if a validation of this job begins."""
        return self._bucket_of[job_id].unvalidated.get(job_id)

    def take_uncounted(self, job_id: str) -> Place | None:
        """Return, once, where to count the end of a job that turns out to have been active."""
        return self._bucket_of[job_id].uncounted.pop(job_id, None)

    def remove(self, job_id: str) -> None:
        """Remove a job that is tracked again."""
        bucket = self._bucket_of.pop(job_id)
        if job_id in bucket.dropped:
            del bucket.dropped[job_id]
            self.dropped -= 1
        bucket.unpublished.discard(job_id)
        bucket.uncounted.pop(job_id, None)
        bucket.unvalidated.pop(job_id, None)
        if bucket.created.pop(job_id, None) is not None:
            self._drop_series([job_id], bucket.number)

    def expire(self, oldest_bucket: int) -> None:
        """Remove the buckets before this one."""
        for number in [number for number in self._buckets if number < oldest_bucket]:
            bucket = self._buckets.pop(number)
            self.with_series -= len(bucket.created)
            self.dropped -= len(bucket.dropped)
            for job_id in chain(bucket.created, bucket.dropped, bucket.unpublished):
                del self._bucket_of[job_id]
            self._changes.expire(number, bucket.created)

    def drop_oldest(self, most: int) -> int:
        """Drop the series of the oldest jobs, at most so many, all of one bucket. Returns how many."""
        number = int(self.oldest_bucket)
        bucket = self._buckets[number]
        oldest = nsmallest(most, bucket.created, key=lambda job_id: (bucket.created[job_id], job_id))
        for job_id in oldest:
            del bucket.created[job_id]
            bucket.dropped[job_id] = None
        self.dropped += len(oldest)
        self._drop_series(oldest, number)
        return len(oldest)

    def _drop_series(self, job_ids: Iterable[str], bucket: int) -> None:
        for job_id in job_ids:
            self.with_series -= 1
            self._changes.drop_final(job_id, bucket)
