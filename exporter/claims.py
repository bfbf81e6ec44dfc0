"""Which scope publishes which account and Region: two targets may turn out to be the same."""

import threading

from exporter.model import Scope


class Claims:
    """Gives each account and Region to the first scope that shows it. May be used from several threads.

    A job that tells no account stands for itself: its id is claimed in the account's place.
    """

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], Scope] = {}
        self._lock = threading.Lock()

    def holder(self, shown: str, scope: Scope) -> Scope:
        """Claim what a scope shows in its Region. Returns who holds it: this scope or an earlier one."""
        with self._lock:
            return self._holders.setdefault((shown, scope.region), scope)
