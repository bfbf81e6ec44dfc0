"""The lines of jobs that can still change: a job that moves on has only those lines made anew that differ."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from exporter.kinds import Kind
from exporter.lines import Lines, label_text, line, render
from exporter.metrics import Group, gauge_names, job_families
from exporter.model import Job
from exporter.sealed import FASTEST, Run, deflate, run_of


class KeyedLines:
    """Lines by metric and key, joined and deflated by metric only when one of them changed.

    Args:
        families: the names of the metrics.
    """

    def __init__(self, families: Iterable[str]) -> None:
        self._lines: dict[str, dict[str, bytes]] = {family: {} for family in families}
        self._runs: dict[str, Run] = {}

    def put(self, key: str, lines: Lines) -> None:
        """Put the lines of a key in the place of those it had."""
        for family in self._lines:
            self.set(family, key, lines.get(family))

    def set(self, family: str, key: str, lines: bytes | None) -> None:
        """Put a key's lines of one metric in the place of those it had; None for none."""
        if lines is not None:
            self._lines[family][key] = lines
        elif self._lines[family].pop(key, None) is None:
            return
        self._runs.pop(family, None)

    def runs(self) -> Iterator[tuple[str, Run]]:
        """Give all lines of each metric that has any."""
        for family, lines in self._lines.items():
            if lines and family not in self._runs:
                self._runs[family] = run_of([deflate(b"".join(lines.values()), FASTEST)])
        return iter(self._runs.items())


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
        self._lines = KeyedLines(family.name for family in job_families(kind))
        self.runs = self._lines.runs

    def put(self, job: Job) -> None:
        """Take in a job, or what is new of it."""
        row = self._rows.get(job.id)
        if row and _differ_in_numbers_only(row.job, job):
            self._put_numbers(row, job)
            return
        group = self._group_of(job)
        self._lines.put(job.id, render(group))
        self._rows[job.id] = _Row(job, label_text(group.labels))

    def remove(self, job_id: str) -> None:
        """Let go of a job."""
        if self._rows.pop(job_id, None):
            self._lines.put(job_id, {})

    def _put_numbers(self, row: _Row, job: Job) -> None:
        for family, old, new in zip(self._gauges, row.job.values, job.values, strict=True):
            if old != new:
                self._lines.set(family, job.id, None if new is None else line(family, row.labels, new))
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
