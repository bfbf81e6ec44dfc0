"""Durations as people write them (`24h`, `1h30m`) and as the exporter counts them (seconds)."""

import re

from exporter.config.errors import quoted

_SECONDS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_SYNTAX = re.compile("".join(f"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _SECONDS))
DAY = 86400.0
LONGEST = 100 * 365 * DAY


def parse(text: str) -> float:
    """Read a duration in Prometheus' syntax and return seconds.

    Units run from the largest to the smallest, each at most once: `y w d h m s ms`.
    Raises ValueError for anything else, for nothing at all (`0s`) and beyond a hundred years.
    """
    match = _SYNTAX.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"expected a duration such as 24h or 1h30m, got {quoted(text)}")
    seconds = sum(int(count) * _SECONDS[unit] for unit, count in match.groupdict(default="0").items())
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a duration must be more than 0 and at most 100 years, got {quoted(text)}")
    return float(seconds)


def text(seconds: float) -> str:
    """Write seconds as a duration that `parse` reads: `24h`, `7d`, `1m30s`, `500ms`.

    Two days and more are days where they are whole days; else hours are the largest unit.
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
