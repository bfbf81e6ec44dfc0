"""The backup vaults: their number of recovery points, and whether they are locked."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Vault, account_in_arn, number


class VaultsCollector:
    """Lists the vaults of one scope.

    Args:
        api: calls AWS.
        ledger: stores the vaults.
        owners: says which scope publishes an account and Region.
    """

    name = "vaults"

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """List all vaults. If a row is malformed, known vaults that are not listed are kept."""
        rows = list_all(self._api, "ListBackupVaults", "BackupVaultList")
        vaults = tuple(map(_vault, rows))
        default = self._ledger.account_id
        check_owner(
            self._owners, self._ledger.scope, (vault.account_id or default or vault.name for vault in vaults)
        )
        known = () if rows.complete else self._ledger.vaults
        self._ledger.vaults = (*known, *vaults)


def _vault(row: Answer) -> Vault:
    locked = row.get("Locked")
    return Vault(
        name=str(row["BackupVaultName"]),
        account_id=account_in_arn(str(row.get("BackupVaultArn") or "")),
        recovery_points=number(row.get("NumberOfRecoveryPoints")),
        locked=locked if isinstance(locked, bool) else None,
    )
