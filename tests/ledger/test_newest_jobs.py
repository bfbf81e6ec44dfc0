"""Which jobs of a resource are its newest, in whatever order AWS tells of them."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.job_versions import Versions
from exporter.ledger.newest_jobs import NewestJobs
from exporter.model import EndedJob, Job
from exporter.model.job_kinds import BACKUP, RESTORE
from tests.ledger.facts import by, told
from tests.support.makers import HOUR, NOW

BACKUPS = [
    told(BACKUP, "long", "COMPLETED", NOW - 9 * HOUR, CompletionDate=NOW - HOUR, **by("daily")),
    told(
        BACKUP, "short", "FAILED", NOW - 8 * HOUR, StatusMessage="no access", MessageCategory="AccessDenied"
    ),
    told(BACKUP, "early", "COMPLETED", NOW - 20 * HOUR),
    told(BACKUP, "undated", "FAILED", NOW - 3 * HOUR, CompletionDate=None),
    told(BACKUP, "goes on", "RUNNING", NOW - 2 * HOUR),
    told(BACKUP, "part", "COMPLETED", NOW - 30 * HOUR, ParentJobId="unknown"),
]


def newest(jobs: Sequence[Job]) -> NewestJobs:
    """Tell of jobs of one resource."""
    kind = RESTORE if jobs[0].kind == RESTORE.name else BACKUP
    made = NewestJobs(kind, Versions(kind))
    for job in jobs:
        made.update(job)
    return made


@given(st.permutations(BACKUPS))
def test_newest_goes_by_beginning_and_by_end(jobs: list[Job]) -> None:
    """The newest job began last, the newest ended one ended last; an end that AWS omits is the creation."""
    found = newest(jobs)
    assert found.begun is not None
    assert found.success is not None
    assert (found.begun.id, found.success.id, found.first_end) == ("goes on", "long", NOW - 29 * HOUR)
    assert found.last_ended() == EndedJob("long", "COMPLETED", NOW - HOUR, ("prod", "", ""))


@given(st.permutations(BACKUPS[1:]))
def test_the_last_ended_job_tells_why(jobs: list[Job]) -> None:
    """A job without CompletionDate that was created last is the last ended one."""
    assert newest(jobs).last_ended() == EndedJob("undated", "FAILED", NOW - 3 * HOUR, ("prod", "", ""))


def test_the_reason_of_the_last_ended_job() -> None:
    """The last ended job keeps its vault, category and message while the next one runs."""
    found = newest([BACKUPS[1], BACKUPS[4]]).last_ended()
    assert found == EndedJob("short", "FAILED", NOW - 7 * HOUR, ("prod", "AccessDenied", "no access"))


@pytest.mark.parametrize("last", ["FAILED", "TIMED_OUT", "VALIDATING"])
def test_a_success_that_is_withdrawn_gives_way_to_the_one_before(last: str) -> None:
    """While a restore is validated, and when that fails, the success before it counts again."""
    older = told(RESTORE, "older", "COMPLETED", NOW - 9 * HOUR, ValidationStatus="SUCCESSFUL")
    completed = told(RESTORE, "newer", "COMPLETED", NOW, ValidationStatus="")
    validating = told(RESTORE, "newer", "COMPLETED", NOW, ValidationStatus="VALIDATING")
    ended = told(RESTORE, "newer", "COMPLETED", NOW, ValidationStatus=last)
    for place in range(3):
        versions = [completed, validating, ended]
        versions.insert(place, older)
        found = newest(versions)
        assert found.success == older, place
    assert newest([completed, validating, ended]).success is None


def test_a_validation_that_succeeds_makes_a_success() -> None:
    """A restore that was validated is a success, when it ended."""
    versions = [
        told(RESTORE, "a", "COMPLETED", NOW, ValidationStatus=status)
        for status in ("VALIDATING", "SUCCESSFUL")
    ]
    assert newest(versions).success == versions[1]


def test_a_child_of_a_parent_that_is_known_does_not_count() -> None:
    """Where a child job has its composite's ARN, the parent job counts, whatever the order."""
    parent = told(BACKUP, "parent", "PARTIAL", NOW - HOUR, IsParent=True)
    child = told(BACKUP, "child", "COMPLETED", NOW, ParentJobId="parent")
    for jobs in permutations([parent, child]):
        found = newest(jobs)
        assert (found.begun, found.ended, found.success) == (parent, parent, None)


@given(st.permutations(["PENDING", "RUNNING", "RUNNING", "COMPLETED"]))
def test_an_older_version_does_not_take_a_job_back(states: list[str]) -> None:
    """Versions of the newest job that arrive late leave it at the stage that it has reached."""
    found = newest([told(BACKUP, "a", state, NOW) for state in states])
    assert found.begun is not None
    assert (found.begun.state, found.success and found.success.id) == ("COMPLETED", "a")
