"""Collects a list of things that rarely change, such as the vaults of an account."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Inventory, Ledger
from exporter.model import Answer


class Listed(Protocol):
    """A record with an account ID."""

    @property
    def account_id(self) -> str:
        """The account ID; empty if unknown."""


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list operation of AWS Backup, and how its rows are parsed and stored.

    Attributes:
        collector: the name of the collector.
        operation: as AWS spells it.
        member: the field of the response that holds the rows.
        parse: parses a row.
        name_of: returns the name of a record, used in place of an unknown account.
        known: returns the records that the inventory has.
        replace: returns the inventory with other records; the last argument is the default account.
    """

    collector: str
    operation: str
    member: str
    parse: Callable[[Answer], T]
    name_of: Callable[[T], str]
    known: Callable[[Inventory], Iterable[T]]
    replace: Callable[[Inventory, Iterable[T], str], Inventory]


class ListCollector(Generic[T]):
    """Collects one list of one scope.

    Args:
        listing: what to list.
        api: calls AWS.
        ledger: stores the records.
        owners: decides which scope publishes an account and Region.
    """

    pace = PACE

    def __init__(self, listing: Listing[T], api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self.name = listing.collector
        self._listing = listing
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """Read the whole list. If a row is malformed, no known record is removed.

        Raises:
            AwsError, OverBudgetError: the list could not be read.
        """
        listing, default = self._listing, self._ledger.account_id
        rows = list_all(self._api, listing.operation, listing.member)
        records = [listing.parse(row) for row in rows]
        accounts = (record.account_id or default or listing.name_of(record) for record in records)
        check_owner(self._owners, self._ledger.scope, accounts)

        def replaced(inventory: Inventory) -> Inventory:
            kept = () if rows.complete else listing.known(inventory)
            return listing.replace(inventory, (*kept, *records), default)

        self._ledger.update_inventory(replaced)
