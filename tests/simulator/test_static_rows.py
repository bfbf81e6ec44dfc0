"""Protected resources, vaults and plans: what comes about by itself, and what a test puts and removes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError
from tests.simulator.conftest import NOW, Clock

ARN = "arn:aws:s3:::bucket"
VAULT = {"BackupVaultName": "daily", "Locked": True}
JOB = {
    "BackupJobId": "job",
    "State": "COMPLETED",
    "CreationDate": NOW - 100,
    "CompletionDate": NOW - 50,
    "BackupVaultName": "daily",
    "ResourceArn": ARN,
    "ResourceName": "bucket",
    "RecoveryPointArn": "arn:aws:backup:eu-west-1:123456789012:recovery-point:1",
    "CreatedBy": {"BackupPlanId": "plan"},
}
RULES = [
    {"RuleId": "hourly", "RuleName": "hourly", "ScheduleExpression": "cron(0 * ? * * *)"},
    {"RuleId": "monthly", "RuleName": "monthly", "ScheduleExpression": "cron(0 3 1 * ? *)"},
]
PLAN = {
    "BackupPlanId": "plan",
    "VersionId": "v1",
    "BackupPlan": {"BackupPlanName": "accounts", "Rules": RULES},
}
LISTS = [
    ("ListProtectedResources", "list_protected_resources", "Results"),
    ("ListBackupVaults", "list_backup_vaults", "BackupVaultList"),
    ("ListBackupPlans", "list_backup_plans", "BackupPlansList"),
]


def fill(account: Account, number: int = 5) -> None:
    """Put so many resources, vaults and plans."""
    for place in range(number):
        account.protected.put({"ResourceArn": f"arn:{place}", "ResourceType": "S3"})
        account.vaults.put({"BackupVaultName": f"vault-{place}"})
        account.plans.put(PLAN | {"BackupPlanId": f"plan-{place}"})


def test_a_resource_that_was_put_has_those_fields(client: Any, account: Account) -> None:
    """A protected resource can be known without any job, and without a name or a vault."""
    account.protected.put({"ResourceArn": ARN, "LastBackupTime": datetime.fromtimestamp(NOW, UTC)})
    (row,) = client.list_protected_resources()["Results"]
    assert row == {"ResourceArn": ARN, "LastBackupTime": datetime.fromtimestamp(NOW, UTC)}


def test_what_is_put_stands_over_what_jobs_tell(client: Any, account: Account) -> None:
    """A resource that was renamed has its new name, and all else from its jobs; None takes a field away."""
    account.put(JOB)
    account.protected.put({"ResourceArn": ARN, "ResourceName": "renamed", "LastRecoveryPointArn": None})
    (row,) = client.list_protected_resources()["Results"]
    assert (row["ResourceName"], row["LastBackupTime"].timestamp()) == ("renamed", NOW - 50)
    assert "LastRecoveryPointArn" not in row


def test_what_was_removed_is_not_listed(client: Any, account: Account) -> None:
    """A resource whose recovery points are gone is not listed, though its jobs are; it can come again."""
    account.put(JOB)
    account.protected.remove(ARN)
    assert client.list_protected_resources()["Results"] == []
    account.protected.put({"ResourceArn": ARN})
    assert len(client.list_protected_resources()["Results"]) == 1


def test_a_vault_that_was_put_counts_its_recovery_points(client: Any, account: Account) -> None:
    """NumberOfRecoveryPoints is what the jobs made, unless it is put; a vault removed is gone."""
    account.put(JOB)
    account.vaults.put(VAULT)
    account.vaults.put({"BackupVaultName": "big", "NumberOfRecoveryPoints": 7, "Locked": False})
    client.create_backup_vault(BackupVaultName="gone")
    account.vaults.remove("gone")
    rows = client.list_backup_vaults()["BackupVaultList"]
    assert [(row["BackupVaultName"], row["NumberOfRecoveryPoints"], row["Locked"]) for row in rows] == [
        ("big", 7, False),
        ("daily", 1, True),
    ]


def test_a_plan_is_listed_without_its_rules(client: Any, account: Account) -> None:
    """ListBackupPlans tells a plan's name and last execution; its rules come with GetBackupPlan."""
    account.put(JOB)
    account.plans.put(PLAN)
    (row,) = client.list_backup_plans()["BackupPlansList"]
    assert (row["BackupPlanName"], row["LastExecutionDate"].timestamp()) == ("accounts", NOW - 100)
    assert "BackupPlan" not in row
    assert client.get_backup_plan(BackupPlanId="plan")["BackupPlan"]["Rules"] == RULES


def test_the_preview_is_shared_by_all_rules(client: Any, account: Account, clock: Clock) -> None:
    """At most so many runs of all rules together are previewed: an hourly rule hides a monthly one."""
    account.plans.put(PLAN)
    preview = client.get_backup_plan(BackupPlanId="plan", MaxScheduledRunsPreview=10)["ScheduledRunsPreview"]
    assert {run["RuleId"] for run in preview} == {"hourly"}
    times = [run["ExecutionTime"].timestamp() for run in preview]
    first = clock() - clock() % 3600 + 3600
    assert times == [first + 3600 * hour for hour in range(10)]


