"""The jobs of one kind in one scope. Pure: no I/O and no clock; the time is passed in.

A job is *tracked* while it can still change. It is *final* once it is finished and no more requests are made
for it; the store then keeps only its id (`final_jobs`). Configured jobs are always tracked.

AWS may report versions of a job in any order; the newest one counts (`job_versions`). If there is no room for
all jobs to have series, those without series are tracked and counted like the others. A finished job that is
not to have series is final at once: its description would add nothing to the counts.
"""

import math
from collections.abc import Callable, Iterable

from exporter.ledger.discovery_window import Window
from exporter.ledger.final_jobs import FinalJobs
from exporter.ledger.job_changes import ChangeLog, Changes
from exporter.ledger.job_counts import Counts, JobNumbers
from exporter.ledger.job_versions import Version, versions_of
from exporter.ledger.running_jobs import RunningJobs
from exporter.ledger.series_queue import SeriesQueue
from exporter.ledger.tracked_job import JobToDescribe, TrackedJob
from exporter.model import Job, Kind, RunningJob, Tally

LISTED_LATE = 3600.0  # seconds for which AWS may list a job as active that ended before the start


class JobStore:
    """The jobs of one kind in one scope.

    Args:
        kind: the job kind.
        window: seconds for which finished jobs have series after their creation.
        since: returns when the exporter started; jobs that finished earlier are not counted as finished.
        pinned: configured job ids; these keep their series whatever their age.
        keeps_series: which other finished jobs have series.

    Attributes:
        active_queue: jobs that are not finished, without configured ones. The newest have to wait for series:
            jobs that have series keep them to their end, and the oldest may be stuck.
        undescribed_queue: likewise, finished jobs that are still to be described. The oldest have to wait.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        window: float,
        since: Callable[[], float],
        pinned: Iterable[str] = (),
        keeps_series: Callable[[Job], bool] = lambda _: True,
    ) -> None:
        self.kind = kind
        self.active_queue = SeriesQueue()
        self.undescribed_queue = SeriesQueue()
        self._window = Window(window)
        self._since = since
        self._pinned = frozenset(pinned)
        self._finished_keeps_series = keeps_series
        self._versions = versions_of(kind)
        self._running = RunningJobs(kind, since)
        self._counts = Counts(kind)
        self._changes = ChangeLog()
        self._tracked: dict[str, TrackedJob] = {}
        self._final = FinalJobs(self._changes)
        self._oldest_bucket = 0  # of the window, at the last call of `expire`

    def assume_account(self, account_id: str) -> None:
        """Set the account of jobs for which AWS gives none, neither as a field nor in an ARN."""
        self._counts.account_id = account_id

    def update(self, job: Job, now: float, *, described: bool) -> Job | None:
        """Record what AWS reported about a job: a row of a list, or (`described`) its description.

        Returns:
            The job as it is known now, for code that derives other facts from it; None if there is nothing
            new.
        """
        version = Version(job, described, now)
        tracked = self._tracked.get(job.id)
        if tracked:
            return self._update_tracked(tracked, version)
        if job.id in self._final.ids:
            return self._update_final(version)
        if job.finished and job.id not in self._pinned and not self._window.admits(job, now):
            return job
        return self._add(version)

    def skip_description(self, job_id: str, now: float) -> None:
        """Record that a job cannot or need not be described: if it is finished, it becomes final."""
        tracked = self._tracked.get(job_id)
        if not tracked:
            return
        tracked.described_at = now
        tracked.final = tracked.job.finished
        if tracked.final and job_id not in self._pinned:
            self._finalize(tracked)

    def remove(self, job_id: str) -> None:
        """Remove a tracked job that AWS no longer knows."""
        tracked = self._untrack(job_id)
        if tracked and tracked.place:
            self._counts.remove(tracked.place, tracked.bucket)

    def is_final(self, job_id: str) -> bool:
        """Whether there is nothing more to ask AWS about this job."""
        tracked = self._tracked.get(job_id)
        return tracked.final if tracked else job_id in self._final.ids

    def active_jobs(self) -> list[JobToDescribe]:
        """The jobs that are not finished, the longest not described first."""
        active = [
            JobToDescribe(tracked.job, tracked.described_at)
            for tracked in self._tracked.values()
            if not tracked.job.finished
        ]
        return sorted(active, key=lambda entry: entry.described_at)

    def undescribed_jobs(self) -> list[JobToDescribe]:
        """The finished jobs that are still to be described for the last time, newest first."""
        finished = [
            tracked for tracked in self._tracked.values() if tracked.job.finished and not tracked.final
        ]
        finished.sort(key=lambda tracked: (-(tracked.job.created or 0.0), tracked.job.id))
        return [JobToDescribe(tracked.job, tracked.described_at) for tracked in finished]

    def expire(self, now: float) -> bool:
        """Remove the finished jobs whose buckets have left the window. Returns whether it has moved."""
        oldest = self._window.oldest_bucket(now)
        if oldest == self._oldest_bucket:
            return False
        self._counts.remove_before(oldest)
        self._count_again(oldest)
        self._final.expire(oldest)
        for job_id in list(self.undescribed_queue):
            if self._tracked[job_id].leaves_with < oldest:
                self.remove(job_id)
        return True

    def _count_again(self, oldest: int) -> None:
        """Count the tracked jobs of buckets that are in the window again because the time was corrected."""
        if oldest < self._oldest_bucket:
            for tracked in self._tracked.values():
                if tracked.place and oldest <= tracked.bucket < self._oldest_bucket:
                    self._counts.add(tracked.place, tracked.bucket)
        self._oldest_bucket = oldest

    def show(self, queue: SeriesQueue) -> None:
        """Give series to the first job of a queue that has none."""
        _, job_id = queue.first_hidden
        queue.shown += 1
        self._set_series(self._tracked[job_id], True)

    def hide(self, queue: SeriesQueue) -> None:
        """Drop the series of the last job of a queue that has any."""
        _, job_id = queue.last_shown
        queue.shown -= 1
        self._set_series(self._tracked[job_id], False)

    def drop_oldest(self, most: int) -> int:
        """Drop the series of the oldest final jobs, at most so many. Returns how many."""
        return self._final.drop_oldest(most)

    def drain(self) -> Changes:
        """Return what changed since the last call."""
        return self._changes.drain()

    @property
    def version(self) -> int:
        """A number that grows whenever something published changes, except by progress or time alone."""
        return self._changes.version + self._counts.version

    @property
    def progress(self) -> int:
        """A number that grows whenever only the published numbers of a tracked job change."""
        return self._changes.progress

    def steady_until(self, now: float) -> float:
        """Until when, at least, no count changes by time alone; infinity if there is nothing to count."""
        first = self._counts.first_bucket(self._window.oldest_bucket(now))
        return math.inf if first is None else self._window.left_by(first)

    def counts_version(self, now: float) -> tuple[int, int]:
        """A value that changes whenever `tallies` may return other counts."""
        return (self._counts.version, self._window.oldest_bucket(now))

    def tallies(self, now: float) -> list[Tally]:
        """The number of jobs by vault, resource type and state; every known state is present."""
        return self._counts.tallies(self._window.oldest_bucket(now))

    @property
    def groups_left_out(self) -> int:
        """The number of pairs of vault and resource type that `tallies` counts as `other`."""
        return self._counts.left_out

    @property
    def is_empty(self) -> bool:
        """Whether no job is known."""
        return not self._tracked and not self._final.ids

    @property
    def tracked_count(self) -> int:
        """The number of tracked jobs, with or without series."""
        return len(self._tracked)

    @property
    def final_count(self) -> int:
        """The number of final jobs that have series."""
        return self._final.with_series

    @property
    def pinned_count(self) -> int:
        """The number of tracked jobs that are configured: these always have series."""
        return len(self._tracked) - len(self.active_queue) - len(self.undescribed_queue)

    @property
    def hidden_count(self) -> int:
        """The number of tracked jobs without series."""
        return self.active_queue.hidden + self.undescribed_queue.hidden

    def numbers(self) -> JobNumbers:
        """The numbers of jobs as they are published."""
        return JobNumbers(self.active_count, self.finished_count, self.dropped_count)

    @property
    def active_count(self) -> int:
        """The number of jobs with series that are not finished."""
        pinned = (self._tracked.get(job_id) for job_id in self._pinned)
        return self.active_queue.shown + sum(
            tracked is not None and not tracked.job.finished for tracked in pinned
        )

    @property
    def finished_count(self) -> int:
        """The number of finished jobs, without those that have no series because of the limit."""
        shown = self.tracked_count - self.hidden_count - self.active_count
        return shown + self.final_count + self._final.unpublished

    @property
    def dropped_count(self) -> int:
        """The number of jobs that have no series because of the limit."""
        return self.hidden_count + self._final.dropped

    @property
    def oldest_final(self) -> float:
        """The start of the oldest bucket that has a final job with series; infinity if there is none."""
        return self._final.oldest_bucket * self._window.bucket_width

    def _add(self, version: Version) -> Job:
        """Add a job that is not known yet; it may be final at once."""
        job, now = version.job, version.at
        created = now if job.created is None else job.created
        bucket, oldest = self._window.bucket(created), self._window.oldest_bucket(now)
        tracked = TrackedJob(
            version=version,
            description=version if version.described else None,
            job=job,
            created=created,
            bucket=bucket,
            leaves_with=bucket if bucket >= oldest else oldest + 1,
            described_at=now if version.described else 0.0,
        )
        self._count(tracked, version)
        # A list has neither the child counts of a parent nor the last description of a tracked job.
        tracked.final = job.finished and (
            version.described or not job.is_parent or not self._keeps_series(job)
        )
        if tracked.final and job.id not in self._pinned:
            self._add_final(tracked)
            return job
        self._running.watch(tracked, None, now)
        self._tracked[job.id] = tracked
        self._enqueue(tracked)
        if tracked.has_series:
            self._set_series(tracked, True)
        return job

    def _update_tracked(self, tracked: TrackedJob, version: Version) -> Job | None:
        """Record a version of a tracked job, as far as it is new."""
        before, newest = tracked.job, self._versions.newest(version, tracked.version)
        if version.described:
            tracked.described_at = version.at
            if tracked.description is tracked.version:
                tracked.description = newest
            elif tracked.description:
                tracked.description = self._versions.newest(version, tracked.description)
            else:
                tracked.description = version
        is_new = newest is not tracked.version
        tracked.version = newest
        tracked.job = newest.job
        if tracked.description and not newest.described:
            tracked.job = self._versions.with_child_counts(newest.job, tracked.description.job)
        self._running.watch(tracked, before, version.at)
        self._count(tracked, version)
        if tracked.job.finished and not before.finished:
            # A job that ends after it has left the window keeps its series a little longer.
            tracked.leaves_with = max(tracked.bucket, self._window.oldest_bucket(version.at) + 1)
        described_finished = tracked.description is not None and tracked.description.job.finished
        tracked.final = tracked.job.finished and (
            tracked.final or described_finished or not self._keeps_series(tracked.job)
        )
        if tracked.final and tracked.job.id not in self._pinned:
            self._finalize(tracked)
        else:
            self._enqueue(tracked)
            if tracked.has_series:
                self._changes.change(before, tracked.job)
                self._set_running(tracked, self._running.describe(tracked))
        return tracked.job if is_new else None

    def _update_final(self, version: Version) -> Job | None:
        """Record a version of a final job, which is hardly ever new."""
        job = version.job
        tracked = self._final.unvalidated(job.id)
        if tracked and self._versions.is_validated(job):
            return self._track_again(tracked, version)
        if not job.finished and (place := self._final.take_uncounted(job.id)):
            self._counts.add_end(place)
        return None

    def _track_again(self, tracked: TrackedJob, version: Version) -> Job | None:
        """Track a final job again because a validation began."""
        self._final.remove(tracked.job.id)
        tracked.final = False
        self._tracked[tracked.job.id] = tracked
        self._enqueue(tracked)
        self._set_series(tracked, tracked.has_series)
        return self._update_tracked(tracked, version)

    def _count(self, tracked: TrackedJob, version: Version) -> None:
        """Count a job in its present state, and its end once if it came after the start."""
        place = self._counts.place(tracked.job)
        if place != tracked.place:
            if tracked.place:
                self._counts.remove(tracked.place, tracked.bucket)
            if place and tracked.bucket >= self._window.oldest_bucket(version.at):
                self._counts.add(place, tracked.bucket)
            tracked.place = place
        # Versions arrive after the start: a job that was active in one of them ended after the start.
        tracked.seen_active = tracked.seen_active or not version.job.finished
        if tracked.job.finished and not tracked.end_counted:
            ended = tracked.job.completed or tracked.job.created or 0.0
            tracked.end_counted = tracked.seen_active or ended >= self._since()
            if tracked.end_counted and place:
                self._counts.add_end(place)

    def _enqueue(self, tracked: TrackedJob) -> None:
        """Put a job that is new or has finished in the queue for series."""
        job = tracked.job
        queue = self.undescribed_queue if job.finished else self.active_queue
        if tracked.queue is queue or job.id in self._pinned:
            return
        if tracked.queue:
            tracked.queue.remove(tracked.key)
        tracked.queue, tracked.key = queue, (-tracked.created if job.finished else tracked.created, job.id)
        has_series = queue.add(tracked.key)
        if has_series != tracked.has_series:
            self._set_series(tracked, has_series)

    def _set_series(self, tracked: TrackedJob, has_series: bool) -> None:
        tracked.has_series = has_series
        if has_series:
            self._changes.add(tracked.job)
        else:
            self._changes.remove(tracked.job.id)
        self._set_running(tracked, self._running.describe(tracked) if has_series else None)

    def _set_running(self, tracked: TrackedJob, running: RunningJob | None) -> None:
        if running != tracked.running:
            tracked.running = running
            self._changes.set_running(tracked.job.id, running)

    def _finalize(self, tracked: TrackedJob) -> None:
        self._untrack(tracked.job.id)
        self._add_final(tracked)

    def _add_final(self, tracked: TrackedJob) -> None:
        job = tracked.job
        uncounted = not tracked.end_counted and (job.completed or math.inf) > self._since() - LISTED_LATE
        self._final.add(
            job,
            tracked.leaves_with,
            tracked.created,
            has_series=self._keeps_series(job),
            uncounted=tracked.place if uncounted else None,
            unvalidated=tracked if self._versions.may_be_validated(job) else None,
        )

    def _keeps_series(self, job: Job) -> bool:
        return job.id in self._pinned or self._finished_keeps_series(job)

    def _untrack(self, job_id: str) -> TrackedJob | None:
        tracked = self._tracked.pop(job_id, None)
        if tracked:
            if tracked.queue:
                tracked.queue.remove(tracked.key)
                tracked.queue = None
            self._changes.remove(job_id)
            self._set_running(tracked, None)
        return tracked
