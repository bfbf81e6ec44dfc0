"""Spreads periodic work over its interval."""

from zlib import crc32


def phase(name: str) -> float:
    """Return when in its interval the work of this name is due: always the same fraction, from 0 to 1."""
    return crc32(name.encode()) / 2**32
