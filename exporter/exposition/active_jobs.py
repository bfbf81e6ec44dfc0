"""The lines of jobs that can still change: a job that moves on has only those lines made anew that differ."""

from collections.abc import Callable, Iterable, Mapping

from exporter.exposition.finished_jobs import FASTEST, Run, deflate
from exporter.exposition.metrics import gauge_names, job_families
from exporter.exposition.samples import Group
from exporter.exposition.text_format import Lines, encode, label_text, render
from exporter.model import Job, Kind, Number


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
        for family, known in self._lines.items():
            text = lines.get(family, b"")
            if text != known.get(key, b""):
                self.update(family, {key: text})

    def update(self, family: str, lines: Mapping[str, bytes]) -> None:
        """Put lines of one metric, by key, in the place of those that the keys had; empty for none."""
        known = self._lines[family]
        known.update(lines)
        for key in [key for key, text in lines.items() if not text]:
            del known[key]
        self._runs.pop(family, None)

    def runs(self) -> Mapping[str, Run]:
        """Give all lines of each metric that has any."""
        for family, lines in self._lines.items():
            if lines and family not in self._runs:
                self._runs[family] = deflate(b"".join(lines.values()), FASTEST)
        return self._runs


class ActiveJobLines:
    """The lines of the live jobs of one kind in one scope.

    Args:
        kind: the row of the table of kinds.
        group_of: makes a job's samples.
    """

    def __init__(self, kind: Kind, group_of: Callable[[Job], Group]) -> None:
        self._group_of = group_of
        self._gauges = gauge_names(kind)
        self._values: dict[str, tuple[Number | None, ...]] = {}
        self._labels: dict[str, bytes] = {}  # those that all lines of a job share, as they stand in a line
        self._lines = KeyedLines(family.name for family in job_families(kind))
        self.runs = self._lines.runs

    def take(self, changed: Mapping[str, Job | None], progressed: Mapping[str, Job]) -> None:
        """Take in what is new of some jobs.

        Args:
            changed: by id, how each is now; None for one that is no longer live.
            progressed: likewise, those that were taken in before and of which nothing but numbers changed.
        """
        for job_id, job in changed.items():
            if job:
                self._put(job)
            else:
                self._remove(job_id)
        if progressed:
            self._take_numbers(progressed)

    def _put(self, job: Job) -> None:
        group = self._group_of(job)
        self._lines.put(job.id, render(group))
        self._values[job.id] = job.values
        self._labels[job.id] = encode(f"{{{label_text(group.labels)}}}")

    def _remove(self, job_id: str) -> None:
        if self._values.pop(job_id, None):
            del self._labels[job_id]
            self._lines.put(job_id, {})

    def _take_numbers(self, progressed: Mapping[str, Job]) -> None:
        """Compare the numbers gauge by gauge: for most gauges they are the same for all jobs."""
        after = {job_id: job.values for job_id, job in progressed.items()}
        before = [self._values[job_id] for job_id in after]
        self._values |= after
        columns = zip(*before, strict=True), zip(*after.values(), strict=True)
        for family, olds, news in zip(self._gauges, *columns, strict=True):
            if olds != news:
                numbers = zip(after, olds, news, strict=True)
                differing = {job_id: new for job_id, old, new in numbers if old != new}
                self._lines.update(family, self._lines_of(family, differing))

    def _lines_of(self, family: str, numbers: Mapping[str, Number | None]) -> Mapping[str, bytes]:
        name, labels = family.encode(), self._labels
        return {
            job_id: b"" if number is None else b"%b%b %a\n" % (name, labels[job_id], number)
            for job_id, number in numbers.items()
        }
