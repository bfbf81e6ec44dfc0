"""How a job goes its course, seen through the client."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from exporter.simulator.account import Account
from exporter.simulator.jobs import Composite, Course, Scripted
from tests.simulator.conftest import NOW, REGION, Clock

RESOURCE = f"arn:aws:elasticfilesystem:{REGION}:123456789012:file-system/fs-1"
ROLE = "arn:aws:iam::123456789012:role/backup"
LATE = {
    "AccountId",
    "CompletionDate",
    "BackupSizeInBytes",
    "BytesTransferred",
    "RecoveryPointArn",
    "CreatedBy",
    "MessageCategory",
    "StatusMessage",
}


def start(client: Any) -> str:
    """Start an on-demand job; returns its id."""
    answer = client.start_backup_job(BackupVaultName="daily", ResourceArn=RESOURCE, IamRoleArn=ROLE)
    return str(answer["BackupJobId"])


def describe(client: Any, job_id: str) -> dict[str, Any]:
    """Describe a job, without the metadata of the answer."""
    answer = dict(client.describe_backup_job(BackupJobId=job_id))
    del answer["ResponseMetadata"]
    return answer


def scripted(job_id: str, course: Course, parent_id: str | None = None, created: float = NOW) -> Scripted:
    """Give a job of a plan."""
    return Scripted(
        job_id,
        created,
        course,
        fields={"BackupVaultName": "daily", "ResourceArn": RESOURCE, "ResourceType": "EFS"},
        account_fields={"AccountId": "123456789012", "CreatedBy": {"BackupPlanId": "plan"}},
        made={"RecoveryPointArn": f"arn:aws:backup:{REGION}:123456789012:recovery-point:{job_id}"},
        parent_id=parent_id,
    )


def test_a_job_passes_created_pending_running_completed(client: Any, clock: Clock) -> None:
    """A job is CREATED, then PENDING, RUNNING and COMPLETED."""
    job_id = start(client)
    states = []
    for seconds in (0, 1, 3, 60):
        clock.advance(seconds)
        states.append(describe(client, job_id)["State"])
    assert states == ["CREATED", "PENDING", "RUNNING", "COMPLETED"]


def test_a_created_job_tells_little(client: Any) -> None:
    """A CREATED job has no account, dates of completion, sizes, recovery point or creator."""
    job = describe(client, start(client))
    assert not LATE & set(job)
    assert job["PercentDone"] == "0.0"
    assert job["BackupVaultArn"] == f"arn:aws:backup:{REGION}:123456789012:backup-vault:daily"
    assert job["ResourceType"] == "EFS"


def test_a_running_job_grows(client: Any, clock: Clock) -> None:
    """PercentDone is a string that grows, and BytesTransferred grows with it."""
    job_id = start(client)
    clock.advance(18)
    early = describe(client, job_id)
    clock.advance(30)
    late = describe(client, job_id)
    assert (early["PercentDone"], late["PercentDone"]) == ("25.0", "75.0")
    assert 0 < early["BytesTransferred"] < late["BytesTransferred"] < late["BackupSizeInBytes"]
    assert "CompletionDate" not in late


def test_a_completed_job_says_success(client: Any, clock: Clock) -> None:
    """A COMPLETED job has 100 percent, a completion date and the category SUCCESS, and stays so."""
    job_id = start(client)
    clock.advance(70)
    job = describe(client, job_id)
    assert (job["PercentDone"], job["MessageCategory"]) == ("100.0", "SUCCESS")
    assert job["CompletionDate"].timestamp() == NOW + 63
    clock.advance(86400)
    client.list_backup_jobs()
    assert describe(client, job_id) == job


def test_an_on_demand_job_has_no_creator(client: Any, clock: Clock) -> None:
    """An on-demand job never has CreatedBy."""
    job_id = start(client)
    clock.advance(1000)
    assert "CreatedBy" not in describe(client, job_id)


def test_a_plans_job_has_its_creator_once_it_pends(client: Any, account: Account, clock: Clock) -> None:
    """A job that a plan made has CreatedBy, though not while it is CREATED."""
    account.add(scripted("job", Course()))
    assert "CreatedBy" not in describe(client, "job")
    clock.advance(1)
    assert describe(client, "job")["CreatedBy"] == {"BackupPlanId": "plan"}


def test_bytes_transferred_may_never_be_told(client: Any, account: Account, clock: Clock) -> None:
    """A COMPLETED job of some types has no BytesTransferred."""
    account.add(scripted("job", Course(transferred=None)))
    clock.advance(100)
    job = describe(client, "job")
    assert job["State"] == "COMPLETED"
    assert "BytesTransferred" not in job


@pytest.mark.parametrize("dated", [True, False])
def test_a_failed_job_says_why(client: Any, account: Account, clock: Clock, *, dated: bool) -> None:
    """A FAILED job has a message and a category, stops short of 100 percent, and may lack CompletionDate."""
    course = Course(
        outcome="FAILED",
        reached=0.2,
        message="Access denied",
        category="AccessDenied",
        has_completion=dated,
    )
    account.add(scripted("job", course))
    clock.advance(100)
    job = describe(client, "job")
    assert (job["State"], job["StatusMessage"], job["MessageCategory"]) == (
        "FAILED",
        "Access denied",
        "AccessDenied",
    )
    assert job["PercentDone"] == "20.0"
    assert ("CompletionDate" in job) is dated


def test_completed_with_issues(client: Any, account: Account, clock: Clock) -> None:
    """A job completed with issues is COMPLETED, with a message and a category other than SUCCESS."""
    account.add(scripted("job", Course(message="VSS error", category="WindowsVSS")))
    clock.advance(100)
    job = describe(client, "job")
    assert (job["State"], job["MessageCategory"], job["StatusMessage"]) == (
        "COMPLETED",
        "WindowsVSS",
        "VSS error",
    )


def test_an_expired_job_never_ran(client: Any, account: Account, clock: Clock) -> None:
    """A job that could not start in time is EXPIRED, without bytes or a recovery point."""
    account.add(scripted("job", Course(outcome="EXPIRED", message="Backup job expired before completion")))
    clock.advance(30)
    assert describe(client, "job")["State"] == "PENDING"
    clock.advance(60)
    job = describe(client, "job")
    assert job["State"] == "EXPIRED"
    assert not {"BytesTransferred", "BackupSizeInBytes", "RecoveryPointArn"} & set(job)


def test_a_stopped_job_aborts(client: Any, clock: Clock) -> None:
    """A stopped job is ABORTING at once and ABORTED soon, as far as it had got."""
    job_id = start(client)
    clock.advance(18)
    client.stop_backup_job(BackupJobId=job_id)
    assert describe(client, job_id)["State"] == "ABORTING"
    clock.advance(5)
    job = describe(client, job_id)
    assert (job["State"], job["PercentDone"]) == ("ABORTED", "25.0")
    assert job["CompletionDate"].timestamp() == NOW + 23
    listed = client.list_backup_jobs(ByState="ABORTED")["BackupJobs"]
    assert [row["BackupJobId"] for row in listed] == [job_id]


def test_a_finished_job_cannot_be_stopped(client: Any, clock: Clock) -> None:
    """Stopping a job that has finished is an InvalidRequestException."""
    job_id = start(client)
    clock.advance(100)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.stop_backup_job(BackupJobId=job_id)


def test_starting_needs_a_vault_a_resource_and_a_role(client: Any) -> None:
    """StartBackupJob without a required parameter is a MissingParameterValueException."""
    with pytest.raises(client.exceptions.MissingParameterValueException, match="IamRoleArn"):
        client.start_backup_job(BackupVaultName="daily", ResourceArn=RESOURCE)


def family(account: Account, *outcomes: str) -> None:
    """Add a parent with a child for each outcome, ending 100 s apart."""
    children = [
        scripted(f"child-{place}", Course(ends=100.0 * place, outcome=outcome), "parent")
        for place, outcome in enumerate(outcomes, 1)
    ]
    ends = max(child.ends for child in children)
    account.add(Composite("parent", NOW, ends, {"ResourceType": "CloudFormation"}), *children)


def test_a_parent_counts_its_children_by_state(client: Any, account: Account, clock: Clock) -> None:
    """DescribeBackupJob of a parent tells NumberOfChildJobs and ChildJobsInState."""
    family(account, "COMPLETED", "FAILED", "COMPLETED")
    clock.advance(250)
    parent = describe(client, "parent")
    assert (parent["IsParent"], parent["State"], parent["NumberOfChildJobs"]) == (True, "RUNNING", 3)
    assert parent["ChildJobsInState"] == {"COMPLETED": 1, "FAILED": 1, "RUNNING": 1}


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (("COMPLETED", "COMPLETED"), "COMPLETED"),
        (("COMPLETED", "FAILED"), "PARTIAL"),
        (("FAILED",), "FAILED"),
    ],
)
def test_a_parent_ends_as_its_children_did(
    client: Any, account: Account, clock: Clock, outcomes: tuple[str, ...], state: str
) -> None:
    """A parent is COMPLETED when all children are, PARTIAL when some are, FAILED when none is."""
    family(account, *outcomes)
    clock.advance(1000)
    client.list_backup_jobs()
    parent = describe(client, "parent")
    assert parent["State"] == state
    assert parent["CompletionDate"].timestamp() == NOW + 100 * len(outcomes)
    assert sum(parent["ChildJobsInState"].values()) == len(outcomes)


def test_a_parent_waits_for_a_child_that_is_being_stopped(
    client: Any, account: Account, clock: Clock
) -> None:
    """A parent ends when its last child has, though that was stopped just before its time."""
    family(account, "COMPLETED", "COMPLETED")
    clock.advance(198)
    client.stop_backup_job(BackupJobId="child-2")
    clock.advance(3)
    assert len(client.list_backup_jobs(ByState="RUNNING")["BackupJobs"]) == 1
    assert describe(client, "parent")["ChildJobsInState"] == {"COMPLETED": 1, "ABORTING": 1}
    clock.advance(10)
    assert len(client.list_backup_jobs(ByState="PARTIAL")["BackupJobs"]) == 1
    assert describe(client, "parent")["ChildJobsInState"] == {"COMPLETED": 1, "ABORTED": 1}


def test_describing_an_unknown_job(client: Any) -> None:
    """DescribeBackupJob of an id nobody knows is a ResourceNotFoundException, HTTP 400."""
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="does not exist") as caught:
        client.describe_backup_job(BackupJobId="nobody")
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ResourceNotFoundException"
    assert answer["ResponseMetadata"]["RequestId"]


def test_describing_an_empty_id_lists(client: Any, account: Account) -> None:
    """DescribeBackupJob with an empty id reaches the list route: an answer without a job, and no error."""
    start(client)
    assert describe(client, "") == {}
    assert account.calls[-1].operation == "ListBackupJobs"


def test_unknown_operations_are_errors(client: Any) -> None:
    """What is not simulated is an error, not silence."""
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.list_legal_holds()
