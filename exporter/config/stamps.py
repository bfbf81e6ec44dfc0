"""Detects that a file changed, without reading it."""

import os
from collections.abc import Iterable

SETTLE_TIME = 1.0
"""Seconds for which a file must stay unchanged before it is reloaded, so that no partial file is read."""

Stamp = tuple[int, int, int] | None
"""Modification time in ns, size and inode of a file; None for an inaccessible file."""


def stamp(path: str | os.PathLike[str]) -> Stamp:
    """Return the stamp of a file. Symbolic links are followed."""
    try:
        status = os.stat(path)  # noqa: PTH116 - called every second
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def settled(stamps: Iterable[Stamp], now: float) -> bool:
    """Return whether none of the files was written within SETTLE_TIME of `now`, in seconds since 1970."""
    return all(file is None or abs(now - file[0] / 1e9) >= SETTLE_TIME for file in stamps)
