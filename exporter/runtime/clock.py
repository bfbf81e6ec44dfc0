"""The current time, corrected by AWS when the system clock is wrong.

The system clock may be wrong when the exporter starts, and may jump while it runs: a virtual machine may
start with a wrong clock until NTP corrects it, or an administrator may set it. Which jobs are within the
window, and which ended since the start, depends on the time. AWS sends the true time in the `Date` header of
each response.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from email.utils import parsedate_to_datetime

log = logging.getLogger(__name__)

TOLERANCE = 30.0  # seconds by which AWS's time may differ: the header has whole seconds, responses take time
MAX_STEP = 2.0  # seconds the system clock may drift from the monotonic clock between two reads
REPORT_LIFETIME = 300.0  # seconds for which the time that a source reported counts
REMEDY = "synchronize the clock of this machine with NTP; AWS rejects requests signed with a wrong time"


class Clock:
    """Returns the current time and detects when the system clock is wrong. Thread-safe.

    Time advances with the monotonic clock. When the system clock jumps, this clock follows only if no source
    has reported the time yet. When the sources agree on another time, this clock is set to theirs.

    Args:
        system: seconds since 1970 on the system clock.
        steady: seconds on a monotonic clock.

    Attributes:
        corrections: how often the time was corrected. After a correction, results that depend on the time
            must be computed again.
    """

    def __init__(self, system: Callable[[], float], steady: Callable[[], float]) -> None:
        self._system = system
        self._steady = steady
        self._offset = system() - steady()  # of the current time from the monotonic clock
        self._started = steady()
        self._reports: dict[Hashable, tuple[float, float]] = {}  # by source: the reported offset, and when
        self._system_clock_wrong = False
        self.corrections = 0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds since 1970."""
        with self._lock:
            now = self._update()
            return now + self._offset

    @property
    def started(self) -> float:
        """When the exporter started, in seconds since 1970; changes when the time is corrected."""
        with self._lock:
            return self._started + self._offset

    def record_date(self, source: Hashable, date: str) -> None:
        """Record the time that AWS just reported.

        Args:
            source: the source of the report. Only the latest report of each source counts.
            date: the `Date` header of a response; an invalid one is ignored.
        """
        try:
            reported = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        with self._lock:
            now = self._update()
            offset = reported - now
            self._reports[source] = offset, now
            if abs(offset - self._offset) > TOLERANCE:
                if self._support(offset) > self._support(self._offset):
                    self._correct(offset)
            elif abs(error := self._system_error()) <= TOLERANCE:
                self._follow_system(error)

    def _system_error(self) -> float:
        """Return the seconds by which the system clock is ahead of this clock."""
        return self._system() - self._steady() - self._offset

    def _update(self) -> float:
        """Follow small steps of the system clock. When it jumps, rely on the time that AWS reports.

        Returns the time of the monotonic clock.
        """
        now = self._steady()
        error = self._system() - now - self._offset
        if abs(error) <= MAX_STEP:
            self._follow_system(error)
        elif not self._reports:
            self._correct(self._offset + error)
        elif not self._system_clock_wrong:
            self._system_clock_wrong = True
            log.warning(
                "System clock jumped; using the time reported by AWS",
                extra={"seconds": round(error), "remedy": REMEDY},
            )
        return now

    def _follow_system(self, error: float) -> None:
        self._offset += error
        if self._system_clock_wrong:
            self._system_clock_wrong = False
            log.info("System clock is correct again")

    def _support(self, offset: float) -> float:
        """Count the votes for an offset: one for each recent source, half a vote for the system clock.

        So AWS outvotes a wrong system clock, and one endpoint with a wrong clock does not affect other
        targets.
        """
        now = self._steady()
        recent = [
            reported
            for reported, received_at in self._reports.values()
            if now - received_at <= REPORT_LIFETIME
        ]
        system = self._offset + self._system_error()
        votes = sum(abs(reported - offset) <= TOLERANCE for reported in recent)
        return votes + (abs(system - offset) <= TOLERANCE) / 2

    def _correct(self, offset: float) -> None:
        difference = offset - self._offset
        self._offset = offset
        self.corrections += 1
        if abs(self._system_error()) <= TOLERANCE:
            self._system_clock_wrong = False
            self._offset += self._system_error()
            log.warning("Time corrected; listing jobs again", extra={"seconds": round(difference)})
        else:
            self._system_clock_wrong = True
            details = {"seconds": round(self._system_error()), "remedy": REMEDY}
            log.error("System clock is wrong; using the time reported by AWS", extra=details)
