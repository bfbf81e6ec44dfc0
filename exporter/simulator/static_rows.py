"""The resources, vaults and plans of an account, as rows that a test can add and remove."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from exporter.simulator.job_kinds import Answer, plain


class StaticRows:
    """Rows of one type by the field `key`: generated rows, with the changes that tests make to them."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._put: dict[str, dict[str, Any]] = {}
        self._removed: set[str] = set()

    def put(self, row: Mapping[str, Any]) -> None:
        """Add a row, or override fields of a generated row; None removes a field.

        Times may be datetimes or seconds since 1970. An earlier call with the same key is replaced.
        """
        self._put[row[self.key]] = plain(row)
        self._removed.discard(row[self.key])

    def remove(self, key: str) -> None:
        """Hide a row until it is put again."""
        self._put.pop(key, None)
        self._removed.add(key)

    def get(self, key: str) -> Answer | None:
        """Return the row that was put for a key; None if there is none."""
        return self._put.get(key)

    def over(
        self, rows: Iterable[Answer], facts: Callable[[Answer], Answer] = lambda _: {}
    ) -> list[dict[str, Any]]:
        """Return all rows, sorted by key: generated `rows`, overridden by `facts`, then by `put`."""
        own = {row[self.key]: row for row in rows}
        whole = []
        for key in sorted((own.keys() | self._put.keys()) - self._removed):
            put = self._put.get(key, {})
            row = {**own.get(key, {}), **put}
            fields = row | dict(facts(row)) | put
            whole.append({name: value for name, value in fields.items() if value is not None})
        return whole
