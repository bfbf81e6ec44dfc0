"""Which of two versions of a job is the newer: the one place that decides it. Pure.

AWS tells of a job many times, in lists and in descriptions, and calls run side by side: what was written
first may arrive last. So the order of arrival counts only where what the versions say does not decide.
"""

from dataclasses import replace
from typing import NamedTuple

from exporter.model import Job, Kind, Number

LATEST = 60.0  # seconds after which no answer is still on its way that was written before another arrived
CHILD_COUNT = "NumberOfChildJobs"
PROGRESS = ("PercentDone", "BytesTransferred")


class Version(NamedTuple):
    """What AWS once told of a job: whether by describing it, and when that arrived."""

    job: Job
    described: bool
    at: float


class Versions:
    """Compares versions of jobs of one kind.

    - A job never goes back to an earlier stage: its states have the order of the kind's table, an end is
      final, and a validation follows the end. A state that nobody knows may come anywhere before the end.
    - Within a stage, progress does not go back, and a description outranks a row of a list.
    - What arrives `LATEST` seconds after another cannot have been written before it: within a stage it is
      newer, whatever it says. Progress keeps its highest value.

    Args:
        kind: the row of the table of kinds.
    """

    def __init__(self, kind: Kind) -> None:
        active = kind.active_states
        self._end = len(active)
        self._life = {state: place for place, state in enumerate(active)} | dict.fromkeys(
            kind.terminal, self._end
        )
        self._life[""] = -1
        self._progress = [place for place, gauge in enumerate(kind.gauges) if gauge.member in PROGRESS]
        self._child_count = [gauge.member == CHILD_COUNT for gauge in kind.gauges]
        members = [member for _, member in kind.info]
        self._after_end = [(members.index(member), values) for member, values in kind.unfinished_while]

    def is_behind(self, job: Job, known: Job) -> bool:
        """Whether a job was at an earlier stage than it is known to have reached."""
        if job.state == known.state and not self._after_end:
            return False
        stage, reached = self._stage(job), self._stage(known)
        if stage is None or reached is None:
            return reached is not None and reached[0] == self._end
        return stage < reached

    def is_outdated(self, told: Version, known: Version) -> bool:
        """Whether a version is older than one that is known."""
        if told.job.state != known.job.state or self._after_end:
            if self.is_behind(told.job, known.job):
                return True
            if self.is_behind(known.job, told.job):
                return False
        if known.job.finished:
            return not told.described
        if told.job.state != known.job.state:  # one of them nobody knows
            return False
        if told.at - known.at > LATEST:
            return False
        further = self._further(told.job, known.job)
        return further < 0 or (further == 0 and known.described and not told.described)

    def newest(self, told: Version, known: Version) -> Version:
        """Choose the newer of two, with the progress of the other where that is further."""
        if self.is_outdated(told, known):
            return known
        if told.at - known.at <= LATEST or told.job.state != known.job.state:
            return told
        values = list(told.job.values)
        for place in self._progress:
            new, old = values[place], known.job.values[place]
            if new is not None and old is not None and new < old:
                values[place] = old
        if tuple(values) == told.job.values:
            return told
        return told._replace(job=replace(told.job, values=tuple(values)))

    def with_child_counts(self, job: Job, described: Job) -> Job:
        """Add what only a description tells to what a row of a list tells."""
        values = tuple(
            old if new is None and counts_children else new
            for counts_children, new, old in zip(self._child_count, job.values, described.values, strict=True)
        )
        child_states = job.child_states or described.child_states
        if values == job.values and child_states == job.child_states:
            return job
        return replace(job, values=values, child_states=child_states)

    def may_be_validated(self, job: Job) -> bool:
        """Whether a finished job may turn out not to be finished, because a validation of it begins."""
        return any(not job.info[place] for place, _ in self._after_end)

    def is_validated(self, job: Job) -> bool:
        """Whether a validation of an ended job has begun, or ended."""
        stage = self._stage(job)
        return stage is not None and stage > (self._end, 0)

    def _stage(self, job: Job) -> tuple[int, int] | None:
        life = self._life.get(job.state)
        if life is None:
            return None
        if life < self._end or not self._after_end:
            return life, 0
        return life, max(_course(job.info[place], values) for place, values in self._after_end)

    def _further(self, job: Job, known: Job) -> Number:
        """How much further a job was, by what both tell; negative when it was not yet so far."""
        for place in self._progress:
            new, old = job.values[place], known.values[place]
            if new is not None and old is not None and new != old:
                return new - old
        return 0


def _course(value: str, while_unfinished: frozenset[str]) -> int:
    return 0 if not value else 1 if value in while_unfinished else 2
