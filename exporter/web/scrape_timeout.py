"""How long a scrape may wait for AWS, so that its answer is there in time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from exporter.model import Scope

DEFAULT_TIMEOUT = 10.0  # Prometheus's own default, in seconds
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
MARGIN = 0.5  # seconds before the time-out by which an answer is on its way
SPARE = 1.5  # times what writing took the last time: more is known by now, and others want to compute
LEAST_FOR_A_SCOPE = 0.002  # seconds for writing each scope, also when nothing has been written yet


class Deadline:
    """Leaves enough of each scrape's time for writing: by what writing the same took the last time.

    Args:
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._took: dict[Scope | None, float] = {}

    def patience(self, announced: str, scope: Scope | None, scopes: int = 0) -> float:
        """How many seconds a scrape may wait for AWS; never less than half of its time.

        Args:
            announced: the time-out that Prometheus announces, as the header has it.
            scope: what is scraped; None for everything.
            scopes: how many scopes that is.
        """
        try:
            timeout = float(announced)
        except ValueError:
            timeout = DEFAULT_TIMEOUT
        if not 0 < timeout < float("inf"):
            timeout = DEFAULT_TIMEOUT
        writing = max(SPARE * self._took.get(scope, 0.0), LEAST_FOR_A_SCOPE * scopes)
        return max(timeout - MARGIN - writing, timeout / 2)

    @contextmanager
    def writing(self, scope: Scope | None) -> Iterator[None]:
        """Take note of how long the block takes."""
        began = self._clock()
        yield
        self._took[scope] = self._clock() - began
