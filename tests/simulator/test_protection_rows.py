"""Selections, settings, restore testing plans, frameworks, vaults and tagged resources."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.errors import ApiError, RawAnswerError
from exporter.simulator.job_kinds import RESTORE, SCAN
from exporter.simulator.jobs import Course
from exporter.simulator.scans import Scan
from tests.simulator.conftest import NOW, REGION, Clock, Connect

PLAN = {"BackupPlanId": "plan", "BackupPlan": {"BackupPlanName": "plan", "Rules": []}}
SELECTION: dict[str, Any] = {
    "SelectionId": "one",
    "BackupPlanId": "plan",
    "CreationDate": NOW - 100,
    "BackupSelection": {
        "SelectionName": "databases",
        "IamRoleArn": "arn:aws:iam::123456789012:role/backup",
        "Resources": ["arn:aws:rds:*:*:db:*"],
        "NotResources": ["arn:aws:rds:*:*:db:scratch"],
        "ListOfTags": [
            {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}
        ],
        "Conditions": {
            "StringEquals": [{"ConditionKey": "aws:ResourceTag/team", "ConditionValue": "shop"}],
            "StringLike": [],
            "StringNotEquals": [],
            "StringNotLike": [],
        },
    },
}
TESTING = f"arn:aws:backup:{REGION}:123456789012:restore-testing-plan:proof-1"
SCAN_JOB = {
    "ScanJobId": "scan",
    "State": "COMPLETED",
    "CreationDate": NOW - 300,
    "CompletionDate": NOW - 200,
    "BackupVaultName": "prod",
    "MalwareScanner": "GUARDDUTY",
    "RecoveryPointArn": "arn:point",
    "ResourceArn": "arn:aws:s3:::bucket",
    "ResourceType": "S3",
    "ScanResult": {"ScanResultStatus": "THREATS_FOUND"},
}


def tagging_arns(tagging: Any, **parameters: Any) -> list[str]:
    """List the ARNs of GetResources."""
    return [row["ResourceARN"] for row in tagging.get_resources(**parameters)["ResourceTagMappingList"]]


def test_selections_of_a_plan(client: Any, account: Account) -> None:
    """ListBackupSelections lists a plan's selections by id, GetBackupSelection tells all of one."""
    account.plans.put(PLAN)
    account.plans.put(PLAN | {"BackupPlanId": "other"})
    account.selections.put(SELECTION)
    account.selections.put(SELECTION | {"SelectionId": "foreign", "BackupPlanId": "other"})
    (row,) = client.list_backup_selections(BackupPlanId="plan")["BackupSelectionsList"]
    assert row == {
        "SelectionId": "one",
        "SelectionName": "databases",
        "BackupPlanId": "plan",
        "CreationDate": datetime.fromtimestamp(NOW - 100, UTC),
        "IamRoleArn": "arn:aws:iam::123456789012:role/backup",
    }
    answer = client.get_backup_selection(BackupPlanId="plan", SelectionId="one")
    assert answer["BackupSelection"] == SELECTION["BackupSelection"]
    assert answer["CreationDate"].timestamp() == NOW - 100


def test_unknown_selections(client: Any, account: Account) -> None:
    """A plan that does not exist, a removed selection and one of another plan are ResourceNotFound."""
    missing = client.exceptions.ResourceNotFoundException
    with pytest.raises(missing, match="plan"):
        client.list_backup_selections(BackupPlanId="plan")
    account.plans.put(PLAN)
    account.plans.put(PLAN | {"BackupPlanId": "other"})
    account.selections.put(SELECTION)
    with pytest.raises(missing, match="selection"):
        client.get_backup_selection(BackupPlanId="other", SelectionId="one")
    account.selections.remove("one")
    with pytest.raises(missing, match="selection"):
        client.get_backup_selection(BackupPlanId="plan", SelectionId="one")


def test_a_plan_made_over_the_api_has_no_selections(client: Any) -> None:
    """A plan from CreateBackupPlan is known to ListBackupSelections."""
    rule = {"RuleName": "daily", "TargetBackupVaultName": "prod"}
    plan = client.create_backup_plan(BackupPlan={"BackupPlanName": "made", "Rules": [rule]})
    assert client.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"] == []


def test_region_settings(client: Any, account: Account) -> None:
    """Every type is opted in until a test changes it."""
    account.opt_in["EFS"] = False
    account.management["EFS"] = False
    answer = client.describe_region_settings()
    opted_out = [name for name, on in answer["ResourceTypeOptInPreference"].items() if not on]
    assert opted_out == ["EFS"]
    assert len(answer["ResourceTypeOptInPreference"]) > 10
    assert answer["ResourceTypeManagementPreference"] == {"DynamoDB": True, "EFS": False}


