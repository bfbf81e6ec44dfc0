"""The request budget of one scope: how many calls a second AWS may be asked for."""

import threading
from collections.abc import Callable

BURST_SECONDS = 2.0


class Budget:
    """A token bucket: each call, and each retry of one, takes a token.

    The exporter shares AWS's quotas with everything else in the account, so it must not take them all.

    Args:
        rate: tokens that come back in a second. The bucket holds twice that, and at least one.
        clock: seconds on a clock that never goes back.

    Attributes:
        burst: tokens in a full bucket.
        reserve: tokens that work in the background leaves for the scrapes.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self.burst = max(1.0, BURST_SECONDS * rate)
        self.reserve = min(self.burst / 2, self.burst - 1)
        self._clock = clock
        self._tokens = self.burst
        self._filled_at = clock()
        self._lock = threading.Lock()

    def try_take(self, *, leaving: float = 0.0) -> bool:
        """Take a token if there is one and `leaving` stay for others."""
        with self._lock:
            self._fill()
            if self._tokens < 1 + leaving:
                return False
            self._tokens -= 1
            return True

    def available(self) -> int:
        """How many calls could be made at once now."""
        with self._lock:
            self._fill()
            return int(self._tokens)

    def wait_for_one(self, *, leaving: float = 0.0) -> float:
        """Seconds until a token may be there (0: now)."""
        with self._lock:
            self._fill()
            return max(0.0, (1 + leaving - self._tokens) / self.rate)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
