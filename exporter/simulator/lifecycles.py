"""How long recovery points are kept: from the rule that made them to the dates that AWS calculates."""

from collections.abc import Mapping
from typing import Any

from exporter.simulator.job_kinds import Answer
from exporter.simulator.static_rows import StaticRows

DAY = 86400.0
Lifecycle = Mapping[str, Any]
"""MoveToColdStorageAfterDays, DeleteAfterDays; empty: kept forever, never in cold storage."""


def backup_lifecycle(job: Answer, plans: StaticRows) -> Lifecycle:
    """Return the lifecycle of a backup job's point: the job's own, else that of its rule."""
    return job.get("RecoveryPointLifecycle") or _rule(job, plans).get("Lifecycle") or {}


def copy_lifecycle(job: Answer, plans: StaticRows) -> Lifecycle:
    """Return the lifecycle of a copy job's point: the job's own, else that of its rule's copy action."""
    lifecycles = (
        action.get("Lifecycle")
        for action in _rule(job, plans).get("CopyActions") or ()
        if action.get("DestinationBackupVaultArn") == job.get("DestinationBackupVaultArn")
    )
    return job.get("DestinationRecoveryPointLifecycle") or next(lifecycles, None) or {}


def lifecycle_fields(lifecycle: Lifecycle, created: float) -> dict[str, Any]:
    """Return Lifecycle and CalculatedLifecycle of a point created then (seconds since 1970)."""
    if not lifecycle:
        return {}
    dates = (
        ("MoveToColdStorageAt", "MoveToColdStorageAfterDays"),
        ("DeleteAt", "DeleteAfterDays"),
    )
    calculated = {name: created + DAY * lifecycle[days] for name, days in dates if days in lifecycle}
    return {"Lifecycle": lifecycle, "CalculatedLifecycle": calculated}


def _rule(job: Answer, plans: StaticRows) -> Mapping[str, Any]:
    """Return the rule that made a job, as GetBackupPlan describes it; empty when it is not known."""
    creator = job.get("CreatedBy", {})
    plan = plans.get(creator.get("BackupPlanId", "")) or {}
    rules = plan.get("BackupPlan", {}).get("Rules", ())
    return next((rule for rule in rules if rule.get("RuleId") == creator.get("BackupRuleId")), {})
