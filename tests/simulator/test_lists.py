"""Lists of jobs: what is in them, their filters, and their pages."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.account import Account
from exporter.simulator.job_kinds import COPY, KINDS, RESTORE, Kind
from exporter.simulator.jobs import Course, Scripted
from tests.simulator.conftest import NOW, REGION, Clock

JOBS = [
    {
        "BackupJobId": "old",
        "State": "COMPLETED",
        "BackupVaultName": "daily",
        "ResourceArn": "arn:aws:s3:::one",
        "ResourceType": "S3",
        "CreationDate": NOW - 7200,
        "CompletionDate": NOW - 7000,
        "MessageCategory": "SUCCESS",
        "AccountId": "123456789012",
    },
    {
        "BackupJobId": "failed",
        "State": "FAILED",
        "BackupVaultName": "weekly",
        "ResourceArn": "arn:aws:s3:::two",
        "ResourceType": "S3",
        "CreationDate": NOW - 3600,
        "CompletionDate": NOW - 3000,
        "MessageCategory": "AccessDenied",
        "AccountId": "123456789012",
    },
    {
        "BackupJobId": "child",
        "State": "RUNNING",
        "BackupVaultName": "daily",
        "ResourceArn": f"arn:aws:ec2:{REGION}:123456789012:volume/vol-1",
        "ResourceType": "EBS",
        "CreationDate": NOW - 60,
        "ParentJobId": "parent",
    },
    {
        "BackupJobId": "foreign",
        "State": "COMPLETED",
        "CreationDate": NOW - 30,
        "AccountId": "999999999999",
    },
]


def at(time: float) -> datetime:
    """Give a time as boto3 wants it."""
    return datetime.fromtimestamp(time, UTC)


def ids(answer: dict[str, Any], kind: Kind = KINDS[0]) -> list[str]:
    """Give the ids of the jobs on a page."""
    return [job[kind.id_key] for job in answer[kind.result_key]]


def fill(account: Account, number: int, first: int = 0) -> list[str]:
    """Put in jobs one second apart, the newest last."""
    return [
        account.put({"BackupJobId": f"job-{place:04}", "State": "COMPLETED", "CreationDate": NOW + place})
        for place in range(first, first + number)
    ]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["child", "failed", "old"]),
        ({"ByState": "COMPLETED"}, ["old"]),
        ({"ByState": "RUNNING"}, ["child"]),
        ({"ByState": "PENDING"}, []),
        ({"ByBackupVaultName": "daily"}, ["child", "old"]),
        ({"ByResourceArn": "arn:aws:s3:::two"}, ["failed"]),
        ({"ByResourceType": "S3"}, ["failed", "old"]),
        ({"ByCreatedAfter": at(NOW - 3601)}, ["child", "failed"]),
        ({"ByCreatedAfter": at(NOW - 3600)}, ["child"]),
        ({"ByCreatedBefore": at(NOW - 3600)}, ["old"]),
        ({"ByCreatedBefore": at(NOW - 3599)}, ["failed", "old"]),
        ({"ByCompleteAfter": at(NOW - 3001)}, ["failed"]),
        ({"ByCompleteBefore": at(NOW - 3000)}, ["old"]),
        ({"ByParentJobId": "parent"}, ["child"]),
        ({"ByParentJobId": "nobody"}, []),
        ({"ByMessageCategory": "AccessDenied"}, ["failed"]),
        ({"ByAccountId": "999999999999"}, ["foreign"]),
        ({"ByAccountId": "*"}, ["foreign", "child", "failed", "old"]),
        ({"ByResourceType": "S3", "ByState": "FAILED"}, ["failed"]),
    ],
)
def test_each_filter(client: Any, account: Account, filters: dict[str, Any], expected: list[str]) -> None:
    """Every filter of ListBackupJobs narrows the list, which is of the own account without ByAccountId."""
    for job in JOBS:
        account.put(job)
    assert ids(client.list_backup_jobs(**filters)) == expected


def test_rows_lack_the_child_counts(client: Any, account: Account) -> None:
    """A row of ListBackupJobs is what DescribeBackupJob tells, less the counts of children."""
    counts = {"NumberOfChildJobs": 2, "ChildJobsInState": {"COMPLETED": 2}}
    account.put(JOBS[0] | counts | {"IsParent": True})
    described = client.describe_backup_job(BackupJobId="old")
    (row,) = client.list_backup_jobs()["BackupJobs"]
    del described["ResponseMetadata"]
    assert described == row | counts


def test_children_can_be_kept_out_of_the_plain_list(client: Any, account: Account) -> None:
    """Whether children come in a plain list is a switch; by ByParentJobId they always come."""
    account.list_children = False
    account.put(JOBS[2])
    assert ids(client.list_backup_jobs()) == []
    assert ids(client.list_backup_jobs(ByParentJobId="parent")) == ["child"]


def test_listing_covers_thirty_days(client: Any, account: Account, clock: Clock) -> None:
    """A job older than 30 days is not listed any more, though it can be described."""
    account.put(JOBS[0])
    clock.advance(31 * 86400)
    assert ids(client.list_backup_jobs()) == []
    assert client.describe_backup_job(BackupJobId="old")["State"] == "COMPLETED"


def test_a_job_put_again_is_replaced(client: Any, account: Account) -> None:
    """Putting a job with a known id replaces it everywhere."""
    account.put({"BackupJobId": "job", "State": "RUNNING", "CreationDate": at(NOW - 5)})
    account.put({"BackupJobId": "job", "State": "COMPLETED", "CreationDate": at(NOW - 9)})
    assert ids(client.list_backup_jobs(ByState="RUNNING")) == []
    (row,) = client.list_backup_jobs()["BackupJobs"]
    assert (row["State"], row["CreationDate"]) == ("COMPLETED", at(NOW - 9))


def test_times_keep_their_milliseconds(client: Any, account: Account) -> None:
    """Timestamps arrive as datetimes with a zone, to the millisecond."""
    created = datetime(2025, 10, 9, 8, 7, 6, 543000, tzinfo=UTC)
    account.put({"BackupJobId": "job", "State": "CREATED", "CreationDate": created})
    assert client.describe_backup_job(BackupJobId="job")["CreationDate"] == created


def test_an_unknown_state_comes_as_it_was_put(client: Any, account: Account) -> None:
    """A state nobody knows yet can be listed and filtered by."""
    account.put(JOBS[0] | {"State": "HIBERNATING"})
    assert ids(client.list_backup_jobs(ByState="HIBERNATING")) == ["old"]


def test_pages_have_every_job_once(client: Any, account: Account, clock: Clock) -> None:
    """Following NextToken gives every job once, newest first."""
    jobs = fill(account, 25)
    clock.advance(100)
    pages = list(client.get_paginator("list_backup_jobs").paginate(PaginationConfig={"PageSize": 10}))
    assert [len(page["BackupJobs"]) for page in pages] == [10, 10, 5]
    assert [job for page in pages for job in ids(page)] == jobs[::-1]


def test_a_full_last_page_has_no_token(client: Any, account: Account) -> None:
    """When the jobs end with the page there is no NextToken."""
    fill(account, 10)
    assert "NextToken" not in client.list_backup_jobs(MaxResults=10)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=12))
def test_paging_stays_right_while_jobs_arrive(steps: list[tuple[int, int]]) -> None:
    """Jobs that arrive between pages make no job come twice, and none that was there get lost."""
    clock = Clock()
    account = Account("123456789012", REGION, clock)
    there = fill(account, 30)
    clock.advance(30)
    arrived = count(30)
    seen: list[str] = []
    parameters: dict[str, Any] = {}
    for size, arrivals in [*steps, (1000, 0)]:
        answer = account.list(**parameters, MaxResults=size)
        seen += ids(dict(answer))
        if "NextToken" not in answer:
            break
        parameters["NextToken"] = answer["NextToken"]
        for _ in range(arrivals):
            fill(account, 1, next(arrived))
            clock.advance(1)
    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)


def test_paging_stays_right_while_jobs_finish(client: Any, account: Account, clock: Clock) -> None:
    """A job that leaves the state asked for between two pages takes no other job with it."""
    for place in range(6):
        course = Course(pends=0, runs=0, ends=50 if place == 3 else 500)
        account.add(Scripted(f"job-{place}", NOW + place, course, fields={}))
    clock.advance(20)
    first = client.list_backup_jobs(ByState="RUNNING", MaxResults=2)
    clock.advance(40)
    second = client.list_backup_jobs(ByState="RUNNING", NextToken=first["NextToken"])
    assert ids(first) + ids(second) == ["job-5", "job-4", "job-2", "job-1", "job-0"]


def test_short_and_empty_pages_carry_a_token(client: Any, account: Account) -> None:
    """A short page, an empty one and the last one can carry NextToken; following it loses nothing."""
    jobs = fill(account, 5)
    account.shorten_pages(0, 2, 0, 3)
    pages = list(client.get_paginator("list_backup_jobs").paginate())
    assert [len(page["BackupJobs"]) for page in pages] == [0, 2, 0, 3, 0]
    assert [job for page in pages for job in ids(page)] == jobs[::-1]


@pytest.mark.parametrize("size", [0, 1001])
def test_max_results_is_one_to_a_thousand(client: Any, size: int) -> None:
    """MaxResults outside of 1 to 1000 is an InvalidParameterValueException."""
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="MaxResults"):
        client.list_backup_jobs(MaxResults=size)


def test_a_token_of_ones_own_making(client: Any) -> None:
    """A NextToken that AWS never gave is an InvalidParameterValueException."""
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="NextToken"):
        client.list_backup_jobs(NextToken="made up")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_empty_list_has_its_key(client: Any, kind: Kind) -> None:
    """An account without jobs answers with an empty list under the kind's key."""
    operation = {
        "backup": "list_backup_jobs",
        "copy": "list_copy_jobs",
        "restore": "list_restore_jobs",
        "scan": "list_scan_jobs",
    }
    assert getattr(client, operation[kind.name])()[kind.result_key] == []


def test_copy_jobs_are_a_row_of_the_table(client: Any, account: Account) -> None:
    """DescribeCopyJob nests its answer under CopyJob; rows of ListCopyJobs have the counts of children."""
    job = {"CopyJobId": "copy", "State": "RUNNING", "CreationDate": NOW, "NumberOfChildJobs": 3}
    account.put(job, COPY)
    assert client.describe_copy_job(CopyJobId="copy")["CopyJob"]["State"] == "RUNNING"
    (row,) = client.list_copy_jobs(ByState="RUNNING")["CopyJobs"]
    assert row["NumberOfChildJobs"] == 3


def test_restore_jobs_are_a_row_of_the_table(client: Any, account: Account) -> None:
    """A restore job's state is called Status."""
    account.put({"RestoreJobId": "restore", "Status": "COMPLETED", "CreationDate": NOW}, RESTORE)
    assert client.describe_restore_job(RestoreJobId="restore")["Status"] == "COMPLETED"
    assert ids(client.list_restore_jobs(ByStatus="COMPLETED"), RESTORE) == ["restore"]
    assert ids(client.list_restore_jobs(ByStatus="RUNNING"), RESTORE) == []
