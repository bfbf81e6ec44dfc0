"""How long a scrape may wait for AWS and still answer within the scrape timeout."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.model import Scope

DEFAULT_TIMEOUT = 10.0  # seconds; the default of Prometheus
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
TIMEOUT_OFFSET = 0.5  # seconds before the scrape timeout by which the response starts
SAFETY_FACTOR = (
    1.5  # times the last write duration: there may be more series now, and the machine may be busy
)
MIN_WRITE_TIME = 0.002  # seconds reserved for writing each scope, also before the first write


class Deadline:
    """Reserves enough of the scrape timeout for writing, based on how long the last write took.

    Args:
        clock: seconds on a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._write_durations: dict[Scope | None, float] = {}

    def max_wait(self, timeout_header: str, scope: Scope | None, scopes: int = 0) -> float:
        """Return how many seconds a scrape may wait for AWS; at least half of the timeout.

        Args:
            timeout_header: value of the header with the scrape timeout of Prometheus.
            scope: the scraped scope; None for all.
            scopes: number of scraped scopes.
        """
        try:
            timeout = float(timeout_header)
        except ValueError:
            timeout = DEFAULT_TIMEOUT
        if not 0 < timeout < float("inf"):
            timeout = DEFAULT_TIMEOUT
        write_time = max(SAFETY_FACTOR * self._write_durations.get(scope, 0.0), MIN_WRITE_TIME * scopes)
        return max(timeout - TIMEOUT_OFFSET - write_time, timeout / 2)

    @contextmanager
    def writing(self, scope: Scope | None) -> Iterator[None]:
        """Measure how long the block takes."""
        start = self._clock()
        yield
        self._write_durations[scope] = self._clock() - start
