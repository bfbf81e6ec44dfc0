"""Jobs that come when it is time, and are forgotten."""

from itertools import count
from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.copies import Copy
from exporter.simulator.job_kinds import COPY
from exporter.simulator.jobs import Course, Scripted
from tests.simulator.conftest import NOW, Clock

DAY = 86400.0


def test_jobs_come_when_it_is_time(client: Any, account: Account, clock: Clock) -> None:
    """A job that is to come is not listed before it is created."""
    account.schedule(Scripted(f"job-{place}", NOW + 10 * place, Course(), {}) for place in count(1))
    numbers = []
    for _ in range(3):
        numbers.append(len(client.list_backup_jobs()["BackupJobs"]))
        clock.advance(25)
    assert numbers == [0, 2, 5]


def test_jobs_of_other_kinds_come_too(client: Any, account: Account, clock: Clock) -> None:
    """A copy job is listed among copy jobs from its creation on."""
    account.schedule(iter([Copy("copy", NOW + 10, Course(), {})]), COPY)
    clock.advance(10)
    assert [job["CopyJobId"] for job in client.list_copy_jobs()["CopyJobs"]] == ["copy"]
    assert client.list_backup_jobs()["BackupJobs"] == []


def test_a_job_is_forgotten(client: Any, account: Account, clock: Clock) -> None:
    """Describing a job that AWS has forgotten is a ResourceNotFoundException."""
    account.schedule(iter([Scripted("job", NOW, Course(), {})]), kept=30 * DAY)
    clock.advance(30 * DAY - 1)
    assert client.describe_backup_job(BackupJobId="job")["State"] == "COMPLETED"
    clock.advance(1)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_backup_job(BackupJobId="job")


def test_a_job_is_forgotten_when_a_test_says_so(client: Any, account: Account) -> None:
    """A job forgotten early is neither described nor listed, and is no child of its parent."""
    account.put({"BackupJobId": "parent", "State": "RUNNING"})
    account.put({"BackupJobId": "job", "State": "RUNNING", "ParentJobId": "parent"})
    account.forget("job")
    assert client.list_backup_jobs(ByParentJobId="parent")["BackupJobs"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_backup_job(BackupJobId="job")


def test_a_long_absence_leaves_no_more_than_what_is_kept(account: Account, clock: Clock) -> None:
    """After a long time without a call there are the jobs young enough to be kept, and no older ones."""
    account.schedule((Scripted(f"{place}", NOW + 600 * place, Course(), {}) for place in count()), kept=DAY)
    clock.advance(100 * DAY)
    jobs = account.jobs()
    assert len(jobs) == 144
    assert min(job["CreationDate"] for job in jobs) > clock() - DAY
