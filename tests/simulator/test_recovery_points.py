"""Recovery points: what jobs make of them, how long they are there, and their pages."""

from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.copies import CompositeCopy, Copy
from exporter.simulator.job_kinds import COPY
from exporter.simulator.jobs import Composite, Course, Scripted
from tests.simulator.conftest import NOW, REGION, Clock, Connect

DAY = 86400.0
HERE = f"arn:aws:backup:{REGION}:123456789012"
POINT = f"{HERE}:recovery-point:1"
BY_RULE = {"BackupPlanId": "plan", "BackupRuleId": "daily"}
JOB: dict[str, Any] = {
    "BackupJobId": "job",
    "State": "COMPLETED",
    "CreationDate": NOW - 100,
    "CompletionDate": NOW - 50,
    "BackupVaultName": "prod",
    "BackupVaultArn": f"{HERE}:backup-vault:prod",
    "ResourceArn": "arn:aws:s3:::bucket",
    "ResourceType": "S3",
    "ResourceName": "bucket",
    "BackupSizeInBytes": 5,
    "RecoveryPointArn": POINT,
    "CreatedBy": BY_RULE,
}
COPIED: dict[str, Any] = {
    "CopyJobId": "copy",
    "State": "COMPLETED",
    "CreationDate": NOW - 20,
    "CompletionDate": NOW - 10,
    "SourceBackupVaultArn": f"{HERE}:backup-vault:prod",
    "DestinationBackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:copies",
    "DestinationRecoveryPointArn": "arn:copied",
    "ResourceArn": "arn:aws:s3:::bucket",
    "CreatedBy": BY_RULE,
}
PLAN = {
    "BackupPlanId": "plan",
    "BackupPlan": {
        "BackupPlanName": "plan",
        "Rules": [
            {
                "RuleId": "daily",
                "RuleName": "daily",
                "Lifecycle": {"MoveToColdStorageAfterDays": 10, "DeleteAfterDays": 100},
                "CopyActions": [
                    {
                        "DestinationBackupVaultArn": COPIED["DestinationBackupVaultArn"],
                        "Lifecycle": {"DeleteAfterDays": 7},
                    }
                ],
            }
        ],
    },
}


@pytest.fixture
def account(simulation: Simulation) -> Account:
    """Give an account with a vault, in which a plan's points are kept for 100 days."""
    account = simulation.account(REGION)
    account.vaults.put({"BackupVaultName": "prod"})
    account.plans.put(PLAN)
    return account


def points(client: Any, vault: str = "prod", **parameters: Any) -> list[dict[str, Any]]:
    """List a vault's points."""
    rows: list[dict[str, Any]] = client.list_recovery_points_by_backup_vault(
        BackupVaultName=vault, **parameters
    )["RecoveryPoints"]
    return rows


def arns(client: Any, vault: str = "prod", **parameters: Any) -> list[str]:
    """List the ARNs of a vault's points."""
    return [point["RecoveryPointArn"] for point in points(client, vault, **parameters)]


def put_points(account: Account, number: int, vault: str = "prod") -> None:
    """Put so many points, the oldest last."""
    for place in range(number):
        account.recovery_points.put(
            {"RecoveryPointArn": f"arn:{place}", "BackupVaultName": vault, "CreationDate": NOW - place}
        )


def test_points_of_a_resource(client: Any, account: Account) -> None:
    """ListRecoveryPointsByResource lists the points of a resource in all vaults, with their sizes."""
    account.put(JOB)
    for number, (vault, arn) in enumerate((("other", JOB["ResourceArn"]), ("prod", "arn:aws:s3:::second"))):
        account.recovery_points.put(
            {"RecoveryPointArn": f"arn:{number}", "BackupVaultName": vault, "ResourceArn": arn}
        )

    rows = client.list_recovery_points_by_resource(ResourceArn=JOB["ResourceArn"])["RecoveryPoints"]

    found = [(row["RecoveryPointArn"], row["BackupVaultName"], row["BackupSizeBytes"]) for row in rows]
    assert found == [("arn:0", "other", 0), (POINT, "prod", 5)]


