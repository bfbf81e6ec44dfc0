"""A simulated account with vaults, plans and recovery points, and what an exporter publishes of it."""

from typing import Any

from exporter.config import COLLECTORS
from exporter.simulator.account import Account
from tests.support.harness import REGION, START, Bench, Series, Watch

ACCOUNT = "123456789012"
HOUR, DAY = 3600.0, 86400.0
VOLUME = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
DAILY, MONTHLY, QUARTERLY = "cron(0 5 ? * * *)", "cron(0 5 1 * ? *)", "cron(0 5 1 1,4,7,10 ? *)"
SLOW = ("vaults", "resources", "settings", "plans", "restore_testing", "frameworks", "recovery_points")


def vault_arn(name: str, account_id: str = ACCOUNT, region: str = REGION) -> str:
    """Give the ARN of a vault."""
    return f"arn:aws:backup:{region}:{account_id}:backup-vault:{name}"


def put_vault(account: Account, name: str, **fields: Any) -> None:
    """Put a vault."""
    arn = vault_arn(name, account.account_id, account.region)
    account.vaults.put({"BackupVaultName": name, "BackupVaultArn": arn} | fields)


def put_point(
    account: Account, point_id: str, status: str = "COMPLETED", *, vault: str = "prod", **fields: Any
) -> str:
    """Put a recovery point of the volume, a day old; None takes a field away."""
    arn = f"arn:aws:ec2:{account.region}::snapshot/{point_id}"
    told = {
        "RecoveryPointArn": arn,
        "BackupVaultName": vault,
        "ResourceArn": VOLUME,
        "ResourceType": "EBS",
        "ResourceName": "orders",
        "Status": status,
        "CreationDate": START - DAY,
        "CompletionDate": START - DAY + HOUR,
        "BackupSizeInBytes": 5,
    }
    account.recovery_points.put({name: value for name, value in (told | fields).items() if value is not None})
    return arn


def created_by(rule_id: str, schedule: str, plan_id: str = "p") -> dict[str, str]:
    """Give what a job or a recovery point tells of the rule that made it."""
    names = {"BackupPlanName": plan_id, "BackupRuleName": rule_id, "BackupRuleTimezone": "Etc/UTC"}
    return {"BackupPlanId": plan_id, "BackupRuleId": rule_id, "BackupRuleCron": schedule} | names


def put_plan(
    account: Account, *rules: tuple[str, str], plan_id: str = "p", copies: str = "", **fields: Any
) -> None:
    """Put a plan of long ago with rules of these ids and schedules."""
    told = [
        {
            "RuleId": rule_id,
            "RuleName": rule_id,
            "ScheduleExpression": schedule,
            "TargetBackupVaultName": "prod",
        }
        | ({"CopyActions": [{"DestinationBackupVaultArn": copies}]} if copies else {})
        for rule_id, schedule in rules
    ]
    plan = {"BackupPlanId": plan_id, "CreationDate": START - 900 * DAY}
    arn = f"arn:aws:backup:{account.region}:{account.account_id}:backup-plan:{plan_id}"
    body = {"BackupPlanName": plan_id, "Rules": told}
    account.plans.put(plan | {"BackupPlanArn": arn, "BackupPlan": body} | fields)


def start(aws: Bench, *collectors: str, **settings: Any) -> Watch:
    """Start an exporter and let it read everything."""
    watch = aws.watch(collectors=collectors or COLLECTORS, **settings)
    watch.catch_up()
    return watch


def later(aws: Bench, watch: Watch, seconds: float = HOUR + 1) -> Series:
    """Let time pass, let everything be read again, and scrape."""
    aws.clock.advance(seconds)
    watch.catch_up()
    return watch.scrape()


def facts(series: Series) -> dict[tuple[str, str], float]:
    """Give what is published of resources, but for what only jobs tell."""
    of_jobs = (
        "_last_attempt_timestamp_seconds",
        "_last_job_state",
        "_last_ended_job_info",
        "_last_ended_timestamp_seconds",
    )
    return {
        (name, str(sorted(labels.items()))): value
        for name, labels, value in series.samples
        if name.startswith("aws_backup_resource_") and not name.endswith(of_jobs)
    }
