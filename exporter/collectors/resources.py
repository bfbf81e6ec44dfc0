"""Collects the protected resources: backups older than the look-back, and resources no longer protected."""

from collections import Counter
from collections.abc import Callable, Sequence

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.config import Discovery
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Protected, account_in_arn, number


class ResourcesCollector:
    """Collects the protected resources of one scope.

    Args:
        api: calls AWS.
        ledger: stores the resources.
        owners: decides which scope publishes an account and Region.
        discovery: which resources to select; a resource that AWS no longer lists is kept while it has a job
            within the look-back.
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
        """List all resources. If a row is malformed, no known resource is removed.

        Resources of another account are skipped, because a vault can contain copies from other accounts.
        """
        rows = list_all(self._api, "ListProtectedResources", "Results")
        listing = [_protected(row) for row in rows if self._is_selected(row)]
        own = self._ledger.own_account_id
        check_owner(self._owners, self._ledger.scope, [own] if own else _account_of(listing))
        if own:
            listing = [each for each in listing if account_in_arn(each.arn) in ("", own)]
        with self._ledger.open_resources() as resources:
            resources.set_protected(
                listing, now=self._clock(), lookback=self._discovery.lookback, complete=rows.complete
            )

    def _is_selected(self, row: Answer) -> bool:
        types, vaults = self._discovery.resource_types, self._discovery.vaults
        vault = str(row.get("LastBackupVaultArn") or "").rpartition(":")[2]
        return (not types or row.get("ResourceType") in types) and (not vaults or vault in vaults)


def _account_of(listing: Sequence[Protected]) -> list[str]:
    """Return the most frequent account in the ARNs of the list, which may include shared resources."""
    accounts = Counter(account_in_arn(protected.arn) for protected in listing)
    accounts.pop("", None)  # the ARN of an S3 bucket has none
    return [account_id for account_id, _ in accounts.most_common(1)]


def _protected(row: Answer) -> Protected:
    return Protected(
        arn=str(row["ResourceArn"]),
        name=str(row.get("ResourceName") or ""),
        type=str(row.get("ResourceType") or ""),
        last_recovery_point=number(row.get("LastBackupTime")),
    )
