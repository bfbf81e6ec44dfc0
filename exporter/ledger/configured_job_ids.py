"""The job ids that the configuration names."""

import threading
from collections.abc import Iterable, Iterator

from exporter.model import Fault


class ConfiguredIds:
    """The configured job ids of one target, which may have several Regions.

    A job lives in one Region only: once one knows it, the others need not be asked, and their not
    knowing it is no error. May be used from several threads.

    Args:
        job_ids: as the configuration has them.
    """

    def __init__(self, job_ids: Iterable[str] = ()) -> None:
        self._ids = frozenset(job_ids)
        self._home: dict[str, str] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._faults: dict[tuple[str, str], Fault] = {}
        self._lock = threading.Lock()

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def wanted_in(self, region: str) -> dict[str, float]:
        """The ids to ask about in this Region, and when each last was (0: never)."""
        with self._lock:
            return {
                job_id: self._asked.get((job_id, region), 0.0)
                for job_id in self._ids
                if self._home.get(job_id, region) == region
            }

    def found(self, job_id: str, region: str, now: float) -> None:
        """Take note that this Region knows the id."""
        with self._lock:
            if job_id in self._ids:
                self._asked[job_id, region] = now
                self._home[job_id] = region
                self._faults.pop((job_id, region), None)

    def refused(self, job_id: str, region: str, now: float, fault: Fault) -> None:
        """Take note of what this Region said when asked about the id."""
        with self._lock:
            if job_id in self._ids:
                self._asked[job_id, region] = now
                self._faults[job_id, region] = fault

    def faults_in(self, region: str) -> dict[str, Fault]:
        """What is wrong with ids that no other Region knows."""
        with self._lock:
            return {
                job_id: fault
                for (job_id, asked), fault in self._faults.items()
                if asked == region and self._home.get(job_id, region) == region
            }