def test_a_completed_job_makes_a_point(client: Any, account: Account) -> None:
    """A point has the fields of its job, and the dates that the rule's lifecycle gives."""
    account.put(JOB)
    (point,) = points(client)
    assert point["CalculatedLifecycle"]["MoveToColdStorageAt"].timestamp() == NOW - 100 + 10 * DAY
    assert point["CalculatedLifecycle"]["DeleteAt"].timestamp() == NOW - 100 + 100 * DAY
    assert point["Lifecycle"]["DeleteAfterDays"] == 100
    assert (point["CreationDate"].timestamp(), point["CompletionDate"].timestamp()) == (NOW - 100, NOW - 50)
    del point["CalculatedLifecycle"], point["Lifecycle"], point["CreationDate"], point["CompletionDate"]
    same = "BackupVaultName", "BackupVaultArn", "ResourceArn", "ResourceType", "ResourceName", "CreatedBy"
    assert point == {name: JOB[name] for name in same} | {
        "RecoveryPointArn": POINT,
        "Status": "COMPLETED",
        "BackupSizeInBytes": 5,
        "VaultType": "BACKUP_VAULT",
    }


@pytest.mark.parametrize("state", ["RUNNING", "FAILED", "EXPIRED", "ABORTED"])
def test_other_jobs_make_none(client: Any, account: Account, state: str) -> None:
    """A job that did not complete leaves no point, though it may name one."""
    account.put(JOB | {"State": state})
    assert points(client) == []


def test_a_point_comes_when_its_job_completes(client: Any, account: Account, clock: Clock) -> None:
    """A job on a clock has its point from the moment that it is done."""
    made = {"RecoveryPointArn": POINT}
    account.add(Scripted("job", NOW, Course(ends=60), {"BackupVaultName": "prod"}, {}, made))
    clock.advance(59)
    assert arns(client) == []
    clock.advance(1)
    assert arns(client) == [POINT]


def test_a_point_outlives_its_job(client: Any, account: Account, clock: Clock) -> None:
    """A point is there until its DeleteAt, also when its job is no longer listed or is forgotten."""
    account.put(JOB)
    account.forget("job")
    clock.advance(100 * DAY - 101)
    assert arns(client) == [POINT]
    clock.advance(1)
    assert arns(client) == []


def test_a_point_without_a_lifecycle_is_kept(client: Any, account: Account, clock: Clock) -> None:
    """An on-demand job's point has no lifecycle, unless the job has one of its own."""
    on_demand = {name: value for name, value in JOB.items() if name != "CreatedBy"}
    account.put(on_demand)
    kept_a_day = {"BackupJobId": "short", "RecoveryPointArn": "arn:short"}
    account.put(on_demand | kept_a_day | {"RecoveryPointLifecycle": {"DeleteAfterDays": 1}})
    assert len(points(client)) == 2
    clock.advance(5000 * DAY)
    (point,) = points(client)
    assert "CalculatedLifecycle" not in point


def test_a_job_whose_point_is_gone_already(client: Any, account: Account) -> None:
    """A job of long ago makes no point whose DeleteAt has passed."""
    account.put(JOB | {"CreationDate": NOW - 101 * DAY})
    assert points(client) == []


def test_a_copy_makes_a_point_elsewhere(connect: Connect, simulation: Simulation, account: Account) -> None:
    """A copy's point is in the vault it was copied to, with the lifecycle of the copy action."""
    account.put(COPIED, COPY)
    simulation.account("us-east-1").vaults.put({"BackupVaultName": "copies"})
    client = connect(region="us-east-1")
    (point,) = points(client, "copies")
    assert point["RecoveryPointArn"] == "arn:copied"
    assert point["SourceBackupVaultArn"] == COPIED["SourceBackupVaultArn"]
    assert point["CreatedBy"] == BY_RULE
    assert point["CalculatedLifecycle"]["DeleteAt"].timestamp() == NOW - 20 + 7 * DAY
    assert arns(connect()) == []
    (vault,) = client.list_backup_vaults()["BackupVaultList"]
    assert vault["NumberOfRecoveryPoints"] == 1


