"""The lines of jobs that can still change: only lines that differ are rendered again."""

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from exporter.exposition.compression import FASTEST, Run, deflate
from exporter.exposition.job_metrics import gauge_names
from exporter.exposition.metric_types import Group
from exporter.exposition.text_format import Lines, encode, label_text, render
from exporter.model import Job, Kind, Number

_Key = TypeVar("_Key", bound=Hashable)


class KeyedLines(Generic[_Key]):
    """Lines by metric and key. The lines of a metric are joined and deflated when one of them has changed."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[_Key, bytes]] = {}
        self._runs: Mapping[str, Run] = {}
        self._outdated: dict[str, None] = {}

    def put(self, key: _Key, lines: Lines) -> None:
        """Replace the lines of a key."""
        for family, text in lines.items():
            if text != self._lines.setdefault(family, {}).get(key):
                self.update(family, {key: text})
        for family, known in self._lines.items():
            if key in known and family not in lines:
                self.update(family, {key: b""})

    def update(self, family: str, lines: Mapping[_Key, bytes]) -> None:
        """Replace lines of one metric, by key; an empty line removes the key."""
        known = self._lines.setdefault(family, {})
        known.update(lines)
        for key in [key for key, text in lines.items() if not text]:
            del known[key]
        self._outdated[family] = None

    def runs(self) -> Mapping[str, Run]:
        """Return the lines of each metric that has any; another mapping when they have changed."""
        if self._outdated:
            runs = dict(self._runs)
            for family in self._outdated:
                if lines := self._lines[family]:
                    runs[family] = deflate(b"".join(lines.values()), FASTEST)
                else:
                    runs.pop(family, None)
            self._runs = runs
            self._outdated.clear()
        return self._runs


class ActiveJobLines:
    """The lines of the tracked jobs of one kind in one scope.

    Args:
        kind: the job kind.
        group_of: returns the samples of a job.
    """

    def __init__(self, kind: Kind, group_of: Callable[[Job], Group]) -> None:
        self._group_of = group_of
        self._gauges = gauge_names(kind)
        self._values: dict[str, tuple[Number | None, ...]] = {}
        self._labels: dict[str, bytes] = {}  # those that all lines of a job share, rendered
        self._lines: KeyedLines[str] = KeyedLines()
        self.runs = self._lines.runs

    def update(self, changed: Mapping[str, Job | None], progressed: Mapping[str, Job]) -> None:
        """Render the changes of some jobs.

        Args:
            changed: new versions by id; None for a job that is no longer tracked.
            progressed: new versions of known jobs of which only numbers changed.
        """
        for job_id, job in changed.items():
            if job:
                self._put(job)
            else:
                self._remove(job_id)
        if progressed:
            self._update_numbers(progressed)

    def _put(self, job: Job) -> None:
        group = self._group_of(job)
        self._lines.put(job.id, render(group))
        self._values[job.id] = job.values
        self._labels[job.id] = encode(f"{{{label_text(group.labels)}}}")

    def _remove(self, job_id: str) -> None:
        if self._values.pop(job_id, None):
            del self._labels[job_id]
            self._lines.put(job_id, {})

    def _update_numbers(self, progressed: Mapping[str, Job]) -> None:
        """Compare the numbers gauge by gauge, because most gauges are unchanged for all jobs."""
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
