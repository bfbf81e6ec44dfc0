"""Decides which scope publishes an account and Region, because two targets may have the same account."""

import threading
from collections.abc import Iterable

from exporter.model import Scope


class AccountOwners:
    """Assigns each account and Region to the first scope in which it is found. Thread-safe.

    If AWS reports no account for a job, the job ID is used instead.

    Attributes:
        version: a number that grows whenever an account or the scopes have changed.
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], Scope] = {}
        self._scopes: frozenset[Scope] = frozenset()
        self.version = 0
        self._lock = threading.Lock()

    def set_scopes(self, scopes: Iterable[Scope]) -> None:
        """Set the scopes that may own accounts; release the accounts of all other scopes."""
        with self._lock:
            self._scopes = frozenset(scopes)
            self._owners = {
                account: owner for account, owner in self._owners.items() if owner in self._scopes
            }
            self.version += 1

    def find(self, account_id: str, region: str) -> Scope | None:
        """Return the scope that publishes an account and Region."""
        with self._lock:
            return self._owners.get((account_id, region))

    def owner(self, account_id: str, scope: Scope) -> Scope:
        """Return the owner of an account in the Region of a scope; the scope itself if there is none yet."""
        with self._lock:
            if scope not in self._scopes:
                return scope  # the scope was removed during its last call, and is not published
            account = account_id, scope.region
            if account not in self._owners:
                self._owners[account] = scope
                self.version += 1
            return self._owners[account]
