"""Realistic, reproducible jobs for all benchmarks."""

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

ACCOUNT = "123456789012"
REGION = "eu-west-1"
WINDOW = 24 * 3600.0
_TYPES = ("EBS", "EC2", "RDS", "DynamoDB", "EFS", "S3", "Aurora")
_VAULTS = ("prod-daily", "prod-weekly", "dev")


def finished(count: int, now: float, account_id: str = ACCOUNT) -> Iterator[dict[str, Any]]:
    """Yield answers of DescribeBackupJob for jobs that ended, spread over the window; none leaves it soon."""
    rng = Random(count)
    for number in range(count):
        created = now - WINDOW + 3600 + (WINDOW - 10800) * number / count
        state = "COMPLETED" if rng.random() < 0.95 else "FAILED"
        yield _answer(rng, number, created, state, 100.0, account_id) | {
            "CompletionDate": _date(created + 900 + rng.random() * 900),
            "StatusMessage": "" if state == "COMPLETED" else "Access denied when calling the service",
            "MessageCategory": "SUCCESS" if state == "COMPLETED" else "AccessDenied",
        }


def active(count: int, now: float, percent: float, account_id: str = ACCOUNT) -> Iterator[dict[str, Any]]:
    """Yield answers of DescribeBackupJob for jobs that run and are so far."""
    rng = Random(-count)
    for number in range(count):
        yield _answer(rng, number, now - 3000 + 20 * (number % 100), "RUNNING", percent, account_id)


def _answer(
    rng: Random, number: int, created: float, state: str, percent: float, account_id: str = ACCOUNT
) -> dict[str, Any]:
    job_id = str(UUID(int=rng.getrandbits(128)))
    vault = _VAULTS[number % len(_VAULTS)]
    size = rng.randrange(1 << 30, 1 << 40)
    return {
        "AccountId": account_id,
        "BackupJobId": job_id,
        "BackupVaultName": vault,
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{account_id}:backup-vault:{vault}",
        "RecoveryPointArn": f"arn:aws:ec2:{REGION}::snapshot/snap-{job_id[:17].replace('-', '')}",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{account_id}:volume/vol-{number % 500:017x}",
        "ResourceName": f"service-{number % 500}-data",
        "ResourceType": _TYPES[number % len(_TYPES)],
        "CreationDate": _date(created),
        "StartBy": _date(created + 3600),
        "ExpectedCompletionDate": _date(created + 7200),
        "State": state,
        "PercentDone": f"{percent:.2f}",
        "BackupSizeInBytes": size,
        "BytesTransferred": int(size * percent / 100),
        "IamRoleArn": f"arn:aws:iam::{account_id}:role/service-role/AWSBackupDefaultServiceRole",
        "BackupType": "BACKUP",
        "IsParent": False,
        "CreatedBy": {
            "BackupPlanId": "c963cfe0-afae-4a3b-b909-6a04e7d80068",
            "BackupPlanArn": f"arn:aws:backup:{REGION}:{account_id}:backup-plan:c963cfe0",
            "BackupPlanName": "production",
            "BackupPlanVersion": "428426b563b1e794ee14e1454c40c439f34a",
            "BackupRuleId": "e7aa8576-d96e-4adf-a2be-ee31ac8be7d7",
            "BackupRuleName": "daily",
        },
    }


def _date(seconds: float) -> float:
    return round(seconds, 3)
