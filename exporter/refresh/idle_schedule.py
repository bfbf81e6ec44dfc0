"""When a target and Region in which nothing happens is refreshed: once per interval. Pure."""

from exporter.model import Scope
from exporter.runtime import phase

JITTER = 1.0  # seconds by which a scrape may come too early


class IdleSchedule:
    """Spreads the refreshes of idle scopes evenly: each scope has its own phase in the interval.

    Args:
        scope: the target and Region, which determine the phase.
        interval: seconds between two refreshes; 0: refresh on each scrape.
    """

    def __init__(self, scope: Scope, interval: float) -> None:
        self._interval = interval
        self._phase = interval * phase(f"{scope.target}/{scope.region}")

    def next(self, now: float) -> float:
        """Return when to refresh after a refresh now: at the phase, but at most an interval later.

        The phase alone is not enough: if a scope's phase is close to the time of the scrapes, and each scrape
        comes a little early or late, then every other one would be too early.
        """
        if self._interval <= JITTER:
            return now
        earliest = now + JITTER
        at_phase = earliest + (self._phase - earliest) % self._interval
        return min(at_phase, now + self._interval - JITTER)
