"""Which tracked jobs have series if there is no room for all."""

from bisect import bisect_left
from collections.abc import Iterator


class SeriesQueue:
    """Tracked jobs in the order in which they get series: the first `shown` of them have series."""

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []
        self.shown = 0

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[str]:
        return (job_id for _, job_id in self._order)

    @property
    def hidden(self) -> int:
        """The number of jobs without series."""
        return len(self._order) - self.shown

    @property
    def last_shown(self) -> tuple[float, str]:
        """The key of the job that loses its series next."""
        return self._order[self.shown - 1]

    @property
    def first_hidden(self) -> tuple[float, str]:
        """The key of the job that gets series next."""
        return self._order[self.shown]

    def add(self, key: tuple[float, str]) -> bool:
        """Add a job. Returns whether it has series: it has, unless a job before it has none."""
        place = bisect_left(self._order, key)
        shown = place < self.shown or self.shown == len(self._order)
        self._order.insert(place, key)
        self.shown += shown
        return shown

    def remove(self, key: tuple[float, str]) -> None:
        """Remove a job."""
        place = bisect_left(self._order, key)
        del self._order[place]
        self.shown -= place < self.shown
