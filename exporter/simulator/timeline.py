"""Schedules the events of an account: jobs are created, trigger other jobs, and are deleted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple

from exporter.simulator.job_kinds import BACKUP, Answer, Kind
from exporter.simulator.job_store import Store
from exporter.simulator.jobs import Job

Follower = Callable[[Answer], Iterable[tuple[Kind, Job]]]
"""Gives the jobs that follow a finished backup job, from its last answer."""

HOP = 6 * 3600.0
"""Seconds to go at a time when many have passed, lest jobs pile up that are long forgotten by then."""


class _Coming(NamedTuple):
    """A job to come, and those behind it. `number` decides between jobs of the same moment."""

    created: float
    number: int
    job: Job
    jobs: Iterator[Job]
    kind: Kind
    kept: float


class Timeline:
    """The jobs to come of one account, and the time to forget each. Times are seconds since 1970."""

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        self._followers: list[tuple[Follower, float]] = []
        self._coming: list[_Coming] = []
        self._leaving: list[tuple[float, str, str]] = []
        self._numbers = count()

    def schedule(self, jobs: Iterator[Job], kind: Kind, kept: float) -> None:
        """Schedule jobs, oldest first; each is deleted `kept` seconds after its creation."""
        job = next(jobs, None)
        if job is not None:
            heappush(self._coming, _Coming(job.created, next(self._numbers), job, jobs, kind, kept))

    def follow(self, make: Follower, kept: float) -> None:
        """Schedule the jobs that `make` returns for each backup job that finishes."""
        self._followers.append((make, kept))

    def arrive(self, now: float) -> None:
        """Process all events up to now."""
        while self._coming and self._coming[0].created < now - HOP:
            self._advance(self._coming[0].created + HOP)
        self._advance(now)

    def _advance(self, now: float) -> None:
        self._take_in(now)
        for answer in self._stores[BACKUP.name].settle(now):
            for make, kept in self._followers:
                for kind, job in make(answer):
                    self.schedule(iter([job]), kind, kept)
        self._take_in(now)
        for store in self._stores.values():
            store.settle(now)
        while self._leaving and self._leaving[0][0] <= now:
            _, name, job_id = heappop(self._leaving)
            self._stores[name].forget(job_id)

    def _take_in(self, now: float) -> None:
        while self._coming and self._coming[0].created <= now:
            _, _, job, jobs, kind, kept = heappop(self._coming)
            self._stores[kind.name].add(job)
            if kept < inf:
                heappush(self._leaving, (job.created + kept, kind.name, job.job_id))
            self.schedule(jobs, kind, kept)
