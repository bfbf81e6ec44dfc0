"""Moments as people write them."""

from datetime import datetime


def at(text: str) -> float:
    """Turn `2026-11-04T12:00:00Z` into seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
