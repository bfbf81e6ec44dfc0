"""Rules of backup plans, and when each runs: by the calendar, not by reading the schedule that AWS writes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST, LAST = date(2026, 9, 21), date(2026, 11, 29)  # ten weeks; clocks change in Berlin and in New York
BEGIN = datetime.combine(FIRST, time(), UTC).timestamp()
END = datetime.combine(LAST + timedelta(days=1), time(), UTC).timestamp()
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Rule:
    """A rule as the plan has it, and what its schedule means: days, and times of the rule's own wall clock.

    A job takes at most `minutes`, and each its own time.
    """

    id: str
    schedule: str
    on: Callable[[date], bool] = lambda _: True
    at: tuple[time, ...] = (time(5),)
    timezone: str = "Etc/UTC"
    vault: str = "prod"
    minutes: int = 100

    def runs(self) -> Iterator[float]:
        """Tell when it runs in the ten weeks, in seconds since 1970."""
        for number in range((LAST - FIRST).days + 1):
            day = FIRST + timedelta(days=number)
            for wall in self.at if self.on(day) else ():
                yield datetime.combine(day, wall, ZoneInfo(self.timezone)).timestamp()


def _weekday(day: date) -> bool:
    return day.isoweekday() <= 5


def _sunday(day: date) -> bool:
    return day.isoweekday() == 7


HOURLY = Rule("hourly", "cron(0 * ? * * *)", at=tuple(time(hour) for hour in range(24)), minutes=20)
DAILY = Rule("daily", "cron(30 2 ? * * *)", at=(time(2, 30),), timezone="Europe/Berlin")
SKIPPED = date(2026, 10, 4)  # in Sydney there is no half past two on this day
NIGHTLY = Rule(
    "nightly",
    "cron(30 2 ? * * *)",
    lambda day: day != SKIPPED,
    at=(time(2, 30),),
    timezone="Australia/Sydney",
    minutes=360,
)
WEEKDAYS = Rule("weekdays", "cron(0 5 ? * MON-FRI *)", _weekday)
WEEKLY = Rule("weekly", "cron(0 5 ? * SUN *)", _sunday, timezone="America/New_York")
WEEKLY_ELSEWHERE = Rule("elsewhere", "cron(0 5 ? * SUN *)", _sunday, vault="second")
MONTHLY = Rule("monthly", "cron(0 5 28 * ? *)", lambda day: day.day == 28)
