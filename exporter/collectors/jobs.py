"""Follows the jobs of one kind in one scope, at the cost of what changed.

Each refresh discovers new jobs, brings those that can still change up to date, and never asks about a
finished one again. While few are active, each is described. When there are more than the budget can
describe at once they are swept: listed by state, a thousand a call, and only what a list cannot tell is
described.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from exporter.aws import AwsError, BackupApi, OverBudgetError, Rows, malformed
from exporter.collectors.backlog import Backlog, Filters
from exporter.collectors.duplicate_accounts import claim
from exporter.collectors.protocols import PATIENCE
from exporter.collectors.staleness import STALE_AFTER, Freshness
from exporter.config import Discovery
from exporter.ledger import AccountOwners, ConfiguredIds, Ledger
from exporter.model import Answer, Fault, Job, Kind, MalformedJobError, Scope
from exporter.runtime import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

LATE = 900.0  # seconds by which a job may show up late in a list
FIRST_LOOK = 3600.0  # seconds before the start that the first refresh looks at before all else
FIRST_REFRESH_TAKES = 0.7  # seconds that the first refresh spends on what came before
MOST_FAILURES = 5  # describe calls that fail before any succeeds, after which the others are not made
TRIED_AGAIN_AFTER = 600.0  # seconds before a finished job whose description failed is described again


class _Wanted(NamedTuple):
    """Jobs to describe, and when each was last tried: configured, active, ended without a last word."""

    configured: dict[str, float]
    active: dict[str, float]
    ended: dict[str, float]

    @property
    def all(self) -> dict[str, float]:
        return self.configured | self.active | self.ended


class Calls(Protocol):
    """Runs calls to AWS side by side; the scopes take turns."""

    def submit(self, work: Callable[[], T], key: Scope) -> Future[T]:
        """Make a call when its turn comes."""


class JobsCollector:
    """One kind of job in one scope.

    Args:
        kind: the row of the table of kinds.
        api: asks AWS.
        ledger: takes up what AWS tells.
        discovery: what to look for.
        lookback: how many seconds back to read jobs at the start.
        configured: job ids to follow whatever discovery finds.
        owners: tells whether another scope publishes the same account and Region already.
        clock: the time of day.
        steady: seconds on a monotonic clock.
        calls: runs list and describe calls at the same time.
        absorb: called between pages of what came before the start, so that they can be rendered.

    Attributes:
        caught_up: whether all that came before the start has been read.
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
        calls: Calls,
        absorb: Callable[[], None],
    ) -> None:
        self.name = kind.collector
        self.caught_up = not discovery.enabled
        self._kind = kind
        self._api = api
        self._ledger = ledger
        self._scope = ledger.scope
        self._owners = owners
        self._discovery = discovery
        self._configured = configured
        self._lookback = lookback
        self._clock = clock
        self._steady = steady
        self._calls = calls
        self._absorb = absorb
        self._corrections = clock.corrections
        self._listed_until: float | None = None
        self._followed_until: float | None = None
        self._backlog = Backlog((), self._earlier)
        self._told: set[str] = set()  # codes with which finished jobs could not be described
        self._failed: dict[str, float] = {}  # when the description of a job last failed
        self._put_off: dict[str, float] = {}  # likewise, of finished jobs that are not to be tried at once
        self._got_through = True
        self._freshness = Freshness()

    def refresh(self) -> None:
        """Discover, then follow."""
        got_through_before, self._got_through = self._got_through, False
        now = self._clock()
        self._start_over_after_a_correction()
        with self._ledger.open(self._kind) as store:
            store.roll(now)
        self._freshness.begin()
        if self._listed_until is not None and self._are_too_many(self._wanted()):
            self._describe_what_no_list_tells(self._discover_and_sweep(now, self._listed_until))
        else:
            listed = self._discover(now) if self._discovery.enabled else set()
            self._follow(listed)
        self._followed_until = now
        self._tell_of_stale_jobs()
        self._got_through = True
        if not got_through_before:
            self._put_off.clear()  # what failed meanwhile need not have failed because of the job

    def catch_up(self) -> bool:
        """List one more page of what came before the start, or describe one more finished parent."""
        if self.caught_up:
            return False
        if self._backlog.next_list:
            self._backlog.read(self._enter)
        elif not self._describe_a_finished_parent():
            self.caught_up = self._backlog.next_list is None  # a correction may have brought a new one
        return not self.caught_up

    def _start_over_after_a_correction(self) -> None:
        """Discover anew when the time was wrong: the lists so far went by it."""
        corrections = self._clock.corrections
        if corrections != self._corrections:
            self._corrections = corrections
            self._listed_until = self._followed_until = None

    def _discover(self, now: float) -> set[str]:
        if self._listed_until is not None:
            listed = self._enter_all(self._created_since(self._listed_until - LATE))
            self._listed_until = now
            return listed
        listed = self._enter_all(self._created_since(now - FIRST_LOOK))
        self._listed_until = now
        self._backlog = Backlog(self._lists_of_what_came_before(now), self._earlier)
        self.caught_up = False
        self._begin_to_catch_up(now)
        return listed

    def _discover_and_sweep(self, now: float, listed_until: float) -> set[str]:
        """Do both side by side. What slips from one list into another meanwhile is described."""
        listed, *swept = self._enter_side_by_side(
            self._created_since(listed_until - LATE), *self._lists_of_active_jobs()
        )
        self._listed_until = now
        return listed.union(*swept)

    def _created_since(self, time: float) -> Filters:
        return {"ByCreatedAfter": time}

    def _lists_of_active_jobs(self) -> list[Filters]:
        return [{self._kind.state_filter: state} for state in self._kind.active_states]

    def _lists_of_what_came_before(self, now: float) -> Iterator[Filters]:
        """Newest first: what a person looks for is there first, however long the rest takes."""
        start = now - self._lookback
        before = now - FIRST_LOOK
        for after in (now - 6 * FIRST_LOOK, now - self._discovery.window, start):
            if start <= after < before:
                yield {"ByCreatedAfter": after, "ByCreatedBefore": before + 1}
                before = after
        for active in self._lists_of_active_jobs():
            yield {**active, "ByCreatedBefore": start}

    def _begin_to_catch_up(self, now: float) -> None:
        """Look through the window at once as far as that costs neither time nor the calls to follow jobs."""
        budget = self._api.budget
        start_of_window = now - self._discovery.window
        ends = self._steady() + FIRST_REFRESH_TAKES
        while (
            (coming := self._backlog.next_list)
            and coming.get("ByCreatedAfter", 0.0) >= start_of_window
            and self._steady() < ends
            and budget.available() > budget.reserve + 1
        ):
            self._backlog.read(self._enter)
            self._absorb()

    def _describe_a_finished_parent(self) -> bool:
        with self._ledger.open(self._kind) as store:
            waiting = [
                ended.job.id
                for ended in store.unsettled()
                if not ended.described_at and self._may_be_tried(ended.job.id)
            ]
        for job_id in waiting[:1]:
            self._describe_finished(job_id, leaving=self._api.budget.reserve, patience=PATIENCE)
        return bool(waiting)

    def _follow(self, listed: set[str]) -> None:
        wanted = self._wanted()
        if self._are_too_many(wanted):
            swept = self._enter_side_by_side(*self._lists_of_active_jobs())
            self._describe_what_no_list_tells(listed.union(*swept))
        else:
            self._describe_each(wanted, listed)

    def _are_too_many(self, wanted: _Wanted) -> bool:
        """Whether the budget cannot describe them all now, and lists can tell of them."""
        return self._discovery.enabled and len(wanted.all) > self._api.budget.available()

    def _wanted(self) -> _Wanted:
        configured = self._configured.wanted_in(self._scope.region)
        with self._ledger.open(self._kind) as store:
            return _Wanted(
                configured={job_id: at for job_id, at in configured.items() if not store.is_settled(job_id)},
                active={followed.job.id: followed.described_at for followed in store.active()},
                ended={
                    followed.job.id: followed.described_at
                    for followed in store.unsettled()
                    if (followed.described_at or self.caught_up) and self._may_be_tried(followed.job.id)
                },
            )

    def _may_be_tried(self, job_id: str) -> bool:
        """Whether a finished job may be described: not again at once where that failed."""
        failed = self._put_off.get(job_id)
        return failed is None or not 0 <= self._clock() - failed < TRIED_AGAIN_AFTER

    def _describe_what_no_list_tells(self, listed: set[str]) -> None:
        """Describe what lists cannot tell: child counts, configured ids, and jobs that left their state."""
        if len(self._wanted().active.keys() - listed) > self._api.budget.available():
            self._list_the_ended()
        with self._ledger.open(self._kind) as store:
            for ended in store.unsettled():
                if not ended.job.is_parent:
                    store.close(ended.job.id, self._clock())
            left = {
                followed.job.id: followed.described_at
                for followed in store.active()
                if followed.job.is_parent or followed.job.id not in listed
            }
        self._describe_each(self._wanted()._replace(active=left), listed)

    def _list_the_ended(self) -> None:
        since = self._followed_until or self._clock()
        self._enter_all({"ByCompleteAfter": since - LATE})

    def _describe_each(self, wanted: _Wanted, listed: set[str]) -> None:
        """Describe as many as the budget allows, side by side; always at least one, so that none starves."""
        self._forget_old_failures()
        at_once = max(1, self._api.budget.available())
        calls = [
            self._calls.submit(
                partial(
                    self._describe_finished if job_id in wanted.ended else self._describe,
                    job_id,
                    listed=listed,
                    patience=0.0 if place else PATIENCE,
                ),
                self._scope,
            )
            for place, job_id in enumerate(self._stalest_first(wanted)[:at_once])
        ]
        _wait_for_all(calls)

    def _stalest_first(self, wanted: _Wanted) -> list[str]:
        """Order jobs by when each was last tried, so that one which always fails holds up no other."""
        tried = wanted.all
        return sorted(tried, key=lambda job_id: max(tried[job_id], self._failed.get(job_id, 0.0)))

    def _describe_finished(
        self, job_id: str, *, listed: Iterable[str] = (), leaving: float = 0.0, patience: float = 0.0
    ) -> None:
        """Describe a job that has ended; where that fails for this job alone, the others go on."""
        try:
            self._describe(job_id, listed=listed, leaving=leaving, patience=patience)
        except AwsError as error:
            if not error.may_be_about_the_job:
                raise
            self._put_off[job_id] = self._clock()
            if error.fault.code not in self._told:
                self._told.add(error.fault.code)
                log.warning(
                    "cannot describe a finished job; it is tried again later",
                    extra=self._where(job_id, error),
                )

    def _describe(
        self, job_id: str, *, listed: Iterable[str] = (), leaving: float = 0.0, patience: float = 0.0
    ) -> None:
        parameter = {self._kind.id_member: job_id}
        member = self._kind.describe_member or self._kind.id_member
        try:
            answer = self._api.call(
                self._kind.describe_operation, member, leaving=leaving, patience=patience, **parameter
            )
            job = self._described(job_id, answer)
        except OverBudgetError:
            return
        except AwsError as error:
            self._failed[job_id] = self._clock()
            self._take_refusal(job_id, error, listed)
            return
        self._failed.pop(job_id, None)
        self._configured.found(job_id, self._scope.region, self._clock())
        self._enter_jobs([job], described=True)
        self._freshness.updated([job_id])

    def _described(self, job_id: str, answer: Answer) -> Job:
        try:
            job = self._kind.described(answer)
        except MalformedJobError as error:
            raise malformed(self._kind.describe_operation, str(error)) from error
        if job.id != job_id:
            raise malformed(self._kind.describe_operation, f"asked for {job_id}, got {job.id}")
        return job

    def _take_refusal(self, job_id: str, error: AwsError, listed: Iterable[str]) -> None:
        """AWS does not know the job (any longer), or something is wrong with more than this job."""
        if not error.is_about_the_job:
            raise error
        self._freshness.updated([job_id])
        self._configured.refused(job_id, self._scope.region, self._clock(), error.fault)
        with self._ledger.open(self._kind) as store:
            store.close(job_id, self._clock())
            if error.is_unknown_job and job_id not in listed:
                store.forget(job_id)

    def _forget_old_failures(self) -> None:
        now = self._clock()
        for failures in (self._failed, self._put_off):
            for job_id, failed in list(failures.items()):
                if now - failed >= TRIED_AGAIN_AFTER:
                    failures.pop(job_id, None)

    def _tell_of_stale_jobs(self) -> None:
        """Fail when the budget does not suffice to keep all that may change up to date.

        Raises:
            AwsError: some jobs were left out too often.
        """
        wanted = self._wanted()
        followed = wanted.configured.keys() | wanted.active.keys()
        if stale := self._freshness.stale(followed):
            message = (
                f"{stale} of {len(followed)} active jobs were left out of the last {STALE_AFTER} refreshes"
            )
            remedy = "raise api.requests_per_second, or scrape less often"
            raise AwsError(Fault("budget", message, remedy))

    def _where(self, job_id: str, error: AwsError) -> dict[str, str]:
        return {
            "target": self._scope.target,
            "aws_region": self._scope.region,
            "job_id": job_id,
            "code": error.fault.code,
            "reason": error.fault.message,
            "remedy": error.fault.remedy,
        }

    def _earlier(self, filters: Filters) -> Iterator[Rows]:
        return self._list(filters, leaving=self._api.budget.reserve)

    def _list(self, filters: Filters, *, leaving: float = 0.0) -> Iterator[Rows]:
        kind = self._kind
        return self._api.pages(
            kind.list_operation, kind.list_member, patience=PATIENCE, leaving=leaving, **filters
        )

    def _enter_side_by_side(self, *lists: Filters) -> list[set[str]]:
        """Read lists at the same time. Gives the ids of the jobs in each."""
        return _wait_for_all(
            [self._calls.submit(partial(self._enter_all, filters), self._scope) for filters in lists]
        )

    def _enter_all(self, filters: Filters) -> set[str]:
        found: set[str] = set()
        for page in self._list(filters):
            found |= self._enter(page)
        return found

    def _enter(self, rows: Iterable[Answer]) -> set[str]:
        jobs = [job for job in map(self._kind.read, rows) if self._is_looked_for(job)]
        self._enter_jobs(jobs, described=False)
        self._freshness.updated(job.id for job in jobs if not job.finished)
        return {job.id for job in jobs}

    def _enter_jobs(self, jobs: Sequence[Job], *, described: bool) -> None:
        assumed = self._ledger.account_id
        claim(self._owners, self._scope, (job.account_id or assumed or job.id for job in jobs))
        self._ledger.enter(self._kind, jobs, self._clock(), described=described)

    def _is_looked_for(self, job: Job) -> bool:
        if job.id in self._configured:
            return True
        types, vaults = self._discovery.resource_types, self._discovery.vaults
        return (not types or job.resource_type in types) and (not vaults or job.vault_name in vaults)


def _wait_for_all(calls: Sequence[Future[T]]) -> list[T]:
    """Wait for calls that run side by side; when all fail, those not begun are not made.

    Raises:
        AwsError: the first failure.
    """
    results: list[T] = []
    failures: list[AwsError] = []
    for call in calls:
        if len(failures) >= MOST_FAILURES and not results and call.cancel():
            continue
        try:
            results.append(call.result())
        except AwsError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return results
