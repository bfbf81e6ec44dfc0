"""The backup vaults: how many recovery points each holds, and whether it is locked."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import claim
from exporter.collectors.protocols import list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Vault, account_in_arn, number


class VaultsCollector:
    """Keeps the vaults of one scope.

    Args:
        api: asks AWS.
        ledger: takes up what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
    """

    name = "vaults"

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """List them all. While a row cannot be read, what was known of vaults that are not listed stays."""
        rows = list_all(self._api, "ListBackupVaults", "BackupVaultList")
        vaults = tuple(map(_vault, rows))
        assumed = self._ledger.account_id
        claim(
            self._owners, self._ledger.scope, (vault.account_id or assumed or vault.name for vault in vaults)
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
