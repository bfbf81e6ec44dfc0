"""How long a scrape may wait for AWS, so that its answer is there in time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.model import Scope

DEFAULT_TIMEOUT = 10.0  # Prometheus's own default, in seconds
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
MARGIN = 0.5  # seconds before the time-out by which an answer is on its way


class Deadline:
    """Leaves as much of each scrape's time for writing as writing the same took the last time.

    Args:
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._took: dict[Scope | None, float] = {}

    def patience(self, announced: str, scope: Scope | None) -> float:
        """How many seconds a scrape may wait for AWS; never less than half of its time.

        Args:
            announced: the time-out that Prometheus announces, as the header has it.
            scope: what is scraped; None for everything.
        """
        try:
            timeout = float(announced)
        except ValueError:
            timeout = DEFAULT_TIMEOUT
        if not 0 < timeout < float("inf"):
            timeout = DEFAULT_TIMEOUT
        return max(timeout - MARGIN - self._took.get(scope, 0.0), timeout / 2)

    @contextmanager
    def writing(self, scope: Scope | None) -> Iterator[None]:
        """Take note of how long the block takes."""
        began = self._clock()
        yield
        self._took[scope] = self._clock() - began
