"""Schedule expressions of backup rules: the next run, and the largest gap between two runs.

AWS writes a schedule as `rate(12 hours)` or as `cron(0 5 ? * MON-FRI *)`: minute, hour, day of month, month,
day of week, year. The result for an expression that cannot be parsed is None: AWS may add new forms.
"""

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice, pairwise, product
from zoneinfo import ZoneInfo

_DAY = 86400
_CYCLE = 28  # years after which each date falls on the same weekday again
_ANY = ("*", "?")

_CRON = re.compile(r"(?:CRON\s*\(([^()]*)\)|([^()]*))")
_RATE = re.compile(r"RATE\s*\(\s*([0-9]{1,9})\s+(MINUTE|HOUR|DAY)S?\s*\)")
_UNITS = {"MINUTE": 60, "HOUR": 3600, "DAY": _DAY}

_SPAN = re.compile(r"(?:\*|([A-Z0-9]{1,4})(?:-([A-Z0-9]{1,4}))?)(?:/([0-9]{1,4}))?")
_DAY_OF_MONTH = re.compile(r"(?:L(?:-([0-9]{1,2}))?|([0-9]{1,2}))(W?)")
_DAY_OF_WEEK = re.compile(r"([A-Z0-9]{1,3}?)(?:L|#([1-5]))")


def longest_gap(expression: str, timezone: str | None, now: float) -> float | None:
    """Return the largest number of seconds between two consecutive runs.

    The gap is measured in local time, so that it is 24 hours for a daily rule all year. In elapsed time, the
    end of daylight saving time would make it 25 hours, and alert thresholds would change with the season. For
    the same reason, the runs of a complete calendar cycle are compared, so that the result is the same on
    each day.

    AWS skips a run at a local time that does not exist because clocks go forward: a daily rule at 02:30 then
    has a gap of 47 hours. This gap counts from the run before it until the second run after it, so that the
    backup after the gap has as much time to complete as on any other day.

    Args:
        expression: the schedule expression.
        timezone: an IANA time zone name; None and unknown names mean UTC.
        now: seconds since 1970.

    Returns:
        None for a rule that runs once or never again, or that cannot be parsed.
    """
    today = datetime.fromtimestamp(now, _zone(timezone) or UTC).date()
    gap = _longest_gap(expression, today)
    if gap is None or not timezone:
        return gap
    around_now = (
        skip.seconds
        for skip in _skipped_runs(expression, timezone, today.year)
        if skip.since <= now < skip.until
    )
    return max(gap, *around_now, 0.0)


def next_run(expression: str, timezone: str | None, now: float) -> float | None:
    """Return the next run after now, in seconds since 1970.

    When clocks change, AWS skips a run at a local time that does not exist; if a local time occurs twice, the
    rule runs only the first time. The result is None for a rule that never runs again or cannot be parsed,
    for an unknown time zone, and for a rate, because AWS does not publish its start.
    """
    zone, cron = _zone(timezone), _cron(expression)
    if not zone or not cron:
        return None
    today = datetime.fromtimestamp(now, zone).date()
    for day in cron.days(today.year, today.year + _CYCLE):
        if day >= today.toordinal():
            midnight = datetime.combine(date.fromordinal(day), datetime.min.time())
            for minute in cron.minutes:
                run = _epoch(midnight + timedelta(minutes=minute), zone)
                if run is not None and run > now:
                    return run
    return None


def previous_run(expression: str, timezone: str | None, now: float) -> float | None:
    """Return the last run at or before now, in seconds since 1970.

    When clocks change, the runs are those of `next_run`. The result is None for a rule that has not run yet
    or cannot be parsed, for an unknown time zone, and for a rate.

    The runs of a local day are cached, so that another call takes only microseconds.
    """
    runs, past = _runs_around(expression, timezone, now)
    return runs[past - 1] if past else None


def run_is_last_until(expression: str, timezone: str | None, now: float) -> float:
    """Return until when `previous_run` stays the same, at least: the next run, or in an hour."""
    runs, past = _runs_around(expression, timezone, now)
    return runs[past] if past < len(runs) else now + 3600


