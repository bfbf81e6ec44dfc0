"""The job IDs in the configuration."""

import threading
from collections.abc import Iterable, Iterator

from exporter.model import Fault


class ConfiguredIds:
    """The configured job IDs of one target, which may have several Regions. Thread-safe.

    A job exists in one Region only: once a Region knows it, the others are not asked any more, and it is not
    an error that they do not know it.

    Args:
        job_ids: the IDs in the configuration.

    Attributes:
        version: a number that grows whenever an error or the Region of an ID changes.
    """

    def __init__(self, job_ids: Iterable[str] = ()) -> None:
        self._ids = frozenset(job_ids)
        self._home: dict[str, str] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._faults: dict[tuple[str, str], Fault] = {}
        self.version = 0
        self._lock = threading.Lock()

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def wanted_in(self, region: str) -> dict[str, float]:
        """The IDs to ask about in this Region, and when each was last asked about (0: never)."""
        with self._lock:
            return {
                job_id: self._asked.get((job_id, region), 0.0)
                for job_id in self._ids
                if self._home.get(job_id, region) == region
            }

    def found(self, job_id: str, region: str, now: float) -> None:
        """Record that this Region knows the ID."""
        with self._lock:
            if job_id in self._ids:
                self._asked[job_id, region] = now
                is_news = self._home.get(job_id) != region
                self._home[job_id] = region
                if self._faults.pop((job_id, region), None) or is_news:
                    self.version += 1

    def refused(self, job_id: str, region: str, now: float, fault: Fault) -> None:
        """Record the error with which this Region responded for the ID."""
        with self._lock:
            if job_id in self._ids:
                self._asked[job_id, region] = now
                if self._faults.get((job_id, region)) != fault:
                    self._faults[job_id, region] = fault
                    self.version += 1

    def faults_in(self, region: str) -> dict[str, Fault]:
        """The errors of IDs that no other Region knows."""
        with self._lock:
            return {
                job_id: fault
                for (job_id, asked), fault in self._faults.items()
                if asked == region and self._home.get(job_id, region) == region
            }
