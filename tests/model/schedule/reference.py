"""Schedules made up together with what they mean, told in the plainest way: does it run in this minute."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Numbers:
    """The text of a field, and the numbers it means."""

    text: str
    mean: frozenset[int]


@dataclass(frozen=True)
class Days:
    """The text of day of month and of day of week, and the dates they mean."""

    month: str
    week: str
    mean: Callable[[date], bool]


@dataclass(frozen=True)
class Schedule:
    """An expression, and what it means."""

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: Callable[[date], bool]
    months: frozenset[int]
    years: frozenset[int]

    def runs_on(self, day: date) -> bool:
        """Tell whether it runs on a day."""
        return day.year in self.years and day.month in self.months and self.days(day)

    def runs_at(self, wall: datetime) -> bool:
        """Tell whether it runs in the minute that begins now."""
        return wall.minute in self.minutes and wall.hour in self.hours and self.runs_on(wall.date())

    def runs(self, first: date, last: date) -> Iterator[datetime]:
        """Walk through the minutes of the days on which it runs."""
        times = [time(minute // 60, minute % 60) for minute in self.minutes_of_day]
        for day in self.days_with_runs(first, last):
            yield from (datetime.combine(day, moment) for moment in times)

    def days_with_runs(self, first: date, last: date) -> Iterator[date]:
        """Walk through the days and give those on which it runs."""
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return filter(self.runs_on, days)

    @property
    def minutes_of_day(self) -> list[int]:
        """The minutes since midnight in which it runs."""
        every = range(1440)
        return [minute for minute in every if minute % 60 in self.minutes and minute // 60 in self.hours]


def spelled(number: int, low: int, names: Sequence[str]) -> st.SearchStrategy[str]:
    """Write a number as people do."""
    name = [names[number - low], names[number - low].lower()] if names else [f"{number:02}"]
    return st.sampled_from([str(number), *name])


@st.composite
def spans(draw: st.DrawFn, low: int, high: int, names: Sequence[str] = ()) -> Numbers:
    """Make one number, a range, or steps."""
    numbers = st.integers(low, high)
    first, last, step = draw(numbers), draw(numbers), draw(st.integers(1, 20))
    start, end = draw(spelled(first, low, names)), draw(spelled(last, low, names))
    every = range(low, high + 1)
    forms = [
        ("*", every),
        (start, [first]),
        (
            f"{start}-{end}",
            [n for n in every if (first <= n <= last or (first > last and not last < n < first))],
        ),
        (f"*/{step}", [n for n in every if (n - low) % step == 0]),
        (f"{start}/{step}", [n for n in every if n >= first and (n - first) % step == 0]),
    ]
    if first <= last:
        forms.append(
            (f"{start}-{end}/{step}", [n for n in every if first <= n <= last and not (n - first) % step])
        )
    text, mean = draw(st.sampled_from(forms))
    return Numbers(text, frozenset(mean))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, names: Sequence[str] = ()) -> Numbers:
    """Make a list of spans."""
    parts = draw(st.lists(spans(low, high, names), min_size=1, max_size=3))
    return Numbers(",".join(part.text for part in parts), frozenset().union(*(part.mean for part in parts)))


def month_of(day: date) -> list[date]:
    """Give all days of the month that a day lies in."""
    first = day.replace(day=1)
    return [d for d in (first + timedelta(days=number) for number in range(31)) if d.month == day.month]


def nearest_weekday(day: date, number: int) -> bool:
    """Tell whether a day is the weekday of its month that is nearest to a number."""
    weekdays = [d for d in month_of(day) if d.isoweekday() <= 5]
    return 1 <= number <= len(month_of(day)) and day == min(weekdays, key=lambda d: abs(d.day - number))


def named(day: date) -> int:
    """Tell the day of the week as AWS counts it: 1 is Sunday."""
    return day.isoweekday() % 7 + 1


@st.composite
def days_of_month(draw: st.DrawFn) -> Days:
    """Make a day of month."""
    numbers, back, number = draw(fields(1, 31)), draw(st.integers(1, 30)), draw(st.integers(1, 31))
    forms: list[tuple[str, Callable[[date], bool]]] = [
        ("*", lambda _: True),
        (numbers.text, lambda day: day.day in numbers.mean),
        ("L", lambda day: (day + timedelta(days=1)).day == 1),
        (f"L-{back}", lambda day: day.day == len(month_of(day)) - back),
        (f"{number}W", lambda day: nearest_weekday(day, number)),
        ("LW", lambda day: nearest_weekday(day, len(month_of(day)))),
        (f"L-{back}W", lambda day: nearest_weekday(day, len(month_of(day)) - back)),
        (f"{number},L", lambda day: day.day == number or (day + timedelta(days=1)).day == 1),
    ]
    text, mean = draw(st.sampled_from(forms))
    return Days(text, "?", mean)


@st.composite
def days_of_week(draw: st.DrawFn) -> Days:
    """Make a day of the week."""
    numbers, number, nth = draw(fields(1, 7, WEEKDAYS)), draw(st.integers(1, 7)), draw(st.integers(1, 5))
    name = draw(spelled(number, 1, WEEKDAYS))
    forms: list[tuple[str, Callable[[date], bool]]] = [
        ("*", lambda _: True),
        (numbers.text, lambda day: named(day) in numbers.mean),
        ("L", lambda day: day.isoweekday() == 6),
        (f"{name}L", lambda day: named(day) == number and (day + timedelta(days=7)).month != day.month),
        (f"{name}#{nth}", lambda day: named(day) == number and (day.day - 1) // 7 == nth - 1),
    ]
    text, mean = draw(st.sampled_from(forms))
    return Days("?", text, mean)


ANY_DAYS = days_of_month() | days_of_week()
ANY_MONTHS = fields(1, 12, MONTHS)
ANY_YEARS = fields(1970, 2199)


@st.composite
def schedules(
    draw: st.DrawFn,
    days: st.SearchStrategy[Days] = ANY_DAYS,
    months: st.SearchStrategy[Numbers] = ANY_MONTHS,
    years: st.SearchStrategy[Numbers] = ANY_YEARS,
) -> Schedule:
    """Make a schedule."""
    minute, hour, month, year = draw(fields(0, 59)), draw(fields(0, 23)), draw(months), draw(years)
    day = draw(days)
    text = f"{minute.text} {hour.text} {day.month} {month.text} {day.week} {year.text}"
    return Schedule(f"cron({text})", minute.mean, hour.mean, day.mean, month.mean, year.mean)
