"""How long ago each active job was last updated, in refreshes."""

from collections.abc import Iterable

STALE_AFTER = 3  # consecutive refreshes that did not update an active job


class Freshness:
    """Counts the refreshes since each job was last updated. Thread-safe."""

    def __init__(self) -> None:
        self._refreshes = 0
        self._updated: dict[str, int] = {}

    def begin(self) -> None:
        """Count a new refresh."""
        self._refreshes += 1

    def updated(self, job_ids: Iterable[str]) -> None:
        """Record that these jobs are up to date."""
        self._updated.update(dict.fromkeys(job_ids, self._refreshes))

    def stale(self, job_ids: Iterable[str]) -> int:
        """Count the stale jobs. The argument has the ids of all active jobs; other jobs are forgotten."""
        self._updated = {job_id: self._updated.get(job_id, self._refreshes) for job_id in job_ids}
        return sum(self._refreshes - updated >= STALE_AFTER for updated in self._updated.values())
