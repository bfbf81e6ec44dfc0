"""Derives data about resources, vaults and plans from their jobs."""

from collections.abc import Iterable
from typing import Any

from exporter.simulator.job_kinds import Answer


def protected_resources(jobs: Iterable[Answer]) -> list[dict[str, Any]]:
    """List the resources that have a recovery point, by ARN, as ListProtectedResources does.

    `jobs` are backup jobs, and recovery points whose jobs may be forgotten: the fields are called the same.
    As in AWS, a failed job's recovery point counts too.
    """
    found: dict[str, dict[str, Any]] = {}
    for job in jobs:
        if not {"RecoveryPointArn", "CompletionDate", "ResourceArn"} <= job.keys():
            continue
        known = found.get(job["ResourceArn"])
        if known is None or known["LastBackupTime"] < job["CompletionDate"]:
            found[job["ResourceArn"]] = _resource(job)
    return [found[arn] for arn in sorted(found)]


def _resource(job: Answer) -> dict[str, Any]:
    resource = {
        "ResourceArn": job["ResourceArn"],
        "LastBackupTime": job["CompletionDate"],
        "LastRecoveryPointArn": job["RecoveryPointArn"],
    }
    also = {
        "ResourceType": "ResourceType",
        "ResourceName": "ResourceName",
        "LastBackupVaultArn": "BackupVaultArn",
    }
    return resource | {name: job[field] for name, field in also.items() if field in job}


def last_executions(jobs: Iterable[Answer]) -> dict[str, float]:
    """Return when each plan last made a job, by the plan's id, in seconds since 1970."""
    last: dict[str, float] = {}
    for job in jobs:
        plan = job.get("CreatedBy", {}).get("BackupPlanId")
        if plan and "CreationDate" in job:
            last[plan] = max(last.get(plan, 0.0), job["CreationDate"])
    return last
