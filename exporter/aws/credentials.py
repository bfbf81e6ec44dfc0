"""Credentials that are fetched when first needed, renewed before they expire, and shared by many threads."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError

from exporter.aws.errors import AwsError, from_boto

PAUSE = 1.0  # seconds between two attempts: what was refused, or not found, is not asked for all the time
PAUSE_WHILE_GOOD = 30.0  # seconds between two attempts while the credentials at hand are still good


@dataclass(frozen=True)
class Lease:
    """Credentials, and how long they may be used.

    Attributes:
        credentials: never change.
        fresh_for: seconds after which to look for newer ones.
        good_for: seconds after which they must not be used any more.
    """

    credentials: Credentials
    fresh_for: float
    good_for: float


@dataclass(frozen=True)
class _Kept:
    """How the last attempt ended; the times are those of the clock."""

    outcome: Credentials | AwsError
    fresh_until: float
    good_until: float
    refused: bool = False


class LeasedCredentials:
    """Credentials that many threads use and one of them fetches, while the others wait for it or need not.

    All who wait share how the attempt ended, also when it failed.

    Args:
        fetch: gives credentials; raises AwsError. Told whether those before were refused, or there were none.
        clock: seconds on a clock that never goes back.
        learn: told of credentials before they are used.
    """

    def __init__(
        self,
        fetch: Callable[[bool], Lease],
        clock: Callable[[], float],
        learn: Callable[[Credentials], None],
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._learn = learn
        self._kept = _Kept(from_boto("GetCredentials", NoCredentialsError()), -math.inf, -math.inf)
        self._fetching = threading.Lock()

    def get(self) -> Credentials:
        """Give the credentials to use now.

        Raises:
            AwsError: there are none, or they cannot be had.
        """
        kept, now = self._kept, self._clock()
        # Whoever holds credentials that are still good does not wait for the one who renews them.
        if now >= kept.fresh_until and self._fetching.acquire(blocking=now >= kept.good_until):
            try:
                if self._kept is kept:
                    self._kept = self._next(kept)
            finally:
                self._fetching.release()
            kept = self._kept
        if isinstance(kept.outcome, AwsError):
            raise kept.outcome.with_traceback(None)
        return kept.outcome

    def refuse(self, credentials: Credentials) -> None:
        """Take note that AWS refused these: they are fetched anew, unless that has been done meanwhile."""
        if self._fetching.acquire(blocking=False):
            try:
                if self._kept.outcome is credentials and not self._kept.refused:
                    soon = self._clock() + PAUSE
                    self._kept = replace(self._kept, fresh_until=soon, good_until=soon, refused=True)
            finally:
                self._fetching.release()

    def _next(self, kept: _Kept) -> _Kept:
        began = self._clock()
        try:
            lease = self._fetch(kept.refused)
        except AwsError as error:
            now = self._clock()
            if now < kept.good_until:
                return replace(kept, fresh_until=now + PAUSE_WHILE_GOOD)
            again_at = now if error.is_transient else now + PAUSE
            return _Kept(error, again_at, again_at, refused=True)
        if lease.credentials is not kept.outcome:
            self._learn(lease.credentials)
        return _Kept(lease.credentials, began + lease.fresh_for, began + lease.good_for)
