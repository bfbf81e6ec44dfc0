"""Parses and formats durations such as `24h` and `1h30m`; the exporter uses seconds internally."""

import re

from exporter.config.errors import quoted

_SECONDS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_SYNTAX = re.compile("".join(f"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _SECONDS))
DAY = 86400.0
LONGEST = 100 * 365 * DAY


def parse(text: str, *, zero: bool = False) -> float:
    """Parse a duration in the syntax of Prometheus and return seconds.

    Units must be in descending order, each at most once: `y w d h m s ms`.

    Args:
        text: the duration.
        zero: whether zero is valid.

    Raises:
        ValueError: the syntax is invalid, or the duration is out of range.
    """
    match = _SYNTAX.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"expected a duration such as 24h or 1h30m, got {quoted(text)}")
    seconds = sum(int(count) * _SECONDS[unit] for unit, count in match.groupdict(default="0").items())
    return in_range(seconds, quoted(text), zero=zero)


def in_range(seconds: float, shown: str, *, zero: bool) -> float:
    """Return the seconds as a float; raise ValueError if they are out of range. `shown` is the duration."""
    if not 0 <= seconds <= LONGEST or (seconds == 0 and not zero):
        limits = "from 0 to 100 years" if zero else "greater than 0 and at most 100 years"
        raise ValueError(f"a duration must be {limits}, got {shown}")
    return float(seconds)


def text(seconds: float) -> str:
    """Format seconds as a duration that `parse` accepts: `24h`, `7d`, `1m30s`, `500ms`.

    Whole days from two days on are formatted in days; otherwise the largest unit is hours.
    """
    if seconds >= 2 * DAY and seconds % DAY == 0:
        return f"{seconds / DAY:.0f}d"
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
