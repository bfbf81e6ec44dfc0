"""Positions in order, with cheap additions."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from exporter.simulator.pagination import START, Position

_FEW = 100
"""Up to this number, inserting each new position is faster than sorting all."""


class SortedPositions:
    """Positions in order. They are sorted when they are read, so that adding many of them is cheap."""

    def __init__(self) -> None:
        self._sorted: list[Position] = []
        self._added: list[Position] = []

    def __len__(self) -> int:
        return len(self._sorted) + len(self._added)

    def add(self, position: Position) -> None:
        """Add a position."""
        self._added.append(position)

    def remove(self, position: Position) -> None:
        """Remove a position if it is there."""
        positions = self._in_order()
        place = bisect_left(positions, position)
        if place < len(positions) and positions[place] == position:
            del positions[place]

    def between(self, oldest: float, newest: float, start: Position = START) -> Iterator[Position]:
        """Return the positions created since `oldest` and before `newest` and `start`, newest first.

        Times are in seconds since 1970. Later changes do not affect the returned positions.
        """
        positions = self._in_order()
        lower = bisect_left(positions, Position(oldest, ""))
        upper = bisect_left(positions, min(start, Position(newest, "")))
        return reversed(positions[lower:upper])

    def _in_order(self) -> list[Position]:
        if len(self._added) > _FEW:
            self._sorted += self._added
            self._sorted.sort()
        else:
            for position in self._added:
                insort(self._sorted, position)
        self._added.clear()
        return self._sorted
