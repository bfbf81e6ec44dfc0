"""The lines of jobs that can still change: a job that moves on has only those lines made anew that differ."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exporter.kinds import Kind
from exporter.lines import label_text, line, render
from exporter.metrics import Group, gauge_names, job_families
from exporter.model import Job


@dataclass(frozen=True, slots=True)
class _Row:
    job: Job
    labels: str  # those that all lines of the job share, as text


class LiveLines:
    """The lines of the live jobs of one kind in one scope.

    Args:
        kind: the row of the table of kinds.
        group_of: makes a job's samples.
    """

    def __init__(self, kind: Kind, group_of: Callable[[Job], Group]) -> None:
        self._group_of = group_of
        self._gauges = gauge_names(kind)
        self._rows: dict[str, _Row] = {}
        self._lines: dict[str, dict[str, bytes]] = {family.name: {} for family in job_families(kind)}

    def put(self, job: Job) -> None:
        """Take in a job, or what is new of it."""
        row = self._rows.get(job.id)
        if row and _differ_in_numbers_only(row.job, job):
            self._put_numbers(row, job)
            return
        group = self._group_of(job)
        lines = render(group)
        for family, of_jobs in self._lines.items():
            if family in lines:
                of_jobs[job.id] = lines[family]
            else:
                of_jobs.pop(job.id, None)
        self._rows[job.id] = _Row(job, label_text(group.labels))

    def remove(self, job_id: str) -> None:
        """Let go of a job."""
        if self._rows.pop(job_id, None):
            for of_jobs in self._lines.values():
                of_jobs.pop(job_id, None)

    def lines(self, family: str) -> Iterable[bytes]:
        """Give the lines of one metric."""
        return self._lines[family].values()

    def _put_numbers(self, row: _Row, job: Job) -> None:
        for family, old, new in zip(self._gauges, row.job.values, job.values, strict=True):
            if new is None:
                self._lines[family].pop(job.id, None)
            elif old != new:
                self._lines[family][job.id] = line(family, row.labels, new)
        self._rows[job.id] = _Row(job, row.labels)


def _differ_in_numbers_only(before: Job, after: Job) -> bool:
    return (
        before.state == after.state
        and before.info == after.info
        and before.account_id == after.account_id
        and before.child_states == after.child_states
        and before.message == after.message
        and before.category == after.category
    )
