"""Stores all jobs of one kind of an account, which change with time."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import inf

from exporter.simulator.job_index import JobIndex
from exporter.simulator.job_kinds import Answer, Kind
from exporter.simulator.jobs import Fixed, Job
from exporter.simulator.pagination import Position

RETRY_SETTLING = 5.0

Finished = Callable[[Answer, Answer | None], None]
"""Called for each job that has finished with its last answer and the answer of its parent, if any."""


class Store:
    """The jobs of one kind in one account and Region. Times are seconds since 1970."""

    def __init__(self, kind: Kind, finished: Finished = lambda *_: None, account_id: str = "") -> None:
        self.index = JobIndex(kind)
        self._kind = kind
        self._finished = finished
        self._account_id = account_id
        self._indexes = [self.index]
        self._jobs: dict[str, Job] = {}
        self._settling: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def share(self, index: JobIndex) -> None:
        """Add all jobs, also later ones, to another index too."""
        self._indexes.append(index)
        for job in self._jobs.values():
            index.add(self._position(job), job.parent_id, finished=self._has_finished(job))

    def add(self, job: Job) -> None:
        """Add a job or replace the one with the same id."""
        self.forget(job.job_id)
        self._jobs[job.job_id] = job
        finished = self._has_finished(job)
        for index in self._indexes:
            index.add(self._position(job), job.parent_id, finished=finished)
        if job.ends < inf:
            heappush(self._settling, (job.ends, job.job_id))
        if finished:
            self._notify_finished(job)

    def forget(self, job_id: str) -> None:
        """Delete a job."""
        job = self._jobs.pop(job_id, None)
        if job is not None:
            for index in self._indexes:
                index.remove(self._position(job), job.parent_id)

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
                self.add(Fixed(job_id, job.created, job.parent_id, answer))
                settled.append(answer)
            else:
                heappush(self._settling, (max(job.ends, now + RETRY_SETTLING), job_id))
        return settled

    def answer(self, job_id: str, now: float) -> Answer | None:
        """Return the describe response of a job at `now`; None if there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        children = (self.answer(child.job_id, now) for child in self.index.children(job_id))
        return job.answer(now, [child for child in children if child is not None])

    def answers(self, now: float) -> Iterator[Answer]:
        """Yield the describe answers of all jobs, newest first, however old."""
        answers = (self.answer(position.job_id, now) for position in self.index.all())
        return (answer for answer in answers if answer is not None)

    def _position(self, job: Job) -> Position:
        return Position(job.created, job.job_id, self._account_id)

    def _has_finished(self, job: Job) -> bool:
        return isinstance(job, Fixed) and self._is_finished(job.fields)

    def _notify_finished(self, job: Job) -> None:
        """Report a finished job, and again its children: they may have been added before their parent."""
        children = (self._jobs[child.job_id] for child in self.index.children(job.job_id))
        for one in (job, *filter(self._has_finished, children)):
            parent = self.answer(one.parent_id, inf) if one.parent_id else None
            self._finished(one.answer(inf, ()), parent)

    def _is_finished(self, answer: Answer) -> bool:
        return answer.get(self._kind.state_key) in self._kind.finished
