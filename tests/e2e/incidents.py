"""Incidents with backups, most of them without a failed job: how to stage them and how to end them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.simulator.arns import resource_type
from tests.e2e.process import REGION
from tests.support.staged_account import DAY, HERE, HOUR, OFFSITE, StagedAccount, database, rule

TESTING_PLAN = f"arn:aws:backup:{HERE}:restore-testing-plan:proof"
FILES = f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-files"
FORGOTTEN = f"arn:aws:dynamodb:{HERE}:table/forgotten"
SESSIONS = f"arn:aws:dynamodb:{HERE}:table/sessions"
REASON = "The KMS key of the vault is disabled"
COPY_TO_OFFSITE = {"CopyActions": [{"DestinationBackupVaultArn": OFFSITE}]}

Change = Callable[[StagedAccount], None]


@dataclass(frozen=True)
class Incident:
    """One incident.

    Attributes:
        alert: the alert that fires.
        labels: labels of that alert.
        says: regular expressions that the text of the alert matches: what, since when, why.
        stage: changes the account so that the incident has happened.
        mend: removes the cause, and adds the next successful job.
        finds: whether the results of the first commands in the runbook show the cause.
        also: other alerts that fire because of the incident.
        commands: the number of commands that find the cause.
    """

    alert: str
    labels: Mapping[str, str]
    says: tuple[str, ...]
    stage: Change
    mend: Change
    finds: Callable[[list[Any]], bool]
    also: tuple[str, ...] = ()
    commands: int = 1


def _stage_monthly(world: StagedAccount) -> None:
    """The last backup of the monthly rule is 45 days old; the daily rule still works."""
    plan = world.add_plan(
        "orders",
        rule(
            "monthly", world.monthly(45), Lifecycle={"DeleteAfterDays": 400}, TargetBackupVaultName="archive"
        ),
        rule("daily", world.at(3)),
    )
    world.select(plan, database("orders"))
    world.back_up(world.only(plan, "monthly"), [database("orders")], days=120, until=40 * DAY)
    world.back_up(world.only(plan, "daily"), [database("orders")])


def _mend_monthly(world: StagedAccount) -> None:
    plan = world.account.plans.get("orders-plan")
    assert plan
    world.put_backup(plan, database("orders"), age=60)


def _stage_copy(world: StagedAccount) -> None:
    """Backups succeed, but no copy jobs are created any more."""
    plan = world.add_plan("invoices", rule("daily-invoices", world.at(3), **COPY_TO_OFFSITE))
    world.select(plan, database("invoices"))
    world.back_up(plan, [database("invoices")], until=4 * DAY)
    world.back_up(plan, [database("invoices")], days=4, CopyActions=[])


def _stage_renamed_tag(world: StagedAccount) -> None:
    """A tag was renamed yesterday, so the rule runs but selects nothing."""
    plan = world.add_plan("customers", rule("daily-customers", world.at(3)))
    world.select(plan, backup="daily")
    world.back_up(plan, [database("customers")], until=20 * HOUR)
    world.account.tag(database("customers"), {"Backup": "Daily"})


def _mend_renamed_tag(world: StagedAccount) -> None:
    plan = world.account.plans.get("customers-plan")
    assert plan
    world.account.tag(database("customers"), {"backup": "daily"})
    world.put_backup(plan, database("customers"), age=60)


def _stage_opt_out(world: StagedAccount) -> None:
    """A plan selects file systems and a database; file systems were opted out yesterday."""
    plan = world.add_plan("shared", rule("daily-shared", world.at(3)))
    world.select(plan, "arn:aws:elasticfilesystem:*", database("shared"))
    world.back_up(plan, [FILES], until=20 * HOUR)
    world.back_up(plan, [database("shared")])
    world.account.opt_in["EFS"] = False


def _mend_opt_out(world: StagedAccount) -> None:
    world.account.opt_in["EFS"] = True


def _stage_missing_vault(world: StagedAccount) -> None:
    """A new plan of an organization policy has a rule with a vault that does not exist."""
    plan = world.add_plan(
        "policy", rule("daily-policy", world.at(3), TargetBackupVaultName="central"), age=12 * HOUR
    )
    world.select(plan, database("new-*"))


def _stage_last_point(world: StagedAccount) -> None:
    """Backups have failed for weeks; the last recovery point will be deleted within a day."""
    kept = {"Lifecycle": {"DeleteAfterDays": 20}}
    plan = world.add_plan("ledger", rule("daily-ledger", world.at(3), **kept))
    world.select(plan, database("ledger"))
    world.back_up(plan, [database("ledger")], days=30, until=18.5 * DAY)
    for days in range(18):
        world.put_backup(
            plan, database("ledger"), age=days * DAY + 2 * HOUR, state="FAILED", StatusMessage=REASON
        )


def _mend_last_point(world: StagedAccount) -> None:
    plan = world.account.plans.get("ledger-plan")
    assert plan
    world.put_backup(plan, database("ledger"), age=60)


def _stage_scan(world: StagedAccount) -> None:
    _stage_healthy(world, database("uploads"))
    world.put_scan(database("uploads"), "THREATS_FOUND", age=HOUR)


def _stage_restore_testing(world: StagedAccount) -> None:
    """The last test of a daily restore testing plan was five days ago."""
    _stage_healthy(world, database("tested"))
    world.account.restore_testing_plans.put(
        {
            "RestoreTestingPlanArn": TESTING_PLAN,
            "RestoreTestingPlanName": "proof",
            "CreationTime": world.now - 100 * DAY,
            "ScheduleExpression": world.at(3),
            "ScheduleExpressionTimezone": "Etc/UTC",
            "StartWindowHours": 1,
        }
    )
    world.put_restore_test(database("tested"), TESTING_PLAN, age=5 * DAY)


def _stage_plan_without_selection(world: StagedAccount) -> None:
    world.add_plan("empty", rule("daily-empty", world.at(3)), age=12 * HOUR)


def _mend_plan_without_selection(world: StagedAccount) -> None:
    plan = world.account.plans.get("empty-plan")
    assert plan
    world.select(plan, database("none-*"))


def _stage_unselected(world: StagedAccount) -> None:
    """A table was created without the tag that plans select."""
    world.account.tag(FORGOTTEN, {"Name": "forgotten", "team": "web"})


def _stage_undeleted_point(world: StagedAccount) -> None:
    _stage_healthy(world, database("kept"))
    world.put_point(database("kept"), "EXPIRED", StatusMessage="The role may not delete snapshots")


def _mend_undeleted_point(world: StagedAccount) -> None:
    world.account.recovery_points.remove(f"arn:aws:backup:{HERE}:recovery-point:kept")


def _stage_continuous(world: StagedAccount) -> None:
    _stage_healthy(world, SESSIONS)
    world.put_point(SESSIONS, "STOPPED", StatusMessage="Somebody disabled it")


def _stage_healthy(world: StagedAccount, arn: str) -> None:
    """All backups of a daily rule succeed."""
    name = arn.replace("/", ":").rpartition(":")[2]
    plan = world.add_plan(name, rule(f"daily-{name}", world.at(3)))
    world.select(plan, arn)
    world.back_up(plan, [arn])


def stage_old_backups(world: StagedAccount) -> None:
    """The last monthly backup is 29 days old and the last quarterly one 80 days: both are on schedule."""
    for name, days, months in (("monthly-archive", 29, 1), ("quarterly-archive", 80, 3)):
        schedule = world.monthly(days, months)
        plan = world.add_plan(name, rule(name, schedule, Lifecycle={"DeleteAfterDays": 400}))
        world.select(plan, database(name))
        world.back_up(plan, [database(name)], days=days + 0.1)


def _resource(arn: str, **more: str) -> Mapping[str, str]:
    return {"resource_arn": arn, "resource_type": resource_type(arn), "aws_region": REGION, **more}


def _states(rows: list[Any], place: int) -> set[str]:
    return {str(row[place]) for row in rows}


INCIDENTS = {
    "a monthly rule stops": Incident(
        "AwsBackupRuleMissed",
        _resource(database("orders"), rule_name="monthly", plan_name="orders", vault_name="archive"),
        (r"rule monthly of plan orders", r"orders", r"archive", r"due for \d+d", r"is [4-7]\dd .* old"),
        _stage_monthly,
        _mend_monthly,
        lambda answers: _states(answers[0], 2) == {"daily-rule"},
    ),
    "the off-site copy stops": Incident(
        "AwsBackupCopyMissing",
        _resource(database("invoices"), destination_vault_arn=OFFSITE),
        (r"invoices", r"backup-vault:offsite", r"due for 2d", r"is 4d .* old", r"every 1d 0h"),
        _stage_copy,
        lambda world: world.put_copy(database("invoices"), age=60),
        lambda answers: len(answers[0]) == 5 and _states(answers[0], 1) == {"COMPLETED"},
    ),
    "a tag is renamed": Incident(
        "AwsBackupRuleRanEmpty",
        {"plan_name": "customers", "rule_id": "daily-customers-rule", "aws_region": REGION},
        (r"customers", r"created no backup job", r"at 20\d\d-\d\d-\d\d \d\d:\d\d", r"Vault:\s+prod"),
        _stage_renamed_tag,
        _mend_renamed_tag,
        lambda answers: answers[1]["ListOfTags"][0]["ConditionKey"] == "backup",
        also=("AwsBackupResourceUnselected",),
        commands=2,
    ),
    "a type is opted out": Incident(
        "AwsBackupTypeOptedOut",
        {"plan_name": "shared", "resource_type": "EFS", "aws_region": REGION},
        (r"shared", r"EFS", r"for a day"),
        _stage_opt_out,
        _mend_opt_out,
        lambda answers: answers[0]["EFS"] is False,
    ),
    "a vault does not exist": Incident(
        "AwsBackupRuleVaultMissing",
        {"plan_name": "policy", "vault_name": "central", "aws_region": REGION},
        (r"policy", r"central", r"for a day", r"no such vault"),
        _stage_missing_vault,
        lambda world: world.add_vault("central"),
        lambda answers: "prod" in answers[0] and "central" not in answers[0],
    ),
    "the last recovery point goes": Incident(
        "AwsBackupLastRecoveryPointExpiring",
        _resource(database("ledger")),
        (r"ledger", r"deleted in (1d )?\d+h", r"in: prod", REASON, r"FAILED"),
        _stage_last_point,
        _mend_last_point,
        lambda answers: _states(answers[0], 1) == {"COMPLETED"},
        also=("AwsBackupMissed", "AwsBackupRuleMissed", "AwsBackupJobFailed"),
    ),
    "point-in-time recovery stops": Incident(
        "AwsBackupContinuousBackupStopped",
        _resource(SESSIONS, vault_name="prod"),
        (r"sessions", r"prod", r"STOPPED"),
        _stage_continuous,
        lambda world: world.put_point(SESSIONS, "AVAILABLE"),
        lambda answers: _states(answers[0], 2) == {"Somebody disabled it"},
    ),
    "a scan finds threats": Incident(
        "AwsBackupThreatsFound",
        _resource(database("uploads")),
        (r"uploads", r"found threats", r"1h 0m \d+s\s+ago", r"Scan job: scan-\d+"),
        _stage_scan,
        lambda world: world.put_scan(database("uploads"), "NO_THREATS_FOUND", age=60),
        lambda answers: answers[0][1] == "THREATS_FOUND",
    ),
    "restores are tested no more": Incident(
        "AwsBackupRestoreTestOverdue",
        {"restore_testing_plan_name": "proof", "aws_region": REGION},
        (r"proof", r"succeeded for 5d", r"every 1d 0h", r"last ran 5d"),
        _stage_restore_testing,
        lambda world: world.put_restore_test(database("tested"), TESTING_PLAN, age=60),
        lambda answers: "cron" in answers[0][0],
    ),
    "a plan selects nothing": Incident(
        "AwsBackupPlanWithoutSelection",
        {"plan_name": "empty", "plan_id": "empty-plan", "aws_region": REGION},
        (r"empty", r"no resource selection for a day"),
        _stage_plan_without_selection,
        _mend_plan_without_selection,
        lambda answers: answers[0]["BackupSelectionsList"] == [],
    ),
    "no plan selects a resource": Incident(
        "AwsBackupResourceUnselected",
        {"resource_type": "DynamoDB", "aws_region": REGION},
        (r"selects 1 resources of type DynamoDB", r"for a day .*: forgotten"),
        _stage_unselected,
        lambda world: world.account.tag(FORGOTTEN, {"Name": "forgotten", "backup": "daily"}),
        lambda answers: "backup" not in {tag["Key"] for tag in answers[0][0]},
    ),
    "a recovery point is not deleted": Incident(
        "AwsBackupRecoveryPointNotDeleted",
        _resource(database("kept"), vault_name="prod"),
        (r"1 recovery points of kept", r"in vault prod", r"EXPIRED"),
        _stage_undeleted_point,
        _mend_undeleted_point,
        lambda answers: _states(answers[0], 1) == {"The role may not delete snapshots"},
    ),
}
