"""Follows the jobs of one kind in one scope, at the cost of what changed.

Each refresh discovers new jobs, brings those that can still change up to date, and never asks about a
finished one again. While few are active, each is described. When there are more than the budget can
describe at once they are swept: listed by state, a thousand a call, and only what a list cannot tell is
described.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from exporter.aws import AwsError, BackupApi, OverBudgetError, malformed
from exporter.claims import Claims
from exporter.collectors import PATIENCE
from exporter.config import Discovery
from exporter.configured import ConfiguredIds
from exporter.kinds import Answer, Kind, MalformedJobError
from exporter.ledger import Ledger
from exporter.model import Fault, Job, Scope

log = logging.getLogger(__name__)

LATE = 900.0  # seconds by which a job may show up late in a list
FIRST_LOOK = 3600.0  # seconds before the start that the first refresh looks at before all else
FIRST_REFRESH_TAKES = 1.0  # seconds that the first refresh spends on what came before


class _Wanted(NamedTuple):
    """Jobs to describe, and when each last was: configured, active, ended without a last word."""

    configured: dict[str, float]
    active: dict[str, float]
    ended: dict[str, float]


class JobsCollector:
    """One kind of job in one scope.

    Args:
        kind: the row of the table of kinds.
        api: asks AWS.
        ledger: takes up what AWS tells.
        discovery: what to look for.
        lookback: how many seconds back to read jobs at the start.
        configured: job ids to follow whatever discovery finds.
        claims: tells whether another scope publishes the same account and Region already.
        clock: seconds since 1970.
        side_by_side: runs describe calls at the same time.
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
        claims: Claims,
        clock: Callable[[], float],
        side_by_side: Executor,
    ) -> None:
        self.name = kind.collector
        self._kind = kind
        self._api = api
        self._ledger = ledger
        self._scope = ledger.scope
        self._claims = claims
        self._discovery = discovery
        self._configured = configured
        self._lookback = lookback
        self._clock = clock
        self._side_by_side = side_by_side
        self._listed_until: float | None = None
        self._followed_until: float | None = None
        self._said_bad_row = False
        self._earlier: deque[dict[str, Any]] = deque()
        self._pages: _ReadAhead | None = None
        self._caught_up = not discovery.enabled

    def refresh(self) -> None:
        """Discover, then follow."""
        now = self._clock()
        with self._ledger.open(self._kind) as book:
            book.roll(now)
        listed = self._discover(now) if self._discovery.enabled else set()
        self._follow(listed)
        self._followed_until = now

    def catch_up(self) -> bool:
        """List one more page of what came before the start, or describe one more finished parent."""
        if self._caught_up:
            return False
        if self._earlier:
            self._list_earlier()
        else:
            self._caught_up = not self._describe_a_finished_parent()
        return not self._caught_up

    def _discover(self, now: float) -> set[str]:
        first = self._listed_until is None
        if self._listed_until is None:
            self._plan_to_catch_up(now)
            self._listed_until = now - FIRST_LOOK + LATE
        listed: set[str] = set()
        for page in self._list({"ByCreatedAfter": self._listed_until - LATE}, PATIENCE):
            listed |= self._enter(page)
        self._listed_until = now
        if first:
            self._begin_to_catch_up(now)
        return listed

    def _plan_to_catch_up(self, now: float) -> None:
        """Newest first: what a person looks for is there first, however long the rest takes."""
        start = now - self._lookback
        before = now - FIRST_LOOK
        for after in (now - 6 * FIRST_LOOK, now - self._discovery.window, start):
            if start <= after < before:
                self._earlier.append({"ByCreatedAfter": after, "ByCreatedBefore": before + 1})
                before = after
        for state in self._kind.active_states:
            self._earlier.append({self._kind.state_filter: state, "ByCreatedBefore": start})

    def _begin_to_catch_up(self, now: float) -> None:
        """Look through the window at once as far as that costs neither time nor the calls to follow jobs."""
        budget = self._api.budget
        start_of_window = now - self._discovery.window
        while (
            self._earlier
            and self._earlier[0].get("ByCreatedAfter", 0.0) >= start_of_window
            and self._clock() < now + FIRST_REFRESH_TAKES
            and budget.available() > budget.reserve + 1
        ):
            self._list_earlier()

    def _list_earlier(self) -> None:
        if self._pages is None:
            leaving = self._api.budget.reserve
            self._pages = _ReadAhead(self._list(self._earlier[0], PATIENCE, leaving=leaving))
        try:
            self._enter(next(self._pages))
        except StopIteration:
            self._earlier.popleft()
            self._stop_reading_ahead()
        except AwsError as error:
            if not error.may_pass:
                self._stop_reading_ahead()
            raise

    def _stop_reading_ahead(self) -> None:
        if self._pages:
            self._pages.close()
        self._pages = None

    def _describe_a_finished_parent(self) -> bool:
        with self._ledger.open(self._kind) as book:
            waiting = [ended.job.id for ended in book.unsettled() if not ended.described_at]
        for job_id in waiting[:1]:
            self._describe(job_id, leaving=self._api.budget.reserve, patience=PATIENCE)
        return bool(waiting)

    def _follow(self, listed: set[str]) -> None:
        wanted = self._wanted()
        everything = wanted.configured | wanted.active | wanted.ended
        if len(everything) <= self._api.budget.available() or not self._discovery.enabled:
            self._describe_each(_stalest_first(everything), listed)
            return
        swept = self._sweep()
        if len(wanted.active.keys() - swept) > self._api.budget.available():
            self._list_the_ended()
        self._describe_each(_stalest_first(self._left_by_the_sweep(swept)), swept)

    def _wanted(self) -> _Wanted:
        configured = self._configured.wanted_in(self._scope.region)
        with self._ledger.open(self._kind) as book:
            return _Wanted(
                configured={job_id: at for job_id, at in configured.items() if not book.is_settled(job_id)},
                active={followed.job.id: followed.described_at for followed in book.active()},
                ended={
                    followed.job.id: followed.described_at
                    for followed in book.unsettled()
                    if followed.described_at or self._caught_up
                },
            )

    def _sweep(self) -> set[str]:
        """List the active jobs by state, in the order of a job's life, so that none slips through."""
        swept: set[str] = set()
        for state in self._kind.active_states:
            for page in self._list({self._kind.state_filter: state}, PATIENCE):
                swept |= self._enter(page)
        return swept

    def _list_the_ended(self) -> None:
        since = self._followed_until or self._clock()
        for page in self._list({"ByCompleteAfter": since - LATE}, PATIENCE):
            self._enter(page)

    def _left_by_the_sweep(self, swept: set[str]) -> dict[str, float]:
        """What a list by state cannot tell: child counts, configured ids, and jobs that left their state."""
        with self._ledger.open(self._kind) as book:
            for ended in book.unsettled():
                if not ended.job.is_parent:
                    book.close(ended.job.id, self._clock())
            left = {
                followed.job.id: followed.described_at
                for followed in book.active()
                if followed.job.is_parent or followed.job.id not in swept
            }
        wanted = self._wanted()
        return left | wanted.ended | wanted.configured

    def _describe_each(self, job_ids: Sequence[str], listed: set[str]) -> None:
        """Describe as many as the budget allows, side by side; always at least one, so that none starves."""
        at_once = max(1, self._api.budget.available())
        calls = [
            self._side_by_side.submit(
                self._describe, job_id, listed=listed, patience=0.0 if place else PATIENCE
            )
            for place, job_id in enumerate(job_ids[:at_once])
        ]
        _wait_for_all(calls)

    def _describe(
        self, job_id: str, *, listed: Iterable[str] = (), leaving: float = 0.0, patience: float = 0.0
    ) -> None:
        parameter = {self._kind.id_member: job_id}
        member = self._kind.describe_member or self._kind.id_member
        try:
            answer = self._api.call(
                self._kind.describe_operation, member, leaving=leaving, patience=patience, **parameter
            )
        except OverBudgetError:
            return
        except AwsError as error:
            self._take_refusal(job_id, error, listed)
            return
        job = self._described(job_id, answer)
        self._configured.found(job_id, self._scope.region, self._clock())
        self._enter_jobs([job], described=True)

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
        self._configured.refused(job_id, self._scope.region, self._clock(), error.fault)
        with self._ledger.open(self._kind) as book:
            book.close(job_id, self._clock())
            if error.is_unknown_job and job_id not in listed:
                book.forget(job_id)

    def _list(
        self, filters: Mapping[str, Any], patience: float, *, leaving: float = 0.0
    ) -> Iterator[list[Answer]]:
        kind = self._kind
        return self._api.pages(
            kind.list_operation, kind.list_member, patience=patience, leaving=leaving, **filters
        )

    def _enter(self, rows: Iterable[Answer]) -> set[str]:
        jobs = [job for job in map(self._read, rows) if job and self._is_looked_for(job)]
        self._enter_jobs(jobs, described=False)
        return {job.id for job in jobs}

    def _enter_jobs(self, jobs: Sequence[Job], *, described: bool) -> None:
        for shown in {job.account_id or self._ledger.account_id or job.id for job in jobs}:
            holder = self._claims.holder(shown, self._scope)
            if holder != self._scope:
                raise published_already(shown, self._scope, holder)
        now = self._clock()
        with self._ledger.open(self._kind) as book:
            for job in jobs:
                book.enter(job, now, described=described)
        if self._kind.protects and self._ledger.follows_resources:
            with self._ledger.open_resources() as resources:
                for job in jobs:
                    resources.enter(job)

    def _read(self, row: Answer) -> Job | None:
        try:
            return self._kind.read(row)
        except MalformedJobError as error:
            if not self._said_bad_row:
                self._said_bad_row = True
                details = {"operation": self._kind.list_operation, "reason": str(error)}
                log.warning("passed over a row of a list", extra=details)
            return None

    def _is_looked_for(self, job: Job) -> bool:
        if job.id in self._configured:
            return True
        types, vaults = self._discovery.resource_types, self._discovery.vaults
        return (not types or job.resource_type in types) and (not vaults or job.vault_name in vaults)


