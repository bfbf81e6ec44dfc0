"""What is known of one kind of job in one scope. Pure: no I/O and no clock; the time is handed in.

A job is *live* while it can still change and *sealed* once it is finished and has told all it will.
Sealed jobs are handed over once, by `drain`, to whoever renders them; the store keeps their ids only.
They are grouped into buckets by time of creation, so that they leave the window a bucket at a time.

In whatever order versions of a job arrive, the newest counts (`job_versions`). Where there is no room for all
jobs to have series, those without are followed and counted like the others.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import nsmallest

from exporter.ledger.job_counts import Counts, Place
from exporter.ledger.job_versions import Version, Versions
from exporter.ledger.series_queue import SeriesQueue
from exporter.model import Job, Kind, Tally

LONGEST_BUCKET = 3600.0
BUCKETS_IN_WINDOW = 24
LISTED_LATE = 3600.0  # seconds for which AWS may list a job as active that ended before the start


@dataclass(frozen=True, slots=True)
class Followed:
    """A live job and when it was last described; 0 for never."""

    job: Job
    described_at: float


@dataclass(slots=True)
class Changes:
    """What happened to the published jobs of one kind since the last drain.

    Attributes:
        live: the jobs that changed, by id; None for one that is no longer live, or has no series any longer.
        progressed: the live jobs of which only numbers changed, or only numbers after what `live` tells.
        sealed: finished jobs and the bucket each belongs to; they never change again.
        dropped: sealed jobs that lose their series, by bucket.
        left: buckets that left the window, with all their jobs.
    """

    live: dict[str, Job | None] = field(default_factory=dict)
    progressed: dict[str, Job] = field(default_factory=dict)
    sealed: dict[str, tuple[int, Job]] = field(default_factory=dict)
    dropped: dict[int, set[str]] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Live:
    """A job that can still change.

    Attributes:
        version: the newest that AWS told of it.
        description: the newest that AWS told when it described it.
        job: as it is published: that version, with what only the description tells.
        born: when it was created, or first seen where AWS does not tell.
        bucket: by that time.
        described_at: when it was last asked about; 0 for never.
        place: where it is counted.
        seen_active: whether AWS ever told that it had not ended.
        counted: whether its end was.
        final: finished, and all has been asked that will be.
        shown: whether it has series.
        queue, key: where it waits for series; none for a configured job, which always has some.
    """

    version: Version
    description: Version | None
    job: Job
    born: float
    bucket: int
    described_at: float
    place: Place | None = None
    seen_active: bool = False
    counted: bool = False
    final: bool = False
    shown: bool = True
    queue: "SeriesQueue | None" = None
    key: tuple[float, str] = (0.0, "")


@dataclass(slots=True)
class _Bucket:
    """The sealed jobs that were created at some time.

    Attributes:
        created: those that have series, and when each was created.
        dropped: those that have none.
        uncounted: those whose end was taken for one before the start, and where each would be counted.
        unvalidated: those of which a validation may still begin.
    """

    created: dict[str, float] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    uncounted: dict[str, Place] = field(default_factory=dict)
    unvalidated: dict[str, _Live] = field(default_factory=dict)


class JobStore:
    """The jobs of one kind in one scope.

    Args:
        kind: the row of the table of kinds.
        window: jobs created within so many seconds have series.
        since: tells when the exporter started; what finished earlier is not counted as having finished.
        pinned: configured job ids; they keep their series whatever their age.

    Attributes:
        running: the jobs that are not finished, without configured ones. The newest do without series first:
            those that have some keep them to their end, and the oldest are those that may be stuck.
        waiting: the finished ones that are still to be described, likewise. The oldest do without first.
    """

    def __init__(
        self, kind: Kind, *, window: float, since: Callable[[], float], pinned: Iterable[str] = ()
    ) -> None:
        self.kind = kind
        self.running = SeriesQueue()
        self.waiting = SeriesQueue()
        self._window = window
        self._width = min(LONGEST_BUCKET, window / BUCKETS_IN_WINDOW)
        self._since = since
        self._pinned = frozenset(pinned)
        self._versions = Versions(kind)
        self._counts = Counts(kind)
        self._live: dict[str, _Live] = {}
        self._bucket_of: dict[str, int] = {}
        self._buckets: dict[int, _Bucket] = {}
        self._changes = Changes()
        self._sealed_count = 0  # those that have series
        self._rolled_to = 0  # the oldest bucket of the window when it was last looked at

    def assume_account(self, account_id: str) -> None:
        """Tell the account of jobs that tell none, and whose ARNs do not."""
        self._counts.account_id = account_id

    def enter(self, job: Job, now: float, *, described: bool) -> Job | None:
        """Take up what AWS just told of a job: a row of a list, or (`described`) its own description.

        Returns:
            The job as it is known now, for whoever keeps what follows from it; None when that told nothing
            new.
        """
        told = Version(job, described, now)
        live = self._live.get(job.id)
        if live:
            return self._update(live, told)
        if job.id in self._bucket_of:
            return self._enter_sealed(told)
        if job.finished and job.id not in self._pinned and not self._belongs(job, now):
            return job
        return self._begin(told)

    def close(self, job_id: str, now: float) -> None:
        """Take note that a job was asked about in vain: a finished one is sealed with what is known."""
        live = self._live.get(job_id)
        if not live:
            return
        live.described_at = now
        live.final = live.job.finished
        if live.final and job_id not in self._pinned:
            self._end(live, now)

    def forget(self, job_id: str) -> None:
        """Let go of a live job that AWS no longer knows."""
        live = self._no_longer_live(job_id)
        if live and live.place:
            self._counts.remove(live.place, live.bucket)

    def is_settled(self, job_id: str) -> bool:
        """Whether there is nothing more to ask of this job."""
        live = self._live.get(job_id)
        return live.final if live else job_id in self._bucket_of

    def active(self) -> list[Followed]:
        """The jobs that are not finished, the stalest first."""
        active = [
            Followed(live.job, live.described_at) for live in self._live.values() if not live.job.finished
        ]
        return sorted(active, key=lambda followed: followed.described_at)

    def unsettled(self) -> list[Followed]:
        """The finished jobs that are still to be described one last time, newest first."""
        waiting = [live for live in self._live.values() if live.job.finished and not live.final]
        waiting.sort(key=lambda live: (-(live.job.created or 0.0), live.job.id))
        return [Followed(live.job, live.described_at) for live in waiting]

    def roll(self, now: float) -> None:
        """Let the buckets go that have left the window."""
        oldest = self._oldest_bucket(now)
        self._counts.remove_before(oldest)
        self._count_again(oldest)
        for number in [number for number in self._buckets if number < oldest]:
            bucket = self._buckets.pop(number)
            self._sealed_count -= len(bucket.created)
            for job_id in (*bucket.created, *bucket.dropped):
                del self._bucket_of[job_id]
                self._changes.sealed.pop(job_id, None)
            self._changes.left.append(number)
        for job_id in list(self.waiting):
            if self._live[job_id].bucket < oldest:
                self.forget(job_id)

    def _count_again(self, oldest: int) -> None:
        """Count the live jobs whose buckets left the window, and are back: the time was corrected."""
        if oldest < self._rolled_to:
            for live in self._live.values():
                if live.place and oldest <= live.bucket < self._rolled_to:
                    self._counts.add(live.place, live.bucket)
        self._rolled_to = oldest

    def show(self, queue: SeriesQueue) -> None:
        """Give series to the first job of a queue that has none."""
        _, job_id = queue.first_hidden
        queue.shown += 1
        self._show(self._live[job_id], True)

    def hide(self, queue: SeriesQueue) -> None:
        """Take the series from the last job of a queue that has some."""
        _, job_id = queue.last_shown
        queue.shown -= 1
        self._show(self._live[job_id], False)

    def drop_oldest(self, most: int) -> int:
        """Take the series from the oldest sealed jobs: `most` of them, or fewer. Returns how many."""
        number = int(self._oldest_with_series())
        bucket = self._buckets[number]
        oldest = nsmallest(most, bucket.created, key=lambda job_id: (bucket.created[job_id], job_id))
        for job_id in oldest:
            del bucket.created[job_id]
            bucket.dropped.add(job_id)
            self._take_back(job_id, number)
        return len(oldest)

    def drain(self) -> Changes:
        """Hand over what changed since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def counts_mark(self, now: float) -> tuple[int, int]:
        """Something that changes whenever `tallies` may give other counts."""
        return (self._counts.mark, self._oldest_bucket(now))

    def tallies(self, now: float) -> list[Tally]:
        """How many jobs each vault and resource type has, by state; every known state present."""
        return self._counts.tallies(self._oldest_bucket(now))

    @property
    def groups_left_out(self) -> int:
        """How many pairs of vault and resource type `tallies` has as `other`."""
        return self._counts.left_out

    @property
    def live_count(self) -> int:
        """How many jobs can still change, whether or not they have series."""
        return len(self._live)

    @property
    def sealed_count(self) -> int:
        """How many sealed jobs have series."""
        return self._sealed_count

    @property
    def pinned_count(self) -> int:
        """How many live jobs the configuration names: these always have series."""
        return len(self._live) - len(self.running) - len(self.waiting)

    @property
    def hidden_count(self) -> int:
        """How many live jobs have no series."""
        return len(self.running) - self.running.shown + len(self.waiting) - self.waiting.shown

    @property
    def active_count(self) -> int:
        """How many jobs that are not finished have series."""
        pinned = (self._live.get(job_id) for job_id in self._pinned)
        return self.running.shown + sum(live is not None and not live.job.finished for live in pinned)

    @property
    def finished_count(self) -> int:
        """How many finished jobs have series."""
        return self.live_count - self.hidden_count - self.active_count + self.sealed_count

    @property
    def dropped_count(self) -> int:
        """How many jobs have no series because of the limit."""
        return self.hidden_count + sum(len(bucket.dropped) for bucket in self._buckets.values())

    @property
    def oldest_sealed(self) -> float:
        """The start of the oldest bucket that holds a sealed job with series; infinity when none does."""
        return self._oldest_with_series() * self._width

    def _begin(self, told: Version) -> Job:
        """Take up a job that is not known yet; one that ended unseen, and has told all, is sealed at once."""
        job, now = told.job, told.at
        born = now if job.created is None else job.created
        live = _Live(
            version=told,
            description=told if told.described else None,
            job=job,
            born=born,
            bucket=self._bucket(born),
            described_at=now if told.described else 0.0,
        )
        self._count(live, told)
        # Only a description tells a parent's children, and the last word on a job that was followed.
        live.final = job.finished and (told.described or not job.is_parent)
        if live.final and job.id not in self._pinned:
            oldest = self._oldest_bucket(now)
            self._seal(live, live.bucket if live.bucket >= oldest else oldest + 1, now)
            return job
        self._live[job.id] = live
        self._enqueue(live)
        if live.shown:
            self._changes.live[job.id] = job
        return job

    def _update(self, live: _Live, told: Version) -> Job | None:
        """Take up what was told of a live job, as far as it is news."""
        before, newest = live.job, self._versions.newest(told, live.version)
        if told.described:
            live.described_at = told.at
            if live.description is live.version:
                live.description = newest
            else:
                live.description = self._versions.newest(told, live.description) if live.description else told
        is_news = newest is not live.version
        live.version = newest
        live.job = newest.job
        if live.description and not newest.described:
            live.job = self._versions.with_child_counts(newest.job, live.description.job)
        self._count(live, told)
        last_word = live.description is not None and live.description.job.finished
        live.final = live.job.finished and (live.final or last_word)
        if live.final and live.job.id not in self._pinned:
            self._end(live, told.at)
        else:
            self._enqueue(live)
            self._note_change(live, before)
        return live.job if is_news else None

    def _enter_sealed(self, told: Version) -> Job | None:
        """Take up what was told of a sealed job: hardly ever is it news."""
        job_id, number = told.job.id, self._bucket_of[told.job.id]
        bucket = self._buckets[number]
        if job_id in bucket.unvalidated and self._versions.is_validated(told.job):
            return self._reopen(bucket.unvalidated.pop(job_id), number, told)
        if not told.job.finished and (ended_in := bucket.uncounted.pop(job_id, None)):
            self._counts.add_end(ended_in)
        return None

    def _reopen(self, live: _Live, number: int, told: Version) -> Job | None:
        """Make a sealed job live again, of which a validation began."""
        job_id = live.job.id
        del self._bucket_of[job_id]
        bucket = self._buckets[number]
        bucket.dropped.discard(job_id)
        bucket.uncounted.pop(job_id, None)
        if bucket.created.pop(job_id, None) is not None:
            self._take_back(job_id, number)
        live.final = False
        self._live[job_id] = live
        self._enqueue(live)
        self._show(live, live.shown)
        return self._update(live, told)

    def _count(self, live: _Live, told: Version) -> None:
        """Count a job where it is now, and its end once, if that came since the start."""
        place = self._counts.place(live.job)
        if place != live.place:
            if live.place:
                self._counts.remove(live.place, live.bucket)
            if place and live.bucket >= self._oldest_bucket(told.at):
                self._counts.add(place, live.bucket)
            live.place = place
        # What AWS tells arrives after the start: a job that was active then ended later.
        live.seen_active = live.seen_active or not told.job.finished
        if live.job.finished and not live.counted:
            ended = live.job.completed or live.job.created or 0.0
            live.counted = live.seen_active or ended >= self._since()
            if live.counted and place:
                self._counts.add_end(place)

    def _enqueue(self, live: _Live) -> None:
        """Put a job where it waits for series, when it is new or has finished."""
        job = live.job
        queue = self.waiting if job.finished else self.running
        if live.queue is queue or job.id in self._pinned:
            return
        if live.queue:
            live.queue.remove(live.key)
        live.queue, live.key = queue, (-live.born if job.finished else live.born, job.id)
        shown = queue.add(live.key)
        if shown != live.shown:
            self._show(live, shown)

    def _note_change(self, live: _Live, before: Job) -> None:
        job = live.job
        if not live.shown or job is before:
            return
        if _nothing_but_numbers_differs(before, job):
            if before.values != job.values:
                self._changes.progressed[job.id] = job
        else:
            self._changes.live[job.id] = job
            self._changes.progressed.pop(job.id, None)

    def _show(self, live: _Live, shown: bool) -> None:
        live.shown = shown
        self._changes.live[live.job.id] = live.job if shown else None
        self._changes.progressed.pop(live.job.id, None)

    def _end(self, live: _Live, now: float) -> None:
        """Seal a job that was live."""
        self._no_longer_live(live.job.id)
        # One that was followed to its end beyond the window shows that end a little longer.
        self._seal(live, max(live.bucket, self._oldest_bucket(now) + 1), now)

    def _seal(self, live: _Live, number: int, now: float) -> None:
        job = live.job
        bucket = self._buckets.get(number)
        if bucket is None:
            bucket = self._buckets[number] = _Bucket()
        self._bucket_of[job.id] = number
        bucket.created[job.id] = now if job.created is None else job.created
        if live.place and not live.counted and (job.completed or math.inf) > self._since() - LISTED_LATE:
            bucket.uncounted[job.id] = live.place
        if self._versions.may_be_validated(job):
            bucket.unvalidated[job.id] = live
        self._sealed_count += 1
        self._changes.sealed[job.id] = (number, job)

    def _take_back(self, job_id: str, number: int) -> None:
        """Take the series from a sealed job."""
        self._sealed_count -= 1
        if not self._changes.sealed.pop(job_id, None):
            self._changes.dropped.setdefault(number, set()).add(job_id)

    def _no_longer_live(self, job_id: str) -> _Live | None:
        live = self._live.pop(job_id, None)
        if live:
            if live.queue:
                live.queue.remove(live.key)
                live.queue = None
            self._changes.live[job_id] = None
            self._changes.progressed.pop(job_id, None)
        return live

    def _belongs(self, job: Job, now: float) -> bool:
        """Whether a job that ended unseen is of the window, or ended just now, as one that was followed."""
        born = now if job.created is None else job.created
        just_now = job.completed is not None and 0 <= now - job.completed <= self._width
        return just_now or born >= now - self._window

    def _bucket(self, time: float) -> int:
        return int(time // self._width)

    def _oldest_bucket(self, now: float) -> int:
        return self._bucket(now - self._window)

    def _oldest_with_series(self) -> float:
        return min((number for number, bucket in self._buckets.items() if bucket.created), default=math.inf)


def _nothing_but_numbers_differs(before: Job, after: Job) -> bool:
    """Compare what is published of a job; all else that is known of it follows from that."""
    return (
        before.state == after.state
        and before.info == after.info
        and before.account_id == after.account_id
        and before.child_states == after.child_states
        and before.message == after.message
        and before.category == after.category
    )
