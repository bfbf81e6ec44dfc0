"""The state of one scope, protected by a lock."""

import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.limits import MOST_CODES, MOST_PLANS, MOST_RULES, MOST_VAULTS, OTHER, Distinct
from exporter.ledger.resources import Resources
from exporter.ledger.series_queue import SeriesQueue
from exporter.model import Health, Job, Kind, Plan, Scope, Vault

_T = TypeVar("_T")


class Ledger:
    """The state of one scope: jobs, resources, vaults, plans, health of the collectors, calls. Thread-safe.

    Args:
        scope: the target and Region.
        stores: one for each job kind.
        max_jobs: how many jobs of all kinds together may have series. Final jobs lose their series first,
            then finished jobs that are still to be described, then active ones, never configured ones.
        collectors: names of the collectors of this scope.
        labels: static labels of all series of the scope.
        account_id: the account of items that have none, neither as a field nor in an ARN.
        configured: the job IDs in the configuration.
        resources: the resources; None if the collector `resources` is off.
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
        self._vaults: tuple[Vault, ...] = ()
        self._plans: tuple[Plan, ...] = ()
        self._codes: Distinct[str] = Distinct(MOST_CODES)
        self._left_out = {"vaults": 0, "plans": 0, "rules": 0}
        self.follows_resources = resources is not None
        self._resources = resources or Resources({}, lambda _: None)
        self._max_jobs = max_jobs
        self._health = dict.fromkeys(collectors, Health())
        self._calls: Counter[tuple[str, str]] = Counter()
        self._malformed: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def open(self, kind: Kind) -> Iterator[JobStore]:
        """Lock the ledger and give access to one store; the limit on series is applied at the end."""
        with self._lock:
            yield self._stores[kind.name]
            self._apply_limit()

    def update_jobs(self, kind: Kind, jobs: Iterable[Job], now: float, *, described: bool) -> None:
        """Record what AWS reported about jobs: rows of a list, or (`described`) their descriptions.

        The resource of a job is updated with the version that the store considers the newest, also if the
        job is too old for the store.
        """
        with self._lock:
            store = self._stores[kind.name]
            updated = [store.update(job, now, described=described) for job in jobs]
            self._apply_limit()
            if kind.protects and self.follows_resources:
                for job in updated:
                    if job:
                        self._resources.enter(job)

    @contextmanager
    def open_resources(self) -> Iterator[Resources]:
        """Lock the ledger and give access to the resources."""
        with self._lock:
            yield self._resources

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The job kinds that have a store."""
        return tuple(store.kind for store in self._stores.values())

    @property
    def vaults(self) -> tuple[Vault, ...]:
        """The vaults, without duplicates: the last row that AWS listed counts."""
        return self._vaults

    @vaults.setter
    def vaults(self, listed: Iterable[Vault]) -> None:
        by_name = {(vault.account_id or self.account_id, vault.name): vault for vault in listed}
        self._vaults = _first(by_name, MOST_VAULTS)
        self._left_out["vaults"] = len(by_name) - len(self._vaults)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans with their rules, likewise without duplicates."""
        return self._plans

    @plans.setter
    def plans(self, listed: Iterable[Plan]) -> None:
        by_id = {(plan.account_id or self.account_id, plan.id): plan for plan in listed}
        plans, rules, room = [], 0, MOST_RULES
        for plan in _first(by_id, MOST_PLANS):
            unique = tuple({rule.rule_id: rule for rule in plan.rules}.values())
            plans.append(replace(plan, rules=unique[:room]))
            rules += len(unique)
            room -= len(plans[-1].rules)
        self._plans = tuple(plans)
        self._left_out |= {"plans": len(by_id) - len(plans), "rules": rules - MOST_RULES + room}

    def left_out(self) -> dict[str, int]:
        """The number of items without series of their own because there are too many, by kind."""
        with self._lock:
            return {
                "job_groups": sum(store.groups_left_out for store in self._stores.values()),
                "error_codes": self._codes.left_out,
                "resources": self._resources.left_out,
                **self._left_out,
            }

    def count_call(self, operation: str, code: str) -> None:
        """Count one attempt to call AWS."""
        with self._lock:
            self._calls[operation, code if self._codes.admit(code) else OTHER] += 1

    def calls(self) -> dict[tuple[str, str], int]:
        """The number of attempts by operation and result."""
        with self._lock:
            return dict(self._calls)

    def count_malformed(self, operation: str, values: int) -> int:
        """Count the malformed values of a response. Returns how many there were before."""
        with self._lock:
            before = self._malformed[operation]
            self._malformed[operation] += values
            return before

    def malformed(self) -> dict[str, int]:
        """The number of malformed values by operation."""
        with self._lock:
            return dict(self._malformed)

    def set_health(self, collector: str, health: Health) -> None:
        """Record the result of a collector's refresh."""
        with self._lock:
            self._health[collector] = health

    def health(self) -> dict[str, Health]:
        """The health of each collector."""
        with self._lock:
            return dict(self._health)

    def _apply_limit(self) -> None:
        """Give series to active jobs first, then to undescribed ones, then to final ones."""
        stores = tuple(self._stores.values())
        wanted = sum(store.tracked_count + store.final_count for store in stores)
        if wanted <= self._max_jobs and not any(store.hidden_count for store in stores):
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


def _first(items: Mapping[tuple[str, str], _T], most: int) -> tuple[_T, ...]:
    """Return at most so many items; if there are more, those with the lowest keys, so always the same."""
    keys = items if len(items) <= most else sorted(items)[:most]
    return tuple(items[key] for key in keys)


def _allocate(room: int, queues: Sequence[tuple[JobStore, SeriesQueue]]) -> int:
    """Give series to as many jobs of some queues as there is room for. Returns how many have series."""
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
