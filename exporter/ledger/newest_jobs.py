"""The newest jobs of one kind for one resource. The order in which AWS reports jobs does not matter. Pure."""

from dataclasses import dataclass, field

from exporter.ledger.job_versions import Versions
from exporter.model import EndedJob, Job, Kind


@dataclass(slots=True)
class _Newest:
    """The newest created, ended and successful job of a group of jobs, and the end of the first known one.

    A validation that fails later turns a success into a failure. Then the previous success counts again.
    """

    begun: Job | None = None
    ended: Job | None = None
    success: Job | None = None
    success_before: Job | None = None
    first_end: float | None = None

    def update(self, kind: Kind, versions: Versions, job: Job) -> bool:
        """Record a version of a job. Return whether it may change the resource."""
        before = _relevant_fields(self.begun), self.ended, self.success
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
        return before != (_relevant_fields(self.begun), self.ended, self.success)

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
    """The newest jobs of one kind for one resource and one key.

    A child job counts for its own resource. For a composite resource, its parent jobs count; child jobs that
    have the ARN of the composite do not.

    Args:
        kind: the job kind.
        versions: compares versions of jobs of this kind.
    """

    kind: Kind
    versions: Versions
    is_composite: bool = False
    _own: _Newest = field(default_factory=_Newest)
    _as_child: _Newest = field(default_factory=_Newest)

    def update(self, job: Job) -> bool:
        """Record a version of a job. Return whether it may change the resource."""
        newest = self._as_child if job.parent_id and not job.is_parent else self._own
        return newest.update(self.kind, self.versions, job)

    @property
    def begun(self) -> Job | None:
        """The job that was created last."""
        own, child = self._own.begun, self._as_child.begun
        if child is None or not self._counts(child):
            return own
        return child if own is None or began(child) > began(own) else own

    @property
    def ended(self) -> Job | None:
        """The job that ended last."""
        return self._later(self._own.ended, self._as_child.ended)

    @property
    def success(self) -> Job | None:
        """The successful job that ended last."""
        return self._later(self._own.success, self._as_child.success)

    @property
    def first_end(self) -> float | None:
        """When the first known job ended."""
        ends = (self._own.first_end, self._as_child.first_end)
        return min((end for end in ends if end is not None), default=None)

    def last_ended(self) -> EndedJob | None:
        """Return the job that ended last, as it is published."""
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
    """Return when a job was created, in seconds since 1970; 0 if AWS did not report it."""
    return job.created or 0.0


def began(job: Job) -> tuple[float, str]:
    """Return the sort key of a job by creation time; the job ID decides between equal times."""
    return (created(job), job.id)


def ended(job: Job) -> float:
    """Return when a job ended, in seconds since 1970; when it was created if AWS reports no end."""
    return job.completed or created(job)


def _end(job: Job) -> tuple[float, str]:
    return (ended(job), job.id)


def _relevant_fields(job: Job | None) -> tuple[object, ...]:
    """Return the fields of the newest job that affect what is published about its resource."""
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
