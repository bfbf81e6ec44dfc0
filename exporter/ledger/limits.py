"""How many things of each kind may have series in one scope, and what becomes of the rest.

The numbers are far above what AWS's quotas allow: they are there so that nothing that AWS, or something in
its place, may answer makes series without end. The limit on jobs is in the configuration: `limits.max_jobs`.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

MOST_GROUPS = 1000  # pairs of vault and resource type by which jobs of a kind are counted; 14 series each
MOST_STATES = 20  # of those that nobody knows
MOST_CODES = 100  # error codes, of all operations together
MOST_RESOURCES = 20_000  # at most 16 series each
MOST_KEYS = 100  # of one resource: rules, and copy destinations and restore testing plans together
MOST_VAULTS = 5000
MOST_PLANS = 5000
MOST_RULES = 10_000  # of all plans together
OTHER = "other"
"""Stands in a label for all values beyond the limit."""

TOLD_APART = 10
"""Beyond a limit so many times as many are counted; then counting ends, for it takes memory."""


class Distinct(Generic[T]):
    """The first so many distinct values, and the number of those beyond.

    Args:
        most: how many are admitted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._admitted: dict[T, None] = {}
        self._beyond: set[T] = set()

    def __len__(self) -> int:
        return len(self._admitted)

    def __iter__(self) -> Iterator[T]:
        return iter(self._admitted)

    def admit(self, value: T) -> bool:
        """Whether a value is one of the first."""
        if value in self._admitted:
            return True
        if len(self._admitted) < self._most:
            self._admitted[value] = None
            return True
        if len(self._beyond) < TOLD_APART * self._most:
            self._beyond.add(value)
        return False

    @property
    def left_out(self) -> int:
        """How many distinct values were not admitted."""
        return len(self._beyond)
