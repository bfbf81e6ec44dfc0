"""Whatever AWS repeats, a series comes once."""

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from exporter.config import COLLECTORS
from exporter.simulator.job_kinds import COPY, RESTORE
from tests.faults.wire import Exchange, Wire
from tests.support.harness import REGION, START, Bench, Series, job

AGAIN = "again"
VAULT = f"arn:aws:backup:{REGION}:123456789012:backup-vault:prod"
PLAN_ARN = f"arn:aws:backup:{REGION}:123456789012:backup-plan:plan"
FAMILIES = {
    "aws_backup_job_state",
    "aws_backup_copy_job_state",
    "aws_backup_restore_job_state",
    "aws_backup_jobs",
    "aws_backup_copy_jobs",
    "aws_backup_restore_jobs",
    "aws_backup_resource_last_success_timestamp_seconds",
    "aws_backup_resource_last_recovery_point_timestamp_seconds",
    "aws_backup_vault_recovery_points",
    "aws_backup_rule_interval_seconds",
    "aws_backup_plan_last_execution_timestamp_seconds",
}


def fill(aws: Bench) -> None:
    """Put one thing of each kind into the account."""
    account = aws.account
    account.put(job("a", "COMPLETED", created=START - 60, CompletionDate=START))
    account.put(job("b"))
    arn = f"arn:aws:ec2:{REGION}:123456789012:volume/vol-a"
    account.put(
        {
            "CopyJobId": "c",
            "State": "COMPLETED",
            "CreationDate": START - 60,
            "ResourceArn": arn,
            "DestinationBackupVaultArn": VAULT,
            "SourceBackupVaultArn": VAULT,
        },
        COPY,
    )
    account.put(
        {"RestoreJobId": "r", "Status": "COMPLETED", "CreationDate": START - 60, "BackupVaultArn": VAULT},
        RESTORE,
    )
    account.protected.put({"ResourceArn": arn, "ResourceType": "EBS", "LastBackupTime": START})
    account.vaults.put(
        {"BackupVaultName": "prod", "BackupVaultArn": VAULT, "NumberOfRecoveryPoints": 1, "Locked": True}
    )
    rule = {"RuleId": "rule", "RuleName": "rule", "ScheduleExpression": "cron(0 5 ? * * *)"}
    account.plans.put(
        {
            "BackupPlanId": "plan",
            "BackupPlanArn": PLAN_ARN,
            "BackupPlan": {"BackupPlanName": "daily", "Rules": [rule]},
            "LastExecutionDate": START,
        }
    )


def repeat(exchange: Exchange) -> None:
    """Give every row of a list twice, and the whole page again; every rule of a plan twice."""
    url = urlsplit(exchange.path)
    asked = parse_qsl(url.query)
    is_again = ("nextToken", AGAIN) in asked
    exchange.path = f"{url.path}?{urlencode([pair for pair in asked if pair != ('nextToken', AGAIN)])}"

    def twice(body: bytes) -> bytes:
        answer = json.loads(body)
        told: dict[str, Any] = {
            name: value * 2 if isinstance(value, list) else value for name, value in answer.items()
        }
        if "BackupPlan" in told:
            told["BackupPlan"]["Rules"] *= 2
        elif not is_again and any(isinstance(value, list) for value in told.values()):
            told["NextToken"] = AGAIN
        return json.dumps(told).encode()

    exchange.forward(twice)


def come_twice(series: Series) -> list[Any]:
    """Give the samples that come more than once."""
    keys = Counter((name, tuple(sorted(labels.items()))) for name, labels, _ in series.samples)
    return [key for key, times in keys.items() if times > 1]


def test_every_series_comes_once(aws: Bench, wire: Wire) -> None:
    """With each row of each list repeated, on the page and on the next, every family has each series once."""
    fill(aws)
    wire.breakage = repeat
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), collectors=COLLECTORS)
    watch.catch_up()
    for _ in range(3):
        series = watch.scrape()
        assert come_twice(series) == []
        assert {name for name, _, _ in series.samples} >= FAMILIES
        assert series.value("aws_backup_jobs", state="COMPLETED") == 1
        aws.clock.advance(15)


@pytest.mark.parametrize("described", [True, False])
def test_ids_that_labels_do_not_tell_apart(aws: Bench, wire: Wire, described: bool) -> None:
    """Two jobs whose ids and ARNs differ only in what UTF-8 cannot carry have series once."""
    rows = [dict(job(f"a{odd}", "RUNNING" if described else "COMPLETED")) for odd in ("\ud800", "\udfff")]
    wire.breakage = lambda exchange: exchange.give(200, json.dumps({"BackupJobs": rows}))
    watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), collectors=("backup_jobs", "resources"))

    series = watch.scrape()

    assert come_twice(series) == []
    assert len(series.find("aws_backup_job_info")) == 1


@pytest.mark.parametrize("collector", ["resources", "vaults", "plans"])
def test_one_account_by_two_targets(aws: Bench, wire: Wire, collector: str) -> None:
    """What is no job comes once, too, when two targets turn out to be one account; the second's up is 0."""
    fill(aws)
    both = aws.target(name="one"), aws.target(name="two", endpoint_url=wire.endpoint_url)
    watch = aws.watch(*both, collectors=(collector,))
    for scope in watch.exporter.refresher._scopes.values():
        scope.refresh_completely()

    series = watch.read()

    assert come_twice(series) == []
    assert [series.value("aws_backup_up", target=name) for name in ("one", "two")] == [1, 0]
    assert [name for name, _, _ in series.samples if name in FAMILIES]
