"""The resources of an account, and how the backups of each went in ten weeks."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from exporter.config import Expectation
from tests.missed.rules import (
    BEGIN,
    DAILY,
    DAY,
    END,
    HOUR,
    HOURLY,
    MINUTE,
    MONTHLY,
    NIGHTLY,
    WEEKDAYS,
    WEEKLY,
    WEEKLY_ELSEWHERE,
    Rule,
)
from tests.support.harness import REGION, job

HERE = f"{REGION}:123456789012"


class Backup(NamedTuple):
    """One run of a rule for a resource: when it began and ended, and the state that it ended in."""

    resource: str
    rule: Rule
    created: float
    completed: float
    state: str
    name: str

    def told(self, now: float) -> Any:
        """Give what AWS tells of it."""
        job_id = f"{self.resource}-{self.rule.id}-{self.created:.0f}"
        fields: dict[str, Any] = {
            "ResourceArn": arn(self.resource),
            "ResourceName": self.name,
            "BackupVaultName": self.rule.vault,
            "BackupVaultArn": f"arn:aws:backup:{HERE}:backup-vault:{self.rule.vault}",
            "CreatedBy": {
                "BackupPlanId": "plan",
                "BackupRuleId": self.rule.id,
                "BackupRuleCron": self.rule.schedule,
                "BackupRuleTimezone": self.rule.timezone,
            },
        }
        if now < self.completed:
            return job(job_id, "RUNNING", created=self.created, **fields)
        fields |= {"CompletionDate": self.completed, "BackupSizeInBytes": 5}
        if self.state == "COMPLETED":
            fields["RecoveryPointArn"] = f"arn:aws:backup:{HERE}:recovery-point:{job_id}"
        return job(job_id, self.state, created=self.created, **fields)


def day(number: float) -> float:
    """Tell when a day of the ten weeks begins, in seconds since 1970; the first is 0."""
    return BEGIN + number * DAY


LAST_DAYS = day(64)  # from here on there are hourly rules, and scrapes are closer to each other
FAILED_FROM, STOPPED_FROM, RESUMED_FROM = day(30), day(30), day(40)
WEEKLY_STOPPED_FROM = day(36)
HOURLY_STOPPED_FROM = day(68)
RENAMED_FROM = day(35.5)


def always(_: Rule, __: float) -> str:
    """Every run succeeds."""
    return "COMPLETED"


def in_last_days(_: Rule, created: float) -> str:
    """A resource that exists only in the last days."""
    return "COMPLETED" if created >= LAST_DAYS else ""


def hourly_stops(rule: Rule, created: float) -> str:
    """Of the last days, too, and then one of its rules makes no more jobs."""
    return "" if rule is HOURLY and created >= HOURLY_STOPPED_FROM else in_last_days(rule, created)


def stops_and_resumes(_: Rule, created: float) -> str:
    """There are no jobs for some days."""
    return "" if STOPPED_FROM <= created < RESUMED_FROM else "COMPLETED"


def weekly_stops(_: Rule, created: float) -> str:
    """There are no more jobs."""
    return "" if created >= WEEKLY_STOPPED_FROM else "COMPLETED"


def begins_to_fail(_: Rule, created: float) -> str:
    """Jobs go on, and fail."""
    return "FAILED" if created >= FAILED_FROM else "COMPLETED"


def never_succeeds(_: Rule, __: float) -> str:
    """Jobs fail from the first on."""
    return "FAILED"


class Member(NamedTuple):
    """A resource: the rules that back it up, and the state that a run ends in; none when there was no job."""

    rules: tuple[Rule, ...]
    ends_in: Callable[[Rule, float], str] = always


HEALTHY = {
    "hourly": Member((HOURLY,), in_last_days),
    "daily": Member((DAILY,)),
    "skipped-once": Member((NIGHTLY,)),
    "weekdays": Member((WEEKDAYS,)),
    "weekly": Member((WEEKLY,)),
    "monthly": Member((MONTHLY,)),
    "hourly-and-monthly": Member((HOURLY, MONTHLY), in_last_days),
    "renamed": Member((DAILY,)),
    "two-vaults": Member((DAILY, WEEKLY_ELSEWHERE)),
}
MISSED = {
    "stopped": Member((DAILY,), stops_and_resumes),
    "weekly-stopped": Member((WEEKLY,), weekly_stops),
    "hourly-stopped": Member((HOURLY, MONTHLY), hourly_stops),
    "failing": Member((DAILY,), begins_to_fail),
    "never": Member((DAILY,), never_succeeds),
}
UNHEARD = "unheard"  # AWS does not know it, the configuration names it
CAST = HEALTHY | MISSED


def arn(resource: str) -> str:
    """Give the ARN of a resource."""
    return f"arn:aws:ec2:{HERE}:volume/vol-{resource}"


EXPECTATIONS = (Expectation(resource_arn=arn(UNHEARD), within=26 * HOUR),)


def backups_of(resource: str) -> Iterator[Backup]:
    """Give the backups of a resource, rule by rule."""
    rules, ends_in = CAST[resource]
    for rule in rules:
        for number, created in enumerate(run for run in rule.runs() if BEGIN <= run < END):
            name = "new-name" if resource == "renamed" and created >= RENAMED_FROM else resource
            minutes = rule.minutes - 37 * number % (rule.minutes - 4)  # from 5 on, with no two alike in a row
            state = ends_in(rule, created)
            if state:
                yield Backup(resource, rule, created, created + minutes * MINUTE, state, name)


def successes(resource: str) -> list[float]:
    """Tell when the successful backups of a resource ended, in order."""
    return sorted(backup.completed for backup in backups_of(resource) if backup.state == "COMPLETED")


def last_success_before(resource: str, time: float) -> float:
    """Tell when the last successful backup before a time ended."""
    return max(ended for ended in successes(resource) if ended < time)
