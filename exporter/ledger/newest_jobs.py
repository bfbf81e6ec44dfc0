"""The newest jobs of one kind for one resource, in whatever order AWS told of them. Pure."""

from dataclasses import dataclass, field

from exporter.ledger.job_versions import Versions
from exporter.model import EndedJob, Job, Kind


@dataclass(slots=True)
class _Newest:
    """The newest of some jobs: that began, that has ended, that succeeded; and the end of the first known.

    A success can be withdrawn, by a validation that fails later. Then the one before it counts again.
    """

    begun: Job | None = None
    ended: Job | None = None
    success: Job | None = None
    success_before: Job | None = None
    first_end: float | None = None

    def update(self, kind: Kind, versions: Versions, job: Job) -> bool:
        """Take in a version of a job. Returns whether that may be news of the resource."""
        before = _told_of(self.begun), self.ended, self.success
        if self.begun is None or (
            not versions.is_behind(job, self.begun)
            if job.id == self.begun.id
            else began(job) > began(self.begun)
        ):
            self.begun = job
        if job.finished:
            if self.ended is None or job.id == self.ended.id or _end(job) > _end(self.ended):
                self.ended = job
            if self.first_end is None or ended(job) < self.first_end:
                self.first_end = ended(job)
        self._update_success(kind, versions, job)
        return before != (_told_of(self.begun), self.ended, self.success)

    def _update_success(self, kind: Kind, versions: Versions, job: Job) -> None:
        known = [success for success in (self.success, self.success_before) if success]
        if any(job.id == success.id and versions.is_behind(job, success) for success in known):
            return
        successes = [success for success in known if success.id != job.id]
        if kind.succeeded(job):
            successes = sorted([*successes, job], key=_end, reverse=True)
        self.success, self.success_before = [*successes, None, None][:2]


@dataclass(slots=True)
class NewestJobs:
    """The newest jobs of one kind for one resource, and one key of that kind.

    A child job counts for its own resource. Of a composite the parent jobs count, not the child jobs that
    carry the composite's ARN.

    Args:
        kind: the row of the table of kinds.
        versions: compares versions of such jobs.
    """

    kind: Kind
    versions: Versions
    is_composite: bool = False
    _own: _Newest = field(default_factory=_Newest)
    _as_child: _Newest = field(default_factory=_Newest)

    def update(self, job: Job) -> bool:
        """Take in a version of a job. Returns whether that may be news of the resource."""
        newest = self._as_child if job.parent_id and not job.is_parent else self._own
        return newest.update(self.kind, self.versions, job)

    @property
    def begun(self) -> Job | None:
        """The newest job by its creation."""
        own, child = self._own.begun, self._as_child.begun
        if child is None or not self._counts(child):
            return own
        return child if own is None or began(child) > began(own) else own

    @property
    def ended(self) -> Job | None:
        """The newest job that has ended, by its end."""
        return self._later(self._own.ended, self._as_child.ended)

    @property
    def success(self) -> Job | None:
        """The newest job that succeeded, by its end."""
        return self._later(self._own.success, self._as_child.success)

    @property
    def first_end(self) -> float | None:
        """When the first known job ended."""
        ends = (self._own.first_end, self._as_child.first_end)
        return min((end for end in ends if end is not None), default=None)

    def last_ended(self) -> EndedJob | None:
        """The newest job that has ended, as it is published."""
        job = self.ended
        return EndedJob(job.id, job.state, ended(job), self.kind.details_of(job)) if job else None

    def _later(self, own: Job | None, child: Job | None) -> Job | None:
        if child is None or not self._counts(child):
            return own
        return child if own is None or _end(child) > _end(own) else own

    def _counts(self, child: Job) -> bool:
        own = (self._own.begun, self._own.ended, self._own.success)
        return not self.is_composite and all(job is None or job.id != child.parent_id for job in own)


def created(job: Job) -> float:
    """When a job was created, in seconds since 1970; 0 when AWS did not tell."""
    return job.created or 0.0


def began(job: Job) -> tuple[float, str]:
    """Order jobs by their creation; those of the same moment by their ids, whichever came first."""
    return (created(job), job.id)


def ended(job: Job) -> float:
    """When a job ended, in seconds since 1970; when it was created where AWS tells no end."""
    return job.completed or created(job)


def _end(job: Job) -> tuple[float, str]:
    return (ended(job), job.id)


def _told_of(job: Job | None) -> tuple[object, ...]:
    """What a resource's newest job tells of it."""
    if job is None:
        return ()
    return (
        job.id,
        job.state,
        job.created,
        job.account_id,
        job.resource_name,
        job.resource_type,
        job.parent_id,
    )
