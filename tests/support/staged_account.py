"""Puts plans, jobs and recovery points of the past into a simulated account."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.arns import recovery_point_arn, resource_type, vault_arn
from exporter.simulator.history import put_history
from exporter.simulator.job_kinds import BACKUP, COPY, RESTORE, SCAN
from tests.support.harness import REGION

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
OFFSITE = vault_arn("eu-central-1", DEFAULT_ACCOUNT, "offsite")
HERE = f"{REGION}:{DEFAULT_ACCOUNT}"
ROLE = f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/service-role/AWSBackupDefaultServiceRole"

Fields = Mapping[str, Any]


class StagedAccount:
    """A simulated account and its past.

    Args:
        account: is filled.
        now: the time of the account, in seconds since 1970.
    """

    def __init__(self, account: Account, now: float) -> None:
        self.account = account
        self.now = now
        self._ids = 0
        for name in ("prod", "archive"):
            self.add_vault(name)

    def add_vault(self, name: str) -> None:
        """Create a vault."""
        self.account.vaults.put(
            {"BackupVaultName": name, "BackupVaultArn": vault_arn(REGION, DEFAULT_ACCOUNT, name)}
        )

    def at(self, hours: float) -> str:
        """Give the schedule of a rule that ran so many hours ago, and each day at the same time."""
        run = datetime.fromtimestamp(self.now - hours * HOUR, UTC)
        return f"cron({run.minute} {run.hour} ? * * *)"

    def monthly(self, days: float, months: int = 1) -> str:
        """Give the schedule of a rule that ran so many days ago, on that day of every so many months."""
        run = datetime.fromtimestamp(self.now - days * DAY, UTC)
        which = ",".join(str(month) for month in range(1, 13) if (month - run.month) % months == 0)
        return f"cron({run.minute} {run.hour} {run.day} {which} ? *)"

    def add_plan(self, name: str, *rules: Fields, age: float = 200 * DAY) -> Fields:
        """Create a plan that is so many seconds old."""
        plan = {
            "BackupPlanId": f"{name}-plan",
            "BackupPlanArn": f"arn:aws:backup:{HERE}:backup-plan:{name}-plan",
            "VersionId": "1",
            "CreationDate": self.now - age,
            "BackupPlan": {"BackupPlanName": name, "Rules": list(rules)},
        }
        self.account.plans.put(plan)
        return plan

    def select(self, plan: Fields, *resources: str, **tags: str) -> None:
        """Let a plan select resources by patterns of ARNs, or by tags."""
        self.account.selections.put(
            {
                "SelectionId": f"{plan['BackupPlanId']}-selection",
                "BackupPlanId": plan["BackupPlanId"],
                "BackupSelection": {
                    "SelectionName": "all",
                    "IamRoleArn": ROLE,
                    "Resources": list(resources),
                    "ListOfTags": [
                        {"ConditionType": "STRINGEQUALS", "ConditionKey": key, "ConditionValue": value}
                        for key, value in tags.items()
                    ],
                },
            }
        )

    def back_up(
        self, plan: Fields, arns: Sequence[str], *, days: float = 10, until: float = 0.0, **changes: Any
    ) -> None:
        """Let a plan make its jobs from so many days ago until so many seconds ago.

        `changes` are fields that its rules had then.
        """
        rules = [{**rule, **changes} for rule in plan["BackupPlan"]["Rules"]]
        before = {**plan, "BackupPlan": {**plan["BackupPlan"], "Rules": rules}}
        put_history(self.account, before, arns, days=days, until=self.now - until)

    def only(self, plan: Fields, rule_name: str) -> Fields:
        """Give a plan with one of its rules."""
        rules = [rule for rule in plan["BackupPlan"]["Rules"] if rule["RuleName"] == rule_name]
        return {**plan, "BackupPlan": {**plan["BackupPlan"], "Rules": rules}}

    def put_backup(
        self, plan: Fields, arn: str, *, age: float, state: str = "COMPLETED", **more: Any
    ) -> None:
        """Add one job of the first rule of a plan that ended so many seconds ago."""
        [rule, *_] = plan["BackupPlan"]["Rules"]
        job_id, vault = self._new_id("backup"), rule["TargetBackupVaultName"]
        made = {
            "RecoveryPointArn": recovery_point_arn(arn, REGION, DEFAULT_ACCOUNT, job_id),
            "BackupSizeInBytes": 2**30,
        }
        self.account.put(
            {
                **self._job(arn, age, state),
                "BackupJobId": job_id,
                "BackupVaultName": vault,
                "BackupVaultArn": vault_arn(REGION, DEFAULT_ACCOUNT, vault),
                "CreatedBy": {
                    "BackupPlanId": plan["BackupPlanId"],
                    "BackupPlanName": plan["BackupPlan"]["BackupPlanName"],
                    "BackupRuleId": rule["RuleId"],
                    "BackupRuleName": rule["RuleName"],
                    "BackupRuleCron": rule["ScheduleExpression"],
                },
                **(made if state == "COMPLETED" else {}),
                **more,
            },
            BACKUP,
        )

    def put_copy(self, arn: str, *, age: float) -> None:
        """Add a copy to the off-site vault that was completed so many seconds ago."""
        ids = {"CopyJobId": self._new_id("copy"), "DestinationBackupVaultArn": OFFSITE}
        self.account.put({**self._job(arn, age, "COMPLETED"), **ids}, COPY)

    def put_restore_test(self, arn: str, testing_plan_arn: str, *, age: float) -> None:
        """Add a successful restore test that ended so many seconds ago."""
        job = {**self._job(arn, age, "COMPLETED")}
        job |= {"Status": job.pop("State"), "SourceResourceArn": job.pop("ResourceArn")}
        job |= {"RestoreJobId": self._new_id("restore"), "ValidationStatus": "SUCCESSFUL"}
        self.account.put({**job, "CreatedBy": {"RestoreTestingPlanArn": testing_plan_arn}}, RESTORE)

    def put_scan(self, arn: str, result: str, *, age: float) -> None:
        """Add a malware scan that ended so many seconds ago."""
        ids = {"ScanJobId": self._new_id("scan"), "ScanResult": {"ScanResultStatus": result}}
        self.account.put({**self._job(arn, age, "COMPLETED"), **ids, "MalwareScanner": "GUARDDUTY"}, SCAN)

    def put_point(self, arn: str, status: str, **more: Any) -> None:
        """Add a recovery point of the vault `prod`; one for each resource and name of a status."""
        self.account.recovery_points.put(
            {
                "RecoveryPointArn": f"arn:aws:backup:{HERE}:recovery-point:{arn.rpartition(':')[2]}",
                "BackupVaultName": "prod",
                "BackupVaultArn": vault_arn(REGION, DEFAULT_ACCOUNT, "prod"),
                "ResourceArn": arn,
                "ResourceType": resource_type(arn),
                "Status": status,
                "CreationDate": self.now - 20 * DAY,
                **more,
            }
        )

    def _job(self, arn: str, age: float, state: str) -> dict[str, Any]:
        return {
            "AccountId": DEFAULT_ACCOUNT,
            "ResourceArn": arn,
            "ResourceName": arn.replace("/", ":").rpartition(":")[2],
            "ResourceType": resource_type(arn),
            "State": state,
            "IamRoleArn": ROLE,
            "CreationDate": self.now - age - 10 * MINUTE,
            "CompletionDate": self.now - age,
        }

    def _new_id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids:04d}"


def rule(name: str, schedule: str, **more: Any) -> Fields:
    """Give a rule as GetBackupPlan tells it; its recovery points are kept for 35 days."""
    return {
        "RuleId": f"{name}-rule",
        "RuleName": name,
        "TargetBackupVaultName": "prod",
        "ScheduleExpression": schedule,
        "StartWindowMinutes": 60,
        "Lifecycle": {"DeleteAfterDays": 35},
        **more,
    }


def database(name: str) -> str:
    """Give the ARN of a database."""
    return f"arn:aws:rds:{HERE}:db:{name}"
