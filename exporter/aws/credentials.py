"""Credentials that are fetched on first use, renewed before they expire, and shared between threads."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError

from exporter.aws.errors import AwsError, from_boto

RETRY_INTERVAL = 1.0  # seconds between two attempts after credentials were rejected or not found
RENEWAL_RETRY_INTERVAL = 30.0  # seconds between two attempts to renew credentials that are still valid


@dataclass(frozen=True)
class FetchedCredentials:
    """Credentials, and how long they may be used.

    Attributes:
        credentials: never change.
        renew_after: seconds after which to renew them.
        valid_for: seconds after which they must no longer be used.
    """

    credentials: Credentials
    renew_after: float
    valid_for: float


@dataclass(frozen=True)
class _CacheEntry:
    """The result of the last attempt; the times are those of the clock."""

    result: Credentials | AwsError
    renew_at: float
    valid_until: float
    rejected: bool = False


class CachedCredentials:
    """Credentials that many threads use. One thread fetches them; others wait only if there are none.

    All waiting threads share the result of the attempt, also a failure.

    Args:
        fetch: returns credentials or raises AwsError. Its argument says whether to start over, because AWS
            rejected the last credentials or there were none.
        clock: seconds on a monotonic clock.
        on_new: called with credentials before they are used.
    """

    def __init__(
        self,
        fetch: Callable[[bool], FetchedCredentials],
        clock: Callable[[], float],
        on_new: Callable[[Credentials], None],
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._on_new = on_new
        self._entry = _CacheEntry(from_boto("GetCredentials", NoCredentialsError()), -math.inf, -math.inf)
        self._fetching = threading.Lock()

    def get(self) -> Credentials:
        """Return the credentials to use now.

        Raises:
            AwsError: they could not be fetched.
        """
        entry, now = self._entry, self._clock()
        # A thread that has valid credentials does not wait for the one that renews them.
        if now >= entry.renew_at and self._fetching.acquire(blocking=now >= entry.valid_until):
            try:
                if self._entry is entry:
                    self._entry = self._refetch(entry)
            finally:
                self._fetching.release()
            entry = self._entry
        if isinstance(entry.result, AwsError):
            raise entry.result.with_traceback(None)
        return entry.result

    def mark_rejected(self, credentials: Credentials) -> None:
        """Fetch credentials again because AWS rejected these, unless they have been replaced meanwhile."""
        if self._fetching.acquire(blocking=False):
            try:
                if self._entry.result is credentials and not self._entry.rejected:
                    soon = self._clock() + RETRY_INTERVAL
                    self._entry = replace(self._entry, renew_at=soon, valid_until=soon, rejected=True)
            finally:
                self._fetching.release()

    def _refetch(self, entry: _CacheEntry) -> _CacheEntry:
        started = self._clock()
        try:
            fetched = self._fetch(entry.rejected)
        except AwsError as error:
            now = self._clock()
            if now < entry.valid_until:
                return replace(entry, renew_at=now + RENEWAL_RETRY_INTERVAL)
            retry_at = now if error.is_transient else now + RETRY_INTERVAL
            return _CacheEntry(error, retry_at, retry_at, rejected=True)
        if fetched.credentials is not entry.result:
            self._on_new(fetched.credentials)
        return _CacheEntry(fetched.credentials, started + fetched.renew_after, started + fetched.valid_for)
