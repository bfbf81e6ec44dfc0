"""Records the jobs of all accounts of an organization, each in the ledger of its account."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from exporter.ledger import Ledger
from exporter.model import Job, Kind


class AccountLedger(NamedTuple):
    """The ledger of an account in one Region.

    Attributes:
        ledger: stores the jobs.
        is_followed: whether the account has collectors of its own, which describe its jobs.
    """

    ledger: Ledger
    is_followed: bool


class AccountLedgers(Protocol):
    """The ledgers of the accounts of an organization in one Region."""

    def find(self, account_id: str) -> AccountLedger | None:
        """Return the ledger of an account, which is created if necessary; None if the account has left.

        Raises:
            AwsError: another organization of the configuration publishes the account.
        """

    def unfollowed(self) -> Sequence[tuple[str, Ledger]]:
        """Return the IDs and the ledgers of the accounts without collectors of their own."""


class OrganizationRecorder:
    """Updates the ledgers with rows of lists. Thread-safe.

    The jobs of other accounts cannot be described, so a finished job is final as soon as it is listed, and
    the child counts of its parent remain unknown.

    Args:
        kind: the job kind.
        accounts: the ledgers.
        default_account: the account of jobs for which AWS reports none.
        has_members: whether an account may become a target later, which then describes finished parent jobs.
        clock: seconds since 1970.

    Attributes:
        active: the unfinished jobs of accounts without collectors of their own, by ID.
    """

    def __init__(
        self,
        kind: Kind,
        accounts: AccountLedgers,
        *,
        default_account: str,
        has_members: bool,
        clock: Callable[[], float],
    ) -> None:
        self.active: dict[str, Job] = {}
        self._kind = kind
        self._accounts = accounts
        self._default_account = default_account
        self._has_members = has_members
        self._clock = clock
        self._lock = threading.Lock()

    def listed(self, jobs: Sequence[Job]) -> None:
        """Record the rows of a list."""
        by_account: dict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            by_account[job.account_id].append(job)
        for account_id, of_account in by_account.items():
            if account := self.find(account_id):
                self._record(account, of_account)

    def find(self, account_id: str) -> AccountLedger | None:
        """Return the ledger of an account, or of the default account if AWS reports none.

        Raises:
            AwsError: as `AccountLedgers.find`.
        """
        return self._accounts.find(account_id or self._default_account)

    def forget(self, job_id: str) -> None:
        """Remove a job that AWS no longer lists."""
        with self._lock:
            job = self.active.pop(job_id, None)
        if job and (account := self.find(job.account_id)):
            with account.ledger.open(self._kind) as store:
                store.remove(job_id)

    def expire(self) -> None:
        """Remove the finished jobs that have left the window."""
        now = self._clock()
        for _, ledger in self._accounts.unfollowed():
            ledger.expire(self._kind, now)

    def _record(self, account: AccountLedger, jobs: Sequence[Job]) -> None:
        now = self._clock()
        account.ledger.update_jobs(self._kind, jobs, now, described=False)
        finished = [job for job in jobs if job.finished]
        if finished and not account.is_followed:
            self._finalize(account.ledger, finished, now)
        with self._lock:
            for job in jobs:
                if job.finished or account.is_followed:
                    self.active.pop(job.id, None)
                else:
                    self.active[job.id] = job

    def _finalize(self, ledger: Ledger, finished: Iterable[Job], now: float) -> None:
        with ledger.open(self._kind) as store:
            for job in finished:
                if not (job.is_parent and self._has_members):
                    store.skip_description(job.id, now)
