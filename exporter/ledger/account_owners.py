"""Which scope publishes which account and Region: two targets may turn out to be the same."""

import threading
from collections.abc import Iterable

from exporter.model import Scope


class AccountOwners:
    """Assigns each account and Region to the first scope that shows it. Thread-safe.

    Where AWS gives no account for a job, the job's id takes its place.
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], Scope] = {}
        self._scopes: frozenset[Scope] = frozenset()
        self._lock = threading.Lock()

    def set_scopes(self, scopes: Iterable[Scope]) -> None:
        """Set the scopes that may own accounts; the accounts of all other scopes are free again."""
        with self._lock:
            self._scopes = frozenset(scopes)
            self._owners = {
                account: owner for account, owner in self._owners.items() if owner in self._scopes
            }

    def find(self, account_id: str, region: str) -> Scope | None:
        """Find the scope that publishes an account and Region."""
        with self._lock:
            return self._owners.get((account_id, region))

    def owner(self, account_id: str, scope: Scope) -> Scope:
        """Return the owner of an account in the Region of a scope: an earlier scope, else this one."""
        with self._lock:
            if scope not in self._scopes:
                return scope  # its last call ended after it was removed: its series are not published
            return self._owners.setdefault((account_id, scope.region), scope)
