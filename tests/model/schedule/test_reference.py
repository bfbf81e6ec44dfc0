"""Made-up schedules: the exporter agrees with a walk through the minutes of the calendar."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model.schedule import longest_gap, next_run
from tests.model.schedule.reference import Days, Numbers, Schedule, schedules

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = st.just(Days("*", "?", lambda _: True))
EVERY_MONTH = st.just(Numbers("*", frozenset(range(1, 13))))
EVERY_YEAR = st.just(Numbers("*", frozenset(range(1970, 2200))))
FEW_YEARS = st.integers(2020, 2035).map(
    lambda year: Numbers(f"{year}-{year + 1}", frozenset([year, year + 1]))
)
CHANGES = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]


@settings(deadline=None)
@given(schedules(years=FEW_YEARS))
def test_gap(schedule: Schedule) -> None:
    """The longest gap is the one that a walk through all minutes of the rule's years finds."""
    first, last = date(min(schedule.years), 1, 1), date(max(schedule.years), 12, 31)
    minutes = schedule.minutes_of_day
    days = (day.toordinal() for day in schedule.days_with_runs(first, last))
    runs = (1440 * day + minute for day in days for minute in minutes)
    gaps = (60 * (later - earlier) for earlier, later in pairwise(runs))
    now = datetime(first.year, 1, 1, tzinfo=UTC).timestamp()

    assert longest_gap(schedule.expression, None, now) == max(gaps, default=None)


@settings(deadline=None)
@given(schedules(), st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 86399))
def test_next_run(schedule: Schedule, day: date, second: int) -> None:
    """The next run is the first that a walk through the minutes ahead finds."""
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)
    ahead = (wall.replace(tzinfo=UTC) for wall in schedule.runs(day, day + timedelta(days=400)))
    expected = next((run.timestamp() for run in ahead if run > now), None)
    found = next_run(schedule.expression, None, now.timestamp())

    assert found == expected or (
        expected is None and found is not None and found > now.timestamp() + 399 * 86400
    )


@settings(deadline=None)
@given(
    schedules(days=EVERY_DAY, months=EVERY_MONTH, years=EVERY_YEAR),
    st.sampled_from(CHANGES),
    st.integers(-86400, 86400),
)
def test_next_run_when_clocks_change(schedule: Schedule, change: datetime, seconds: int) -> None:
    """Around a change of clocks the next run is the first minute ahead that the wall clock shows once."""
    now = (change + timedelta(seconds=seconds)).timestamp()
    minutes = (60 * (now // 60 + number) for number in range(1, 3 * 1440))
    walls = ((minute, datetime.fromtimestamp(minute, BERLIN)) for minute in minutes)
    expected = next(minute for minute, wall in walls if wall.fold == 0 and schedule.runs_at(wall))

    assert next_run(schedule.expression, "Europe/Berlin", now) == expected
