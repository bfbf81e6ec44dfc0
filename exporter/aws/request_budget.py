"""The request budget of one scope: how many calls a second AWS may be asked for."""

import math
import threading
from collections.abc import Callable

BURST_SECONDS = 2.0
SLOWER = 0.7  # what is left of the budget when AWS throttles
SLOWEST = 0.1
RECOVERY_SECONDS = 6000.0  # from nothing to all; slowly, so that AWS's patience is not tried each minute
ROUNDING = 1e-9  # tokens; else a wait computed to the last bit may end a bit too early
ONE_REACTION_SECONDS = 1.0  # calls that were under way together are throttled together: that is one event


class Budget:
    """A token bucket: each call, and each retry of one, takes a token.

    The exporter shares AWS's quotas with everything else in the account, so it must not take them all. When
    AWS throttles nevertheless, the budget shrinks, and comes back slowly.

    Args:
        rate: tokens that come back in a second. The bucket holds twice that, and at least one.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._full_rate = rate
        self._clock = clock
        self._share = 1.0
        self._slowed_at = -math.inf
        self._tokens = self.burst
        self._filled_at = clock()
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """Tokens that come back in a second at present."""
        recovered = (self._clock() - self._slowed_at) / RECOVERY_SECONDS
        return self._full_rate * min(1.0, self._share + recovered)

    @property
    def burst(self) -> float:
        """Tokens in a full bucket at present."""
        return max(1.0, BURST_SECONDS * self.rate)

    @property
    def reserve(self) -> float:
        """Tokens that work in the background leaves for the scrapes."""
        return min(self.burst / 2, self.burst - 1)

    def try_take(self, *, leaving: float = 0.0) -> bool:
        """Take a token if there is one and `leaving` stay for others."""
        with self._lock:
            self._fill()
            if self._tokens < 1 + leaving - ROUNDING:
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

    def slow_down(self) -> None:
        """Ask less of AWS from now on: it throttled a call."""
        with self._lock:
            now = self._clock()
            if now - self._slowed_at < ONE_REACTION_SECONDS:
                return
            self._share = max(SLOWEST, self.rate / self._full_rate * SLOWER)
            self._slowed_at = now
            self._tokens = min(self._tokens, self.burst / 2)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
