"""Limits on the number of series of one scope.

The limits are far above AWS's quotas: they protect against unlimited series, whatever responses contain. The
limit on jobs is in the configuration: `limits.max_jobs`.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

MOST_GROUPS = 1000  # pairs of vault and resource type by which jobs of a kind are counted; 14 series each
MOST_STATES = 20  # unknown ones
MOST_CODES = 100  # error codes, of all operations together
MOST_RESOURCES = 20_000
MOST_KEYS = 100  # of one resource: rules, and copy destinations and restore testing plans together
MOST_VAULTS = 5000
MOST_PLANS = 5000
MOST_RULES = 10_000  # of all plans together
MOST_ACCOUNTS = 20_000  # of an organization
MOST_TYPES = 100  # resource types in the settings of a Region
OTHER = "other"
"""The label value for all values beyond the limit."""

COUNTED_BEYOND = 10
"""Values beyond a limit are counted up to so many times the limit, because counting takes memory."""


class Distinct(Generic[T]):
    """The first distinct values up to a limit, and the number of those beyond it.

    Args:
        most: the limit.

    Attributes:
        seen: the number of distinct values so far; counts up to ten times the limit beyond it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._admitted: dict[T, None] = {}
        self._beyond: dict[T, None] = {}
        self.seen = 0

    def __len__(self) -> int:
        return len(self._admitted)

    def __iter__(self) -> Iterator[T]:
        return iter(self._admitted)

    def admit(self, value: T) -> bool:
        """Return whether a value is within the limit, and count it."""
        if value in self._admitted:
            return True
        if len(self._admitted) < self._most:
            self._admitted[value] = None
            self.seen += 1
            return True
        if value not in self._beyond and len(self._beyond) < COUNTED_BEYOND * self._most:
            self._beyond[value] = None
            self.seen += 1
        return False

    @property
    def left_out(self) -> int:
        """The number of distinct values beyond the limit."""
        return len(self._beyond)