def test_the_last_execution_of_a_restore_testing_plan(client: Any, account: Account) -> None:
    """LastExecutionTime is the newest restore job of the plan, unless it is put; absent without a job."""
    account.restore_testing_plans.put({"RestoreTestingPlanArn": TESTING, "RestoreTestingPlanName": "proof"})
    account.restore_testing_plans.put({"RestoreTestingPlanArn": TESTING + "-idle"})
    account.restore_testing_plans.put({"RestoreTestingPlanArn": TESTING + "-put", "LastExecutionTime": NOW})
    for place, arn in enumerate([TESTING, TESTING, TESTING + "-put", None]):
        creator = {"CreatedBy": {"RestoreTestingPlanArn": arn}} if arn else {}
        job = {"RestoreJobId": f"job-{place}", "Status": "COMPLETED", "CreationDate": NOW - 90 + place}
        account.put(job | creator, RESTORE)
    rows = client.list_restore_testing_plans()["RestoreTestingPlans"]
    assert [row.get("LastExecutionTime") for row in rows] == [
        datetime.fromtimestamp(NOW - 89, UTC),
        None,
        datetime.fromtimestamp(NOW, UTC),
    ]
    assert rows[0]["RestoreTestingPlanName"] == "proof"


def test_one_restore_testing_plan(client: Any, account: Account) -> None:
    """GetRestoreTestingPlan returns the plan of a name; an unknown name is a ResourceNotFoundException."""
    account.restore_testing_plans.put({"RestoreTestingPlanArn": TESTING + "-idle"})
    account.restore_testing_plans.put({"RestoreTestingPlanArn": TESTING, "RestoreTestingPlanName": "proof"})

    plan = client.get_restore_testing_plan(RestoreTestingPlanName="proof")["RestoreTestingPlan"]

    assert plan["RestoreTestingPlanArn"] == TESTING
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_restore_testing_plan(RestoreTestingPlanName="other")


def test_frameworks(client: Any, account: Account) -> None:
    """ListFrameworks has the rows that were put."""
    account.frameworks.put({"FrameworkName": "audit", "DeploymentStatus": "COMPLETED"})
    account.frameworks.put({"FrameworkName": "gone"})
    account.frameworks.remove("gone")
    rows = client.list_frameworks()["Frameworks"]
    assert rows == [{"FrameworkName": "audit", "DeploymentStatus": "COMPLETED"}]


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("ListBackupSelections", "BackupSelectionsList"),
        ("ListRestoreTestingPlans", "RestoreTestingPlans"),
        ("ListFrameworks", "Frameworks"),
    ],
)
def test_lists_have_pages(client: Any, account: Account, operation: str, result: str) -> None:
    """Following NextToken gives every row once, also over short and empty pages."""
    account.plans.put(PLAN)
    for place in range(5):
        account.selections.put(SELECTION | {"SelectionId": f"s-{place}"})
        account.restore_testing_plans.put({"RestoreTestingPlanArn": f"arn:{place}"})
        account.frameworks.put({"FrameworkName": f"f-{place}"})
    account.shorten_pages(1, 0, operation=operation)
    method = {
        "ListBackupSelections": client.list_backup_selections,
        "ListRestoreTestingPlans": client.list_restore_testing_plans,
        "ListFrameworks": client.list_frameworks,
    }[operation]
    plan = {"BackupPlanId": "plan"} if operation == "ListBackupSelections" else {}
    pages = [method(MaxResults=2, **plan)]
    while "NextToken" in pages[-1]:
        pages.append(method(MaxResults=2, NextToken=pages[-1]["NextToken"], **plan))
    assert [len(page[result]) for page in pages] == [1, 0, 2, 2]
    rows = [str(row) for page in pages for row in page[result]]
    assert len(set(rows)) == 5


