"""Which scope publishes which account and Region: two targets may turn out to be the same."""

import threading
from collections.abc import Iterable

from exporter.model import Scope


class AccountOwners:
    """Gives each account and Region to the first scope that shows it. May be used from several threads.

    A job that tells no account stands for itself: its id is claimed in the account's place.
    """

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], Scope] = {}
        self._claimants: frozenset[Scope] = frozenset()
        self._lock = threading.Lock()

    def admit_only(self, scopes: Iterable[Scope]) -> None:
        """Let these scopes claim and no other; what others held is free again."""
        with self._lock:
            self._claimants = frozenset(scopes)
            self._holders = {
                what: holder for what, holder in self._holders.items() if holder in self._claimants
            }

    def find(self, account_id: str, region: str) -> Scope | None:
        """Find the scope that publishes an account and Region."""
        with self._lock:
            return self._holders.get((account_id, region))

    def holder(self, shown: str, scope: Scope) -> Scope:
        """Claim what a scope shows in its Region. Returns who holds it: this scope or an earlier one."""
        with self._lock:
            if scope not in self._claimants:
                return scope  # its last call came back after it was removed: nobody reads what it shows
            return self._holders.setdefault((shown, scope.region), scope)
