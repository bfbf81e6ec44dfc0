"""The metric with the names of accounts of an organization."""

from collections.abc import Iterable, Iterator

from exporter.exposition.metric_types import Family, Group, Sample
from exporter.ledger import Ledger
from exporter.model import Account

ACCOUNT_INFO = Family(
    "aws_backup_account_info",
    "gauge",
    "Account of the organization, with its name and organizational unit, always 1 (ListAccounts).",
    ("aws_account_id", "account_name", "account_status", "organizational_unit"),
)
ACCOUNT_FAMILIES = (ACCOUNT_INFO,)


def account_groups(accounts: Iterable[Account], ledger: Ledger) -> Iterator[Group]:
    """Yield the sample of each account."""
    for account in accounts:
        labels = (
            ("aws_account_id", account.id),
            ("account_name", account.name),
            ("account_status", account.status),
            ("organizational_unit", account.unit),
        )
        yield Group((*labels, *ledger.labels), (Sample(ACCOUNT_INFO.name, (), 1),))
