"""The state of one scope, protected by a lock."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.inventory import Inventory
from exporter.ledger.job_store import JobStore
from exporter.ledger.limits import MOST_CODES, OTHER, Distinct
from exporter.ledger.resources import Resources
from exporter.ledger.rule_runs import RuleRuns, runs_steady_until
from exporter.ledger.series_queue import SeriesQueue
from exporter.model import Expectation, Health, Job, Kind, RuleKey, RuleRun, Scope

_T = TypeVar("_T")


class Versions(NamedTuple):
    """Numbers that grow whenever something published may have changed, except by time alone.

    Attributes:
        data: jobs, resources, vaults, plans, and the number of items without series.
        progress: the numbers of jobs that can still change, by kind; no other series depend on them.
        status: health of the collectors, calls, malformed values, errors of configured job IDs.
    """

    data: int
    progress: tuple[int, ...]
    status: int


class Ledger:
    """The state of one scope: jobs, resources, vaults, plans, health of the collectors, calls. Thread-safe.

    Args:
        scope: the target and Region.
        stores: one for each job kind.
        max_jobs: the number of jobs of all kinds together that may have series. Final jobs lose their series
            first, then finished jobs that are still to be described, then active ones, never configured ones.
        collectors: names of the collectors of this scope.
        labels: static labels of all series of the scope.
        account_id: the account of items without an account in a field or ARN.
        configured: the job IDs in the configuration.
        resources: the resources; None if the collector `resources` is off.

    Attributes:
        is_paused: whether the scope is not refreshed because nobody scrapes it.
    """

    def __init__(
        self,
        scope: Scope,
        stores: Iterable[JobStore],
        *,
        max_jobs: int,
        collectors: Iterable[str] = (),
        labels: Mapping[str, str] = MappingProxyType({}),
        account_id: str = "",
        configured: ConfiguredIds | None = None,
        resources: Resources | None = None,
    ) -> None:
        self.scope = scope
        self.labels = tuple(sorted(labels.items()))
        self.account_id = account_id
        self.configured = configured or ConfiguredIds()
        self._stores = {store.kind.name: store for store in stores}
        for store in self._stores.values():
            store.assume_account(account_id)
        self._inventory = Inventory()
        self._codes: Distinct[str] = Distinct(MOST_CODES)
        self.follows_resources = resources is not None
        self._resources = resources or Resources({}, lambda _: None)
        self._rule_runs = RuleRuns()
        self._max_jobs = max_jobs
        self._health = dict.fromkeys(collectors, Health())
        self._is_paused = False
        self._calls: Counter[tuple[str, str]] = Counter()
        self._malformed: Counter[str] = Counter()
        self._inventory_version = 0
        self._status_version = 0
        self._writes = 0
        self._lock = threading.Lock()

    @property
    def writes(self) -> int:
        """How often the ledger was opened for a change. While this stays the same, so do the versions."""
        return self._writes + self.configured.version

    def versions(self) -> Versions:
        """Return the current versions.

        A reader that caches what it has read must get them before it reads or drains anything. Then a change
        in between is read twice, but never missed.
        """
        with self._lock:
            data = (
                sum([store.version for store in self._stores.values()])
                + self._resources.version
                + self._rule_runs.version
                + self._inventory_version
                + self._codes.seen
            )
            progress = tuple([store.progress for store in self._stores.values()])
            return Versions(data, progress, self._status_version + self.configured.version)

    def steady_until(self, now: float) -> float:
        """Return until when, at least, nothing published changes by time alone; infinity for never."""
        with self._lock:
            of_counts = [store.steady_until(now) for store in self._stores.values()]
            return min([runs_steady_until(self._inventory.plans, now), *of_counts])

    @contextmanager
    def read(self, kind: Kind) -> Iterator[JobStore]:
        """Lock the ledger and give access to one store, only to read or drain it."""
        with self._lock:
            yield self._stores[kind.name]

    @contextmanager
    def open(self, kind: Kind) -> Iterator[JobStore]:
        """Lock the ledger and give access to one store; the limit on series is applied at the end."""
        with self._lock:
            self._writes += 1
            yield self._stores[kind.name]
            self._apply_limit()

    def expire(self, kind: Kind, now: float) -> None:
        """Remove the finished jobs of a kind that have left the window."""
        with self._lock:
            if self._stores[kind.name].expire(now):
                self._writes += 1
                self._apply_limit()

    def update_jobs(self, kind: Kind, jobs: Iterable[Job], now: float, *, described: bool) -> None:
        """Record what AWS reported about jobs: rows of a list, or (`described`) their descriptions.

        The resource of a job is updated with the version that the store considers the newest, also if the
        job is too old for the store.
        """
        with self._lock:
            self._writes += 1
            store = self._stores[kind.name]
            reported = [*jobs]
            updated = [store.update(job, now, described=described) for job in reported]
            self._apply_limit()
            if self.follows_resources:
                for job in updated:
                    if job:
                        self._resources.record(kind, job)
            # Known jobs as well: an account that was no target yet had no collector of plans.
            for job in reported if "plans" in self._health else ():
                if kind.facts.expectation is Expectation.RULES:
                    self._rule_runs.record(job)

    @contextmanager
    def open_resources(self) -> Iterator[Resources]:
        """Lock the ledger and give access to the resources."""
        with self._lock:
            self._writes += 1
            yield self._resources

    def add_collectors(self, names: Iterable[str]) -> None:
        """Record that an account that was known only from its organization has collectors of its own."""
        with self._lock:
            self._writes += 1
            self._health = dict.fromkeys(names, Health()) | self._health
            self._status_version += 1
            self._resources.await_history(names)

    def mark_read(self, collector: str, now: float, *, since: float | None = None) -> None:
        """Record that a collector has read the history from before the start, or cannot; see `Resources`."""
        with self._lock:
            self._writes += 1
            self._resources.mark_read(collector, now, since=since)
            self._rule_runs.mark_read(collector, since)

    def rule_runs(self, now: float) -> dict[RuleKey, RuleRun]:
        """Return the last run of each rule of the plans."""
        with self._lock:
            return self._rule_runs.at(now, self._inventory.plans, self._health)

    @property
    def is_paused(self) -> bool:
        """Whether the scope is not refreshed because nobody scrapes it."""
        return self._is_paused

    @is_paused.setter
    def is_paused(self, is_paused: bool) -> None:
        with self._lock:
            self._writes += 1
            self._status_version += is_paused is not self._is_paused
            self._is_paused = is_paused

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The job kinds that have a store."""
        return tuple(store.kind for store in self._stores.values())

    @property
    def inventory(self) -> Inventory:
        """The vaults, plans, settings, restore testing plans and frameworks."""
        return self._inventory

    def update_inventory(self, change: Callable[[Inventory], Inventory]) -> None:
        """Replace the inventory with the result of a function."""
        with self._lock:
            self._writes += 1
            changed = change(self._inventory)
            if changed != self._inventory:
                self._inventory = changed
                self._inventory_version += 1

    @property
    def own_account_id(self) -> str:
        """The account ID from the vaults, the plans or the configuration; empty if it is unknown."""
        return self._inventory.account_id or self.account_id

    def left_out(self) -> dict[str, int]:
        """The number of items without series of their own because there are too many, by kind."""
        with self._lock:
            return {
                "job_groups": sum(store.groups_left_out for store in self._stores.values()),
                "error_codes": self._codes.left_out,
                "resources": self._resources.left_out,
                "resource_facts": self._resources.facts_left_out,
                **self._inventory.left_out,
            }

    def count_call(self, operation: str, code: str) -> None:
        """Count one attempt to call AWS."""
        with self._lock:
            self._writes += 1
            self._calls[operation, code if self._codes.admit(code) else OTHER] += 1
            self._status_version += 1

    def calls(self) -> dict[tuple[str, str], int]:
        """The number of attempts by operation and result."""
        with self._lock:
            return dict(self._calls)

    def count_malformed(self, operation: str, values: int) -> int:
        """Count the malformed values of a response. Returns how many there were before."""
        with self._lock:
            self._writes += 1
            before = self._malformed[operation]
            self._malformed[operation] += values
            self._status_version += 1
            return before

    def malformed(self) -> dict[str, int]:
        """The number of malformed values by operation."""
        with self._lock:
            return dict(self._malformed)

    def set_health(self, collector: str, health: Health) -> None:
        """Record the result of a collector's refresh."""
        with self._lock:
            self._writes += 1
            self._health[collector] = health
            self._status_version += 1

    def health(self) -> dict[str, Health]:
        """The health of each collector."""
        with self._lock:
            return dict(self._health)

    def _apply_limit(self) -> None:
        """Allocate series to active jobs first, then to undescribed ones, then to final ones."""
        stores = self._stores.values()
        wanted = hidden = 0
        for store in stores:
            wanted += store.tracked_count + store.final_count
            hidden += store.hidden_count
        if wanted <= self._max_jobs and not hidden:
            return
        room = self._max_jobs - sum(store.pinned_count for store in stores)
        for queues in (
            [(store, store.active_queue) for store in stores],
            [(store, store.undescribed_queue) for store in stores],
        ):
            room -= _allocate(room, queues)
        over = sum(store.final_count for store in stores) - max(room, 0)
        while over > 0:
            oldest = min(stores, key=lambda store: store.oldest_final)
            if math.isinf(oldest.oldest_final):
                return
            over -= oldest.drop_oldest(over)


def _allocate(room: int, queues: Sequence[tuple[JobStore, SeriesQueue]]) -> int:
    """Allocate series to as many jobs of these queues as fit. Return the number of jobs with series."""
    shown = sum(queue.shown for _, queue in queues)
    target = min(sum(len(queue) for _, queue in queues), max(room, 0))
    for _ in range(shown - target):
        store, queue = max((pair for pair in queues if pair[1].shown), key=lambda pair: pair[1].last_shown)
        store.hide(queue)
    for _ in range(target - shown):
        with_hidden = (pair for pair in queues if pair[1].shown < len(pair[1]))
        store, queue = min(with_hidden, key=lambda pair: pair[1].first_hidden)
        store.show(queue)
    return target
