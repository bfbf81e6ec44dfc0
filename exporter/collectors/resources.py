"""The resources that AWS lists as protected: for what is older than the look-back, and for what is gone."""

from collections import Counter
from collections.abc import Callable, Sequence

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import claim
from exporter.collectors.protocols import PACE, list_all
from exporter.config import Discovery
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Protected, account_in_arn, number


class ResourcesCollector:
    """Keeps the list of protected resources of one scope.

    Args:
        api: asks AWS.
        ledger: takes up what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
        discovery: what to look for; a resource that AWS no longer lists stays while it has a job younger
            than the look-back.
        clock: seconds since 1970.
    """

    name = "resources"
    pace = PACE

    def __init__(
        self,
        api: BackupApi,
        ledger: Ledger,
        *,
        owners: AccountOwners,
        discovery: Discovery,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners
        self._discovery = discovery
        self._clock = clock

    def refresh(self) -> None:
        """List them all. While a row cannot be read, no resource is let go."""
        rows = list_all(self._api, "ListProtectedResources", "Results")
        listing = [_protected(row) for row in rows if self._is_looked_for(row)]
        claim(self._owners, self._ledger.scope, _account_of(listing))
        with self._ledger.open_resources() as resources:
            resources.set_protected(
                listing, now=self._clock(), lookback=self._discovery.lookback, complete=rows.complete
            )

    def _is_looked_for(self, row: Answer) -> bool:
        types, vaults = self._discovery.resource_types, self._discovery.vaults
        vault = str(row.get("LastBackupVaultArn") or "").rpartition(":")[2]
        return (not types or row.get("ResourceType") in types) and (not vaults or vault in vaults)


def _account_of(listing: Sequence[Protected]) -> list[str]:
    """Tell whose list this is, as its ARNs say: others may share some of theirs, not most."""
    accounts = Counter(account_in_arn(protected.arn) for protected in listing)
    accounts.pop("", None)  # a bucket's ARN names none
    return [account_id for account_id, _ in accounts.most_common(1)]


def _protected(row: Answer) -> Protected:
    return Protected(
        arn=str(row["ResourceArn"]),
        name=str(row.get("ResourceName") or ""),
        type=str(row.get("ResourceType") or ""),
        last_recovery_point=number(row.get("LastBackupTime")),
    )
