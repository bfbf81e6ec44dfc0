"""Which scope publishes which account and Region: two targets may turn out to be the same."""

import threading

from exporter.model import Scope


class Claims:
    """Gives each account and Region to the first scope that shows it. May be used from several threads."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], Scope] = {}
        self._lock = threading.Lock()

    def holder(self, account_id: str, scope: Scope) -> Scope:
        """Claim an account in the scope's Region. Returns who holds it: this scope or an earlier one."""
        with self._lock:
            return self._holders.setdefault((account_id, scope.region), scope)