def test_a_copy_within_the_region(client: Any, account: Account) -> None:
    """A copy into another vault of the same account and Region makes a point there."""
    account.put(COPIED | {"DestinationBackupVaultArn": f"{HERE}:backup-vault:other"}, COPY)
    account.vaults.put({"BackupVaultName": "other"})
    assert arns(client, "other") == ["arn:copied"]


def test_children_name_their_parent(client: Any, account: Account, clock: Clock) -> None:
    """The points of a composite's children have ParentRecoveryPointArn, and the filter finds them."""
    fields = {"BackupVaultName": "prod"}
    made = {"RecoveryPointArn": "arn:parent"}
    child = Scripted("child", NOW, Course(ends=50), fields, {}, {"RecoveryPointArn": "arn:child"}, "parent")
    account.add(Composite("parent", NOW, NOW + 100, fields, {}, made), child)
    to_here = {"DestinationBackupVaultArn": f"{HERE}:backup-vault:prod"}
    copied = {"DestinationRecoveryPointArn": "arn:copied-parent"}
    copied_child = {"DestinationRecoveryPointArn": "arn:copied-child"}
    account.add(
        CompositeCopy("copy", NOW, NOW + 100, to_here, copied),
        Copy("copied", NOW, Course(ends=40), to_here, copied_child, "copy"),
        kind=COPY,
    )
    clock.advance(200)
    parents = {point["RecoveryPointArn"]: point.get("ParentRecoveryPointArn") for point in points(client)}
    assert parents == {
        "arn:parent": None,
        "arn:child": "arn:parent",
        "arn:copied-parent": None,
        "arn:copied-child": "arn:copied-parent",
    }
    assert {point["RecoveryPointArn"]: point["IsParent"] for point in points(client)}["arn:parent"]
    assert arns(client, ByParentRecoveryPointArn="arn:parent") == ["arn:child"]


def test_a_parent_may_be_put_after_its_children(client: Any, account: Account) -> None:
    """The points of children know their parent's, in whatever order the jobs were put."""
    child = {"BackupJobId": "child", "ParentJobId": "job", "RecoveryPointArn": "arn:child"}
    account.put(JOB | child)
    account.put(JOB | {"IsParent": True})
    assert arns(client, ByParentRecoveryPointArn=POINT) == ["arn:child"]


def test_a_point_can_be_put_and_changed(client: Any, account: Account) -> None:
    """What is put stands over what the job tells; None removes a field; a removed point stays away."""
    account.recovery_points.put({"RecoveryPointArn": "arn:own", "BackupVaultName": "prod"})
    account.put(JOB)
    account.recovery_points.put(
        {"RecoveryPointArn": POINT, "Status": "EXPIRED", "CalculatedLifecycle": None, "Lifecycle": None}
    )
    point, own = points(client)
    assert (point["Status"], point["ResourceName"]) == ("EXPIRED", "bucket")
    assert "CalculatedLifecycle" not in point
    assert own == {"RecoveryPointArn": "arn:own", "BackupVaultName": "prod"}
    account.recovery_points.remove(POINT)
    account.put(JOB)
    assert arns(client) == ["arn:own"]
    account.recovery_points.put({"RecoveryPointArn": POINT})
    assert arns(client) == [POINT, "arn:own"]


def test_a_point_that_aws_cannot_delete_stays(client: Any, account: Account, clock: Clock) -> None:
    """A point with a Status other than COMPLETED outlives its DeleteAt, and so does one put too late."""
    for place, (status, delete_at) in enumerate([("EXPIRED", 10), ("COMPLETED", 10), ("COMPLETED", -10)]):
        account.recovery_points.put(
            {
                "RecoveryPointArn": f"arn:{place}",
                "BackupVaultName": "prod",
                "Status": status,
                "CalculatedLifecycle": {"DeleteAt": NOW + delete_at},
            }
        )
    clock.advance(20)
    assert sorted(arns(client)) == ["arn:0", "arn:2"]


