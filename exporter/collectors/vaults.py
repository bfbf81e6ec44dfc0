"""Collects the backup vaults, with the number of recovery points and the lock of each."""

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, Vault, account_in_arn, number

DAY = 86400


class VaultsCollector:
    """Collects the vaults of one scope.

    Args:
        api: calls AWS.
        ledger: stores the vaults.
        owners: decides which scope publishes an account and Region.
    """

    name = "vaults"
    pace = PACE

    def __init__(self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners

    def refresh(self) -> None:
        """List all vaults. If a row is malformed, no known vault is removed."""
        rows = list_all(self._api, "ListBackupVaults", "BackupVaultList")
        vaults = tuple(map(_vault, rows))
        default = self._ledger.account_id
        check_owner(
            self._owners, self._ledger.scope, (vault.account_id or default or vault.name for vault in vaults)
        )
        self._ledger.update_inventory(
            lambda known: known.with_vaults(
                (*(() if rows.complete else known.vaults or ()), *vaults), default
            )
        )


def _vault(row: Answer) -> Vault:
    locked = row.get("Locked")
    arn = str(row.get("BackupVaultArn") or "")
    return Vault(
        name=str(row["BackupVaultName"]),
        account_id=account_in_arn(arn),
        recovery_points=number(row.get("NumberOfRecoveryPoints")),
        locked=locked if isinstance(locked, bool) else None,
        arn=arn,
        type=str(row.get("VaultType") or ""),
        state=str(row.get("VaultState") or ""),
        encryption_key_type=str(row.get("EncryptionKeyType") or ""),
        lock_date=number(row.get("LockDate")),
        min_retention=_days(row.get("MinRetentionDays")),
        max_retention=_days(row.get("MaxRetentionDays")),
    )


def _days(value: object) -> float | None:
    days = number(value)
    return None if days is None else days * DAY
