"""When a rule runs next."""

import pytest

from exporter.model.schedule import next_run
from tests.model.schedule.moments import at

NOW = "2026-11-04T12:00:00Z"  # a Wednesday


@pytest.mark.parametrize(
    ("fields", "run"),
    [
        ("0 5 ? * * *", "2026-11-05T05:00:00Z"),
        ("30 12 ? * * *", "2026-11-04T12:30:00Z"),
        ("0 12 ? * * *", "2026-11-05T12:00:00Z"),
        ("* * * * ? *", "2026-11-04T12:01:00Z"),
        ("0 5 ? * MON *", "2026-11-09T05:00:00Z"),
        ("0 5 ? * SAT-MON *", "2026-11-07T05:00:00Z"),
        ("0 5 1 * ? *", "2026-12-01T05:00:00Z"),
        ("0 5 15W * ? *", "2026-11-16T05:00:00Z"),
        ("0 5 7W * ? *", "2026-11-06T05:00:00Z"),
        ("0 5 1W 8 ? *", "2027-08-02T05:00:00Z"),
        ("0 5 1W 5 ? *", "2027-05-03T05:00:00Z"),
        ("0 5 31W 10 ? 2027", "2027-10-29T05:00:00Z"),
        ("0 5 31W * ? *", "2026-12-31T05:00:00Z"),
        ("0 5 LW 1 ? *", "2027-01-29T05:00:00Z"),
        ("0 5 L 2 ? 2028", "2028-02-29T05:00:00Z"),
        ("0 5 L-5 * ? *", "2026-11-25T05:00:00Z"),
        ("0 5 ? * L *", "2026-11-07T05:00:00Z"),
        ("0 5 ? * 6L *", "2026-11-27T05:00:00Z"),
        ("0 5 ? * WED#1 *", "2026-12-02T05:00:00Z"),
        ("0 5 ? * 2#5 *", "2026-11-30T05:00:00Z"),
        ("0 5 29 2 ? *", "2028-02-29T05:00:00Z"),
        ("0 5 1 1 ? 2030", "2030-01-01T05:00:00Z"),
        ("0 5 1 1 ? 2020/4", "2028-01-01T05:00:00Z"),
    ],
)
def test_cron(fields: str, run: str) -> None:
    """The first run after now, be it in a minute or in years."""
    assert next_run(f"cron({fields})", None, at(NOW)) == at(run)


@pytest.mark.parametrize(
    ("fields", "now", "run"),
    [
        ("0 5 ? * * *", "2026-07-01T12:00:00Z", "2026-07-02T05:00:00+02:00"),
        ("0 5 ? * * *", "2026-12-01T12:00:00Z", "2026-12-02T05:00:00+01:00"),
        ("30 0 ? * THU *", "2026-11-04T22:45:00Z", "2026-11-05T00:30:00+01:00"),
        ("30 0 ? * THU *", "2026-11-04T23:45:00Z", "2026-11-12T00:30:00+01:00"),
        ("30 2 ? * * *", "2026-03-28T12:00:00Z", "2026-03-30T02:30:00+02:00"),
        ("0/30 2-3 ? * * *", "2026-03-29T00:30:00Z", "2026-03-29T03:00:00+02:00"),
        ("30 2 ? * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00"),
        ("30 2 ? * * *", "2026-10-25T00:30:00Z", "2026-10-26T02:30:00+01:00"),
        ("0 * ? * * *", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00+01:00"),
    ],
)
def test_time_zone(fields: str, now: str, run: str) -> None:
    """A rule follows its wall clock: what a change skips does not run, what it repeats runs once."""
    assert next_run(f"cron({fields})", "Europe/Berlin", at(now)) == at(run)


@pytest.mark.parametrize("timezone", [None, "", "UTC", "Etc/UTC"])
def test_utc(timezone: str | None) -> None:
    """A rule without a time zone runs by UTC."""
    assert next_run("cron(0 5 ? * * *)", timezone, at(NOW)) == at("2026-11-05T05:00:00Z")


@pytest.mark.parametrize(
    "timezone", ["Europe/Atlantis", "Europe", "../etc/passwd", "/etc/passwd", "a\0b", "\ud800", "?"]
)
def test_unknown_time_zone(timezone: str) -> None:
    """Nobody can tell when a rule runs in a time zone that nobody knows."""
    assert next_run("cron(0 5 ? * * *)", timezone, at(NOW)) is None


@pytest.mark.parametrize(
    "expression",
    ["cron(0 5 * * ? 2020)", "cron(0 5 30 2 ? *)", "cron(0 5 * *)", "rate(1 day)", "", "nonsense"],
)
def test_no_next_run(expression: str) -> None:
    """A rule that has ended, that never runs, that nobody understands or that is a rate has no next run."""
    assert next_run(expression, None, at(NOW)) is None