def test_a_point_needs_a_vault(account: Account) -> None:
    """A point that no job made and that names no vault is refused."""
    with pytest.raises(ValueError, match="arn:lost needs BackupVaultName"):
        account.recovery_points.put({"RecoveryPointArn": "arn:lost"})


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"ByResourceArn": "arn:aws:s3:::bucket"}, [POINT]),
        ({"ByResourceType": "S3"}, [POINT]),
        ({"ByResourceType": "EBS"}, []),
        ({"ByBackupPlanId": "plan"}, [POINT]),
        ({"ByBackupPlanId": "other"}, []),
        ({"ByCreatedAfter": NOW - 50}, ["arn:new"]),
        ({"ByCreatedBefore": NOW - 50}, [POINT]),
        ({}, ["arn:new", POINT]),
    ],
)
def test_filters(client: Any, account: Account, filters: dict[str, Any], wanted: list[str]) -> None:
    """Each filter takes the points it should, the newest first."""
    account.put(JOB)
    account.recovery_points.put(
        {"RecoveryPointArn": "arn:new", "BackupVaultName": "prod", "CreationDate": NOW - 10}
    )
    assert arns(client, **filters) == wanted


def test_points_come_in_pages(client: Any, account: Account) -> None:
    """Following NextToken gives every point of the vault once; short pages can have a NextToken."""
    put_points(account, 5)
    account.recovery_points.put({"RecoveryPointArn": "arn:elsewhere", "BackupVaultName": "other"})
    paginator = client.get_paginator("list_recovery_points_by_backup_vault")
    pages = list(paginator.paginate(BackupVaultName="prod", PaginationConfig={"PageSize": 2}))
    assert [point["RecoveryPointArn"] for page in pages for point in page["RecoveryPoints"]] == [
        f"arn:{place}" for place in range(5)
    ]
    assert [len(page["RecoveryPoints"]) for page in pages] == [2, 2, 1]
    account.shorten_pages(0, 2, operation="ListRecoveryPointsByBackupVault")
    pages = list(paginator.paginate(BackupVaultName="prod"))
    assert [len(page["RecoveryPoints"]) for page in pages] == [0, 2, 3]


def test_pages_hold_while_points_come_and_go(client: Any, account: Account) -> None:
    """A point that is new or removed between two pages neither repeats nor hides another."""
    put_points(account, 4)
    first = client.list_recovery_points_by_backup_vault(BackupVaultName="prod", MaxResults=2)
    account.recovery_points.put(
        {"RecoveryPointArn": "arn:new", "BackupVaultName": "prod", "CreationDate": NOW + 1}
    )
    account.recovery_points.remove("arn:1")
    assert arns(client, NextToken=first["NextToken"]) == ["arn:2", "arn:3"]


def test_an_unknown_vault(client: Any, account: Account) -> None:
    """Points of a vault that does not exist, or no longer does, are a ResourceNotFoundException."""
    account.put(JOB)
    account.vaults.remove("prod")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        points(client)


def test_a_vault_counts_the_points_it_lists(client: Any, account: Account, clock: Clock) -> None:
    """NumberOfRecoveryPoints is the number of points that are listed, also once some were deleted."""
    account.put(JOB)
    put_points(account, 3)
    counted = [client.list_backup_vaults()["BackupVaultList"][0]["NumberOfRecoveryPoints"]]
    clock.advance(101 * DAY)
    counted.append(client.list_backup_vaults()["BackupVaultList"][0]["NumberOfRecoveryPoints"])
    assert counted == [4, 3]


def test_a_resource_is_protected_while_it_has_points(client: Any, account: Account, clock: Clock) -> None:
    """ListProtectedResources has a resource as long as it has a point, though its job is forgotten."""
    account.put(JOB)
    account.forget("job")
    (row,) = client.list_protected_resources()["Results"]
    assert (row["ResourceArn"], row["LastBackupTime"].timestamp()) == (JOB["ResourceArn"], NOW - 50)
    clock.advance(101 * DAY)
    assert client.list_protected_resources()["Results"] == []


def test_a_copied_point_protects_nothing_here(client: Any, account: Account) -> None:
    """A point that came by a copy does not make its resource one of this account's protected ones."""
    account.recovery_points.put(
        {
            "RecoveryPointArn": "arn:copied",
            "BackupVaultName": "prod",
            "ResourceArn": "arn:foreign",
            "CompletionDate": NOW,
            "SourceBackupVaultArn": "arn:source",
        }
    )
    assert client.list_protected_resources()["Results"] == []
