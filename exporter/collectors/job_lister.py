"""Lists the jobs of one kind in one scope, by time and by state."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import MappingProxyType
from typing import Protocol

from exporter.aws import BackupApi, Rows
from exporter.collectors.backlog import Filters
from exporter.collectors.listed_rows import ListedRows
from exporter.collectors.parallel_calls import CallPool, wait_for_all
from exporter.collectors.protocols import MAX_WAIT
from exporter.config import Discovery
from exporter.ledger import ConfiguredIds
from exporter.model import Answer, Job, Kind, Scope

FIRST_LIST = 3600.0  # seconds before the start that the first refresh lists before anything else


class Recorder(Protocol):
    """Stores jobs."""

    def listed(self, jobs: Sequence[Job]) -> None:
        """Record the rows of a list."""


class JobLister:
    """Reads lists of jobs and records the jobs that the configuration selects.

    Args:
        kind: the job kind.
        scope: the target and Region.
        api: calls AWS.
        recorder: records the jobs.
        discovery: what to select.
        configured: job ids that are selected in any case.
        calls: runs list calls at the same time.
        always: filters of every list, unless the list has a filter of the same name.
        recorded: the rows that need not be recorded again unless they change.
    """

    def __init__(
        self,
        kind: Kind,
        scope: Scope,
        api: BackupApi,
        recorder: Recorder,
        *,
        discovery: Discovery,
        configured: ConfiguredIds,
        calls: CallPool,
        always: Filters = MappingProxyType({}),
        recorded: ListedRows | None = None,
    ) -> None:
        self._kind = kind
        self._scope = scope
        self._api = api
        self._recorder = recorder
        self._discovery = discovery
        self._configured = configured
        self._calls = calls
        self._always = always
        self._recorded = recorded

    def new(self, time: float) -> list[Filters]:
        """Select the jobs that were created after a time.

        Where AWS has no such filter: those that were completed after it, and all that are active.
        """
        if self._kind.created_filter:
            return [{"ByCreatedAfter": time}]
        return [self.completed_after(time), *self.active()]

    def completed_after(self, time: float) -> Filters:
        """Select the jobs that were completed after a time."""
        return {"ByCompleteAfter": time}

    def active(self, states: Iterable[str] | None = None) -> list[Filters]:
        """Select the jobs that are not finished, with a list for each state: these, or all."""
        return [
            {self._kind.state_filter: state}
            for state in (self._kind.active_states if states is None else states)
        ]

    def earlier(self, now: float, lookback: float, first_list: float = FIRST_LIST) -> Iterator[Filters]:
        """Select the jobs that the first refresh leaves out, newest first: people look for recent jobs.

        Args:
            now: the time of the first refresh.
            lookback: how many seconds back to read finished jobs.
            first_list: how many seconds back the first refresh reads.
        """
        if not self._kind.created_filter:
            yield self.completed_after(now - lookback)
            return
        start = now - lookback
        before = now - first_list
        for after in (now - FIRST_LIST, now - 6 * FIRST_LIST, now - self._discovery.window, start):
            if start <= after < before:
                yield {"ByCreatedAfter": after, "ByCreatedBefore": before + 1}
                before = after
        for active in self.active():
            yield {**active, "ByCreatedBefore": start}

    def created_before(self, time: float) -> Filters:
        """Select the jobs that were created before a time, however old."""
        return {"ByCreatedBefore": time}

    def pages(self, filters: Filters, *, reserve: float = 0.0) -> Iterator[Rows]:
        """Read a list, page by page; `reserve` is the number of tokens to leave in the request budget."""
        kind = self._kind
        return self._api.pages(
            kind.list_operation,
            kind.list_member,
            max_wait=MAX_WAIT,
            reserve=reserve,
            **{**self._always, **filters},
        )

    def record(self, rows: Iterable[Answer], *, since: float = -math.inf) -> list[Job]:
        """Record one page, without the jobs that finished too early. Returns the selected jobs.

        Args:
            rows: the rows of the page.
            since: as `Kind.finished_before`.
        """
        with self._api.limit_cpu():
            recent = (row for row in rows if not self._kind.finished_before(row, since))
            jobs = [job for job in map(self._kind.read, recent) if self._is_selected(job)]
            self._recorder.listed(jobs)
            return jobs

    def read_new(self, time: float) -> set[str]:
        """Read and record the jobs that were created after a time. Returns the ids of the selected ones."""
        lists = self.new(time)
        return self.read(lists[0]) if len(lists) == 1 else set().union(*self.read_in_parallel(*lists))

    def read(self, filters: Filters) -> set[str]:
        """Read and record a whole list. Returns the ids of the selected jobs."""
        found: set[str] = set()
        for page in self.pages(filters):
            found |= self._record_changed(page)
        return found

    def read_all_if_few(self, *, since: float) -> set[str] | None:
        """Read and record the first page of all jobs, as `record` does.

        Returns the ids of the selected jobs; None if there are more pages.
        """
        page = next(self.pages({}))
        found = {job.id for job in self.record(page, since=since)}
        return found if page.is_last else None

    def read_in_parallel(self, *lists: Filters) -> list[set[str]]:
        """Read and record lists at the same time. Returns the ids of the selected jobs of each."""
        return wait_for_all(
            [self._calls.submit(partial(self.read, filters), self._scope) for filters in lists]
        )

    def _record_changed(self, rows: Rows) -> set[str]:
        """Record the rows of a page that have changed. Returns the ids of the selected jobs of the page."""
        if not self._recorded:
            return {job.id for job in self.record(rows)}
        changed = self._recorded.changed(rows)
        self._recorded.add(changed, self.record(row for row, _ in changed))
        return self._recorded.selected(rows)

    def _is_selected(self, job: Job) -> bool:
        if job.id in self._configured:
            return True
        types, vaults = self._discovery.resource_types, self._discovery.vaults
        return (not types or job.resource_type in types) and (not vaults or job.vault_name in vaults)