@pytest.mark.parametrize(
    "operation",
    [
        "ListRecoveryPointsByBackupVault",
        "ListBackupSelections",
        "GetBackupSelection",
        "DescribeRegionSettings",
        "ListRestoreTestingPlans",
        "ListFrameworks",
        "ListScanJobs",
        "DescribeScanJob",
    ],
)
def test_each_operation_can_fail(client: Any, account: Account, operation: str) -> None:
    """An operation made to fail answers with that error, once."""
    account.plans.put(PLAN)
    account.selections.put(SELECTION)
    account.vaults.put({"BackupVaultName": "prod"})
    account.put(SCAN_JOB, SCAN)
    parameters = {
        "ListRecoveryPointsByBackupVault": {"BackupVaultName": "prod"},
        "ListBackupSelections": {"BackupPlanId": "plan"},
        "GetBackupSelection": {"BackupPlanId": "plan", "SelectionId": "one"},
        "DescribeScanJob": {"ScanJobId": "scan"},
    }.get(operation, {})
    method = next(name for name, own in client.meta.method_to_api_mapping.items() if own == operation)
    account.fail(operation, ApiError("AccessDeniedException", 403, "not allowed"), times=1)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        getattr(client, method)(**parameters)
    getattr(client, method)(**parameters)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"ByState": "COMPLETED"}, True),
        ({"ByState": "RUNNING"}, False),
        ({"ByScanResultStatus": "THREATS_FOUND"}, True),
        ({"ByScanResultStatus": "NO_THREATS_FOUND"}, False),
        ({"ByMalwareScanner": "GUARDDUTY"}, True),
        ({"ByBackupVaultName": "prod"}, True),
        ({"ByBackupVaultName": "dev"}, False),
        ({"ByRecoveryPointArn": "arn:point"}, True),
        ({"ByResourceArn": "arn:aws:s3:::other"}, False),
        ({"ByResourceType": "S3"}, True),
        ({"ByCompleteAfter": NOW - 250}, True),
        ({"ByCompleteAfter": NOW - 150}, False),
        ({"ByCompleteBefore": NOW - 150}, True),
        ({"ByAccountId": "*"}, True),
    ],
)
def test_scan_jobs_are_listed(client: Any, account: Account, filters: dict[str, Any], found: bool) -> None:
    """Each filter of ListScanJobs takes the jobs it should."""
    account.put(SCAN_JOB, SCAN)
    assert [job["ScanJobId"] for job in client.list_scan_jobs(**filters)["ScanJobs"]] == ["scan"] * found


def test_a_scan_on_the_clock(client: Any, account: Account, clock: Clock) -> None:
    """A scan is created, runs and ends with a result, which only a completed one has."""
    account.add(
        Scan("clean", NOW, Course(runs=10, ends=20), {"MalwareScanner": "GUARDDUTY"}),
        Scan("odd", NOW, Course(runs=10, ends=20, outcome="COMPLETED_WITH_ISSUES"), {}, "UNKNOWN"),
        Scan("failed", NOW, Course(runs=10, ends=20, outcome="FAILED", message="no access"), {}),
        kind=SCAN,
    )
    seen = []
    for _ in range(3):
        jobs = [client.describe_scan_job(ScanJobId=name) for name in ("clean", "odd", "failed")]
        seen.append([(job["State"], job.get("ScanResult", {}).get("ScanResultStatus")) for job in jobs])
        clock.advance(10)
    assert seen == [
        [("CREATED", None)] * 3,
        [("RUNNING", None)] * 3,
        [("COMPLETED", "NO_THREATS_FOUND"), ("COMPLETED_WITH_ISSUES", "UNKNOWN"), ("FAILED", None)],
    ]
    assert jobs[2]["StatusMessage"] == "no access"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_scan_job(ScanJobId="none")


def test_vaults_tell_their_type_state_and_key(client: Any, account: Account) -> None:
    """ListBackupVaults tells type, state, kind of key and lock; ByVaultType takes some of them."""
    client.create_backup_vault(BackupVaultName="keyed", EncryptionKeyArn="arn:key")
    lock = {"BackupVaultName": "keyed", "MinRetentionDays": 7, "MaxRetentionDays": 90, "ChangeableForDays": 3}
    client.put_backup_vault_lock_configuration(**lock)
    account.vaults.put(
        {"BackupVaultName": "sealed", "VaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", "LockDate": NOW}
    )
    keyed, sealed = client.list_backup_vaults()["BackupVaultList"]
    assert (keyed["VaultType"], keyed["VaultState"]) == ("BACKUP_VAULT", "AVAILABLE")
    assert (keyed["MinRetentionDays"], keyed["MaxRetentionDays"]) == (7, 90)
    assert "LockDate" in keyed
    assert [vault["EncryptionKeyType"] for vault in (keyed, sealed)] == [
        "CUSTOMER_MANAGED_KMS_KEY",
        "AWS_OWNED_KMS_KEY",
    ]
    assert sealed["LockDate"].timestamp() == NOW
    (only,) = client.list_backup_vaults(ByVaultType="BACKUP_VAULT")["BackupVaultList"]
    assert only["BackupVaultName"] == "keyed"


def test_a_continuous_rule_says_so(client: Any, account: Account) -> None:
    """The preview of a rule with EnableContinuousBackup is CONTINUOUS_AND_SNAPSHOTS, else SNAPSHOTS."""
    rule = {"RuleName": "one", "RuleId": "one", "ScheduleExpression": "cron(0 1 ? * * *)"}
    rules = [rule | {"EnableContinuousBackup": True}, rule | {"RuleId": "two"}]
    account.plans.put(PLAN | {"BackupPlan": {"BackupPlanName": "plan", "Rules": rules}})
    answer = client.get_backup_plan(BackupPlanId="plan", MaxScheduledRunsPreview=2)
    types = {run["RuleId"]: run["RuleExecutionType"] for run in answer["ScheduledRunsPreview"]}
    assert types == {"one": "CONTINUOUS_AND_SNAPSHOTS", "two": "SNAPSHOTS"}
    assert answer["BackupPlan"]["Rules"][0]["EnableContinuousBackup"] is True


