"""The backup vaults: the number of recovery points and the lock of each."""

from exporter.collectors.list_collector import Listing
from exporter.model import Answer, Vault, account_in_arn, number

DAY = 86400


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


VAULTS = Listing(
    collector="vaults",
    operation="ListBackupVaults",
    member="BackupVaultList",
    parse=_vault,
    name_of=lambda vault: vault.name,
    known=lambda inventory: inventory.vaults or (),
    replace=lambda inventory, vaults, account_id: inventory.with_vaults(vaults, account_id),
)
