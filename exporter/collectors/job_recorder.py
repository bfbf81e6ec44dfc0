"""Records what AWS reports about the jobs of one kind in one scope."""

from collections.abc import Sequence

from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.staleness import Freshness
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Job, Kind
from exporter.runtime import Clock


class JobRecorder:
    """Updates the ledger, after a check that no other scope publishes the same account and Region.

    Args:
        kind: the job kind.
        ledger: stores the jobs.
        owners: says which scope publishes an account and Region.
        clock: the time of day.
        freshness: says which active jobs have been left out for too long.
    """

    def __init__(
        self, kind: Kind, ledger: Ledger, owners: AccountOwners, clock: Clock, freshness: Freshness
    ) -> None:
        self._kind = kind
        self._ledger = ledger
        self._owners = owners
        self._clock = clock
        self._freshness = freshness

    def listed(self, jobs: Sequence[Job]) -> None:
        """Record the rows of a list."""
        self._record(jobs, described=False)
        self._freshness.updated(job.id for job in jobs if not job.finished)

    def described(self, job: Job) -> None:
        """Record the response of a describe call."""
        self._record([job], described=True)
        self._freshness.updated([job.id])

    def refused(self, job_id: str) -> None:
        """Record that AWS refused to describe a job."""
        self._freshness.updated([job_id])

    def _record(self, jobs: Sequence[Job], *, described: bool) -> None:
        default = self._ledger.account_id
        check_owner(self._owners, self._ledger.scope, (job.account_id or default or job.id for job in jobs))
        self._ledger.update_jobs(self._kind, jobs, self._clock(), described=described)