def test_tagged_resources(connect: Connect, account: Account) -> None:
    """GetResources gives the ARNs and tags of the account's resources, and no other account's."""
    account.tag("arn:aws:s3:::bucket", {"backup": "daily", "team": "shop"})
    account.tag("arn:aws:s3:::untagged", {})
    rows = connect(service="resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
    assert rows == [
        {
            "ResourceARN": "arn:aws:s3:::bucket",
            "Tags": [{"Key": "backup", "Value": "daily"}, {"Key": "team", "Value": "shop"}],
        },
        {"ResourceARN": "arn:aws:s3:::untagged", "Tags": []},
    ]
    assert tagging_arns(connect(service="resourcegroupstaggingapi", region="us-east-1")) == []
    account.tagged_resources.remove("arn:aws:s3:::untagged")
    assert tagging_arns(connect(service="resourcegroupstaggingapi")) == ["arn:aws:s3:::bucket"]


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({"ResourceTypeFilters": ["ec2"]}, ["instance", "volume"]),
        ({"ResourceTypeFilters": ["ec2:volume", "s3"]}, ["volume", "bucket"]),
        ({"ResourceTypeFilters": ["s3:bucket"]}, ["bucket"]),
        ({"ResourceTypeFilters": ["rds:db"]}, ["orders"]),
        ({"TagFilters": [{"Key": "name", "Values": ["orders", "none"]}]}, ["orders"]),
    ],
)
def test_filters_of_tagged_resources(
    connect: Connect, account: Account, parameters: dict[str, Any], wanted: list[str]
) -> None:
    """ResourceTypeFilters takes services and types, TagFilters keys and values."""
    arns = {
        "instance": f"arn:aws:ec2:{REGION}:123456789012:instance/i-1",
        "volume": f"arn:aws:ec2:{REGION}:123456789012:volume/vol-1",
        "orders": f"arn:aws:rds:{REGION}:123456789012:db:orders",
        "bucket": "arn:aws:s3:::bucket",
    }
    for name, arn in arns.items():
        account.tag(arn, {"name": name})
    tagging = connect(service="resourcegroupstaggingapi")
    assert tagging_arns(tagging, **parameters) == [arns[name] for name in wanted]


def test_tagged_resources_by_arn(connect: Connect, account: Account) -> None:
    """ResourceARNList lists these resources only."""
    for name in ("a", "b", "c"):
        account.tag(f"arn:aws:s3:::{name}", {})

    wanted = ["arn:aws:s3:::a", "arn:aws:s3:::c"]

    assert tagging_arns(connect(service="resourcegroupstaggingapi"), ResourceARNList=wanted) == wanted


def test_tagged_resources_come_in_pages(connect: Connect, account: Account) -> None:
    """A paginator gets every resource once; a page holds 100 at most."""
    arns = [f"arn:aws:s3:::bucket-{place:03}" for place in range(201)]
    for arn in arns:
        account.tag(arn, {"backup": "daily"})
    tagging = connect(service="resourcegroupstaggingapi")
    pages = list(tagging.get_paginator("get_resources").paginate(ResourcesPerPage=100))
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [100, 100, 1]
    assert [row["ResourceARN"] for page in pages for row in page["ResourceTagMappingList"]] == arns
    with pytest.raises(ClientError, match="InvalidParameterException"):
        tagging.get_resources(ResourcesPerPage=101)


@pytest.mark.parametrize("code", ["ThrottledException", "AccessDeniedException", "InternalServiceException"])
def test_tagged_resources_can_fail(connect: Connect, account: Account, code: str) -> None:
    """GetResources can be made to fail, and its calls are recorded."""
    tagging = connect(service="resourcegroupstaggingapi")
    account.fail("GetResources", ApiError(code, 400, "no"), times=1)
    with pytest.raises(ClientError, match=code):
        tagging.get_resources(ResourceTypeFilters=["ec2"])
    assert tagging_arns(tagging) == []
    assert [call.operation for call in account.calls] == ["GetResources"] * 2
    assert account.calls[0].parameters["ResourceTypeFilters"] == ["ec2"]


def test_a_malformed_answer_of_tagged_resources(connect: Connect, account: Account) -> None:
    """GetResources can answer with a page of HTML, which boto3 takes for an answer without its fields."""
    account.fail("GetResources", RawAnswerError("<html>"), times=1)
    tagging = connect(service="resourcegroupstaggingapi")
    assert "ResourceTagMappingList" not in tagging.get_resources()
