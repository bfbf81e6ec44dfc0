"""Spreads periodic work over its interval."""

from zlib import crc32

_SPREAD = 0.2  # by which fraction an interval may be shorter


def phase(name: str) -> float:
    """Return when in its interval the work of this name is due: always the same fraction, from 0 to 1."""
    return crc32(name.encode()) / 2**32


def own_interval(interval: float, name: str) -> float:
    """Return an interval for the work of this name: up to a fifth shorter, always the same.

    So work that starts at the same time drifts apart.
    """
    return interval * (1 - _SPREAD * phase(name))
