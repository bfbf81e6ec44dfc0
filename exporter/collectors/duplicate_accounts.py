"""Which account a scope shows: two targets may turn out to be one account and Region."""

from collections.abc import Iterable

from exporter.aws import AwsError
from exporter.ledger import AccountOwners
from exporter.model import Fault, Scope


def claim(owners: AccountOwners, scope: Scope, shown: Iterable[str]) -> None:
    """Claim what AWS shows in a scope, before it is entered in the ledger.

    Args:
        owners: tells whether another scope publishes the same already.
        scope: who owners.
        shown: accounts; for each thing whose account neither AWS nor the configuration tells, its id.

    Raises:
        AwsError: another scope publishes one of them.
    """
    for what in {*shown}:
        holder = owners.holder(what, scope)
        if holder != scope:
            raise published_already(what, scope, holder)


def published_already(account_id: str, scope: Scope, holder: Scope) -> AwsError:
    """Describe two targets that turned out to be one account and Region."""
    what = (
        f"target {scope.target} shows account {account_id} in {scope.region}, as target {holder.target} does"
    )
    remedy = "remove one of the two from the configuration; until then the first keeps the series"
    return AwsError(Fault("duplicate", what, remedy))
