"""Durations, written and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90.0),
        ("1h30m", 5400.0),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("1y", 31536000.0),
        ("1w2d3h4m5s6ms", 788645.006),
        ("100y", duration.LONGEST),
    ],
)
def test_read(text: str, seconds: float) -> None:
    """Prometheus' syntax is read as seconds."""
    assert duration.parse(text) == pytest.approx(seconds, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1",
        "1.5h",
        "-1h",
        "h",
        "1h 30m",
        "30m1h",
        "1h1h",
        "1H",
        "1M",
        "\u0661h",
        "1h\n",
        "9" * 5000 + "s",
    ],
)
def test_refused(text: str) -> None:
    """Anything else is refused with an example of what is right."""
    with pytest.raises(ValueError, match=r"^expected a duration such as 24h or 1h30m, got "):
        duration.parse(text)


@pytest.mark.parametrize("text", ["0s", "0h0m", "101y", "999999999w"])
def test_out_of_range(text: str) -> None:
    """No time at all, and more than anyone means, are refused."""
    with pytest.raises(ValueError, match="must be greater than 0 and at most 100 years"):
        duration.parse(text)


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0.0), ("0h0m", 0.0), ("1m", 60.0)])
def test_zero_where_it_is_valid(text: str, seconds: float) -> None:
    """Where no time at all means something, it is taken beside every other duration."""
    assert duration.parse(text, zero=True) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.5, "500ms"),
        (2, "2s"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (86400, "24h"),
        (93600, "26h"),
        (172800, "2d"),
        (604800, "7d"),
    ],
)
def test_written(seconds: float, text: str) -> None:
    """Seconds are written the way people say them: a day in hours, more days in days."""
    assert duration.text(seconds) == text


@given(st.integers(min_value=1, max_value=int(duration.LONGEST * 1000)))
def test_there_and_back(milliseconds: int) -> None:
    """What is written reads as the same duration."""
    assert duration.parse(duration.text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
