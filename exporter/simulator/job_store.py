"""Stores all jobs of one kind, newest first, with pagination that stays consistent while jobs are added."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from math import inf
from typing import Any

from exporter.simulator.job_kinds import Answer, Kind, epoch
from exporter.simulator.jobs import Fixed, Job
from exporter.simulator.pagination import Page, Position, select

LISTED_FOR = 30 * 86400.0
"""Seconds after its creation for which a job is listed."""

RETRY_SETTLING = 5.0

Finished = Callable[[Answer, Answer | None], None]
"""Called for each job that has finished with its last answer and the answer of its parent, if any."""


class Store:
    """The jobs of one kind in one account and Region. Times are seconds since 1970."""

    def __init__(self, kind: Kind, finished: Finished = lambda *_: None) -> None:
        self._kind = kind
        self._finished = finished
        self._jobs: dict[str, Job] = {}
        self._all: list[Position] = []
        self._open: list[Position] = []
        self._children: dict[str, list[Position]] = {}
        self._settling: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def add(self, job: Job) -> None:
        """Add a job or replace the one with the same id."""
        self.forget(job.job_id)
        self._jobs[job.job_id] = job
        position = Position(job.created, job.job_id)
        insort(self._all, position)
        finished = self._has_finished(job)
        if not finished:
            insort(self._open, position)
        if job.parent_id:
            insort(self._children.setdefault(job.parent_id, []), position)
        if job.ends < inf:
            heappush(self._settling, (job.ends, job.job_id))
        if finished:
            self._notify_finished(job)

    def forget(self, job_id: str) -> None:
        """Delete a job."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        position = Position(job.created, job_id)
        children = self._children.get(job.parent_id or "", [])
        for index in (self._all, self._open, children):
            _discard(index, position)
        if job.parent_id and not children:
            self._children.pop(job.parent_id, None)

    def settle(self, now: float) -> list[Answer]:
        """Keep only the last answer of the jobs that have finished by `now`; return these answers."""
        settled = []
        while self._settling and self._settling[0][0] <= now:
            _, job_id = heappop(self._settling)
            job = self._jobs.get(job_id)
            if job is None or job.ends == inf:
                continue
            answer = self.answer(job_id, now) or {}
            if self._is_finished(answer):
                self._finish(Fixed(job_id, job.created, job.parent_id, answer))
                settled.append(answer)
            else:
                heappush(self._settling, (max(job.ends, now + RETRY_SETTLING), job_id))
        return settled

    def answer(self, job_id: str, now: float) -> Answer | None:
        """Return the describe response of a job at `now`; None if there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        children = [self._answer(child, now) for child in self._children.get(job_id, ())]
        return job.answer(now, children)

    def answers(self, now: float) -> Iterator[Answer]:
        """Yield the describe answers of all jobs, newest first, however old."""
        return (self._answer(position, now) for position in reversed(self._all))

    def page(
        self,
        filters: Mapping[str, Any],
        now: float,
        start: Position,
        size: int,
        visible: Callable[[Answer], bool],
    ) -> Page:
        """Return at most `size` of the visible jobs behind `start` that pass the filters."""
        tests = [(self._kind.filters[name], value) for name, value in filters.items()]
        return select(
            self._candidates(filters, now, start),
            lambda position: self._answer(position, now),
            lambda answer: visible(answer) and all(test(answer, value) for test, value in tests),
            start,
            size,
        )

    def _finish(self, job: Fixed) -> None:
        """Replace a job with its last answer, which has the same place among the others."""
        self._jobs[job.job_id] = job
        _discard(self._open, Position(job.created, job.job_id))
        self._notify_finished(job)

    def _has_finished(self, job: Job) -> bool:
        return isinstance(job, Fixed) and self._is_finished(job.fields)

    def _notify_finished(self, job: Job) -> None:
        """Report a finished job, and again its children: they may have been added before their parent."""
        children = (self._jobs[child.job_id] for child in self._children.get(job.job_id, ()))
        for one in (job, *filter(self._has_finished, children)):
            parent = self.answer(one.parent_id, inf) if one.parent_id else None
            self._finished(one.answer(inf, ()), parent)

    def _answer(self, position: Position, now: float) -> Answer:
        answer = self.answer(position.job_id, now)
        assert answer is not None, "every position belongs to a job"  # noqa: S101
        return answer

    def _candidates(self, filters: Mapping[str, Any], now: float, start: Position) -> Iterator[Position]:
        """Yield the positions worth testing, newest first."""
        index = self._index(filters)
        oldest = max(now - LISTED_FOR, epoch(filters.get("ByCreatedAfter", 0.0)))
        newest = min(start, Position(epoch(filters.get("ByCreatedBefore", inf)), ""))
        lower = bisect_left(index, Position(oldest, ""))
        upper = bisect_left(index, newest)
        return (index[place] for place in range(upper - 1, lower - 1, -1))

    def _index(self, filters: Mapping[str, Any]) -> list[Position]:
        """Choose the shortest index that has every job asked for."""
        state = filters.get(f"By{self._kind.state_key}")
        if "ByParentJobId" in filters:
            return self._children.get(filters["ByParentJobId"], [])
        return self._all if state is None or state in self._kind.finished else self._open

    def _is_finished(self, answer: Answer) -> bool:
        return answer.get(self._kind.state_key) in self._kind.finished


def _discard(index: list[Position], position: Position) -> None:
    place = bisect_left(index, position)
    if place < len(index) and index[place] == position:
        del index[place]
