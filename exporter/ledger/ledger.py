"""All that is known of one scope, and the lock around it."""

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
    """All that is known of one scope: its jobs, how its collectors fare, what was asked of AWS.

    Every method may be called from any thread.

    Args:
        scope: whose ledger this is.
        stores: one for each kind of job.
        max_jobs: how many jobs of all kinds together may have series. Those that nothing more is asked of
            yield first, then the finished ones that are still to be described, then active ones; never
            configured ones.
        collectors: names of the collectors that run in this scope.
        labels: static labels for all series of the scope.
        account_id: the account to assume where a job and its ARNs tell none.
        configured: the job ids that the configuration names.
        resources: what is known of resources; None when nobody asks for them.
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
        """Work on one store while nobody else does; the limit on series holds again afterwards."""
        with self._lock:
            yield self._stores[kind.name]
            self._keep_to_the_limit()

    def update_jobs(self, kind: Kind, jobs: Iterable[Job], now: float, *, described: bool) -> None:
        """Take up what AWS just told of some jobs: rows of a list, or (`described`) their own descriptions.

        What follows from a job, such as the facts of its resource, follows the version that the store took
        for the newest. Jobs that are too old for the store still tell of their resource.
        """
        with self._lock:
            store = self._stores[kind.name]
            news = [store.update(job, now, described=described) for job in jobs]
            self._keep_to_the_limit()
            if kind.protects and self.follows_resources:
                for job in news:
                    if job:
                        self._resources.enter(job)

    @contextmanager
    def open_resources(self) -> Iterator[Resources]:
        """Work on what is known of resources while nobody else does."""
        with self._lock:
            yield self._resources

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of job that have a store."""
        return tuple(store.kind for store in self._stores.values())

    @property
    def vaults(self) -> tuple[Vault, ...]:
        """The vaults, each once, however often AWS lists it: what it told last counts."""
        return self._vaults

    @vaults.setter
    def vaults(self, listed: Iterable[Vault]) -> None:
        by_name = {(vault.account_id or self.account_id, vault.name): vault for vault in listed}
        self._vaults = _first(by_name, MOST_VAULTS)
        self._left_out["vaults"] = len(by_name) - len(self._vaults)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans with their rules, each once, likewise."""
        return self._plans

    @plans.setter
    def plans(self, listed: Iterable[Plan]) -> None:
        by_id = {(plan.account_id or self.account_id, plan.id): plan for plan in listed}
        plans, rules, room = [], 0, MOST_RULES
        for plan in _first(by_id, MOST_PLANS):
            once = tuple({rule.rule_id: rule for rule in plan.rules}.values())
            plans.append(replace(plan, rules=once[:room]))
            rules += len(once)
            room -= len(plans[-1].rules)
        self._plans = tuple(plans)
        self._left_out |= {"plans": len(by_id) - len(plans), "rules": rules - MOST_RULES + room}

    def left_out(self) -> dict[str, int]:
        """How many things of each kind have no series of their own, because there are more than may have."""
        with self._lock:
            return {
                "job_groups": sum(store.groups_left_out for store in self._stores.values()),
                "error_codes": self._codes.left_out,
                "resources": self._resources.left_out,
                **self._left_out,
            }

    def count_call(self, operation: str, code: str) -> None:
        """Take note of one attempt to call AWS."""
        with self._lock:
            self._calls[operation, code if self._codes.admit(code) else OTHER] += 1

    def calls(self) -> dict[tuple[str, str], int]:
        """How often each operation was attempted, by how it ended."""
        with self._lock:
            return dict(self._calls)

    def count_malformed(self, operation: str, values: int) -> int:
        """Take note of values that could not be read of an answer; returns how many there were before."""
        with self._lock:
            before = self._malformed[operation]
            self._malformed[operation] += values
            return before

    def malformed(self) -> dict[str, int]:
        """How many values of each operation's answers could not be read."""
        with self._lock:
            return dict(self._malformed)

    def set_health(self, collector: str, health: Health) -> None:
        """Take note of how a collector's refresh ended."""
        with self._lock:
            self._health[collector] = health

    def health(self) -> dict[str, Health]:
        """How each collector fares."""
        with self._lock:
            return dict(self._health)

    def _keep_to_the_limit(self) -> None:
        """Give room to active jobs first, what they leave to those that wait, the rest to sealed ones."""
        stores = tuple(self._stores.values())
        wanted = sum(store.tracked_count + store.final_count for store in stores)
        if wanted <= self._max_jobs and not any(store.hidden_count for store in stores):
            return
        room = self._max_jobs - sum(store.pinned_count for store in stores)
        for queues in (
            [(store, store.active_queue) for store in stores],
            [(store, store.undescribed_queue) for store in stores],
        ):
            room -= _share_out(room, queues)
        over = sum(store.final_count for store in stores) - max(room, 0)
        while over > 0:
            oldest = min(stores, key=lambda store: store.oldest_final)
            if math.isinf(oldest.oldest_final):
                return
            over -= oldest.drop_oldest(over)


def _first(things: Mapping[tuple[str, str], _T], most: int) -> tuple[_T, ...]:
    """Give so many things at most; where there are more, always the same: the first by their keys."""
    keys = things if len(things) <= most else sorted(things)[:most]
    return tuple(things[key] for key in keys)


def _share_out(room: int, queues: Sequence[tuple[JobStore, SeriesQueue]]) -> int:
    """Let as many jobs of some queues have series as there is room for. Returns how many have."""
    shown = sum(queue.shown for _, queue in queues)
    may_be_shown = min(sum(len(queue) for _, queue in queues), max(room, 0))
    for _ in range(shown - may_be_shown):
        store, queue = max((pair for pair in queues if pair[1].shown), key=lambda pair: pair[1].last_shown)
        store.hide(queue)
    for _ in range(may_be_shown - shown):
        some_hidden = (pair for pair in queues if pair[1].shown < len(pair[1]))
        store, queue = min(some_hidden, key=lambda pair: pair[1].first_hidden)
        store.show(queue)
    return may_be_shown