def largest_gap_of(times: Iterable[float]) -> float | None:
    """Return the largest difference between two successive times; None for fewer than two."""
    return max((later - earlier for earlier, later in pairwise(sorted(set(times)))), default=None)


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the six fields of a cron expression: integers from low to high, or their names."""

    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Parse a number or a name. Raises ValueError."""
        number = self.low + self.names.index(text) if text in self.names else int(text)
        if not self.low <= number <= self.high:
            raise ValueError(text)
        return number

    def span(self, text: str) -> set[int]:
        """Parse `*`, `5`, `1-5`, `0/15` or `1-30/2`; `FRI-MON` wraps around. Raises ValueError."""
        match = _SPAN.fullmatch(text)
        if not match:
            raise ValueError(text)
        first, last, step = match.groups()
        start = self.number(first) if first else self.low
        end = self.number(last) if last else start if first and not step else self.high
        size = self.high - self.low + 1
        stop = end if end >= start else end + size
        return {self.low + (value - self.low) % size for value in range(start, stop + 1, int(step or 1))}

    def values(self, text: str) -> list[int]:
        """Parse a list of spans into sorted values. Raises ValueError."""
        return sorted(set().union(*map(self.span, text.split(","))))


_MINUTE = _Field(0, 59)
_HOUR = _Field(0, 23)
_MONTHDAY = _Field(1, 31)
_MONTH = _Field(1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
_WEEKDAY = _Field(1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_YEAR = _Field(1970, 2199)


@dataclass(frozen=True, slots=True)
class _Cron:
    """A parsed cron expression.

    Attributes:
        minutes: the minutes since midnight of its runs, ascending; the same on each day.
        days_of: the days of a month with runs, ascending, by the `calendar.monthrange` of the month.
        months: the months with runs, ascending.
        years: the years with runs, ascending.
    """

    minutes: list[int]
    days_of: Mapping[tuple[int, int], list[int]]
    months: list[int]
    years: list[int]

    def days(self, first: int, last: int) -> Iterator[int]:
        """Yield the days with runs between two years, ascending, as `date.toordinal` counts."""
        for year, month in product((year for year in self.years if first <= year <= last), self.months):
            before = date(year, month, 1).toordinal() - 1
            for day in self.days_of[monthrange(year, month)]:
                yield before + day


@lru_cache(maxsize=4096)
def _longest_gap(expression: str, today: date) -> float | None:
    if rate := _RATE.fullmatch(expression.strip().upper()):
        return float(int(rate[1]) * _UNITS[rate[2]]) or None
    cron = _cron(expression)
    days = list(cron.days(today.year - 1, today.year + _CYCLE)) if cron else []
    if not cron or not days or days[-1] < today.toordinal():
        return None
    within_a_day = largest_gap_of(cron.minutes)
    between_days = largest_gap_of(days)
    night = between_days and between_days * 1440 + cron.minutes[0] - cron.minutes[-1]
    return 60.0 * max(within_a_day or 0, night or 0) or None


def _runs_around(expression: str, timezone: str | None, now: float) -> tuple[tuple[float, ...], int]:
    """Return the runs of the days around now, and how many of them are not after now."""
    zone = _zone(timezone)
    if not zone:
        return (), 0
    runs = _recent_runs(expression, timezone, datetime.fromtimestamp(now, zone).toordinal())
    return runs, bisect_right(runs, now)


@lru_cache(maxsize=4096)
def _recent_runs(expression: str, timezone: str | None, today: int) -> tuple[float, ...]:
    """Return the last run before a day, and the runs of that day and the next one, ascending.

    The next day is included because clocks can go back across midnight: its first minutes then come before
    the repeated last hour of the day.
    """
    zone, cron = _zone(timezone), _cron(expression)
    if not zone or not cron:
        return ()
    runs: list[float] = []
    for year in range(date.fromordinal(today + 1).year, _YEAR.low - 1, -1):
        for day in reversed([day for day in cron.days(year, year) if day <= today + 1]):
            midnight = datetime.combine(date.fromordinal(day), time.min)
            for minute in reversed(cron.minutes):
                run = _epoch(midnight + timedelta(minutes=minute), zone)
                if run is not None:
                    runs.append(run)
                    if day < today:
                        return tuple(reversed(runs))
    return tuple(reversed(runs))


@dataclass(frozen=True, slots=True)
class _Skip:
    """A skipped run: the seconds between the runs before and after it, and the period in which they count."""

    since: float
    until: float
    seconds: float


@lru_cache(maxsize=4096)
def _skipped_runs(expression: str, timezone: str, year: int) -> tuple[_Skip, ...]:
    """Return the skipped runs that may count in a year: for a yearly rule the gap is two years."""
    zone, cron = _zone(timezone), _cron(expression)
    if not zone or not cron:
        return ()
    shortened = {day for around in range(year - 2, year + 2) for day in _shortened_days(timezone, around)}
    shortened.intersection_update(cron.days(year - 2, year + 1))
    return tuple(skip for day in sorted(shortened) if (skip := _skip_on(day, cron, zone)))


@lru_cache(maxsize=4096)
def _shortened_days(timezone: str, year: int) -> tuple[int, ...]:
    """Return the days of a year on which clocks go forward, as `date.toordinal` counts."""
    zone = _zone(timezone)
    first, last = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
    midnights = [datetime.combine(date.fromordinal(day), time.min, zone) for day in range(first, last + 1)]
    offsets = [midnight.utcoffset() or timedelta() for midnight in midnights]
    return tuple(first + day for day, (before, after) in enumerate(pairwise(offsets)) if after > before)


def _skip_on(day: int, cron: _Cron, zone: tzinfo) -> _Skip | None:
    """Return the skipped run of a day on which clocks go forward, if there is one."""

    def at(day: int, minute: int) -> float | None:
        return _epoch(datetime.combine(date.fromordinal(day), time.min) + timedelta(minutes=minute), zone)

    skipped = [minute for minute in cron.minutes if at(day, minute) is None]
    if not skipped:
        return None
    year = date.fromordinal(day).year
    days = [*cron.days(year - _CYCLE, year + _CYCLE)]
    before = (
        at(earlier, minute)
        for earlier in reversed(days[: bisect_right(days, day)])
        for minute in reversed(cron.minutes)
        if (earlier, minute) < (day, skipped[0])
    )
    after = (
        at(later, minute)
        for later in days[bisect_left(days, day) :]
        for minute in cron.minutes
        if (later, minute) > (day, skipped[-1])
    )
    last = next((run for run in before if run is not None), None)
    coming = [*islice((run for run in after if run is not None), 2)]
    return _Skip(last, coming[-1], coming[0] - last) if last is not None and coming else None


@lru_cache(maxsize=4096)
def _cron(expression: str) -> _Cron | None:
    """Parse a cron expression; None if that fails."""
    match = _CRON.fullmatch(expression.strip().upper())
    fields = (match[1] or match[2] or "").split() if match else []
    if len(fields) != 6:
        return None
    minute, hour, monthday, month, weekday, year = fields
    try:
        return _Cron(
            [60 * hours + minutes for hours in _HOUR.values(hour) for minutes in _MINUTE.values(minute)],
            {shape: _days(monthday, weekday, *shape) for shape in product(range(7), range(28, 32))},
            _MONTH.values(month),
            _YEAR.values(year),
        )
    except ValueError:
        return None


def _days(monthday: str, weekday: str, first: int, length: int) -> list[int]:
    """Return the days of a month with runs; `first` is its first weekday (Monday is 0). Raises ValueError."""
    if weekday in _ANY:
        read, field = _by_day_of_month, "*" if monthday in _ANY else monthday
    elif monthday in _ANY:
        read, field = _by_day_of_week, weekday
    else:
        raise ValueError(monthday, weekday)
    days = set().union(*(read(item, first, length) for item in field.split(",")))
    return sorted(day for day in days if 1 <= day <= length)


def _by_day_of_month(item: str, first: int, length: int) -> set[int]:
    """Parse `15`, `1-15`, `L` (the last), `L-3`, `15W` (the nearest weekday in the same month) or `LW`."""
    match = _DAY_OF_MONTH.fullmatch(item)
    if not match:
        return _MONTHDAY.span(item)
    back, number, nearest_weekday = match.groups()
    day = _MONTHDAY.number(number) if number else length - int(back or 0)
    if not nearest_weekday or not 1 <= day <= length:
        return {day}
    weekday = (first + day - 1) % 7
    if weekday == 5:
        return {day - 1 if day > 1 else day + 2}
    if weekday == 6:
        return {day + 1 if day < length else day - 2}
    return {day}


def _by_day_of_week(item: str, first: int, length: int) -> set[int]:
    """Parse `2`, `MON-FRI`, `L` (the last of the week, Saturday), `6L` (the month's last Friday) or `2#1`."""
    match = _DAY_OF_WEEK.fullmatch(item)
    span = {_WEEKDAY.high} if item == "L" else {_WEEKDAY.number(match[1])} if match else _WEEKDAY.span(item)
    days = [day for day in range(1, length + 1) if (first + day) % 7 + 1 in span]
    if not match:
        return set(days)
    return set(days[int(match[2]) - 1 :][:1] if match[2] else days[-1:])


def _zone(name: str | None) -> tzinfo | None:
    """Return a time zone by its name; None if it is unknown."""
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return None


def _epoch(wall: datetime, zone: tzinfo) -> float | None:
    """Convert local time to seconds since 1970: the first of two; None if it is skipped."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment.timestamp() if moment.astimezone(zone).replace(tzinfo=None) == wall else None
