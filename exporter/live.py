"""The lines of jobs that can still change: a job that moves on has only those lines made anew that differ."""

from collections.abc import Callable
from typing import NamedTuple

from exporter.kinds import Kind
from exporter.lines import label_text, line, render
from exporter.metrics import Group, gauge_names, job_families
from exporter.model import Job
from exporter.sealed import FASTEST, Run, deflate, run_of


class _Row(NamedTuple):
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
        self._runs: dict[str, Run] = {}

    def put(self, job: Job) -> None:
        """Take in a job, or what is new of it."""
        row = self._rows.get(job.id)
        if row and _differ_in_numbers_only(row.job, job):
            self._put_numbers(row, job)
            return
        group = self._group_of(job)
        lines = render(group)
        for family in self._lines:
            self._set(family, job.id, lines.get(family))
        self._rows[job.id] = _Row(job, label_text(group.labels))

    def remove(self, job_id: str) -> None:
        """Let go of a job."""
        if self._rows.pop(job_id, None):
            for family in self._lines:
                self._set(family, job_id, None)

    def run(self, family: str) -> Run:
        """Give all lines of a metric, deflated anew only when one of them changed."""
        run = self._runs.get(family)
        if run is None:
            lines = b"".join(self._lines[family].values())
            run = self._runs[family] = run_of([deflate(lines, FASTEST)] if lines else [])
        return run

    def _put_numbers(self, row: _Row, job: Job) -> None:
        for family, old, new in zip(self._gauges, row.job.values, job.values, strict=True):
            if old != new:
                self._set(family, job.id, None if new is None else line(family, row.labels, new))
        self._rows[job.id] = _Row(job, row.labels)

    def _set(self, family: str, job_id: str, lines: bytes | None) -> None:
        if lines is None:
            self._lines[family].pop(job_id, None)
        else:
            self._lines[family][job_id] = lines
        self._runs.pop(family, None)


def _differ_in_numbers_only(before: Job, after: Job) -> bool:
    return (
        before.state == after.state
        and before.info == after.info
        and before.account_id == after.account_id
        and before.child_states == after.child_states
        and before.message == after.message
        and before.category == after.category
    )
