"""The backup vaults: how many recovery points each holds, and whether it is locked."""

from exporter.aws import BackupApi
from exporter.collectors import PATIENCE
from exporter.kinds import Answer, account_in_arn, number
from exporter.ledger import Ledger
from exporter.model import Vault


class VaultsCollector:
    """Keeps the vaults of one scope.

    Args:
        api: asks AWS.
        ledger: takes up what AWS tells.
    """

    name = "vaults"

    def __init__(self, api: BackupApi, ledger: Ledger) -> None:
        self._api = api
        self._ledger = ledger

    def refresh(self) -> None:
        """List them all."""
        pages = self._api.pages(
            "ListBackupVaults", "BackupVaultList", leaving=self._api.budget.reserve, patience=PATIENCE
        )
        rows = [row for page in pages for row in page if row.get("BackupVaultName")]
        self._ledger.vaults = tuple(map(_vault, rows))


def _vault(row: Answer) -> Vault:
    locked = row.get("Locked")
    return Vault(
        name=str(row["BackupVaultName"]),
        account_id=account_in_arn(str(row.get("BackupVaultArn") or "")),
        recovery_points=number(row.get("NumberOfRecoveryPoints")),
        locked=locked if isinstance(locked, bool) else None,
    )
