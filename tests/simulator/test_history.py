"""Recovery points of months, of which the jobs are gone."""

from datetime import UTC, datetime
from typing import Any

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.history import put_history
from exporter.simulator.job_kinds import COPY
from tests.simulator.conftest import NOW, REGION, Clock

DAY = 86400.0
COPIES = "arn:aws:backup:us-east-1:123456789012:backup-vault:copies"
VOLUME = f"arn:aws:ec2:{REGION}:123456789012:volume/vol-1"


def rule(name: str, schedule: str, days: int | None, **fields: Any) -> dict[str, Any]:
    """Make a rule that keeps its points for so many days."""
    lifecycle = {} if days is None else {"Lifecycle": {"DeleteAfterDays": days}}
    return {
        "RuleId": name,
        "RuleName": name,
        "ScheduleExpression": schedule,
        "TargetBackupVaultName": name,
        **lifecycle,
        **fields,
    }


PLAN = {
    "BackupPlanId": "plan",
    "BackupPlan": {
        "BackupPlanName": "plan",
        "Rules": [
            rule("daily", "cron(0 1 ? * * *)", 35),
            rule("monthly", "cron(0 2 1 * ? *)", None),
            rule(
                "quarterly",
                "cron(0 3 1 1/3 ? *)",
                400,
                CopyActions=[{"DestinationBackupVaultArn": COPIES, "Lifecycle": {"DeleteAfterDays": 1000}}],
            ),
        ],
    },
}


def made_by(account: Account, name: str) -> list[dict[str, Any]]:
    """Return the points in a rule's vault, oldest first."""
    points = [dict(point) for point in account.points() if point["BackupVaultName"] == name]
    return sorted(points, key=lambda point: float(point["CreationDate"]))


def test_points_of_months(account: Account) -> None:
    """Each rule has its points of 120 days, as far as they are not deleted yet."""
    put_history(account, PLAN, [VOLUME], days=120)
    assert [len(made_by(account, name)) for name in ("daily", "monthly", "quarterly")] == [35, 4, 2]
    assert min(point["CalculatedLifecycle"]["DeleteAt"] for point in made_by(account, "daily")) > NOW
    months = [datetime.fromtimestamp(p["CreationDate"], UTC).month for p in made_by(account, "monthly")]
    assert months == [7, 8, 9, 10]
    (first, _) = made_by(account, "quarterly")
    assert (first["ResourceArn"], first["ResourceType"], first["Status"]) == (VOLUME, "EBS", "COMPLETED")
    assert first["CreatedBy"]["BackupRuleId"] == "quarterly"


def test_jobs_of_thirty_days(account: Account) -> None:
    """Only the jobs of the last 30 days are there: thirty daily ones, one monthly, one quarterly."""
    put_history(account, PLAN, [VOLUME])
    jobs = account.jobs()
    assert len(jobs) == 30 + 1 + 1
    assert min(job["CreationDate"] for job in jobs) > NOW - 30 * DAY


def test_copies_are_made_too(simulation: Simulation, account: Account) -> None:
    """A rule's copy action makes a point in the other Region, and a copy job of the last 30 days."""
    put_history(account, PLAN, [VOLUME])
    other = simulation.account("us-east-1")
    simulation.deliver_copies(other)
    copied = made_by(other, "copies")
    assert len(copied) == 2
    kept = copied[0]["CalculatedLifecycle"]["DeleteAt"] - copied[0]["CreationDate"]
    assert kept == 1000 * DAY
    assert [job["DestinationBackupVaultArn"] for job in account.jobs(COPY)] == [COPIES]


def test_it_can_end_earlier(account: Account) -> None:
    """Runs from `until` on are left out."""
    put_history(account, PLAN, [VOLUME], until=NOW - 10 * DAY)
    assert max(point["CreationDate"] for point in account.points()) < NOW - 10 * DAY


def test_points_expire_as_time_passes(account: Account, clock: Clock) -> None:
    """A point of months ago is deleted when its time has come."""
    put_history(account, PLAN, [VOLUME])
    clock.advance(20 * DAY)
    assert len(made_by(account, "daily")) == 15


def test_twice_the_same(account: Account) -> None:
    """The same plan and resources make the same jobs: nothing comes twice."""
    put_history(account, PLAN, [VOLUME])
    before = account.points()
    put_history(account, PLAN, [VOLUME])
    assert account.points() == before
