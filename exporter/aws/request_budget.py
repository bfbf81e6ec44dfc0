"""The request budget of one scope: a limit on the calls to AWS per second."""

import math
import threading
from collections.abc import Callable

BURST_SECONDS = 2.0
REDUCTION = 0.7  # factor of the rate when AWS throttles
MIN_FRACTION = 0.1  # of the configured rate
RECOVERY_SECONDS = 6000.0  # from 0 to the full rate; slow, so that AWS does not throttle every minute
ROUNDING = 1e-9  # tokens; without it a computed wait may be too short by a rounding error
REDUCTION_INTERVAL = 1.0  # seconds; calls that run at the same time are throttled together


class Budget:
    """A token bucket: each call, and each retry, takes one token. Thread-safe.

    The exporter shares AWS's quotas with everything else in the account, so it must not use them up. If AWS
    throttles nevertheless, the rate is reduced, and recovers slowly.

    Args:
        rate: tokens per second. The burst is twice that, at least one.
        clock: seconds on a monotonic clock.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._full_rate = rate
        self._clock = clock
        self._fraction = 1.0
        self._reduced_at = -math.inf
        self._tokens = self.burst
        self._filled_at = clock()
        self._lock = threading.Lock()

    @property
    def rate(self) -> float:
        """The current rate, in tokens per second."""
        recovered = (self._clock() - self._reduced_at) / RECOVERY_SECONDS
        return self._full_rate * min(1.0, self._fraction + recovered)

    @property
    def burst(self) -> float:
        """The current size of the bucket, in tokens."""
        return max(1.0, BURST_SECONDS * self.rate)

    @property
    def reserve(self) -> float:
        """Tokens that background work leaves for scrapes."""
        return min(self.burst / 2, self.burst - 1)

    def try_acquire(self, *, reserve: float = 0.0) -> bool:
        """Take a token if `reserve` tokens are left then."""
        with self._lock:
            self._fill()
            if self._tokens < 1 + reserve - ROUNDING:
                return False
            self._tokens -= 1
            return True

    def available(self) -> int:
        """The number of calls that can be made now."""
        with self._lock:
            self._fill()
            return int(self._tokens)

    def wait_time(self, *, reserve: float = 0.0) -> float:
        """Seconds until `try_acquire` may succeed (0: now)."""
        with self._lock:
            self._fill()
            return max(0.0, (1 + reserve - self._tokens) / self.rate)

    def reduce_rate(self) -> None:
        """Reduce the rate, because AWS throttled a call."""
        with self._lock:
            now = self._clock()
            if now - self._reduced_at < REDUCTION_INTERVAL:
                return
            self._fraction = max(MIN_FRACTION, self.rate / self._full_rate * REDUCTION)
            self._reduced_at = now
            self._tokens = min(self._tokens, self.burst / 2)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
