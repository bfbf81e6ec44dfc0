"""Decides which of two versions of a job is newer. Pure.

AWS reports a job many times, in lists and in descriptions, and calls run in parallel, so versions may arrive
in another order than they were made. The order of arrival counts only if the contents do not decide.
"""

from dataclasses import replace
from functools import cache
from typing import NamedTuple

from exporter.model import Job, Kind, Number

MAX_DELAY = 60.0  # seconds that a response takes at most: later ones are newer
CHILD_COUNT = "NumberOfChildJobs"
PROGRESS = ("PercentDone", "BytesTransferred")


class Version(NamedTuple):
    """One report of a job: whether by a describe call, and when it arrived."""

    job: Job
    described: bool
    at: float


class Versions:
    """Compares versions of jobs of one kind.

    - A job never returns to an earlier stage: its states have the order of `kind.states`, terminal states
      are last, and a validation follows. An unknown state may come anywhere before the terminal states.
    - Within a stage, progress does not decrease, and a description takes precedence over a row of a list.
    - A version that arrives more than `MAX_DELAY` seconds after another one is newer within the same stage,
      whatever its contents. Progress keeps its highest value.

    Args:
        kind: the job kind.
    """

    def __init__(self, kind: Kind) -> None:
        active = kind.active_states
        self._end = len(active)
        self._order = {state: place for place, state in enumerate(active)} | dict.fromkeys(
            kind.terminal, self._end
        )
        self._order[""] = -1
        self._progress = [place for place, gauge in enumerate(kind.gauges) if gauge.member in PROGRESS]
        self._child_count = [gauge.member == CHILD_COUNT for gauge in kind.gauges]
        members = [member for _, member in kind.info]
        self._after_end = [(members.index(member), values) for member, values in kind.unfinished_while]

    def is_behind(self, job: Job, known: Job) -> bool:
        """Whether a job is at an earlier stage than the known version."""
        if job.state == known.state and not self._after_end:
            return False
        stage, reached = self._stage(job), self._stage(known)
        if stage is None or reached is None:
            return reached is not None and reached[0] == self._end
        return stage < reached

    def is_outdated(self, version: Version, known: Version) -> bool:
        """Whether a version is older than the known one."""
        if version.job.state != known.job.state or self._after_end:
            if self.is_behind(version.job, known.job):
                return True
            if self.is_behind(known.job, version.job):
                return False
        if known.job.finished:
            return not version.described
        if version.job.state != known.job.state:  # one of the states is unknown
            return False
        if version.at - known.at > MAX_DELAY:
            return False
        progress = self._compare_progress(version.job, known.job)
        return progress < 0 or (progress == 0 and known.described and not version.described)

    def newest(self, version: Version, known: Version) -> Version:
        """Return the newer version, with the progress of the other one where that is higher."""
        if self.is_outdated(version, known):
            return known
        if version.at - known.at <= MAX_DELAY or version.job.state != known.job.state:
            return version
        values = list(version.job.values)
        for place in self._progress:
            new, old = values[place], known.job.values[place]
            if new is not None and old is not None and new < old:
                values[place] = old
        if tuple(values) == version.job.values:
            return version
        return version._replace(job=replace(version.job, values=tuple(values)))

    def with_child_counts(self, job: Job, described: Job) -> Job:
        """Add the child counts of a description, which rows of a list do not have."""
        values = tuple(
            old if new is None and counts_children else new
            for counts_children, new, old in zip(self._child_count, job.values, described.values, strict=True)
        )
        child_states = job.child_states or described.child_states
        if values == job.values and child_states == job.child_states:
            return job
        return replace(job, values=values, child_states=child_states)

    def may_be_validated(self, job: Job) -> bool:
        """Whether a validation of a finished job may still begin, so that it is not finished after all."""
        return any(not job.info[place] for place, _ in self._after_end)

    def is_validated(self, job: Job) -> bool:
        """Whether a validation of a finished job has begun or ended."""
        stage = self._stage(job)
        return stage is not None and stage > (self._end, 0)

    def _stage(self, job: Job) -> tuple[int, int] | None:
        order = self._order.get(job.state)
        if order is None:
            return None
        if order < self._end or not self._after_end:
            return order, 0
        return order, max(_validation_stage(job.info[place], values) for place, values in self._after_end)

    def _compare_progress(self, job: Job, known: Job) -> Number:
        """Compare the progress of two versions: positive if the first one is ahead, negative if behind."""
        for place in self._progress:
            new, old = job.values[place], known.values[place]
            if new is not None and old is not None and new != old:
                return new - old
        return 0


@cache
def versions_of(kind: Kind) -> Versions:
    """Return the comparison for a kind, which all scopes share."""
    return Versions(kind)


def _validation_stage(value: str, while_unfinished: frozenset[str]) -> int:
    return 0 if not value else 1 if value in while_unfinished else 2
