"""Vaults and plans: what is published of them, at a pace of their own."""

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.refresh.refresher import CHECK_INTERVAL
from exporter.refresh.scope_refresh import SLOW_INTERVAL
from exporter.simulator.errors import ApiError
from tests.support.harness import LOADER, REGION, START, Bench, Series, static_session

HOUR, DAY = 3600.0, 86400.0
ROLE = "arn:aws:iam::123456789012:role/backup"


def client(aws: Bench) -> Any:
    """A client that makes vaults and plans in the simulated account."""
    assert LOADER
    session = static_session(None)
    return session.create_client("backup", region_name=REGION, endpoint_url=aws.server.endpoint_url)


def make_plan(aws: Bench, name: str, *schedules: str) -> dict[str, Any]:
    """Make a plan with a rule for each schedule."""
    rules = [
        {"RuleName": f"rule-{number}", "TargetBackupVaultName": "prod", "ScheduleExpression": schedule}
        for number, schedule in enumerate(schedules)
    ]
    made: dict[str, Any] = client(aws).create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": rules})
    return made


def scrape_all(aws: Bench, *collectors: str) -> Series:
    """Start an exporter with these collectors, let it take in everything, and scrape it."""
    watch = aws.watch(collectors=collectors)
    watch.catch_up()
    return watch.scrape()


def test_a_vault_tells_its_recovery_points_and_whether_it_is_locked(aws: Bench) -> None:
    """Both come from the list of vaults; no vault is described."""
    client(aws).create_backup_vault(BackupVaultName="prod")
    series = scrape_all(aws, "vaults")
    assert series.value("aws_backup_vault_locked", vault_name="prod") == 0
    labels = series.labels("aws_backup_vault_recovery_points", vault_name="prod")
    assert labels["aws_account_id"] == "123456789012"
    assert {call.operation for call in aws.account.calls} <= {"ListBackupVaults", "CreateBackupVault"}


def test_a_vault_that_is_gone_has_no_series(aws: Bench) -> None:
    """Deleted vaults vanish with the next refresh."""
    client(aws).create_backup_vault(BackupVaultName="prod")
    watch = aws.watch(collectors=("vaults",))
    watch.catch_up()
    assert watch.scrape().find("aws_backup_vault_locked")
    client(aws).delete_backup_vault(BackupVaultName="prod")
    aws.clock.advance(301)
    watch.catch_up()
    assert watch.scrape().find("aws_backup_vault_locked") == []


def test_a_rule_tells_its_interval_and_its_next_run(aws: Bench) -> None:
    """Each rule has the largest gap between its runs, also one that others hide in AWS's preview."""
    made = make_plan(aws, "all", "cron(0 * ? * * *)", "cron(0 5 ? * MON-FRI *)", "cron(0 5 1 * ? *)")
    series = scrape_all(aws, "plans")
    found = series.find("aws_backup_rule_interval_seconds", plan_id=made["BackupPlanId"], plan_name="all")
    assert sorted(value for _, value in found) == [HOUR, 3 * DAY, 31 * DAY]
    runs = series.find("aws_backup_rule_next_run_timestamp_seconds", plan_id=made["BackupPlanId"])
    assert len(runs) == 3
    assert min(value for _, value in runs) > START


@pytest.mark.parametrize(("days", "hours"), [(-6, 24), (-0.25, 47), (3, 24)])
def test_a_preview_without_one_run(aws: Bench, days: float, hours: float) -> None:
    """A run that clocks going forward skip makes a daily rule rest for 47 hours around it, and not before."""
    skipped = datetime(2026, 10, 3, 16, 30, tzinfo=UTC).timestamp()  # in Sydney half past two
    aws.clock.now = skipped + days * DAY
    runs = [skipped + DAY * day for day in range(-12, 12) if day]
    schedule = {"ScheduleExpression": "cron(30 2 ? * * *)", "ScheduleExpressionTimezone": "Australia/Sydney"}
    aws.account.plans.put(
        {
            "BackupPlanId": "p",
            "BackupPlan": {"BackupPlanName": "p", "Rules": [{"RuleId": "r", **schedule}]},
            "ScheduledRunsPreview": [
                {"ExecutionTime": datetime.fromtimestamp(run, UTC), "RuleId": "r"}
                for run in runs
                if run > aws.clock()
            ][:10],
        }
    )
    interval = scrape_all(aws, "plans").value("aws_backup_rule_interval_seconds")
    assert interval == hours * HOUR


def test_slow_collectors_keep_a_pace_of_their_own(aws: Bench) -> None:
    """Vaults are asked for every five minutes, however often one scrapes."""
    watch = aws.watch(collectors=("vaults",))
    for _ in range(10):
        watch.catch_up()
        watch.scrape()
        aws.clock.advance(60)
    assert [call.operation for call in aws.account.calls] == ["ListBackupVaults"] * 2


def test_a_slow_collector_that_failed_is_tried_again_within_a_minute(aws: Bench) -> None:
    """A failure does not last five minutes."""
    client(aws).create_backup_vault(BackupVaultName="prod")
    aws.account.fail("ListBackupVaults", ApiError("AccessDeniedException", 403, "no"))
    watch = aws.watch(collectors=("vaults",))
    watch.catch_up()
    assert watch.scrape().value("aws_backup_up", collector="vaults") == 0
    aws.account.recover()
    aws.clock.advance(60)
    watch.catch_up()
    series = watch.scrape()
    assert series.value("aws_backup_up", collector="vaults") == 1
    assert series.find("aws_backup_vault_locked", vault_name="prod")


def test_jobs_that_cannot_be_listed_hold_up_no_slow_collector(aws: Bench) -> None:
    """While copies are denied for good, the vaults are asked for every five minutes all the same."""
    aws.account.fail("ListCopyJobs", ApiError("AccessDeniedException", 403, "no"))
    watch = aws.watch(collectors=("copy_jobs", "vaults"))
    watch.refresh()
    [scope] = watch.exporter.refresher._scopes.values()
    begun = aws.clock()
    for due_at_once in scope.background():
        if not due_at_once:
            aws.clock.advance(CHECK_INTERVAL)
        if aws.clock() > begun + 2 * SLOW_INTERVAL:
            break
    asked = [call.operation for call in aws.account.calls]
    assert asked.count("ListBackupVaults") == 3
    assert watch.read().value("aws_backup_up", collector="vaults") == 1
    assert watch.read().value("aws_backup_up", collector="copy_jobs") == 0


def test_a_plan_deleted_between_list_and_get_is_passed_over(aws: Bench) -> None:
    """A plan that is gone by the time it is read is no failure."""
    make_plan(aws, "gone", "cron(0 5 ? * * *)")
    aws.account.fail("GetBackupPlan", ApiError("ResourceNotFoundException", 400, "gone"))
    series = scrape_all(aws, "plans")
    assert series.value("aws_backup_up", collector="plans") == 1
    assert series.find("aws_backup_rule_interval_seconds") == []
