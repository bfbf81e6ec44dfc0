"""Pagination of list responses: MaxResults, NextToken, and short pages on request of a test."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from exporter.simulator.errors import invalid_value
from exporter.simulator.job_kinds import Answer

LARGEST_PAGE = 1000


class Position(NamedTuple):
    """Where a job stands in the order of all jobs; a token is the position of the last job a page got to.

    `account_id` orders the jobs of several accounts; within one account it does not matter.
    """

    created: float
    job_id: str
    account_id: str = ""


START = Position(inf, "")


class Token(NamedTuple):
    """What a NextToken stands for: where to go on, and how many pages came before.

    The number makes tokens differ even around an empty page: boto3 takes a repeated one for an error.
    """

    position: Position = START
    pages: int = 0

    def text(self) -> str:
        """Return the NextToken for clients."""
        created = None if self.position.created == inf else self.position.created
        fields = [created, self.position.job_id, self.position.account_id, self.pages]
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Token":
        """Parse a NextToken; raise InvalidParameterValueException if it is invalid."""
        try:
            created, job_id, account_id, pages = json.loads(base64.urlsafe_b64decode(text.encode()))
            position = Position(inf if created is None else float(created), str(job_id), str(account_id))
            return cls(position, int(pages))
        except (binascii.Error, ValueError, TypeError) as error:
            raise invalid_value("Invalid NextToken") from error

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Token":
        """Read the NextToken of a call; without one it is that of the first page."""
        return cls.read(parameters["NextToken"]) if "NextToken" in parameters else cls()


class Page(NamedTuple):
    """A page of rows, the position of the last one, and whether more follow."""

    rows: list[Answer]
    last: Position
    more: bool


def select(
    positions: Iterable[Position],
    row: Callable[[Position], Answer | None],
    passes: Callable[[Answer], bool],
    start: Position,
    size: int,
) -> Page:
    """Return the first `size` rows that pass, of those at these positions, all of them behind `start`.

    `row` returns None for a position without a row.
    """
    rows: list[Answer] = []
    last = start
    for position in positions:
        found = row(position)
        if found is not None and passes(found):
            if len(rows) == size:
                return Page(rows, last, more=True)
            rows.append(found)
            last = position
    return Page(rows, last, more=False)


class Pager:
    """Determines page sizes; a page has at most `largest` rows."""

    def __init__(self, largest: int = LARGEST_PAGE) -> None:
        self._largest = largest
        self._short: dict[str | None, list[int]] = {}

    def shorten(self, operation: str | None, sizes: Sequence[int]) -> None:
        """Let the next pages of an operation hold at most so many rows; None: of any list of jobs."""
        self._short.setdefault(operation, []).extend(sizes)

    def size(self, parameters: Mapping[str, Any], *operations: str | None) -> tuple[int, bool]:
        """Return how much goes on a page, and whether it has a NextToken whatever comes behind it."""
        size = parameters.get("MaxResults", self._largest)
        if not 1 <= size <= self._largest:
            raise invalid_value(f"MaxResults must be from 1 to {self._largest}")
        short = next((self._short[name] for name in operations if self._short.get(name)), None)
        return (size, False) if short is None else (min(size, short.pop(0)), True)

    def page(
        self, operation: str, parameters: Mapping[str, Any], rows: Sequence[Answer], key: str, result: str
    ) -> dict[str, Any]:
        """Answer a list operation from all its rows, which are in the order of `key`."""
        size, shortened = self.size(parameters, operation)
        token = Token.of(parameters)
        behind = token.position.job_id
        left = [row for row in rows if row[key] > behind]
        answer: dict[str, Any] = {result: left[:size]}
        if len(left) > size or shortened:
            last = left[:size][-1][key] if left[:size] else behind
            answer["NextToken"] = Token(Position(inf, last), token.pages + 1).text()
        return answer
