"""What is known of one kind of job in one scope. Pure: no I/O and no clock; the time is handed in.

A job is *live* while it can still change and *sealed* once it is finished and has told all it will.
Sealed jobs are handed over once, by `drain`, to whoever renders them; the book keeps their ids only.
They are grouped into buckets by time of creation, so that they leave the window a bucket at a time.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from exporter.kinds import Kind
from exporter.model import Job, Tally

LONGEST_BUCKET = 3600.0
BUCKETS_IN_WINDOW = 24
CHILD_COUNT = "NumberOfChildJobs"

_Group = tuple[str, str, str]  # account, vault, resource type


@dataclass(frozen=True, slots=True)
class Followed:
    """A live job and when it was last described; 0 for never."""

    job: Job
    described_at: float


@dataclass(slots=True)
class Changes:
    """What happened to the published jobs of one kind since the last drain.

    Attributes:
        live: the jobs that changed, by id; None for one that is no longer live.
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
class _Bucket:
    created: dict[str, float] = field(default_factory=dict)  # sealed jobs that have series
    dropped: set[str] = field(default_factory=set)
    tally: Counter[tuple[_Group, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class _Live:
    job: Job
    bucket: int
    described_at: float
    final: bool  # finished, and all has been asked that will be


class Book:
    """The jobs of one kind in one scope.

    Args:
        kind: the row of the table of kinds.
        window: jobs created within so many seconds have series.
        since: tells when the exporter started; what finished earlier is not counted as having finished.
        pinned: configured job ids; they keep their series whatever their age.

    Attributes:
        account_id: the account to assume where a job and its ARNs tell none.
    """

    account_id = ""

    def __init__(
        self, kind: Kind, *, window: float, since: Callable[[], float], pinned: Iterable[str] = ()
    ) -> None:
        self.kind = kind
        self._window = window
        self._width = min(LONGEST_BUCKET, window / BUCKETS_IN_WINDOW)
        self._since = since
        self._pinned = frozenset(pinned)
        self._live: dict[str, _Live] = {}
        self._bucket_of: dict[str, int] = {}
        self._buckets: dict[int, _Bucket] = {}
        self._groups: set[_Group] = set()
        self._finished_total: Counter[tuple[_Group, str]] = Counter()
        self._changes = Changes()
        self._counted = 0
        self._active_count = 0
        self._sealed_count = 0  # those that have series

    def enter(self, job: Job, now: float, *, described: bool) -> None:
        """Take up what AWS just told of a job: a row of a list, or (`described`) its own description."""
        if job.id in self._bucket_of:
            return
        before = self._live.get(job.id)
        if before and before.job.finished and not described:
            return
        if not before and job.finished and not self._in_window(job, now) and job.id not in self._pinned:
            return
        if before and not described:
            job = self._with_child_counts(job, before.job)
        bucket = before.bucket if before else self._bucket(_born(job, now))
        self._count(job, before.job if before else None, bucket, now)
        asked = now if described else before.described_at if before else 0.0
        # Only a description tells a parent's children, and the last word on a job that was followed.
        final = job.finished and (described or not (before or job.is_parent))
        if final and job.id not in self._pinned:
            self._seal(job, bucket, now)
            return
        self._note_change(job, before.job if before else None)
        self._active_count += _active(job) - _active(before.job if before else None)
        self._live[job.id] = _Live(job, bucket, asked, final)

    def close(self, job_id: str, now: float) -> None:
        """Take note that a job was asked about in vain: a finished one is sealed with what is known."""
        live = self._live.get(job_id)
        if not live:
            return
        live.described_at = now
        live.final = live.job.finished
        if live.final and job_id not in self._pinned:
            self._seal(live.job, live.bucket, now)

    def forget(self, job_id: str) -> None:
        """Let go of a live job that AWS no longer knows."""
        live = self._no_longer_live(job_id)
        if live:
            self._uncount(live.job, live.bucket)

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
        waiting.sort(key=lambda live: -(live.job.created or 0.0))
        return [Followed(live.job, live.described_at) for live in waiting]

    def roll(self, now: float) -> None:
        """Let the buckets go that have left the window."""
        oldest = self._oldest_bucket(now)
        for number in [number for number in self._buckets if number < oldest]:
            bucket = self._buckets.pop(number)
            self._sealed_count -= len(bucket.created)
            for job_id in (*bucket.created, *bucket.dropped):
                del self._bucket_of[job_id]
                self._changes.sealed.pop(job_id, None)
            self._changes.left.append(number)
        for job_id, live in list(self._live.items()):
            if live.job.finished and live.bucket < oldest and job_id not in self._pinned:
                self.forget(job_id)

    def drop_oldest(self, most: int) -> int:
        """Take the series from the oldest sealed jobs: `most` of them, or fewer. Returns how many."""
        number = int(self._oldest_with_series())
        bucket = self._buckets[number]
        oldest = sorted(bucket.created, key=bucket.created.__getitem__)[:most]
        for job_id in oldest:
            del bucket.created[job_id]
            bucket.dropped.add(job_id)
            if not self._changes.sealed.pop(job_id, None):
                self._changes.dropped.setdefault(number, set()).add(job_id)
        self._sealed_count -= len(oldest)
        return len(oldest)

    def drain(self) -> Changes:
        """Hand over what changed since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def counts_mark(self, now: float) -> tuple[int, int]:
        """Something that changes whenever `tallies` may give other counts."""
        return (self._counted, self._oldest_bucket(now))

    def tallies(self, now: float) -> list[Tally]:
        """How many jobs each vault and resource type has, by state; every known state present."""
        oldest = self._oldest_bucket(now)
        in_window: Counter[tuple[_Group, str]] = Counter()
        for number, bucket in self._buckets.items():
            if number >= oldest:
                in_window.update(bucket.tally)
        present = {group: dict.fromkeys(self.kind.states, 0) for group in self._groups}
        finished = {group: self._zero_terminal() for group in self._groups}
        for (group, state), count in in_window.items():
            if count or state in present[group]:
                present[group][state] = count
        for (group, state), count in self._finished_total.items():
            finished[group][state] = count
        return [Tally(*group, present[group], finished[group]) for group in sorted(self._groups)]

    @property
    def active_count(self) -> int:
        """How many jobs are not finished."""
        return self._active_count

    @property
    def finished_count(self) -> int:
        """How many finished jobs have series."""
        return len(self._live) - self._active_count + self._sealed_count

    @property
    def dropped_count(self) -> int:
        """How many finished jobs of the window lost their series to the limit."""
        return sum(len(bucket.dropped) for bucket in self._buckets.values())

    @property
    def oldest_sealed(self) -> float:
        """The start of the oldest bucket that holds a sealed job with series; infinity when none does."""
        return self._oldest_with_series() * self._width

    def _note_change(self, job: Job, before: Job | None) -> None:
        if before and _nothing_but_numbers_differs(before, job):
            if before.values != job.values:
                self._changes.progressed[job.id] = job
        else:
            self._changes.live[job.id] = job
            self._changes.progressed.pop(job.id, None)

    def _seal(self, job: Job, bucket: int, now: float) -> None:
        if self._no_longer_live(job.id):
            # One that was followed to its end beyond the window shows that end a little longer.
            bucket = max(bucket, self._oldest_bucket(now) + 1)
        self._bucket_of[job.id] = bucket
        self._buckets.setdefault(bucket, _Bucket()).created[job.id] = _born(job, now)
        self._sealed_count += 1
        self._changes.sealed[job.id] = (bucket, job)

    def _no_longer_live(self, job_id: str) -> _Live | None:
        live = self._live.pop(job_id, None)
        if live:
            self._changes.live[job_id] = None
            self._changes.progressed.pop(job_id, None)
            self._active_count -= _active(live.job)
        return live

    def _count(self, job: Job, before: Job | None, bucket: int, now: float) -> None:
        place = self._place(job)
        if before:
            if self._place(before) == place:
                return
            self._uncount(before, bucket)
        if not place:
            return
        self._counted += 1
        self._groups.add(place[0])
        if bucket >= self._oldest_bucket(now):
            self._buckets.setdefault(bucket, _Bucket()).tally[place] += 1
        ended = job.finished and not (before and before.finished)
        if ended and (before or (job.completed or job.created or 0.0) >= self._since()):
            self._finished_total[place] += 1

    def _uncount(self, job: Job, bucket: int) -> None:
        place = self._place(job)
        if place and bucket in self._buckets:
            self._counted += 1
            self._buckets[bucket].tally[place] -= 1

    def _place(self, job: Job) -> tuple[_Group, str] | None:
        """Where a job is counted; None for a child job, whose parent is, and for one without a state."""
        if job.parent_id or not job.state:
            return None
        return (job.account_id or self.account_id, job.vault_name, job.resource_type), job.state

    def _zero_terminal(self) -> dict[str, int]:
        return {state: 0 for state in self.kind.states if state in self.kind.terminal}

    def _with_child_counts(self, job: Job, known: Job) -> Job:
        """A list row tells no child counts: keep those that the last description told."""
        values = tuple(
            old if new is None and gauge.member == CHILD_COUNT else new
            for gauge, new, old in zip(self.kind.gauges, job.values, known.values, strict=True)
        )
        child_states = job.child_states or known.child_states
        if values == job.values and child_states == job.child_states:
            return job
        return replace(job, values=values, child_states=child_states)

    def _bucket(self, time: float) -> int:
        return int(time // self._width)

    def _oldest_bucket(self, now: float) -> int:
        return self._bucket(now - self._window)

    def _oldest_with_series(self) -> float:
        return min((number for number, bucket in self._buckets.items() if bucket.created), default=math.inf)

    def _in_window(self, job: Job, now: float) -> bool:
        return _born(job, now) >= now - self._window


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


def _active(job: Job | None) -> bool:
    return job is not None and not job.finished


def _born(job: Job, now: float) -> float:
    return now if job.created is None else job.created