def test_there_is_no_preview_unless_it_is_asked_for(client: Any, account: Account) -> None:
    """Without MaxScheduledRunsPreview, GetBackupPlan has no ScheduledRunsPreview."""
    account.plans.put(PLAN)
    assert "ScheduledRunsPreview" not in client.get_backup_plan(BackupPlanId="plan")


def test_a_preview_can_be_put(client: Any, account: Account) -> None:
    """A preview that was put is given as it is, up to the number asked for."""
    runs = [
        {"ExecutionTime": datetime.fromtimestamp(NOW + hour, UTC), "RuleId": "monthly"} for hour in range(3)
    ]
    account.plans.put(PLAN | {"ScheduledRunsPreview": runs})
    answer = client.get_backup_plan(BackupPlanId="plan", MaxScheduledRunsPreview=2)
    assert answer["ScheduledRunsPreview"] == runs[:2]


def test_a_plan_made_over_the_api_runs_too(client: Any) -> None:
    """A plan from CreateBackupPlan has its runs previewed, by the zone of its rule."""
    rule = {
        "RuleName": "noon",
        "TargetBackupVaultName": "daily",
        "ScheduleExpression": "cron(0 12 ? * * *)",
        "ScheduleExpressionTimezone": "Asia/Tokyo",
    }
    plan = client.create_backup_plan(BackupPlan={"BackupPlanName": "made", "Rules": [rule]})
    answer = client.get_backup_plan(BackupPlanId=plan["BackupPlanId"], MaxScheduledRunsPreview=1)
    (run,) = answer["ScheduledRunsPreview"]
    assert run["ExecutionTime"].astimezone(UTC).hour == 3
    assert run["RuleId"] == answer["BackupPlan"]["Rules"][0]["RuleId"]


@pytest.mark.parametrize("most", [-1, 11])
def test_ten_runs_at_most(client: Any, account: Account, most: int) -> None:
    """MaxScheduledRunsPreview beyond 0 to 10 is an InvalidParameterValueException."""
    account.plans.put(PLAN)
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="MaxScheduledRunsPreview"):
        client.get_backup_plan(BackupPlanId="plan", MaxScheduledRunsPreview=most)


@pytest.mark.parametrize("wanted", [{"BackupPlanId": "none"}, {"BackupPlanId": "plan", "VersionId": "v0"}])
def test_an_unknown_plan(client: Any, account: Account, wanted: dict[str, str]) -> None:
    """GetBackupPlan of an id or a version that nobody knows is a ResourceNotFoundException."""
    account.plans.put(PLAN)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_backup_plan(**wanted)


def test_a_removed_plan_cannot_be_read(client: Any, account: Account) -> None:
    """A plan that is gone is neither listed nor read."""
    account.plans.put(PLAN)
    account.plans.remove("plan")
    assert client.list_backup_plans()["BackupPlansList"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_backup_plan(BackupPlanId="plan")


@pytest.mark.parametrize(("_operation", "method", "result"), LISTS)
def test_every_list_has_pages(
    client: Any, account: Account, _operation: str, method: str, result: str
) -> None:
    """Following NextToken gives every resource, vault and plan once."""
    fill(account)
    pages = list(client.get_paginator(method).paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page[result]) for page in pages] == [2, 2, 1]
    assert [row for page in pages for row in page[result]] == getattr(client, method)()[result]


@pytest.mark.parametrize(("operation", "method", "result"), LISTS)
def test_every_list_can_have_short_pages(
    client: Any, account: Account, operation: str, method: str, result: str
) -> None:
    """A short page, an empty one and the last one can carry NextToken in every list."""
    fill(account)
    account.shorten_pages(0, 2, 0, 3, operation=operation)
    pages = list(client.get_paginator(method).paginate())
    assert [len(page[result]) for page in pages] == [0, 2, 0, 3, 0]


@pytest.mark.parametrize(("_operation", "method", "_result"), LISTS)
@pytest.mark.parametrize("wrong", [{"MaxResults": 0}, {"MaxResults": 1001}, {"NextToken": "made up"}])
def test_every_list_refuses_a_wrong_page(
    client: Any, _operation: str, method: str, _result: str, wrong: dict[str, Any]
) -> None:
    """MaxResults outside of 1 to 1000 and a made-up NextToken are InvalidParameterValueExceptions."""
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        getattr(client, method)(**wrong)


@pytest.mark.parametrize(
    ("operation", "method", "parameters"),
    [(operation, method, {}) for operation, method, _ in LISTS]
    + [("GetBackupPlan", "get_backup_plan", {"BackupPlanId": "plan"})],
)
def test_each_operation_can_fail(
    client: Any, account: Account, operation: str, method: str, parameters: dict[str, str]
) -> None:
    """An operation made to fail fails alone, as often as was said."""
    account.plans.put(PLAN)
    account.fail(operation, ApiError("AccessDeniedException", 403, "not allowed"), times=1)
    client.list_backup_jobs()
    with pytest.raises(ClientError, match="AccessDeniedException"):
        getattr(client, method)(**parameters)
    getattr(client, method)(**parameters)
