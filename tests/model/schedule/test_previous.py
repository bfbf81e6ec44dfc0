"""When a rule last ran."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model import next_run, previous_run, run_is_last_until
from exporter.simulator.schedule import runs
from tests.model.schedule.moments import at
from tests.model.schedule.reference import Days, Numbers, Schedule, schedules

NOW = "2026-11-04T12:00:00Z"  # a Wednesday


@pytest.mark.parametrize(
    ("fields", "run"),
    [
        ("0 5 ? * * *", "2026-11-04T05:00:00Z"),
        ("0 12 ? * * *", "2026-11-04T12:00:00Z"),
        ("1 12 ? * * *", "2026-11-03T12:01:00Z"),
        ("0 5 ? * MON *", "2026-11-02T05:00:00Z"),
        ("0 5 L * ? *", "2026-10-31T05:00:00Z"),
        ("0 5 ? * 6L *", "2026-10-30T05:00:00Z"),
        ("0 5 31 12 ? *", "2025-12-31T05:00:00Z"),
        ("0 5 29 2 ? *", "2024-02-29T05:00:00Z"),
        ("0 5 1 1 ? 2020/4", "2024-01-01T05:00:00Z"),
        ("0 5 1 1 ? 1970", "1970-01-01T05:00:00Z"),
    ],
)
def test_cron(fields: str, run: str) -> None:
    """The last run at or before now, be it in this minute or years ago."""
    assert previous_run(f"cron({fields})", None, at(NOW)) == at(run)


@pytest.mark.parametrize(
    ("zone", "fields", "now", "run"),
    [
        ("Europe/Berlin", "0 5 ? * * *", "2026-07-01T12:00:00Z", "2026-07-01T05:00:00+02:00"),
        ("Europe/Berlin", "30 2 ? * * *", "2026-03-29T12:00:00Z", "2026-03-28T02:30:00+01:00"),
        ("Europe/Berlin", "30 2 ? * * *", "2026-10-25T01:45:00Z", "2026-10-25T02:30:00+02:00"),
        ("Europe/Berlin", "30 2 ? * * *", "2026-10-25T00:15:00Z", "2026-10-24T02:30:00+02:00"),
        ("Europe/Berlin", "30 0 ? * * *", "2026-11-04T22:45:00Z", "2026-11-04T00:30:00+01:00"),
        ("America/New_York", "30 2 ? * * *", "2026-03-08T12:00:00Z", "2026-03-07T02:30:00-05:00"),
        ("America/New_York", "30 1 ? * * *", "2026-11-01T06:45:00Z", "2026-11-01T01:30:00-04:00"),
        ("Australia/Sydney", "30 2 ? * * *", "2026-10-03T23:00:00Z", "2026-10-03T02:30:00+10:00"),
        ("Australia/Sydney", "30 2 ? * * *", "2026-04-04T16:45:00Z", "2026-04-05T02:30:00+11:00"),
        ("America/St_Johns", "0 0 ? * * *", "2010-11-07T03:00:00Z", "2010-11-07T00:00:00-02:30"),
    ],
)
def test_time_zone(zone: str, fields: str, now: str, run: str) -> None:
    """A rule follows its wall clock: what a change skips did not run, what it repeats ran the first time."""
    assert previous_run(f"cron({fields})", zone, at(now)) == at(run)


@pytest.mark.parametrize(
    "expression",
    ["cron(0 5 * * ? 2030)", "cron(0 5 30 2 ? *)", "cron(0 5 * *)", "rate(1 day)", "", "nonsense"],
)
def test_no_previous_run(expression: str) -> None:
    """A rule that begins later, that never runs, that nobody understands or that is a rate has none."""
    assert previous_run(expression, None, at(NOW)) is None


@pytest.mark.parametrize("timezone", ["Europe/Atlantis", "/etc/passwd", "a\0b"])
def test_unknown_time_zone(timezone: str) -> None:
    """Nobody can tell when a rule ran in a time zone that nobody knows."""
    assert previous_run("cron(0 5 ? * * *)", timezone, at(NOW)) is None


EVERY_DAY = st.just(Days("*", "?", lambda _: True))
EVERY_MONTH = st.just(Numbers("*", frozenset(range(1, 13))))
EVERY_YEAR = st.just(Numbers("*", frozenset(range(1970, 2200))))
DAILY = schedules(days=EVERY_DAY, months=EVERY_MONTH, years=EVERY_YEAR)
CHANGES = st.sampled_from(
    [
        ("Europe/Berlin", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Sydney", "2026-04-04T16:00:00Z"),
        ("Australia/Sydney", "2026-10-03T16:00:00Z"),
        ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ]
)


@pytest.mark.slow
@settings(deadline=None)
@given(DAILY, CHANGES, st.integers(-86400, 86400))
def test_when_clocks_change(schedule: Schedule, change: tuple[str, str], seconds: int) -> None:
    """Around a change of clocks the last run is the last minute that the wall clock showed the first time."""
    zone, moment = change
    now = at(moment) + seconds
    minutes = (60 * (now // 60 - number) for number in range(3 * 1440))
    walls = ((minute, datetime.fromtimestamp(minute, ZoneInfo(zone))) for minute in minutes)
    expected = next(minute for minute, wall in walls if wall.fold == 0 and schedule.runs_at(wall))

    assert previous_run(schedule.expression, zone, now) == expected


@pytest.mark.slow
@settings(deadline=None)
@given(schedules(), st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001 - local times
def test_next_run_of_the_previous_one(schedule: Schedule, moment: datetime) -> None:
    """Nothing runs between the previous run and the next one."""
    now = moment.replace(tzinfo=UTC).timestamp()
    previous = previous_run(schedule.expression, None, now)

    if previous is not None:
        assert previous <= now
        assert previous_run(schedule.expression, None, previous) == previous
        # The next run is looked for within 28 years, which is farther from now than from the previous run.
        assert next_run(schedule.expression, None, previous) in {
            next_run(schedule.expression, None, now),
            None,
        }


SIMULATED = st.sampled_from(
    [
        "cron(0 5 ? * * *)",
        "cron(0/20 12 * * ? *)",
        "cron(0 1,13 ? * * *)",
        "cron(15 20 ? * MON-FRI *)",
        "cron(30 3 L * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 2 ? * 2#1 *)",
    ]
)


@settings(deadline=None)
@given(
    SIMULATED,
    st.sampled_from(["Etc/UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001 - local times
)
def test_simulator(expression: str, zone: str, moment: datetime) -> None:
    """The simulated account's own reader of schedules finds the same last run."""
    now = moment.replace(tzinfo=UTC).timestamp()
    expected = 0.0
    for run in runs(expression, zone, now - timedelta(days=40).total_seconds()):
        if run > now:
            break
        expected = run

    assert previous_run(expression, zone, now) == expected


@settings(deadline=None)
@given(DAILY, CHANGES, st.floats(-86400, 86400), st.floats(0, 1))
def test_until_when_it_is_the_last(
    schedule: Schedule, change: tuple[str, str], seconds: float, part: float
) -> None:
    """Until the time that is given there is no other run; at that time there is one, or an hour is over."""
    zone, moment = change
    now = at(moment) + seconds
    until = run_is_last_until(schedule.expression, zone, now)
    last = previous_run(schedule.expression, zone, now)

    assert until > now
    for time in (now + part * (until - now), until - 0.001):
        assert time >= until or previous_run(schedule.expression, zone, time) == last
    assert until == now + 3600 or previous_run(schedule.expression, zone, until) == until


def test_until_when_an_unknown_run_is_the_last() -> None:
    """Whether a schedule that cannot be read has another run is looked at again in an hour."""
    assert run_is_last_until("rate(1 day)", None, 0.0) == 3600
    assert run_is_last_until("cron(0 5 ? * * *)", "Nowhere/Unknown", 0.0) == 3600
