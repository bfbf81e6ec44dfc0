"""The time of day, as far as it can be trusted.

The clock of a machine may be wrong when the exporter starts, and may jump while it runs: a virtual machine
starts with a wrong clock until NTP sets it, or somebody sets it. Which jobs are within the window, and
which ended since the start, depends on the time. AWS tells the true time in the `Date` header of each answer.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from email.utils import parsedate_to_datetime

log = logging.getLogger(__name__)

TOLERANCE = (
    30.0  # seconds by which AWS's time may differ; the header tells whole seconds, and answers take a while
)
STEP = 2.0  # seconds within one look by which the system clock may move against the monotonic one
WORD_KEPT = 300.0  # seconds for which the last word of a source counts
REMEDY = (
    "synchronize the clock of this machine by NTP; AWS refuses requests that are signed with a wrong time"
)


class Clock:
    """Tells the time of day; notices when the system clock is wrong. May be used from several threads.

    Time passes as on the monotonic clock. A jump of the system clock is not followed, unless no source has
    ever told the time. When the sources agree that the time is another, it is set to theirs.

    Args:
        system: seconds since 1970 on the system clock.
        steady: seconds on a monotonic clock.

    Attributes:
        corrections: how often the time was set anew. Whoever has worked with the time from before looks again
            at what hangs on it.
    """

    def __init__(self, system: Callable[[], float], steady: Callable[[], float]) -> None:
        self._system = system
        self._steady = steady
        self._offset = system() - steady()  # between the time and the monotonic clock
        self._started = steady()
        self._words: dict[Hashable, tuple[float, float]] = {}  # by source: the offset it told, and when
        self._distrusted = False  # the system clock
        self.corrections = 0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            self._look()
            return self._steady() + self._offset

    @property
    def started(self) -> float:
        """When the exporter started, in seconds since 1970, as far as that is known by now."""
        with self._lock:
            return self._started + self._offset

    def heard(self, source: Hashable, date: str) -> None:
        """Take note of the time that AWS just told.

        Args:
            source: who told it. Of each source the last word counts.
            date: the `Date` header of an answer; one that cannot be read is passed over.
        """
        try:
            told = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        with self._lock:
            self._look()
            now = self._steady()
            offset = told - now
            self._words[source] = offset, now
            if abs(offset - self._offset) > TOLERANCE:
                if self._support(offset) > self._support(self._offset):
                    self._correct(offset)
            elif abs(self._away()) <= TOLERANCE:
                self._follow_system()

    def _away(self) -> float:
        """Seconds by which the system clock is ahead of the time."""
        return self._system() - self._steady() - self._offset

    def _look(self) -> None:
        """Follow the system clock in small steps; where it jumps, leave it to AWS to tell the time."""
        away = self._away()
        if abs(away) <= STEP:
            self._follow_system()
        elif not self._words:
            self._correct(self._offset + away)
        elif not self._distrusted:
            self._distrusted = True
            log.warning(
                "the system clock jumped; the exporter goes by the time that AWS tells",
                extra={"seconds": round(away), "remedy": REMEDY},
            )

    def _follow_system(self) -> None:
        self._offset += self._away()
        if self._distrusted:
            self._distrusted = False
            log.info("the system clock is right again")

    def _support(self, offset: float) -> float:
        """How much speaks for an offset: each source that lately told it, and a little the system clock.

        So AWS outweighs a wrong system clock, and one endpoint with a wrong clock misleads no other target.
        """
        now = self._steady()
        lately = [told for told, heard_at in self._words.values() if now - heard_at <= WORD_KEPT]
        system = self._offset + self._away()
        return (
            sum(abs(told - offset) <= TOLERANCE for told in lately) + (abs(system - offset) <= TOLERANCE) / 2
        )

    def _correct(self, offset: float) -> None:
        by = offset - self._offset
        self._offset = offset
        self.corrections += 1
        if abs(self._away()) <= TOLERANCE:
            self._distrusted = False
            self._offset += self._away()
            log.warning("the time was corrected; jobs are read again", extra={"seconds": round(by)})
        else:
            self._distrusted = True
            details = {"seconds": round(self._away()), "remedy": REMEDY}
            log.error(
                "the system clock is wrong; the exporter goes by the time that AWS tells", extra=details
            )
