"""Creates the recovery points of backup and copy jobs."""

from collections.abc import Callable, Mapping
from typing import Any

from exporter.simulator.job_kinds import BACKUP, COPY, Answer, Kind
from exporter.simulator.lifecycles import backup_lifecycle, copy_lifecycle, lifecycle_fields
from exporter.simulator.recovery_points import RecoveryPoints
from exporter.simulator.static_rows import StaticRows

_SUCCESSFUL = ("COMPLETED", "PARTIAL")
_SAME_FIELDS = (
    "ResourceArn",
    "ResourceName",
    "ResourceType",
    "CreatedBy",
    "IamRoleArn",
    "CreationDate",
    "InitiationDate",
    "CompletionDate",
    "BackupSizeInBytes",
    "IsParent",
    "CompositeMemberIdentifier",
    "IsEncrypted",
)
_BACKUP_FIELDS = {
    "BackupVaultName": "BackupVaultName",
    "BackupVaultArn": "BackupVaultArn",
    "EncryptionKeyArn": "EncryptionKeyArn",
    "VaultType": "VaultType",
}
_COPY_FIELDS = {
    "DestinationBackupVaultArn": "BackupVaultArn",
    "DestinationEncryptionKeyArn": "EncryptionKeyArn",
    "DestinationVaultType": "VaultType",
    "SourceBackupVaultArn": "SourceBackupVaultArn",
}
_POINT_ARN = {BACKUP.name: "RecoveryPointArn", COPY.name: "DestinationRecoveryPointArn"}


class DerivedPoints:
    """Adds the recovery points of finished jobs to those of an account.

    A copy to another account or Region is kept until `take` returns it.

    Args:
        points: the recovery points of the account.
        plans: the plans of the account, which define the lifecycle of recovery points.
        vaults: the ARN prefix of the vaults of the account.
    """

    def __init__(self, points: RecoveryPoints, plans: StaticRows, vaults: str) -> None:
        self._points = points
        self._plans = plans
        self._vaults = vaults
        self._elsewhere: dict[str, list[Answer]] = {}

    def add(self, kind: Kind, job: Answer, parent: Answer | None) -> None:
        """Add the recovery point of a finished job, if it created one. `parent` is its parent job."""
        arn = _POINT_ARN.get(kind.name, "")
        if job.get("State") not in _SUCCESSFUL or arn not in job:
            return
        point = _point(job, job[arn], _BACKUP_FIELDS if kind == BACKUP else _COPY_FIELDS)
        if parent is not None and arn in parent:
            point["ParentRecoveryPointArn"] = parent[arn]
        lifecycle: Callable[[Answer, StaticRows], Mapping[str, Any]]
        lifecycle = backup_lifecycle if kind == BACKUP else copy_lifecycle
        if "CreationDate" in job:
            point |= lifecycle_fields(lifecycle(job, self._plans), job["CreationDate"])
        self._keep(kind, point)

    def take(self, vaults: str) -> list[Answer]:
        """Return and remove the copies to the vaults with this ARN prefix."""
        return self._elsewhere.pop(vaults, [])

    def _keep(self, kind: Kind, point: dict[str, Any]) -> None:
        vaults, colon, _ = point.get("BackupVaultArn", "").rpartition(":")
        if kind == COPY and vaults + colon != self._vaults:
            self._elsewhere.setdefault(vaults + colon, []).append(point)
        elif "BackupVaultName" in point or "BackupVaultArn" in point:
            self._points.derive(point)


def _point(job: Answer, arn: str, renamed: Mapping[str, str]) -> dict[str, Any]:
    return {
        "RecoveryPointArn": arn,
        "Status": job["State"],
        "VaultType": "BACKUP_VAULT",
        **{name: job[name] for name in _SAME_FIELDS if name in job},
        **{name: job[field] for field, name in renamed.items() if field in job},
    }
