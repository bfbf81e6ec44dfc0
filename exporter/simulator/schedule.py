"""Computes the runs of backup rules from AWS schedule expressions, independently of the exporter."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import product
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

DEFAULT_ZONE = "Etc/UTC"
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
YEARS = (1970, 2199)
PATIENCE = timedelta(days=8 * 366)
"""The time without a run after which an expression counts as one that never runs again."""


def runs(expression: str, zone: str, after: float) -> Iterator[float]:
    """Yield the runs after a time, in seconds since 1970, in order; none for an invalid expression."""
    cron = re.fullmatch(r"cron\((.+)\)", expression)
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    try:
        if cron:
            yield from Cron.read(cron[1]).runs(ZoneInfo(zone), after)
        elif rate and int(rate[1]):
            yield from _every(int(rate[1]) * UNITS[rate[2]], after)
    except (ValueError, LookupError):
        return


def plan_runs(rules: Sequence[Mapping[str, Any]], after: float) -> Iterator[tuple[float, str]]:
    """Yield the runs of all rules of a plan after a time, the next one first: when, and the rule's id."""
    each = (_rule_runs(rule, after) for rule in rules if "RuleId" in rule)
    return merge(*each, key=itemgetter(0))


def _rule_runs(rule: Mapping[str, Any], after: float) -> Iterator[tuple[float, str]]:
    zone = rule.get("ScheduleExpressionTimezone") or DEFAULT_ZONE
    return ((run, rule["RuleId"]) for run in runs(rule.get("ScheduleExpression") or "", zone, after))


def _every(seconds: int, after: float) -> Iterator[float]:
    run = after - after % seconds
    while True:
        run += seconds
        yield run


@dataclass(frozen=True)
class Cron:
    """The six fields of a cron expression; days of the month and of the week are read day by day."""

    minutes: Sequence[int]
    hours: Sequence[int]
    month_days: str
    months: Sequence[int]
    week_days: str
    years: Sequence[int]

    @classmethod
    def read(cls, text: str) -> "Cron":
        """Read the fields; raises ValueError for what is no cron expression."""
        minutes, hours, month_days, months, week_days, years = text.upper().split()
        cron = cls(
            _values(minutes, 0, 59),
            _values(hours, 0, 23),
            month_days,
            _values(months, 1, 12, MONTHS),
            week_days,
            _values(years, *YEARS),
        )
        cron.has(date(2000, 1, 1))
        return cron

    def has(self, day: date) -> bool:
        """Return whether there are runs on a day."""
        return (
            day.month in self.months
            and day.year in self.years
            and self._has_month_day(day)
            and self._has_week_day(day)
        )

    def runs(self, zone: ZoneInfo, after: float) -> Iterator[float]:
        """Yield the runs after a time; an hour that a time zone skips has none."""
        start = datetime.fromtimestamp(after, zone).date()
        day = last = start
        while day - last <= PATIENCE:
            if self.has(day):
                last = day
                for hour, minute in product(self.hours, self.minutes):
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    run = local.timestamp()
                    if run > after and datetime.fromtimestamp(run, zone).hour == hour:
                        yield run
            day += timedelta(days=1)

    def _has_month_day(self, day: date) -> bool:
        length = monthrange(day.year, day.month)[1]
        return day.day in _values(self.month_days.replace("L", str(length)), 1, 31)

    def _has_week_day(self, day: date) -> bool:
        """Match also `6L` (the last Friday of the month) and `2#1` (its first Monday)."""
        wanted, week = self.week_days, 0
        if "#" in wanted:
            wanted, _, nth = wanted.partition("#")
            week = int(nth)
        elif wanted.endswith("L") and wanted != "L":
            wanted, week = wanted[:-1], -1
        last = day.day + 7 > monthrange(day.year, day.month)[1]
        in_week = week == 0 or (week == -1 and last) or week == (day.day + 6) // 7
        return in_week and day.isoweekday() % 7 + 1 in _values(wanted.replace("L", "7"), 1, 7, WEEKDAYS)


@lru_cache(maxsize=1024)
def _values(text: str, low: int, high: int, names: Sequence[str] = ()) -> Sequence[int]:
    """Read a field: `*`, `?`, numbers or names, ranges, steps, and lists of them."""
    values: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(last, names) if last else high if step else start
        if not low <= start <= end <= high:
            raise ValueError(text)
        values.update(range(start, end + 1, int(step or 1)))
    return tuple(sorted(values))


def _number(text: str, names: Sequence[str]) -> int:
    return names.index(text) + 1 if text in names else int(text)
