"""Selections, tags, locks, settings, restore testing and an audit framework of the simulated company."""

from collections.abc import Mapping
from typing import Any

from exporter.simulator.account import Account
from exporter.simulator.backend import SimulatedBackend
from exporter.simulator.company_incidents import put_incidents
from exporter.simulator.company_resources import (
    DAY,
    LOCKED_VAULT,
    UNSELECTED,
    WIKI,
    Plan,
    Resource,
    Selection,
    Site,
)
from exporter.simulator.history import put_history

_OPTED_OUT = (
    "DocumentDB",
    "Neptune",
    "SAP HANA on Amazon EC2",
    "Storage Gateway",
    "Timestream",
    "VirtualMachine",
)
_FOUNDED = 90 * DAY
"""Seconds since the company set up its backups."""

_LONG_KEPT = 35
"""Days; rules with a longer retention have recovery points older than the simulated jobs."""


def lock(backend: SimulatedBackend, now: float) -> None:
    """Lock a vault in compliance mode, so that the lock can no longer be changed."""
    backend.put_backup_vault_lock_configuration(LOCKED_VAULT, 30, 3650, 3)
    backend.vaults[LOCKED_VAULT].lock_date = now - _FOUNDED + 3 * DAY


def protect(account: Account, site: Site, testing_arn: str, now: float) -> None:
    """Add all protection data in one Region except plans, which must already exist."""
    plans = {row["BackupPlan"]["BackupPlanName"]: row for row in account.plans.over(())}
    for plan in site.plans:
        row = plans[plan.name]
        for selection in plan.selections:
            account.selections.put(_selection(account, plan, selection, row["BackupPlanId"], now))
        _remember_points(account, plan, row, now)
    _tag(account, site)
    for resource_type in _OPTED_OUT:
        account.opt_in[resource_type] = False
    if site.tried is not None:
        account.restore_testing_plans.put(_restore_testing_plan(testing_arn, now))
    if LOCKED_VAULT in site.vaults:
        account.frameworks.put(_framework(account, now))
        put_incidents(account, now)


def _selection(
    account: Account, plan: Plan, selection: Selection, plan_id: str, now: float
) -> Mapping[str, Any]:
    tag = {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": plan.name}
    arns = [resource.arn(account.region, account.account_id) for resource in selection.resources]
    arns += selection.patterns
    return {
        "SelectionId": f"{plan_id}-{selection.name}",
        "BackupPlanId": plan_id,
        "CreationDate": now - _FOUNDED,
        "BackupSelection": {
            "SelectionName": selection.name,
            "IamRoleArn": f"arn:aws:iam::{account.account_id}:role/service-role/AWSBackupDefaultServiceRole",
            "Resources": arns,
            "NotResources": [],
            "ListOfTags": [] if arns else [tag],
            "Conditions": {},
        },
    }


def _remember_points(account: Account, plan: Plan, row: Mapping[str, Any], now: float) -> None:
    """Add recovery points older than the simulated jobs, for rules with a long retention."""
    for rule, known in zip(plan.rules, row["BackupPlan"]["Rules"], strict=True):
        if rule.kept_days > _LONG_KEPT:
            only = {**row, "BackupPlan": {**row["BackupPlan"], "Rules": [known]}}
            arns = [resource.arn(account.region, account.account_id) for resource in rule.resources]
            put_history(account, only, arns, days=rule.kept_days, until=now - rule.past)


def _tag(account: Account, site: Site) -> None:
    """Tag the resources of the plans, and the resources that no plan selects."""
    owners: dict[Resource, list[str]] = {}
    for plan in site.plans:
        by_tag = [plan.name] if any(not selection.resources for selection in plan.selections) else []
        for rule in plan.rules:
            for resource in rule.resources:
                owners.setdefault(resource, []).extend(by_tag)
    if WIKI in owners:
        owners |= {resource: [] for resource in UNSELECTED}
    for resource, plans in owners.items():
        backup = {"backup": plans[0]} if plans else {}
        account.tag(resource.arn(account.region, account.account_id), {"Name": resource.name} | backup)


def _restore_testing_plan(arn: str, now: float) -> Mapping[str, Any]:
    return {
        "RestoreTestingPlanArn": arn,
        "RestoreTestingPlanName": "proof",
        "CreationTime": now - _FOUNDED,
        "ScheduleExpression": "cron(0 * ? * * *)",
        "ScheduleExpressionTimezone": "Etc/UTC",
        "StartWindowHours": 1,
    }


def _framework(account: Account, now: float) -> Mapping[str, Any]:
    return {
        "FrameworkName": "backup_compliance",
        "FrameworkArn": f"arn:aws:backup:{account.region}:{account.account_id}:framework:backup_compliance-1",
        "FrameworkDescription": "Everything is backed up daily and kept for 30 days",
        "NumberOfControls": 5,
        "CreationTime": now - _FOUNDED,
        "DeploymentStatus": "COMPLETED",
    }
