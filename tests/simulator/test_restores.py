"""Restore jobs, seen through the client."""

from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.job_kinds import RESTORE
from exporter.simulator.jobs import Course
from exporter.simulator.restores import Restore, Trial
from tests.simulator.conftest import NOW, REGION, Clock

SOURCE = f"arn:aws:rds:{REGION}:123456789012:db:orders"
TESTING = f"arn:aws:backup:{REGION}:123456789012:restore-testing-plan:proof-1"
TESTED = {"SourceResourceArn": SOURCE, "CreatedBy": {"RestoreTestingPlanArn": TESTING}}
MADE = {"CreatedResourceArn": f"{SOURCE}-restored"}
COURSE = Course(runs=10, ends=110)


def describe(client: Any) -> dict[str, Any]:
    """Describe the one restore job."""
    return dict(client.describe_restore_job(RestoreJobId="restore"))


def test_progress_has_a_percent_sign(client: Any, account: Account, clock: Clock) -> None:
    """A restore job is PENDING, RUNNING and COMPLETED, with a PercentDone from 0.00% to 100.00%."""
    account.add(Restore("restore", NOW, COURSE, TESTED, MADE), kind=RESTORE)
    seen = []
    for seconds in (0, 40, 100):
        clock.advance(seconds)
        job = describe(client)
        seen.append((job["Status"], job["PercentDone"], job.get("CreatedResourceArn")))
    assert seen == [
        ("PENDING", "0.00%", None),
        ("RUNNING", "30.00%", None),
        ("COMPLETED", "100.00%", MADE["CreatedResourceArn"]),
    ]


def test_a_restore_has_no_name_and_no_category(client: Any, account: Account, clock: Clock) -> None:
    """A restore job's state is its Status; ResourceName, MessageCategory and State are unknown to it."""
    account.add(Restore("restore", NOW, COURSE, TESTED, MADE), kind=RESTORE)
    clock.advance(200)
    (row,) = client.list_restore_jobs()["RestoreJobs"]
    assert not {"ResourceName", "MessageCategory", "State"} & set(row)


def test_a_test_goes_on_after_its_job_completed(client: Any, account: Account, clock: Clock) -> None:
    """A restore test is COMPLETED first; then it is validated, and what was restored is deleted."""
    trial = Trial("FAILED", "no rows", validates=30, deletes=20)
    account.add(Restore("restore", NOW, COURSE, TESTED, MADE, trial), kind=RESTORE)
    seen = []
    for seconds in (100, 10, 30, 20):
        clock.advance(seconds)
        client.list_restore_jobs()
        job = describe(client)
        seen.append((job["Status"], job.get("ValidationStatus"), job.get("DeletionStatus")))
    assert seen == [
        ("RUNNING", None, None),
        ("COMPLETED", "VALIDATING", None),
        ("COMPLETED", "FAILED", "DELETING"),
        ("COMPLETED", "FAILED", "SUCCESSFUL"),
    ]
    assert job["ValidationStatusMessage"] == "no rows"
    assert job["CompletionDate"].timestamp() == NOW + 110


def test_a_failed_restore(client: Any, account: Account, clock: Clock) -> None:
    """A FAILED restore test says why, made nothing, and is neither validated nor deleted."""
    course = Course(runs=10, ends=110, outcome="FAILED", reached=0.5, message="Access denied")
    account.add(Restore("restore", NOW, course, TESTED, MADE, Trial()), kind=RESTORE)
    clock.advance(1000)
    (row,) = client.list_restore_jobs(ByStatus="FAILED")["RestoreJobs"]
    assert (row["StatusMessage"], row["PercentDone"]) == ("Access denied", "50.00%")
    assert not {"CreatedResourceArn", "ValidationStatus", "DeletionStatus"} & set(row)


@pytest.mark.parametrize(("arn", "number"), [(TESTING, 1), (TESTING + "-other", 0)])
def test_tests_are_found_by_their_plan(client: Any, account: Account, arn: str, number: int) -> None:
    """ListRestoreJobs can be narrowed to the tests of one restore testing plan."""
    account.add(Restore("restore", NOW, COURSE, TESTED), kind=RESTORE)
    account.add(Restore("on-demand", NOW, COURSE, {"SourceResourceArn": SOURCE}), kind=RESTORE)
    assert len(client.list_restore_jobs(ByRestoreTestingPlanArn=arn)["RestoreJobs"]) == number
