"""Collects the jobs of one kind in one scope. The number of calls depends only on the jobs that can change.

Each refresh discovers new jobs and updates those that can still change; final jobs are never requested
again. If few jobs are active, each one is described. If the request budget does not allow that, jobs are
listed by state instead, up to a thousand per call, and only jobs or fields missing from lists are described.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from exporter.aws import AwsError, BackupApi, Rows
from exporter.collectors.backlog import Backlog, Filters
from exporter.collectors.job_describer import JobDescriber, Pending
from exporter.collectors.job_lister import FIRST_LIST, JobLister
from exporter.collectors.job_recorder import JobRecorder
from exporter.collectors.parallel_calls import CallPool
from exporter.collectors.protocols import PACE
from exporter.collectors.staleness import STALE_AFTER, Freshness
from exporter.config import Discovery
from exporter.ledger import AccountOwners, ConfiguredIds, Ledger
from exporter.model import Fault, Kind
from exporter.runtime import Clock, own_interval

VIEW_AGE = 150.0  # seconds since the view's last list; longer than two scrapes, a minute apart
LIST_OVERLAP = 900.0  # seconds; a job may appear in lists this long after its creation or completion
FIRST_REFRESH_LIMIT = 0.7  # seconds that the first refresh spends on jobs from before the start


class JobsCollector:
    """One kind of job in one scope.

    Args:
        kind: the job kind.
        api: calls AWS.
        ledger: stores the jobs.
        discovery: which jobs to discover.
        lookback: how far back to read finished jobs at the start, in seconds.
        configured: IDs of jobs to follow in addition to discovered ones.
        owners: decides which scope publishes an account and Region.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        calls: runs list and describe calls in parallel.
        render: called after each page of earlier jobs, so that they are rendered early.
        is_member: whether the account is one of many, the members of an organization.
        listed_by_organization: returns when the organization's view last listed the new jobs of all accounts,
            which it records in the same ledger; None if there is no view or its last refresh failed.

    Attributes:
        caught_up: whether all jobs from before the start have been read.
    """

    def __init__(
        self,
        kind: Kind,
        api: BackupApi,
        ledger: Ledger,
        *,
        discovery: Discovery,
        lookback: float,
        configured: ConfiguredIds,
        owners: AccountOwners,
        clock: Clock,
        steady: Callable[[], float],
        calls: CallPool,
        render: Callable[[], None],
        is_member: bool = False,
        listed_by_organization: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.name = kind.collector
        self.caught_up = not discovery.enabled
        self._kind = kind
        self._api = api
        self._ledger = ledger
        self._discovery = discovery
        self._lookback = lookback
        self._clock = clock
        self._steady = steady
        self._render = render
        self._is_member = is_member
        self._listed_by_organization = listed_by_organization
        self._pace = own_interval(PACE, f"{ledger.scope.target}/{ledger.scope.region}/{kind.name}")
        self._freshness = Freshness()
        recorder = JobRecorder(kind, ledger, owners, clock, self._freshness)
        self._lister = JobLister(
            kind, ledger.scope, api, recorder, discovery=discovery, configured=configured, calls=calls
        )
        self._describer = JobDescriber(
            kind, ledger, api, recorder, configured=configured, clock=clock, calls=calls
        )
        self._corrections = clock.corrections
        self._listed_until: float | None = None
        self._followed_until: float | None = None
        self._backlog = self._new_backlog(())
        self._succeeded = True
        self._is_marked = False
        self._reads_since = 0.0

    @property
    def is_active(self) -> bool:
        """Whether there are jobs to describe: active, finished since, or configured and not final."""
        return bool(self._pending().all)

    @property
    def is_due(self) -> bool:
        """Whether new jobs have to be listed, or there are jobs that the organization's view has added."""
        with self._ledger.read(self._kind) as store:
            any_tracked = store.tracked_count > 0
        is_corrected = self._clock.corrections != self._corrections
        return any_tracked or is_corrected or self._is_list_due(self._clock())

    def refresh(self) -> None:
        """Discover new jobs, then update those that can still change."""
        succeeded_before, self._succeeded = self._succeeded, False
        now = self._clock()
        self._restart_after_correction()
        self._ledger.expire(self._kind, now)
        self._freshness.begin()
        if self._listed_until is not None and self._exceed_budget(self._pending()):
            self._describe_unlisted(self._discover_and_sweep(now, self._listed_until))
        else:
            listed = self._discover(now) if self._discovery.enabled else set()
            self._follow(listed)
        self._followed_until = now
        self._mark_read()
        self._check_freshness()
        self._succeeded = True
        if not succeeded_before:
            self._describer.retry_postponed()

    def catch_up(self) -> bool:
        """Read another page of earlier jobs, or describe another finished parent. Return False when done."""
        if self.caught_up:
            return False
        if self._backlog.next_list:
            self._read_earlier()
        elif not self._describer.describe_one_finished():
            self.caught_up = self._backlog.next_list is None  # a clock correction may have restarted it
            self._mark_read()
        return not self.caught_up

    def _mark_read(self) -> None:
        """Record how far back all jobs have been read, after catching up; None if some are left out."""
        has_begun = self._listed_until is not None or not self._discovery.enabled
        if self.caught_up and has_begun and not self._is_marked:
            self._is_marked = True
            reads_all = self._discovery.enabled and not self._discovery.selects_some
            since = self._reads_since if reads_all else None
            self._ledger.mark_read(self.name, self._clock(), since=since)

    def _restart_after_correction(self) -> None:
        """Start discovery again if the clock was wrong, because the lists so far depended on it."""
        corrections = self._clock.corrections
        if corrections != self._corrections:
            self._corrections = corrections
            self._listed_until = self._followed_until = None

    def _discover(self, now: float) -> set[str]:
        if self._listed_until is None:
            return self._discover_first(now)
        if not self._is_list_due(now):
            return set()
        few = self._list_all_if_few()
        listed = self._lister.read_new(self._listed_until - LIST_OVERLAP) if few is None else few
        self._listed_until = now
        return listed

    def _discover_first(self, now: float) -> set[str]:
        self._reads_since = now - self._lookback
        few = self._list_all_if_few()
        listed = self._lister.read_new(now - FIRST_LIST) if few is None else few
        self._listed_until = now
        whole = None
        if self._kind.created_filter and few is None and not self._is_member:
            whole = self._lister.created_before(now - FIRST_LIST + 1)
        earlier = self._lister.earlier(now, self._lookback) if few is None else ()
        self._backlog = self._new_backlog(earlier, whole=whole)
        self.caught_up = False
        self._start_catching_up(now, whole)
        return listed

    def _list_all_if_few(self) -> set[str] | None:
        """Read all jobs in one call, if there seem to be few and the other lists would take several.

        A member is one of many accounts, most of which have few jobs, so this is tried first there.

        Returns the ids of the selected jobs; None if the other lists are needed.
        """
        is_first = self._is_member and self._listed_until is None
        if not self._is_unused() or (self._kind.created_filter and not is_first):
            return None
        return self._lister.read_all_if_few(since=self._reads_since)

    def _is_list_due(self, now: float) -> bool:
        """Whether new jobs have to be listed."""
        if self._listed_until is None or not self.caught_up:
            return True
        return now - self._listed_until >= self._pace or not self._can_wait(now)

    def _can_wait(self, now: float) -> bool:
        """Whether new jobs need not be listed on each refresh.

        The organization's view lists them too; or the account seems not to use this kind of job, and it is
        one of many or the lists of this kind take several calls.
        """
        listed_at = self._listed_by_organization()
        if listed_at is not None and now - listed_at < VIEW_AGE:
            return True
        return (self._is_member or not self._kind.created_filter) and self._is_unused()

    def _is_unused(self) -> bool:
        """Whether the account seems not to use this kind of job."""
        with self._ledger.read(self._kind) as store:
            return store.is_empty

    def _new_backlog(self, lists: Iterable[Filters], *, whole: Filters | None = None) -> Backlog:
        def pages(filters: Filters) -> Iterator[Rows]:
            return self._lister.pages(filters, reserve=self._api.budget.reserve)

        return Backlog(lists, pages, whole=whole)

    def _read_earlier(self) -> None:
        self._backlog.read(partial(self._lister.record, since=self._reads_since))

    def _discover_and_sweep(self, now: float, listed_until: float) -> set[str]:
        """Discover and list by state in parallel. Describe jobs that move between the lists meanwhile."""
        listed = self._lister.read_in_parallel(
            *self._lister.new(listed_until - LIST_OVERLAP), *self._lister.active()
        )
        self._listed_until = now
        return set().union(*listed)

    def _start_catching_up(self, now: float, whole: Filters | None) -> None:
        """Read the window in the first refresh, as far as the time limit and the request budget allow."""
        budget = self._api.budget
        start_of_window = now - self._discovery.window
        deadline = self._steady() + FIRST_REFRESH_LIMIT
        while (
            (filters := self._backlog.next_list)
            and (filters is whole or filters.get("ByCreatedAfter", 0.0) >= start_of_window)
            and self._steady() < deadline
            and budget.available() > budget.reserve + 1
        ):
            self._read_earlier()
            self._render()

    def _follow(self, listed: set[str]) -> None:
        pending = self._pending()
        if self._exceed_budget(pending):
            swept = self._lister.read_in_parallel(*self._lister.active())
            self._describe_unlisted(listed.union(*swept))
        else:
            self._describer.describe(pending, listed)

    def _pending(self) -> Pending:
        return self._describer.pending(first_descriptions=self.caught_up)

    def _exceed_budget(self, pending: Pending) -> bool:
        """Return whether there are too many jobs to describe within the budget, and lists can be used."""
        # One job is always described: lists would take more calls.
        return self._discovery.enabled and len(pending.all) > max(1, self._api.budget.available())

    def _describe_unlisted(self, listed: set[str]) -> None:
        """Describe jobs for data missing from lists: child counts, configured IDs, and changes of state."""
        if len(self._pending().active.keys() - listed) > self._api.budget.available():
            since = self._followed_until or self._clock()
            self._lister.read(self._lister.completed_after(since - LIST_OVERLAP))
        with self._ledger.open(self._kind) as store:
            for entry in store.undescribed_jobs():
                if not entry.job.is_parent:
                    store.skip_description(entry.job.id, self._clock())
            unlisted = {
                entry.job.id: entry.described_at
                for entry in store.active_jobs()
                if entry.job.is_parent or entry.job.id not in listed
            }
        self._describer.describe(self._pending()._replace(active=unlisted), listed)

    def _check_freshness(self) -> None:
        """Fail if the budget is too small to keep all jobs that can still change up to date.

        Raises:
            AwsError: some jobs were left out of too many refreshes.
        """
        pending = self._pending()
        followed = pending.configured.keys() | pending.active.keys()
        if stale := self._freshness.stale(followed):
            message = (
                f"{stale} of {len(followed)} active jobs were left out of the last {STALE_AFTER} refreshes"
            )
            remedy = "raise api.requests_per_second, or scrape less often"
            raise AwsError(Fault("budget", message, remedy))
