"""A small account, written out: golden.txt, each value of which was reviewed by eye.

`UPDATE_GOLDEN=1 pytest tests/exposition/test_golden.py` writes it anew; look at the differences before you
commit.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.exposition.exposition import Form
from exporter.exposition.metrics import families
from exporter.ledger.ledger import Ledger
from exporter.ledger.resources import Resources
from exporter.model import (
    Fault,
    Framework,
    Health,
    Plan,
    PlannedRule,
    RecoveryPoints,
    RestoreTestingPlan,
    Vault,
)
from exporter.model.job_kinds import BACKUP
from tests.support.makers import ACCOUNT, HOUR, NOW, REGION, Written, with_configured, written
from tests.support.programs import require

GOLDEN = Path(__file__).parent / "golden.txt"
VOLUME = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
DAY = 24 * HOUR
VAULT_ARN = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:daily"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/backup"
PLAN = {
    "BackupPlanId": "plan-1",
    "BackupPlanArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-plan:plan-1",
    "BackupPlanName": "nightly",
    "BackupPlanVersion": "v7",
    "BackupRuleId": "rule-1",
    "BackupRuleName": "every night",
    "BackupRuleCron": "cron(0 3 ? * * *)",
    "BackupRuleTimezone": "Etc/UTC",
}


def at(hour: int, minute: int, second: float = 0) -> float:
    """Give a time of the day that the account is seen on, in seconds since 1970."""
    whole = int(second)
    return datetime(2026, 9, 21, hour, minute, whole, round((second - whole) * 1e6), UTC).timestamp()


def told(job_id: str, state: str, created: float, **fields: Any) -> dict[str, Any]:
    """Tell of a job as DescribeBackupJob does."""
    common = {
        "BackupJobId": job_id,
        "State": state,
        "CreationDate": created,
        "BackupVaultName": "daily",
        "BackupVaultArn": VAULT_ARN,
        "ResourceType": "EBS",
        "PercentDone": "0.0",
    }
    return {**common, **fields}


JOBS: list[Mapping[str, Any]] = [
    told(
        "completed",
        "COMPLETED",
        at(3, 0, 0.123),
        AccountId=ACCOUNT,
        ResourceArn=VOLUME,
        ResourceName="data",
        RecoveryPointArn=f"arn:aws:ec2:{REGION}::snapshot/snap-1",
        IamRoleArn=ROLE_ARN,
        PercentDone="100.0",
        BackupSizeInBytes=107374182400,
        BytesTransferred=2147483648,
        StartBy=at(4, 0),
        ExpectedCompletionDate=at(3, 20),
        CompletionDate=at(3, 12, 30.5),
        CreatedBy=PLAN,
        MessageCategory="SUCCESS",
        IsParent=False,
    ),
    told(
        "issues", "COMPLETED", at(3, 5), AccountId=ACCOUNT, CompletionDate=at(3, 6), MessageCategory="Success"
    )
    | {"ResourceType": "EC2", "BackupOptions": {"WindowsVSS": "enabled"}, "PercentDone": "100.00%"}
    | {"StatusMessage": 'Windows VSS backup failed:\r\n"Timeout" in C:\\temp.', "BackupType": "FULL_BACKUP"},
    told(
        "failed", "FAILED", at(3, 10), AccountId=ACCOUNT, MessageCategory="AccessDenied", BytesTransferred=0
    ),
    told("created", "CREATED", at(14, 10)),
    told("running", "RUNNING", at(14, 0), AccountId=ACCOUNT, PercentDone="23.71", BytesTransferred=1048576)
    | {"ExpectedCompletionDate": at(14, 40)},
    told(
        "stack",
        "RUNNING",
        at(13, 0),
        AccountId=ACCOUNT,
        ResourceType="CloudFormation",
        IsParent=True,
        NumberOfChildJobs=3,
        ChildJobsInState={"COMPLETED": 1, "RUNNING": 2},
    ),
    told(
        "stack-1", "COMPLETED", at(13, 1), AccountId=ACCOUNT, ParentJobId="stack", CompletionDate=at(13, 30)
    ),
    told("novel", "RESTING", at(12, 0), AccountId=ACCOUNT, PercentDone=""),
]


RULE = PlannedRule(
    "rule-1",
    at(3, 0) + DAY,
    DAY,
    name="every night",
    vault_name="daily",
    schedule="cron(0 3 ? * * *)",
    timezone="Etc/UTC",
    destinations=(f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:remote",),
)
POINTS = RecoveryPoints(
    account_id=ACCOUNT,
    resource_name="data",
    resource_type="EBS",
    by_status={"COMPLETED": 30, "EXPIRED": 1},
    warm_size=107374182400,
    newest=at(3, 12, 30.5),
    oldest=at(3, 0) - 29 * DAY,
    expiry=at(3, 0) + 30 * DAY,
    newest_backup=at(3, 12, 30.5),
)
TESTING = f"arn:aws:backup:{REGION}:{ACCOUNT}:restore-testing-plan:weekly"


def tell_more(ledger: Ledger) -> None:
    """Tell of a vault, a plan, its selections, a restore testing plan and a framework."""
    vault = Vault(
        "daily", ACCOUNT, 31, True, VAULT_ARN, "BACKUP_VAULT", "AVAILABLE", "CUSTOMER_MANAGED_KMS_KEY"
    )
    vault = replace(vault, lock_date=at(0, 0), min_retention=7 * DAY, max_retention=90 * DAY)
    plan = Plan("plan-1", "nightly", ACCOUNT, at(3, 0), (RULE,), at(0, 0) - 9 * DAY, (), ("S3",))
    testing = RestoreTestingPlan(TESTING, "weekly", ACCOUNT, at(5, 0), at(5, 0) + 7 * DAY, 7 * DAY)
    ledger.update_inventory(lambda known: known.with_vaults([vault], "").with_plans([plan], ""))
    ledger.update_inventory(lambda known: known.with_opt_in({"EBS": True, "S3": False}))
    ledger.update_inventory(lambda known: known.with_testing_plans([testing]))
    ledger.update_inventory(
        lambda known: known.with_frameworks([Framework("audit", ACCOUNT, "CREATE_IN_PROGRESS")])
    )
    with ledger.open_resources() as resources:
        resources.set_plans([plan], unread_plans=(), read_at=NOW)
        resources.set_recovery_points("daily", {VOLUME: POINTS})
    for collector in ("backup_jobs", "plans", "recovery_points"):
        ledger.mark_read(collector, NOW, since=NOW - 7 * DAY)


def account() -> Written:
    """Make the account: its jobs, what was asked of AWS, and one configured id that AWS does not know."""
    started = at(3, 8)
    resources = Resources({}, lambda _: DAY)
    ledger = with_configured(
        ["gone"],
        since=started,
        collectors=["backup_jobs", "plans"],
        labels={"team": "storage"},
        resources=resources,
    )
    made = written(ledger)
    assert made.clock() == at(14, 13, 20) == NOW
    for collector in ("backup_jobs", "plans"):
        made.ledger.set_health(collector, Health(up=True, last_success=NOW))
    for operation, code, times in (("ListBackupJobs", "ok", 2), ("DescribeBackupJob", "ok", 8)):
        for _ in range(times):
            made.ledger.count_call(operation, code)
    refusal = Fault("ResourceNotFoundException", "no such job", "")
    made.ledger.count_call("DescribeBackupJob", refusal.code)
    made.ledger.configured.refused("gone", REGION, NOW, refusal)
    made.ledger.update_jobs(BACKUP, map(BACKUP.described, JOBS), NOW, described=True)
    tell_more(made.ledger)
    return made


def test_the_account_is_as_it_was_reviewed() -> None:
    """The exposition of a small account is what was reviewed, value by value."""
    text = account().text()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_bytes(text)
    assert text.decode() == GOLDEN.read_text(encoding="utf-8")


def test_each_sample_has_the_labels_of_its_metric() -> None:
    """Each line has the labels that are documented for its metric, and the target's own."""
    documented = {family.name: {*family.labels, "team"} for family in families()}
    for line in GOLDEN.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("{")
        if name in documented:
            assert {*re.findall(r'(\w+)="', rest)} - {"Timeout"} == documented[name], line


def test_promtool_finds_no_fault() -> None:
    """Promtool reads the reviewed exposition and finds nothing to better."""
    linted = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=GOLDEN.read_bytes(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert (linted.stdout.decode(), linted.returncode) == ("", 0)


def test_openmetrics_differs_in_the_names_of_counters_only() -> None:
    """In OpenMetrics a counter's HELP and TYPE leave out its ending, and an end mark follows."""
    openmetrics = account().text(Form(openmetrics=True)).decode().splitlines()
    golden = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert openmetrics[-1] == "# EOF"
    differ = [(ours, theirs) for ours, theirs in zip(golden, openmetrics[:-1], strict=True) if ours != theirs]
    assert len(differ) == 4
    assert all(ours.replace("_total ", " ", 1) == theirs for ours, theirs in differ)
    assert all(ours.startswith(("# HELP", "# TYPE")) for ours, _ in differ)