class _ReadAhead:
    """Pages, the next of which is on its way while one is worked on. One that failed is asked for again."""

    def __init__(self, pages: Iterator[list[Answer]]) -> None:
        self._pages = pages
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._coming: Future[list[Answer]] | None = None

    def __next__(self) -> list[Answer]:
        coming, self._coming = self._coming or self._ask(), None
        page = coming.result()
        self._coming = self._ask()
        return page

    def close(self) -> None:
        """Let the thread go; what is on its way is not waited for."""
        self._thread.shutdown(wait=False)

    def _ask(self) -> Future[list[Answer]]:
        return self._thread.submit(next, self._pages)


def published_already(account_id: str, scope: Scope, holder: Scope) -> AwsError:
    """Describe two targets that turned out to be one account and Region."""
    what = (
        f"target {scope.target} shows account {account_id} in {scope.region}, as target {holder.target} does"
    )
    remedy = "remove one of the two from the configuration; until then the first keeps the series"
    return AwsError(Fault("duplicate", what, remedy))


def _stalest_first(asked: dict[str, float]) -> list[str]:
    return sorted(asked, key=asked.__getitem__)


def _wait_for_all(calls: Sequence[Future[None]]) -> None:
    """Wait for calls that run side by side; when one fails, those not begun are not made."""
    failure: AwsError | None = None
    for call in calls:
        if failure and call.cancel():
            continue
        try:
            call.result()
        except AwsError as error:
            failure = failure or error
    if failure:
        raise failure
