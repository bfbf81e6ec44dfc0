"""Collects the accounts of an organization, with their names and organizational units."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Account, Answer


class AccountsCollector:
    """Collects the accounts of the organization of one target.

    The list of all accounts is stored as soon as it has been read. The organizational units take more calls,
    and follow.

    Args:
        api: calls AWS Organizations.
        ledger: stores the accounts.
        owners: decides which organization publishes an account.
        pace: seconds between two refreshes.
        needs_own_id: whether `Account.is_own` is used, so that the own account has to be known.
        needs_units: whether accounts must not be stored without their organizational units.
        on_accounts: called with all accounts when they have been read.
    """

    name = "accounts"

    def __init__(
        self,
        api: BackupApi,
        ledger: Ledger,
        *,
        owners: AccountOwners,
        pace: float,
        needs_own_id: bool,
        needs_units: bool,
        on_accounts: Callable[[Sequence[Account]], None],
    ) -> None:
        self.pace = pace
        self._api = api
        self._ledger = ledger
        self._own = ledger.account_id
        self._owners = owners
        self._needs_own_id = needs_own_id
        self._needs_units = needs_units
        self._on_accounts = on_accounts

    def refresh(self) -> None:
        """List the accounts, then the organizational units. If a row is malformed, no account is removed.

        Raises:
            AwsError, OverBudgetError: a call failed; the ledger has the accounts from earlier calls.
        """
        if self._needs_own_id and not self._own:
            self._own = str(self._api.call("GetCallerIdentity", "Account")["Account"])
        known = {account.id: account for account in self._ledger.inventory.accounts}
        rows = list_all(self._api, "ListAccounts", "Accounts")
        listed = {account.id: account for account in (_account(row, self._own) for row in rows)}
        accounts = listed if rows.complete else known | listed
        has_paths = all(account.unit_ids for account in accounts.values())
        if has_paths or not self._needs_units:
            self._store([_with_known_unit(account, known.get(account.id)) for account in accounts.values()])
        units = [*self._units()]
        if has_paths:
            names = {unit.ids[-1]: unit.path for unit in units}
            self._store([_with_name(account, names) for account in accounts.values()])
        else:
            homes = {account_id: unit for unit in units for account_id in self._accounts_in(unit)}
            self._store([_with_unit(account, homes.get(account.id)) for account in accounts.values()])

    def _store(self, accounts: Sequence[Account]) -> None:
        check_owner(self._owners, self._ledger.scope, (account.id for account in accounts))
        self._ledger.update_inventory(lambda inventory: inventory.with_accounts(accounts))
        self._on_accounts(accounts)

    def _units(self) -> Iterator["_Unit"]:
        """Yield the roots and, level by level, all organizational units."""
        level = [_Unit((str(root["Id"]),), "") for root in list_all(self._api, "ListRoots", "Roots")]
        while level:
            yield from level
            level = [child for parent in level for child in self._children(parent)]

    def _children(self, parent: "_Unit") -> Iterator["_Unit"]:
        operation, member = "ListOrganizationalUnitsForParent", "OrganizationalUnits"
        for row in list_all(self._api, operation, member, ParentId=parent.ids[-1]):
            path = "/".join(filter(None, (parent.path, str(row.get("Name") or row["Id"]))))
            yield _Unit((*parent.ids, str(row["Id"])), path)

    def _accounts_in(self, unit: "_Unit") -> Iterator[str]:
        rows = list_all(self._api, "ListAccountsForParent", "Accounts", ParentId=unit.ids[-1])
        return (str(row["Id"]) for row in rows)


class _Unit(NamedTuple):
    """A root or an organizational unit: the IDs from the root down, and its path of names."""

    ids: tuple[str, ...]
    path: str


def _account(row: Answer, own: str) -> Account:
    account_id = str(row["Id"])
    return Account(
        id=account_id,
        arn=str(row.get("Arn") or ""),
        name=str(row.get("Name") or ""),
        status=str(row.get("State") or row.get("Status") or ""),  # Status is retired, State replaces it
        is_own=account_id == own,
        unit_ids=_unit_ids(row.get("Paths")),
    )


def _unit_ids(paths: object) -> tuple[str, ...]:
    """Return the IDs of the root and of the units in a path `ORGANIZATION/ROOT/UNIT/.../ACCOUNT/`."""
    path = next(iter(paths), "") if isinstance(paths, list) else ""
    return tuple(str(path).strip("/").split("/")[1:-1])


def _with_known_unit(account: Account, known: Account | None) -> Account:
    if known is None:
        return account
    return replace(account, unit_ids=account.unit_ids or known.unit_ids, unit=known.unit)


def _with_name(account: Account, names: Mapping[str, str]) -> Account:
    return replace(account, unit=names.get(account.unit_ids[-1], ""))


def _with_unit(account: Account, unit: _Unit | None) -> Account:
    return replace(account, unit_ids=unit.ids, unit=unit.path) if unit else account
