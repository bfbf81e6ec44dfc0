"""Collects the jobs of one kind of all accounts of an organization, in one Region.

The management account, or a delegated administrator of AWS Backup, lists the jobs of all accounts with
`ByAccountId="*"`: the number of calls depends on the number of jobs, not on the number of accounts. It cannot
describe them, so unfinished jobs are listed by state.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from exporter.aws import BackupApi
from exporter.collectors.backlog import Backlog, Filters
from exporter.collectors.job_lister import FIRST_LIST, JobLister
from exporter.collectors.jobs import LIST_OVERLAP
from exporter.collectors.listed_rows import ListedRows
from exporter.collectors.organization_recorder import AccountLedgers, OrganizationRecorder
from exporter.collectors.parallel_calls import CallPool
from exporter.collectors.protocols import PACE
from exporter.config import Discovery
from exporter.ledger import ConfiguredIds, Ledger
from exporter.model import Expectation, Job, Kind, Scope
from exporter.runtime import Clock, phase

EVERY_ACCOUNT = "*"
SWEEP_INTERVAL = 55.0  # seconds between two lists of unfinished jobs, less than a minute
SHORT_FIRST_LIST = 300.0  # seconds before the start, read by the first refresh: many accounts have many jobs
OVERLAP = 30.0  # seconds by which a list overlaps with the previous one: AWS lists some jobs late
SWEEP_OVERLAP = 120.0  # the same, from one sweep to the next; every PACE seconds it is LIST_OVERLAP
RESOURCES_INTERVAL = 3600.0  # seconds between two searches for resources without recent jobs
MOST_SEARCHES = 10  # jobs, missing from all lists, to search for after one sweep


class OrganizationJobsCollector:
    """One kind of job of all accounts of an organization, in one Region.

    Args:
        kind: the job kind.
        scope: the target and Region.
        api: calls AWS.
        accounts: the ledgers of the accounts.
        default_account: the account of jobs for which AWS reports none.
        has_members: whether an account may become a target of its own later.
        discovery: which jobs to discover.
        lookback: how far back to read finished jobs at the start, in seconds.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        calls: runs list calls in parallel.

    Attributes:
        caught_up: whether all jobs from before the start have been read.
    """

    def __init__(
        self,
        kind: Kind,
        scope: Scope,
        api: BackupApi,
        accounts: AccountLedgers,
        *,
        default_account: str,
        has_members: bool,
        discovery: Discovery,
        lookback: float,
        clock: Clock,
        steady: Callable[[], float],
        calls: CallPool,
    ) -> None:
        self.name = kind.collector
        self.caught_up = False
        self._kind = kind
        self._api = api
        self._accounts = accounts
        self._discovery = discovery
        self._lookback = lookback
        self._clock = clock
        self._steady = steady
        self._recorder = OrganizationRecorder(
            kind, accounts, default_account=default_account, has_members=has_members, clock=clock
        )
        self._rows = ListedRows(kind, self._recorder.find)
        self._lister = JobLister(
            kind,
            scope,
            api,
            self._recorder,
            discovery=discovery,
            configured=ConfiguredIds(),
            calls=calls,
            always={"ByAccountId": EVERY_ACCOUNT},
            recorded=self._rows,
        )
        self._corrections = clock.corrections
        self._listed_until: float | None = None
        self._swept_at = 0.0
        self._phase = phase(f"{scope.target}/{scope.region}/{kind.name}")
        self._looked_back_at = 0.0
        self._pruned_at = 0.0
        self._missing: frozenset[str] = frozenset()
        self._reads_since = 0.0
        self._read: dict[str, Ledger] = {}  # accounts whose history has been read
        self._reading = EVERY_ACCOUNT  # the account whose history is being read; empty for none
        self._backlog = self._new_backlog(())

    @property
    def is_active(self) -> bool:
        """Whether the next scrape should ask: always, because some account is always active."""
        return True

    @property
    def is_due(self) -> bool:
        """Whether a refresh would call AWS: always."""
        return True

    def refresh(self) -> None:
        """List the jobs that are new or have ended since the last refresh; at intervals, all unfinished ones.

        Raises:
            AwsError, OverBudgetError: a list could not be read.
        """
        if self._clock.corrections != self._corrections:
            self._corrections = self._clock.corrections
            self._rows.forget()
            self._listed_until = None
        if self._listed_until is None:
            self._list_first()
        else:
            self._list_changes(self._listed_until)

    def catch_up(self) -> bool:
        """Read another page of earlier jobs: first of all accounts, then of accounts that were new since."""
        if self._listed_until is None:
            self.caught_up = True  # the first list, which decides what else to read, has failed
        if self.caught_up:
            return False
        if self._backlog.next_list:
            self._backlog.read(self._lister.record)
            return True
        self._mark_read()
        self._reading = next(iter(self._unread()), "")
        if not self._reading:
            self.caught_up = True
            return False
        self._backlog = self._new_backlog(self._history_of(self._reading))
        return True

    def _unread(self) -> dict[str, Ledger]:
        """Return the accounts whose history has not been read."""
        return {
            account_id: ledger
            for account_id, ledger in self._accounts.unfollowed()
            if self._read.get(account_id) is not ledger
        }

    def _list_first(self) -> None:
        now = self._clock()
        self._lister.read_in_parallel(*self._lister.new(now - SHORT_FIRST_LIST))
        self._lister.read_in_parallel(*self._lister.active())
        self._listed_until = now
        self._swept_at = now - SWEEP_INTERVAL * self._phase
        self._looked_back_at = now - PACE
        self._pruned_at = now - RESOURCES_INTERVAL * self._phase
        self._reads_since = now - self._lookback
        self._read.clear()
        self._reading = EVERY_ACCOUNT
        self._backlog = self._new_backlog(self._lister.earlier(now, self._lookback, SHORT_FIRST_LIST))
        self.caught_up = False

    def _list_changes(self, listed_until: float) -> None:
        now = self._clock()
        sweeps = now - self._swept_at >= SWEEP_INTERVAL
        if not sweeps and self._seems_unused(now, listed_until):
            return
        looks_back = sweeps and now - self._looked_back_at >= PACE
        if looks_back:
            since = self._looked_back_at - LIST_OVERLAP
        else:
            since = self._swept_at - SWEEP_OVERLAP if sweeps else listed_until - OVERLAP
        lists: list[Filters] = []
        if self._kind.created_filter:
            lists.append({"ByCreatedAfter": since})
        if sweeps or self._recorder.active or not lists:
            lists.append(self._lister.completed_after(since))
        if sweeps:
            lists += self._unfinished(since)
        listed = set().union(*self._lister.read_in_parallel(*lists))
        self._listed_until = now
        if sweeps:
            self._search_missing(listed)
            self._swept_at = now
            if self._unread():
                self.caught_up = False
        if looks_back:
            self._rows.age()
            self._recorder.expire()
            self._prune_resources(now)
            self._looked_back_at = now

    def _seems_unused(self, now: float, listed_until: float) -> bool:
        """Whether no account uses this kind of job, which could be listed only by several calls."""
        return (
            not self._kind.created_filter
            and self.caught_up
            and not self._recorder.active
            and now - listed_until < PACE
        )

    def _unfinished(self, created_before: float) -> Iterator[Filters]:
        """Select the unfinished jobs, without those that the list of new jobs contains as well."""
        is_older = {"ByCreatedBefore": created_before + 1} if self._kind.created_filter else {}
        return ({**active, **is_older} for active in self._lister.active(self._states_to_list()))

    def _states_to_list(self) -> Collection[str] | None:
        """Return the states of the known unfinished jobs; None for all, if a job has left its state."""
        if self._missing or not self._kind.created_filter:
            return None
        return {job.state for job in [*self._recorder.active.values()]}

    def _search_missing(self, listed: Collection[str]) -> None:
        """Search for unfinished jobs that two sweeps did not list: they ended without a CompletionDate."""
        missing = frozenset(self._recorder.active.keys() - listed)
        for job_id in sorted(missing & self._missing)[:MOST_SEARCHES]:
            job = self._recorder.active.get(job_id)
            if job and job_id not in self._lister.read(self._around(job)):
                self._recorder.forget(job_id)
        self._missing = missing

    def _around(self, job: Job) -> Filters:
        """Select a job by its account and the time of its creation, or of its completion."""
        by_account = {"ByAccountId": job.account_id or EVERY_ACCOUNT}
        if job.created is None or not self._kind.created_filter:
            return {**by_account, **self._lister.completed_after(self._reads_since)}
        return {**by_account, "ByCreatedAfter": job.created - 1, "ByCreatedBefore": job.created + 1}

    def _prune_resources(self, now: float) -> None:
        """Remove the resources without recent jobs.

        An account does not tell its organization whether a resource still exists.
        """
        is_due = now - self._pruned_at >= RESOURCES_INTERVAL
        if not is_due or self._kind.facts.expectation is not Expectation.RULES:
            return
        for _, ledger in self._accounts.unfollowed():
            with ledger.open_resources() as resources:
                resources.set_protected((), now=now, lookback=self._lookback)
        self._pruned_at = now

    def _mark_read(self) -> None:
        """Record that the history of the accounts that were just read is complete."""
        since = None if self._discovery.selects_some else self._reads_since
        for account_id, ledger in self._unread().items():
            if self._reading in (EVERY_ACCOUNT, account_id):
                ledger.mark_read(self.name, self._clock(), since=since)
                self._read[account_id] = ledger
        known = dict(self._accounts.unfollowed())
        self._read = {account_id: ledger for account_id, ledger in self._read.items() if account_id in known}

    def _history_of(self, account_id: str) -> Iterable[Filters]:
        now = self._clock()
        lists = (*self._lister.new(now - FIRST_LIST), *self._lister.earlier(now, self._lookback))
        return ({**filters, "ByAccountId": account_id} for filters in lists)

    def _new_backlog(self, lists: Iterable[Filters]) -> Backlog:
        return Backlog(lists, lambda filters: self._lister.pages(filters, reserve=self._api.budget.reserve))
