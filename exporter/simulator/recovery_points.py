"""The recovery points of one account and Region, as ListRecoveryPointsByBackupVault lists them."""

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from math import inf
from threading import RLock
from typing import Any

from exporter.simulator.job_kinds import BACKUP, Answer, Test, epoch, plain
from exporter.simulator.pagination import Page, Position, select
from exporter.simulator.sorted_positions import SortedPositions

FILTERS: Mapping[str, Test] = {
    **{
        name: BACKUP.filters[name]
        for name in ("ByResourceArn", "ByResourceType", "ByCreatedAfter", "ByCreatedBefore")
    },
    "ByBackupPlanId": lambda point, plan: point.get("CreatedBy", {}).get("BackupPlanId") == plan,
    "ByParentRecoveryPointArn": lambda point, arn: point.get("ParentRecoveryPointArn") == arn,
}
"""The filters of ListRecoveryPointsByBackupVault; the first four read the same fields as those of jobs."""


class RecoveryPoints:
    """All recovery points of an account and Region, newest first in each vault.

    `derive` adds the points that jobs made. Tests can put other points, and change or remove derived ones.
    A COMPLETED point is deleted when the clock reaches its DeleteAt. A point that was put with a DeleteAt in
    the past, or with another Status, stays until it is removed. Safe to use from several threads.

    Args:
        clock: returns seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._derived: dict[str, Answer] = {}
        self._put: dict[str, Mapping[str, Any]] = {}
        self._removed: set[str] = set()
        self._points: dict[str, Answer] = {}
        self._vaults: dict[str, SortedPositions] = {}
        self._deletions: list[tuple[float, str]] = []
        self._lock = RLock()

    def put(self, point: Mapping[str, Any]) -> None:
        """Set fields of a point, over those that it has from its job; None removes a field.

        RecoveryPointArn is the key. A point without a job needs BackupVaultName or BackupVaultArn. Times may
        be datetimes or seconds since 1970. A point put before under the same ARN is replaced.
        """
        arn = point["RecoveryPointArn"]
        with self._lock:
            if arn not in self._derived and not {"BackupVaultName", "BackupVaultArn"} & point.keys():
                raise ValueError(f"recovery point {arn} needs BackupVaultName or BackupVaultArn")
            self._put[arn] = plain(point)
            self._removed.discard(arn)
            self._update(arn)

    def remove(self, arn: str) -> None:
        """Remove a point until it is put again."""
        with self._lock:
            self._put.pop(arn, None)
            self._removed.add(arn)
            self._update(arn)

    def derive(self, point: Answer) -> None:
        """Add a point that a job made, unless its DeleteAt has passed."""
        if _delete_at(point) > self._clock():
            with self._lock:
                self._derived[point["RecoveryPointArn"]] = point
                self._update(point["RecoveryPointArn"])

    def all(self) -> list[Answer]:
        """Return all points, sorted by ARN."""
        with self._lock:
            self._expire()
            return [self._points[arn] for arn in sorted(self._points)]

    def count(self, vault: str) -> int:
        """Return the number of points in a vault, by the vault's name."""
        with self._lock:
            self._expire()
            return len(self._vaults.get(vault, ()))

    def page(self, vault: str, filters: Mapping[str, Any], start: Position, size: int) -> Page:
        """Return at most `size` points of a vault behind `start` that pass the filters, newest first."""
        tests = [(FILTERS[name], value) for name, value in filters.items()]
        oldest = epoch(filters.get("ByCreatedAfter", 0.0))
        newest = epoch(filters.get("ByCreatedBefore", inf))
        with self._lock:
            self._expire()
            index = self._vaults.get(vault)
            return select(
                () if index is None else index.between(oldest, newest, start),
                lambda position: self._points[position.job_id],
                lambda point: all(test(point, value) for test, value in tests),
                start,
                size,
            )

    def _update(self, arn: str) -> None:
        """Rebuild a point from the fields of its job and those that were put."""
        before = self._points.pop(arn, None)
        after = None if arn in self._removed else self._whole(arn)
        if after is not None:
            self._points[arn] = after
            if self._clock() < _delete_at(after) < inf:
                heappush(self._deletions, (_delete_at(after), arn))
        if _place(before) != _place(after):
            self._move(before, after)

    def _whole(self, arn: str) -> Answer | None:
        fields = {**self._derived.get(arn, {}), **self._put.get(arn, {})}
        if not fields:
            return None
        if "BackupVaultName" not in fields and "BackupVaultArn" in fields:
            fields["BackupVaultName"] = fields["BackupVaultArn"].rpartition(":")[2]
        return {name: value for name, value in fields.items() if value is not None}

    def _move(self, before: Answer | None, after: Answer | None) -> None:
        if before is not None:
            self._vaults[before["BackupVaultName"]].remove(_position(before))
        if after is not None:
            self._vaults.setdefault(after["BackupVaultName"], SortedPositions()).add(_position(after))

    def _expire(self) -> None:
        """Delete the points whose DeleteAt has passed."""
        now = self._clock()
        while self._deletions and self._deletions[0][0] <= now:
            time, arn = heappop(self._deletions)
            point = self._points.get(arn)
            if point is not None and _delete_at(point) == time and point.get("Status") == "COMPLETED":
                self._derived.pop(arn, None)
                self._put.pop(arn, None)
                self._update(arn)


def _position(point: Answer) -> Position:
    return Position(point.get("CreationDate", 0.0), point["RecoveryPointArn"])


def _place(point: Answer | None) -> tuple[str, Position] | None:
    return None if point is None else (point["BackupVaultName"], _position(point))


def _delete_at(point: Answer) -> float:
    """Return when a point is to be deleted, in seconds since 1970; infinity: never."""
    return float(point.get("CalculatedLifecycle", {}).get("DeleteAt", inf))
