"""Records, delays and throttles calls, and injects failures, before they are handled."""

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from exporter.simulator.errors import ApiError, throttled

AWS_QUOTAS: Mapping[str | None, float] = {
    None: 50,
    "DescribeBackupJob": 15,
    "DescribeRestoreJob": 15,
    "DescribeRecoveryPoint": 15,
    "GetBackupPlan": 15,
    "ListBackupJobs": 20,
    "ListRestoreJobs": 20,
    "ListBackupPlans": 20,
    "ListBackupVaults": 20,
    "ListProtectedResources": 20,
    "ListRecoveryPointsByBackupVault": 20,
    "DescribeBackupVault": 5,
    "StartBackupJob": 5,
}
"""AWS's documented defaults, in calls a second for an account and Region; None is for all calls together."""

CALLS_KEPT = 20_000


class Call(NamedTuple):
    """One recorded call: time (seconds since 1970), operation and parameters as in the AWS API."""

    time: float
    operation: str
    parameters: Mapping[str, Any]


class _Bucket:
    """A token bucket that holds one second's worth of calls, full at first."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._filled = now

    def fill(self, now: float) -> bool:
        """Return whether there is a token to take at `now`."""
        self._tokens = min(self._rate, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        return self._tokens >= 1

    def take(self) -> None:
        """Use up one token."""
        self._tokens -= 1


class _Failure:
    def __init__(self, operation: str | None, error: ApiError, times: int | None) -> None:
        self.operation = operation
        self.error = error
        self.left = times

    def strikes(self, operation: str) -> bool:
        """Return whether this call fails; counts it if so."""
        if self.operation not in (None, operation) or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class RequestControl:
    """Controls the calls to one account and Region. Thread-safe."""

    def __init__(
        self,
        clock: Callable[[], float],
        quotas: Mapping[str | None, float] | None = None,
        delay: Callable[[str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._buckets = {name: _Bucket(rate, clock()) for name, rate in (quotas or {}).items()}
        self._delay = delay
        self._failures: list[_Failure] = []
        self._calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._lock = Lock()

    @property
    def calls(self) -> list[Call]:
        """The calls so far, oldest first (the last 20,000)."""
        with self._lock:
            return list(self._calls)

    def forget_calls(self) -> None:
        """Count calls from here on."""
        with self._lock:
            self._calls.clear()

    def fail(self, operation: str | None, error: ApiError, times: int | None) -> None:
        """Let the next `times` calls (None: all) of an operation (None: any) fail with this error."""
        with self._lock:
            self._failures.append(_Failure(operation, error, times))

    def recover(self) -> None:
        """Remove all injected failures."""
        with self._lock:
            self._failures.clear()

    def admit(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Admit a call, or raise the ApiError to respond with."""
        with self._lock:
            self._calls.append(Call(self._clock(), operation, parameters))
        if self._delay is not None:
            self._delay(operation)
        with self._lock:
            self._charge(operation)
            for failure in self._failures:
                if failure.strikes(operation):
                    raise failure.error

    def _charge(self, operation: str) -> None:
        now = self._clock()
        buckets = [self._buckets[name] for name in (None, operation) if name in self._buckets]
        if not all([bucket.fill(now) for bucket in buckets]):  # noqa: C419 - each is filled, also behind an empty one
            raise throttled()
        for bucket in buckets:
            bucket.take()
