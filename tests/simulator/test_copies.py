"""Copy jobs, seen through the client."""

from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.arns import vault_arn
from exporter.simulator.copies import CompositeCopy, Copy
from exporter.simulator.job_kinds import COPY
from exporter.simulator.jobs import Course, Scripted
from tests.simulator.conftest import NOW, REGION, Clock

FIELDS = {
    "AccountId": "123456789012",
    "SourceBackupVaultArn": vault_arn(REGION, "123456789012", "daily"),
    "DestinationBackupVaultArn": vault_arn("us-east-1", "123456789012", "copies"),
    "BackupSizeInBytes": 1000,
}
MADE = {"DestinationRecoveryPointArn": "arn:aws:backup:us-east-1:123456789012:recovery-point:1"}


def copy(job_id: str, course: Course, parent_id: str | None = None) -> Copy:
    """Give a copy job."""
    return Copy(job_id, NOW, course, FIELDS, MADE, parent_id)


def describe(client: Any, job_id: str) -> dict[str, Any]:
    """Describe a copy job."""
    return dict(client.describe_copy_job(CopyJobId=job_id)["CopyJob"])


def test_a_copy_passes_created_running_completed(client: Any, account: Account, clock: Clock) -> None:
    """A copy job is CREATED, RUNNING and COMPLETED; only then has its recovery point an ARN."""
    account.add(copy("copy", Course(runs=2, ends=60)), kind=COPY)
    seen = []
    for seconds in (0, 2, 58):
        clock.advance(seconds)
        job = describe(client, "copy")
        seen.append((job["State"], "DestinationRecoveryPointArn" in job, "CompletionDate" in job))
    assert seen == [("CREATED", False, False), ("RUNNING", False, False), ("COMPLETED", True, True)]


def test_a_copy_tells_no_progress(client: Any, account: Account, clock: Clock) -> None:
    """A copy job has neither PercentDone nor BytesTransferred, at no time."""
    account.add(copy("copy", Course(runs=2, ends=60)), kind=COPY)
    for seconds in (0, 30, 60):
        clock.advance(seconds)
        assert not {"PercentDone", "BytesTransferred"} & set(describe(client, "copy"))


def test_a_failed_copy_says_why(client: Any, account: Account, clock: Clock) -> None:
    """A FAILED copy job has a message and a category, and no recovery point at its destination."""
    course = Course(outcome="FAILED", message="Access denied", category="AccessDenied")
    account.add(copy("copy", course), kind=COPY)
    clock.advance(100)
    (row,) = client.list_copy_jobs(ByState="FAILED")["CopyJobs"]
    assert (row["StatusMessage"], row["MessageCategory"]) == ("Access denied", "AccessDenied")
    assert "DestinationRecoveryPointArn" not in row


@pytest.mark.parametrize(("outcome", "state"), [("COMPLETED", "COMPLETED"), ("FAILED", "PARTIAL")])
def test_a_composites_copy_counts_its_children(
    client: Any, account: Account, clock: Clock, outcome: str, state: str
) -> None:
    """A parent has its children counted by state in the list as well, and is PARTIAL when one failed."""
    children = [
        copy("one", Course(ends=50), "parent"),
        copy("two", Course(ends=100, outcome=outcome), "parent"),
    ]
    account.add(CompositeCopy("parent", NOW, NOW + 100, FIELDS, MADE), *children, kind=COPY)
    clock.advance(60)
    (row,) = client.list_copy_jobs(ByState="RUNNING", MaxResults=1)["CopyJobs"]
    parent = describe(client, "parent")
    assert (parent["NumberOfChildJobs"], parent["ChildJobsInState"]) == (2, {"COMPLETED": 1, "RUNNING": 1})
    assert row["CopyJobId"] in ("parent", "two")
    clock.advance(60)
    rows = {row["CopyJobId"]: row for row in client.list_copy_jobs()["CopyJobs"]}
    assert (rows["parent"]["State"], rows["parent"]["IsParent"]) == (state, True)
    assert sum(rows["parent"]["ChildJobsInState"].values()) == 2
    assert {row["ParentJobId"] for name, row in rows.items() if name != "parent"} == {"parent"}
    assert "PercentDone" not in rows["parent"]


def test_jobs_follow_a_backup_that_finished(client: Any, account: Account, clock: Clock) -> None:
    """A copy job comes once its backup job has finished, however late anybody looks."""
    account.follow(
        lambda backup: [
            (COPY, Copy(f"of-{backup['BackupJobId']}", backup["CompletionDate"] + 1, Course(), FIELDS, MADE))
        ]
    )
    account.add(Scripted("backup", NOW, Course(ends=100), fields={}))
    clock.advance(99)
    assert client.list_copy_jobs()["CopyJobs"] == []
    clock.advance(1000)
    (row,) = client.list_copy_jobs()["CopyJobs"]
    assert (row["CopyJobId"], row["State"]) == ("of-backup", "COMPLETED")
    assert row["CreationDate"].timestamp() == NOW + 101


def test_a_copy_is_in_the_region_it_leaves(connect: Any, account: Account) -> None:
    """A copy job to another Region is listed in the Region of its source, its point counts where it goes."""
    account.put(FIELDS | MADE | {"CopyJobId": "copy", "State": "COMPLETED"}, COPY)
    here, there = connect(), connect(region="us-east-1")
    there.create_backup_vault(BackupVaultName="copies")
    (vault,) = there.list_backup_vaults()["BackupVaultList"]
    assert vault["NumberOfRecoveryPoints"] == 1
    assert len(here.list_copy_jobs()["CopyJobs"]) == 1
    assert there.list_copy_jobs()["CopyJobs"] == []
