"""Indexes of jobs: which jobs of one or many accounts a list may contain, newest first."""

from collections.abc import Iterable, Mapping
from math import inf
from threading import Lock
from typing import Any

from exporter.simulator.job_kinds import Kind, epoch
from exporter.simulator.pagination import Position
from exporter.simulator.sorted_positions import SortedPositions

LISTED_FOR = 30 * 86400.0
"""Seconds after its creation for which a job is listed."""


class JobIndex:
    """The positions of the jobs of one kind, by state and by parent job. Thread-safe."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._all = SortedPositions()
        self._open = SortedPositions()
        self._children: dict[str, SortedPositions] = {}
        self._lock = Lock()

    def add(self, position: Position, parent_id: str | None, *, finished: bool) -> None:
        """Add a job."""
        with self._lock:
            self._all.add(position)
            if not finished:
                self._open.add(position)
            if parent_id:
                self._children.setdefault(parent_id, SortedPositions()).add(position)

    def remove(self, position: Position, parent_id: str | None) -> None:
        """Remove a job."""
        with self._lock:
            self._all.remove(position)
            self._open.remove(position)
            if parent_id:
                self._children[parent_id].remove(position)
                if not self._children[parent_id]:
                    del self._children[parent_id]

    def all(self) -> Iterable[Position]:
        """Return all positions, newest first."""
        with self._lock:
            return self._all.between(-inf, inf)

    def children(self, parent_id: str) -> Iterable[Position]:
        """Return the positions of the child jobs of a job, newest first."""
        children = self._children.get(parent_id)
        if children is None:
            return ()
        with self._lock:
            return children.between(-inf, inf)

    def candidates(self, filters: Mapping[str, Any], now: float, start: Position) -> Iterable[Position]:
        """Return the positions behind `start` whose jobs may pass the filters at `now`, newest first."""
        oldest = max(now - LISTED_FOR, epoch(filters.get("ByCreatedAfter", 0.0)))
        newest = epoch(filters.get("ByCreatedBefore", inf))
        with self._lock:
            return self._shortest(filters).between(oldest, newest, start)

    def _shortest(self, filters: Mapping[str, Any]) -> SortedPositions:
        """Choose the shortest index that has every job asked for."""
        state = filters.get(f"By{self._kind.state_key}")
        if "ByParentJobId" in filters:
            return self._children.get(filters["ByParentJobId"]) or SortedPositions()
        return self._all if state is None or state in self._kind.finished else self._open
