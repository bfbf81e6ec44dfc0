"""Text that is no schedule."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.model.schedule import longest_gap, next_run, previous_run
from tests.model.schedule.moments import at

NOW = at("2026-11-04T12:00:00Z")
ALMOST = st.lists(st.text("0123456789*?/,-#LWMONJA", max_size=5), min_size=6, max_size=6).map(" ".join)


def sensible(told: float | None) -> bool:
    """Tell whether it is a number of seconds, or nothing."""
    return told is None or (isinstance(told, float) and told > 0)


@given(st.text() | st.text("cronate() 0123456789*?/,-#LWMONdayshu") | ALMOST.map("cron({})".format))
def test_any_expression(expression: str) -> None:
    """Any text gives a number of seconds or nothing."""
    assert sensible(longest_gap(expression, None, NOW))
    assert sensible(next_run(expression, None, NOW))
    assert sensible(previous_run(expression, None, NOW))


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyzUTCE/+-0123456789"))
def test_any_time_zone(timezone: str) -> None:
    """Any time zone gives a number of seconds or nothing."""
    assert sensible(longest_gap("cron(0 5 ? * * *)", timezone, NOW))
    assert sensible(next_run("cron(0 5 ? * * *)", timezone, NOW))
    assert sensible(previous_run("cron(0 5 ? * * *)", timezone, NOW))
