"""Finds the ledger of the target that monitors an account and Region."""

from collections.abc import Mapping

from exporter.ledger import AccountOwners, Ledger
from exporter.model import Scope


class LedgerDirectory:
    """The ledgers of all targets by account and Region. Thread-safe.

    Args:
        owners: decides which target publishes an account and Region, if several have it.
    """

    def __init__(self, owners: AccountOwners) -> None:
        self._owners = owners
        self._by_account: Mapping[tuple[str, str], Ledger] = {}
        self._by_scope: Mapping[Scope, Ledger] = {}

    def set_ledgers(
        self, by_scope: Mapping[Scope, Ledger], by_account: Mapping[tuple[str, str], Ledger]
    ) -> None:
        """Set the ledgers of all targets, and those of accounts and Regions from the configuration."""
        self._by_account, self._by_scope = by_account, by_scope
        self._owners.set_scopes(by_scope)

    def find(self, account_id: str, region: str) -> Ledger | None:
        """Return the ledger of an account, if one of the targets is or turned out to be that."""
        known = self._by_account.get((account_id, region))
        if known is None and (scope := self._owners.find(account_id, region)):
            known = self._by_scope.get(scope)
        return known

    @property
    def version(self) -> int:
        """A number that grows whenever `find` may return another ledger."""
        return self._owners.version
