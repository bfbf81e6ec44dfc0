"""The lines of running jobs: when each counts as overdue, and when it last made progress."""

from collections.abc import Mapping

from exporter.exposition.active_job_lines import KeyedLines
from exporter.exposition.job_metrics import running_families, running_labels
from exporter.exposition.text_format import Lines, label_text, line
from exporter.ledger import Ledger
from exporter.model import Kind, RunningJob


class RunningJobLines:
    """The lines of the running jobs of one kind in one scope.

    Args:
        kind: the job kind.
        ledger: the state of the scope.
    """

    def __init__(self, kind: Kind, ledger: Ledger) -> None:
        self._ledger = ledger
        self._names = [family.name for family in running_families(kind)]
        self._lines = KeyedLines(self._names)
        self.runs = self._lines.runs

    def update(self, changed: Mapping[str, RunningJob | None]) -> None:
        """Render the changes of some jobs, by id; None for a job that is no longer running."""
        for job_id, job in changed.items():
            self._lines.put(job_id, self._render(job_id, job) if job else {})

    def _render(self, job_id: str, job: RunningJob) -> Lines:
        labels = label_text(running_labels(job_id, job, self._ledger))
        values = zip(self._names, (job.overdue_at, job.progressed_at), strict=True)
        return {name: line(name, labels, value) for name, value in values if value is not None}
