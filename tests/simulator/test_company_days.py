"""What the demo's company promises for the days to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.simulator.company_resources import NEVER_SUCCEEDS, SITES, STOPPED, Resource
from exporter.simulator.job_kinds import BACKUP, KINDS
from tests.simulator.companies import new_company
from tests.simulator.conftest import NOW, REGION, Clock

DAY = 86400.0
REGIONS = [site.region for site in SITES]

Jobs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Day:
    """What the company knows at the end of a day.

    Attributes:
        now: the time, in seconds since 1970.
        jobs: all jobs of each kind, newest first, by Region and name of the kind.
        points: the number of recovery points in the first Region.
    """

    now: float
    jobs: Mapping[tuple[str, str], Jobs]
    points: int

    @property
    def backups(self) -> Jobs:
        """The backup jobs in the first Region."""
        return self.jobs[REGION, BACKUP.name]

    def size(self, *regions: str) -> int:
        """Count the jobs of all kinds in some Regions."""
        return sum(len(jobs) for (region, _), jobs in self.jobs.items() if region in regions)

    def of(self, resource: Resource) -> Jobs:
        """Give the backup jobs of a resource."""
        arn = resource.arn(REGION, "123456789012")
        return [job for job in self.backups if job["ResourceArn"] == arn]


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Give the first days of a company; the day before is number 0."""
    clock = Clock(NOW)
    simulation = new_company(clock, seed=20)
    found = []
    for number in range(5):
        clock.now = NOW + number * DAY
        jobs = {
            (region, kind.name): simulation.account(region).jobs(kind) for region in REGIONS for kind in KINDS
        }
        found.append(Day(clock.now, jobs, len(simulation.account(REGION).points())))
    return found


def test_a_resource_whose_backups_stopped(days: list[Day]) -> None:
    """A resource of a daily rule had its last success five days ago, and no job since."""
    newest = days[1].of(STOPPED)[0]
    assert newest["State"] == "COMPLETED"
    assert newest["CreatedBy"]["BackupRuleName"] == "daily"
    assert 6 * DAY <= days[1].now - newest["CompletionDate"] <= 7 * DAY


def test_a_resource_that_never_succeeded(days: list[Day]) -> None:
    """A resource of a daily rule has a job each day, and each fails."""
    jobs = days[1].of(NEVER_SUCCEEDS)
    assert len(jobs) == 8
    assert {job["State"] for job in jobs} == {"FAILED"}


def test_troubles_go_on(days: list[Day]) -> None:
    """A day later, with the first day's jobs out of sight, every way to end is still seen."""
    states = {job["State"] for job in days[2].backups if job["CreationDate"] > days[1].now}
    assert {"COMPLETED", "FAILED", "EXPIRED", "PARTIAL", "ABORTED"} <= states


def test_plans_go_on(days: list[Day]) -> None:
    """Two days later the hourly rule has run every hour."""
    runs = [
        job
        for job in days[2].backups
        if job.get("CreatedBy", {}).get("BackupRuleName") == "hourly" and job["CreationDate"] > days[0].now
    ]
    assert len(runs) == 48


@pytest.mark.parametrize("region", REGIONS)
def test_it_remembers_no_more_after_days(days: list[Day], region: str) -> None:
    """What an account remembers does not grow with the days, but for the jobs that plans make."""
    remembered = [day.size(region) for day in days[1:4]]
    assert max(remembered) < 8000
    assert remembered[-1] < 1.1 * remembered[0] + 300


def test_points_stay_bounded(days: list[Day]) -> None:
    """The points of the busy jobs go after a day: their number does not grow with the days."""
    numbers = [day.points for day in days[1:4]]
    assert numbers[-1] < 1.1 * numbers[0] + 300
    assert numbers[-1] < 20_000


def test_the_company_stays_bounded(days: list[Day]) -> None:
    """However long the demo runs, it keeps no more than two days of its busy jobs."""
    sizes = [day.size(*REGIONS) for day in days[3:5]]
    assert sizes[1] < 1.05 * sizes[0]
    assert sizes[1] < 80_000
