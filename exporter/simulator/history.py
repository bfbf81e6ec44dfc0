"""Recovery points of months: the jobs that a plan's rules would have made."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from math import inf
from random import Random
from typing import Any
from uuid import UUID

from exporter.simulator.account import Account
from exporter.simulator.arns import recovery_point_arn, resource_type, vault_arn
from exporter.simulator.job_index import LISTED_FOR
from exporter.simulator.job_kinds import BACKUP, COPY, Answer, Kind
from exporter.simulator.jobs import GIB
from exporter.simulator.lifecycles import DAY
from exporter.simulator.schedule import DEFAULT_ZONE, runs

_TAKES = 600.0
"""Seconds that each job takes."""


def put_history(
    account: Account,
    plan: Mapping[str, Any],
    resources: Sequence[str],
    *,
    days: float = 120,
    until: float = inf,
    size: int = GIB,
) -> None:
    """Add the jobs and recovery points that a plan made in the last days.

    Each run of each rule made a COMPLETED backup job for each resource, and a COMPLETED copy job for each
    copy action. Jobs older than 30 days are deleted; their recovery points stay until their DeleteAt.

    Args:
        account: the account; its clock gives the current time.
        plan: the plan as `account.plans` takes it; it is put if the account does not have it.
        resources: ARNs.
        days: how far back to go.
        until: runs from this time on are left out, in seconds since 1970.
        size: BackupSizeInBytes of each job.
    """
    now = account.now()
    last = min(until, now - 2 * _TAKES)
    if account.plans.get(plan["BackupPlanId"]) is None:
        account.plans.put(plan)
    for rule in plan["BackupPlan"]["Rules"]:
        zone = rule.get("ScheduleExpressionTimezone") or DEFAULT_ZONE
        made = runs(rule.get("ScheduleExpression", ""), zone, now - DAY * days)
        for run in takewhile(lambda run: run <= last, made):
            for arn in resources:
                _put_jobs(account, plan, rule, arn, run, size)


def _put_jobs(
    account: Account, plan: Mapping[str, Any], rule: Mapping[str, Any], arn: str, run: float, size: int
) -> None:
    for kind, job in _jobs(account, plan, rule, arn, run, size):
        job_id = account.put(job, kind)
        if run < account.now() - LISTED_FOR:
            account.forget(job_id, kind)


def _jobs(
    account: Account, plan: Mapping[str, Any], rule: Mapping[str, Any], arn: str, run: float, size: int
) -> Iterator[tuple[Kind, Answer]]:
    """Return the backup job and the copy jobs of one resource and run."""
    rng = Random(f"{plan['BackupPlanId']} {rule['RuleId']} {arn} {run}")
    vault = rule.get("TargetBackupVaultName", "Default")
    job_id = _uuid(rng)
    common = {
        "AccountId": account.account_id,
        "ResourceArn": arn,
        "ResourceName": arn.replace("/", ":").rpartition(":")[2],
        "ResourceType": resource_type(arn),
        "State": "COMPLETED",
        "IamRoleArn": f"arn:aws:iam::{account.account_id}:role/service-role/AWSBackupDefaultServiceRole",
        "BackupSizeInBytes": size,
        "IsParent": False,
        "MessageCategory": "SUCCESS",
        "CreatedBy": _creator(account, plan, rule),
    }
    backup = common | {
        "BackupJobId": job_id,
        "BackupVaultName": vault,
        "BackupVaultArn": vault_arn(account.region, account.account_id, vault),
        "RecoveryPointArn": recovery_point_arn(arn, account.region, account.account_id, job_id),
        "CreationDate": run,
        "CompletionDate": run + _TAKES,
        "PercentDone": "100.0",
    }
    yield BACKUP, backup
    for action in rule.get("CopyActions", ()):
        copy_id = _uuid(rng)
        region, account_id = action["DestinationBackupVaultArn"].split(":")[3:5]
        yield (
            COPY,
            common
            | {
                "CopyJobId": copy_id,
                "SourceBackupVaultArn": backup["BackupVaultArn"],
                "SourceRecoveryPointArn": backup["RecoveryPointArn"],
                "DestinationBackupVaultArn": action["DestinationBackupVaultArn"],
                "DestinationRecoveryPointArn": recovery_point_arn(arn, region, account_id, copy_id),
                "CreatedByBackupJobId": job_id,
                "CreationDate": run + _TAKES,
                "CompletionDate": run + 2 * _TAKES,
            },
        )


def _creator(account: Account, plan: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    plan_id = plan["BackupPlanId"]
    here = f"arn:aws:backup:{account.region}:{account.account_id}"
    fields = {
        "BackupPlanId": plan_id,
        "BackupPlanArn": plan.get("BackupPlanArn", f"{here}:backup-plan:{plan_id}"),
        "BackupPlanName": plan["BackupPlan"].get("BackupPlanName"),
        "BackupPlanVersion": plan.get("VersionId"),
        "BackupRuleId": rule["RuleId"],
        "BackupRuleName": rule.get("RuleName"),
        "BackupRuleCron": rule.get("ScheduleExpression"),
        "BackupRuleTimezone": rule.get("ScheduleExpressionTimezone"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
