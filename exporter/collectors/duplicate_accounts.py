"""Two targets that turn out to be the same account and Region."""

from collections.abc import Iterable

from exporter.aws import AwsError
from exporter.ledger import AccountOwners
from exporter.model import Fault, Scope


def check_owner(owners: AccountOwners, scope: Scope, accounts: Iterable[str]) -> None:
    """Check that no other scope publishes what AWS returned, before the ledger is updated.

    Args:
        owners: says which scope publishes an account and Region.
        scope: the scope that AWS was asked about.
        accounts: account IDs; the ID of an item if neither AWS nor the configuration provides its account.

    Raises:
        AwsError: another scope publishes one of them.
    """
    for account_id in {*accounts}:
        owner = owners.owner(account_id, scope)
        if owner != scope:
            raise published_already(account_id, scope, owner)


def published_already(account_id: str, scope: Scope, owner: Scope) -> AwsError:
    """Describe two targets that turned out to be the same account and Region."""
    message = f"target {scope.target} has account {account_id} in {scope.region}, like target {owner.target}"
    remedy = f"remove one of them from the configuration; until then only {owner.target} has series"
    return AwsError(Fault("duplicate", message, remedy))
