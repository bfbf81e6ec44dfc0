"""The ledgers of the accounts of one organization in one Region, for the accounts that are not targets."""

import threading
from collections.abc import Callable, Sequence

from exporter.assembly.account_states import AccountState
from exporter.assembly.ledger_directory import LedgerDirectory
from exporter.collectors import AccountLedger, published_already
from exporter.exposition import ScopeSeries
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Account, Scope

UNKNOWN_ACCOUNT = "unknown"


class OrganizationLedgers:
    """Creates the ledger of an account when its first job is seen. Thread-safe.

    If the account is a target of its own, such as a member of the organization, the ledger of that target is
    used. So each job is published once, whoever reads it.

    Args:
        view: the target of the organization, and the Region.
        create: creates the state for an account.
        ledgers: finds the ledger of the target that monitors an account.
        owners: decides which organization publishes an account, if several have it.
    """

    def __init__(
        self,
        view: Scope,
        create: Callable[[str], AccountState],
        *,
        ledgers: LedgerDirectory,
        owners: AccountOwners,
    ) -> None:
        self._view = view
        self._create = create
        self._ledgers = ledgers
        self._checked = ledgers.version
        self._owners = owners
        self._states: dict[str, AccountState] = {}
        self._listed: frozenset[str] = frozenset()
        self._left: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def find(self, account_id: str) -> AccountLedger | None:
        """Return the ledger of an account; None if the account has left or is not active.

        Raises:
            AwsError: another organization of the configuration publishes the account.
        """
        account_id = account_id or UNKNOWN_ACCOUNT
        with self._lock:
            if account_id in self._left:
                return None
            ledger = self._ledgers.find(account_id, self._view.region)
            if ledger:
                self._states.pop(account_id, None)
                return AccountLedger(ledger, is_followed=True)
            owner = self._owners.owner(account_id, self._view)
            if owner != self._view:
                raise published_already(account_id, self._view, owner)
            if account_id not in self._states:
                self._states[account_id] = self._create(account_id)
            return AccountLedger(self._states[account_id].ledger, is_followed=False)

    def unfollowed(self) -> tuple[tuple[str, Ledger], ...]:
        """Return the IDs and the ledgers of the accounts that are not targets."""
        return tuple((account_id, state.ledger) for account_id, state in self._current())

    def series(self) -> tuple[ScopeSeries, ...]:
        """Return the series of the accounts that are not targets."""
        return tuple(state.series for _, state in self._current())

    def take(self, account_id: str) -> AccountState | None:
        """Remove and return the state of an account that becomes a target; None if there is none."""
        with self._lock:
            return self._states.pop(account_id, None)

    def set_accounts(self, accounts: Sequence[Account]) -> None:
        """Set the accounts of the organization.

        Accounts that are not active are left out, as are those that were in the list before.
        """
        active = frozenset(account.id for account in accounts if account.is_active)
        with self._lock:
            self._left = (self._left | self._listed | {account.id for account in accounts}) - active
            self._listed = active
            for account_id in self._left:
                self._states.pop(account_id, None)

    def _current(self) -> list[tuple[str, AccountState]]:
        """Return the states, without those of accounts that turned out to be another target's."""
        with self._lock:
            if self._checked != (version := self._ledgers.version):
                self._states = {
                    account_id: state
                    for account_id, state in self._states.items()
                    if not self._ledgers.find(account_id, self._view.region)
                }
                self._checked = version
            return [*self._states.items()]
