"""Records, delays and throttles calls, and injects failures, before they are handled."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def _always(_: Mapping[str, Any]) -> bool:
    return True


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


Condition = Callable[[Mapping[str, Any]], bool]
"""Whether calls with these parameters are affected."""


@dataclass
class _NextCalls:
    """The next calls of an operation; None: any operation, and any number of calls."""

    operation: str | None
    left: int | None
    condition: Condition

    def include(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        """Return whether this call is affected; counts it if so."""
        if self.operation not in (None, operation) or self.left == 0 or not self.condition(parameters):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class RequestControl:
    """Controls the calls to a service, such as AWS Backup in one account and Region. Thread-safe."""

    def __init__(
        self,
        clock: Callable[[], float],
        quotas: Mapping[str | None, float] | None = None,
        delay: Callable[[str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._buckets = {name: _Bucket(rate, clock()) for name, rate in (quotas or {}).items()}
        self._delay = delay
        self._failures: list[tuple[_NextCalls, Exception]] = []
        self._delays: list[tuple[_NextCalls, Callable[[], object]]] = []
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

    def fail(
        self,
        operation: str | None,
        error: ApiError | ConnectionError,
        times: int | None = None,
        condition: Condition = _always,
    ) -> None:
        """Let the next `times` calls (None: all) of an operation (None: any) fail with this error.

        After a ConnectionError, the HTTP server closes the connection without a response.
        """
        with self._lock:
            self._failures.append((_NextCalls(operation, times, condition), error))

    def delay(
        self,
        operation: str | None,
        wait: Callable[[], object],
        times: int | None = None,
        condition: Condition = _always,
    ) -> None:
        """Call `wait` before the response to the next calls; the other arguments are those of `fail`."""
        with self._lock:
            self._delays.append((_NextCalls(operation, times, condition), wait))

    def recover(self) -> None:
        """Remove all injected failures and delays."""
        with self._lock:
            self._failures.clear()
            self._delays.clear()

    def admit(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Admit a call, or raise the error to respond with."""
        with self._lock:
            self._calls.append(Call(self._clock(), operation, parameters))
            waits = [wait for calls, wait in self._delays if calls.include(operation, parameters)]
        if self._delay is not None:
            self._delay(operation)
        for wait in waits:
            wait()
        with self._lock:
            self._charge(operation)
            for calls, error in self._failures:
                if calls.include(operation, parameters):
                    raise error

    def _charge(self, operation: str) -> None:
        now = self._clock()
        buckets = [self._buckets[name] for name in (None, operation) if name in self._buckets]
        if not all([bucket.fill(now) for bucket in buckets]):  # noqa: C419 - each is filled, also behind an empty one
            raise throttled()
        for bucket in buckets:
            bucket.take()
