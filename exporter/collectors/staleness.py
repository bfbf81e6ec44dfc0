"""How long ago each active job was last brought up to date, counted in refreshes."""

from collections.abc import Iterable

STALE_AFTER = 3  # refreshes in a row that did not bring an active job up to date


class Freshness:
    """Counts refreshes since each job was last brought up to date. May be used from several threads."""

    def __init__(self) -> None:
        self._refreshes = 0
        self._updated: dict[str, int] = {}

    def begin(self) -> None:
        """Begin a refresh."""
        self._refreshes += 1

    def updated(self, job_ids: Iterable[str]) -> None:
        """Take note that AWS just told of these jobs."""
        self._updated.update(dict.fromkeys(job_ids, self._refreshes))

    def stale(self, job_ids: Iterable[str]) -> int:
        """Count those of all active jobs that the last refreshes left out, and forget other jobs."""
        self._updated = {job_id: self._updated.get(job_id, self._refreshes) for job_id in job_ids}
        return sum(self._refreshes - updated >= STALE_AFTER for updated in self._updated.values())
