"""Recovery points of the simulated company that need attention."""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.simulator.account import Account
from exporter.simulator.arns import recovery_point_arn
from exporter.simulator.company_resources import (
    DAY,
    HOUR,
    INTRANET,
    LOCKED,
    LOCKED_VAULT,
    PAUSED,
    WIKI,
    Resource,
)
from exporter.simulator.lifecycles import lifecycle_fields

_KEPT_DAYS = 35


def put_incidents(account: Account, now: float) -> None:
    """Add continuous backups, one stopped, and points that cannot be deleted or will be deleted soon."""
    for point in (*_continuous(account, now), *_deletions(account, now)):
        account.recovery_points.put(point)


def _continuous(account: Account, now: float) -> Iterator[Mapping[str, Any]]:
    """Yield the continuous backups of the rule with the locked vault."""
    for resource in LOCKED.resources:
        status = "STOPPED" if resource == PAUSED else "AVAILABLE"
        yield _point(account, resource, LOCKED_VAULT, now - 30 * DAY, status)


def _deletions(account: Account, now: float) -> Iterator[Mapping[str, Any]]:
    """Yield a recovery point that AWS could not delete, and one that it will delete soon."""
    created = now - (_KEPT_DAYS + 3) * DAY
    yield _expiring(_point(account, WIKI, "prod-daily", created, "EXPIRED"))
    created = now - _KEPT_DAYS * DAY + 40 * HOUR
    yield _expiring(_point(account, INTRANET, "dev", created, "COMPLETED"))


def _expiring(point: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**point, **lifecycle_fields({"DeleteAfterDays": _KEPT_DAYS}, point["CreationDate"])}


def _point(account: Account, resource: Resource, vault: str, created: float, status: str) -> dict[str, Any]:
    arn = resource.arn(account.region, account.account_id)
    name = f"incident-{resource.name}-{status.lower()}"
    return {
        "RecoveryPointArn": recovery_point_arn(arn, account.region, account.account_id, name),
        "BackupVaultName": vault,
        "Status": status,
        "ResourceArn": arn,
        "ResourceName": resource.name,
        "ResourceType": resource.type,
        "CreationDate": created,
        "CompletionDate": created + HOUR,
        "BackupSizeInBytes": resource.size,
        "IsParent": False,
        "VaultType": "BACKUP_VAULT",
    }
