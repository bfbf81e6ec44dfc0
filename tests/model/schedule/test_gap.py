"""How long a rule rests at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.schedule import largest_gap_of, longest_gap
from tests.model.schedule.moments import at

NOW = at("2026-11-04T12:00:00Z")
HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ("* * * * ? *", 60),
        ("0/15 * * * ? *", 15 * 60),
        ("0 * * * ? *", HOUR),
        ("15 * ? * * *", HOUR),
        ("0 0/6 * * ? *", 6 * HOUR),
        ("0 5/7 * * ? *", 10 * HOUR),
        ("0 5,19 * * ? *", 14 * HOUR),
        ("0 8-18 ? * MON-FRI *", 2 * DAY + 14 * HOUR),
        ("0 5 ? * * *", DAY),
        ("0 12 * * ? *", DAY),
        ("0 5 ? * MON-FRI *", 3 * DAY),
        ("0 5 ? * 2-6 *", 3 * DAY),
        ("0 5 ? * FRI-MON *", 4 * DAY),
        ("0 5 ? * TUE,THU *", 5 * DAY),
        ("0 5 ? * SUN *", 7 * DAY),
        ("0 5 ? * L *", 7 * DAY),
        ("0 5 1,15 * ? *", 17 * DAY),
        ("0 5 1 * ? *", 31 * DAY),
        ("0 5 31 * ? *", 61 * DAY),
        ("0 5 L * ? *", 31 * DAY),
        ("0 5 L-3 * ? *", 31 * DAY),
        ("0 5 L-30 * ? *", 61 * DAY),
        ("0 5 LW * ? *", 33 * DAY),
        ("0 5 15W * ? *", 32 * DAY),
        ("0 5 ? * 6L *", 35 * DAY),
        ("0 5 ? * FRIL *", 35 * DAY),
        ("0 5 ? * MON#1 *", 35 * DAY),
        ("0 5 ? * 2#5 *", 119 * DAY),
        ("0 5 1 1/3 ? *", 92 * DAY),
        ("0 5 * JAN-MAR ? *", 276 * DAY),
        ("0 5 1 JUL ? *", 366 * DAY),
        ("0 5 29 2 ? *", 1461 * DAY),
        ("0 5 1 1 ? 2026/2", 731 * DAY),
        ("0 5 * * ? 2026-2027", DAY),
        ("0 1,2 4 11 ? 2026", HOUR),
    ],
)
def test_cron(fields: str, seconds: int) -> None:
    """The longest time between two runs, over weekends, months, leap years and the hours of a day."""
    assert longest_gap(f"cron({fields})", None, NOW) == seconds


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 5 ? * MON-FRI *)",
        "cron(0 5 ? * mon-fri *)",
        "cron(0 5 ? * Mon-Fri *)",
        "cron(00 05 ? * 2-6 *)",
        "cron(0 5 * * MON-FRI *)",
        "cron(0 5 ? * MON,TUE,WED,THU,FRI *)",
        "  cron( 0  5\t? *  MON-FRI * ) ",
        "CRON(0 5 ? * MON-FRI *)",
        "cron (0 5 ? * MON-FRI *)",
        "0 5 ? * MON-FRI *",
    ],
)
def test_spellings(expression: str) -> None:
    """Case, spaces, leading zeros, `*` in place of `?` and a missing `cron()` make no difference."""
    assert longest_gap(expression, None, NOW) == 3 * DAY


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(30 minutes)", 30 * 60),
        ("rate(1 hour)", HOUR),
        ("rate(12 hours)", 12 * HOUR),
        ("rate(1 day)", DAY),
        ("Rate( 7  Days )", 7 * DAY),
    ],
)
def test_rate(expression: str, seconds: int) -> None:
    """A rate is its own longest gap."""
    assert longest_gap(expression, None, NOW) == seconds


@pytest.mark.parametrize(
    "fields", ["0 5 * * ? 2020", "0 5 * * ? 1970-2025", "0 5 1 1 ? 2027", "0 5 30 2 ? *"]
)
def test_no_two_runs(fields: str) -> None:
    """A rule whose years have passed, that runs once or never has no gap."""
    assert longest_gap(f"cron({fields})", None, NOW) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron()",
        "cron(0 5 ? * *)",
        "cron(0 5 ? * * * *)",
        "cron(0 5 ? * * *",
        "cron(0 5 ? * * *))",
        "cron(60 5 ? * * *)",
        "cron(0 24 ? * * *)",
        "cron(0 5 0 * ? *)",
        "cron(0 5 32 * ? *)",
        "cron(0 5 1 13 ? *)",
        "cron(0 5 ? * 0 *)",
        "cron(0 5 ? * 8 *)",
        "cron(0 5 ? * XXX *)",
        "cron(0 5 ? * MON#6 *)",
        "cron(0 5 ? * MON#0 *)",
        "cron(0 5 ? * * 1969)",
        "cron(0 5 ? * * 2200)",
        "cron(0 5 1 * MON *)",
        "cron(0/0 5 ? * * *)",
        "cron(0, 5 ? * * *)",
        "cron(? 5 ? * * *)",
        "cron(0 5 0W * ? *)",
        "cron(0 5 1-5W * ? *)",
        "cron(-5 5 ? * * *)",
        "cron(0 5 1--3 * ? *)",
        "cron(\u0660 5 ? * * *)",
        "rate(0 hours)",
        "rate(1.5 hours)",
        "rate(hour)",
        "rate(1 fortnight)",
        "rate(99999999999999999999 days)",
        "at(2026-11-20T13:00:00)",
        "@daily",
    ],
)
def test_not_understood(expression: str) -> None:
    """A form that AWS does not have gives no gap."""
    assert longest_gap(expression, None, NOW) is None


@pytest.mark.parametrize("now", ["2026-03-20T12:00:00Z", "2026-07-01T12:00:00Z", "2026-10-24T12:00:00Z"])
@pytest.mark.parametrize("hour", [2, 5])
def test_clocks_change(now: str, hour: int) -> None:
    """A daily rule rests for 24 hours in each season, also on a day that is an hour longer."""
    assert longest_gap(f"cron(30 {hour} ? * * *)", "Europe/Berlin", at(now)) == DAY


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-03-28T01:29:59Z", 24),
        ("2026-03-28T01:30:00Z", 47),  # the run before the one that is skipped
        ("2026-03-29T12:00:00Z", 47),
        ("2026-03-30T00:30:00Z", 47),  # the run after: its backup takes time
        ("2026-03-31T00:29:59Z", 47),
        ("2026-03-31T00:30:00Z", 24),  # the second run after
        ("2026-04-04T12:00:00Z", 24),
    ],
)
def test_a_skipped_run(now: str, hours: int) -> None:
    """Clocks that skip a run make the rule rest for longer, from the run before to the second after."""
    assert longest_gap("cron(30 2 ? * * *)", "Europe/Berlin", at(now)) == hours * HOUR
    assert longest_gap("cron(30 5 ? * * *)", "Europe/Berlin", at(now)) == DAY
    assert longest_gap("cron(30 2 ? * * *)", None, at(now)) == DAY


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ("30 * ? * * *", HOUR),  # the hour that is skipped is no hour
        ("* * ? * * *", 60),
        ("30 2,14 ? * * *", 23 * HOUR),
        ("0,30 2 ? * * *", 46 * HOUR + HOUR // 2),
        ("30 2 ? * SUN *", 14 * DAY - HOUR),
        ("30 2 ? * MON *", 7 * DAY),
        ("30 2 29 3 ? *", 730 * DAY - HOUR),
        ("30 2 29 3 ? 2026-2028", 366 * DAY),
    ],
)
def test_runs_around_a_skipped_one(fields: str, seconds: int) -> None:
    """What counts is the time between the runs before and after, however many are skipped or there are."""
    assert longest_gap(f"cron({fields})", "Europe/Berlin", at("2026-03-29T00:00:00Z")) == seconds


def test_a_skipped_run_elsewhere() -> None:
    """Clocks go forward on other days in other places."""
    for zone, now in (
        ("America/New_York", "2026-03-08T12:00:00Z"),
        ("Australia/Sydney", "2026-10-04T12:00:00Z"),
    ):
        assert longest_gap("cron(30 2 ? * * *)", zone, at(now)) == 47 * HOUR


@given(st.floats(at("2020-01-01T00:00:00Z"), at("2060-01-01T00:00:00Z")))
def test_the_same_each_day(now: float) -> None:
    """The gap of a rule that goes on does not depend on when one asks."""
    assert longest_gap("cron(0 5 ? * 2#5 *)", None, now) == 119 * DAY


def test_last_day() -> None:
    """A rule keeps its gap until the day of its last run, in its own time zone."""
    last_day, day_after = at("2026-12-31T23:30:00+01:00"), at("2027-01-01T00:30:00+01:00")

    assert longest_gap("cron(0 5 ? * * 2026)", "Europe/Berlin", last_day) == DAY
    assert longest_gap("cron(0 5 ? * * 2026)", "Europe/Berlin", day_after) is None


def test_last_year() -> None:
    """A yearly rule keeps its gap in the year of its last run."""
    assert longest_gap("cron(0 5 1 DEC ? 2025-2026)", None, NOW) == 365 * DAY


def test_unknown_time_zone() -> None:
    """A rule in a time zone that nobody knows has its gap all the same."""
    assert longest_gap("cron(0 5 ? * MON-FRI *)", "Europe/Atlantis", NOW) == 3 * DAY


@pytest.mark.parametrize(
    ("times", "gap"),
    [
        ([], None),
        ([7.0], None),
        ([7.0, 7.0], None),
        ([7.0, 9.5], 2.5),
        ([30.0, 10.0, 15.0, 10.0], 15.0),
    ],
)
def test_gap_of_times(times: list[float], gap: float | None) -> None:
    """Times in any order, some of them twice, give the largest distance between two neighbours."""
    assert largest_gap_of(times) == gap


def test_gap_of_an_iterator() -> None:
    """Times that can be read but once are enough."""
    assert largest_gap_of(iter([1.0, 4.0])) == 3.0
