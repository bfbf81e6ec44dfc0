"""When schedule expressions run."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from exporter.simulator.schedule import plan_runs, runs

AFTER = datetime(2026, 2, 26, 12, 30, tzinfo=UTC)  # a Thursday


def coming(expression: str, zone: str = "Etc/UTC", number: int = 2) -> list[str]:
    """Write the next runs in UTC."""
    times = islice(runs(expression, zone, AFTER.timestamp()), number)
    return [f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}" for time in times]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(5 * ? * * *)", ["2026-02-26 13:05", "2026-02-26 14:05"]),
        ("cron(0/20 12 * * ? *)", ["2026-02-26 12:40", "2026-02-27 12:00"]),
        ("cron(0 1,13 ? * * *)", ["2026-02-26 13:00", "2026-02-27 01:00"]),
        ("cron(0 20 ? * MON-FRI *)", ["2026-02-26 20:00", "2026-02-27 20:00"]),
        ("cron(0 20 ? * 1 *)", ["2026-03-01 20:00", "2026-03-08 20:00"]),
        ("cron(30 3 1 * ? *)", ["2026-03-01 03:30", "2026-04-01 03:30"]),
        ("cron(30 3 L * ? *)", ["2026-02-28 03:30", "2026-03-31 03:30"]),
        ("cron(0 0 ? * 6L *)", ["2026-02-27 00:00", "2026-03-27 00:00"]),
        ("cron(0 0 ? * 2#1 *)", ["2026-03-02 00:00", "2026-04-06 00:00"]),
        ("cron(0 0 29 FEB ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2027)", ["2027-01-01 00:00"]),
        ("rate(1 hour)", ["2026-02-26 13:00", "2026-02-26 14:00"]),
    ],
)
def test_each_form(expression: str, expected: list[str]) -> None:
    """A schedule is a cron expression of six fields, with names, ranges, steps, L and #, or a rate."""
    assert coming(expression) == expected


def test_a_rule_runs_by_the_clocks_of_its_zone() -> None:
    """A rule with a time zone keeps its local hour when the clocks change."""
    times = runs("cron(0 20 ? * SAT,SUN *)", "Europe/Berlin", datetime(2026, 3, 27, tzinfo=UTC).timestamp())
    assert [datetime.fromtimestamp(time, UTC).hour for time in islice(times, 2)] == [19, 18]


def test_an_hour_the_clocks_skip_has_no_run() -> None:
    """A run at an hour that the zone leaves out does not take place that day."""
    times = runs("cron(30 2 ? * * *)", "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp())
    assert datetime.fromtimestamp(next(times), UTC) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("", "Etc/UTC"),
        ("cron(0 5 * *)", "Etc/UTC"),
        ("cron(0 25 ? * * *)", "Etc/UTC"),
        ("cron(0 5 ? * NODAY *)", "Etc/UTC"),
        ("cron(0 5 30 2 ? *)", "Etc/UTC"),
        ("rate(0 hours)", "Etc/UTC"),
        ("cron(0 5 ? * * *)", "Mars/Olympus"),
    ],
)
def test_what_makes_no_sense_never_runs(expression: str, zone: str) -> None:
    """An expression or a zone that nobody can read, and a day that never comes, has no runs."""
    assert coming(expression, zone) == []


def test_the_rules_of_a_plan_run_in_turn() -> None:
    """The runs of a plan are those of all its rules, soonest first."""
    rules = [
        {"RuleId": "daily", "ScheduleExpression": "cron(0 14 ? * * *)"},
        {"RuleId": "hourly", "ScheduleExpression": "cron(30 * ? * * *)"},
    ]
    order = [rule for _, rule in islice(plan_runs(rules, AFTER.timestamp()), 3)]
    assert order == ["hourly", "daily", "hourly"]
