"""Recognizes the rows of a list that were recorded before and have not changed since."""

import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from exporter.collectors.organization_recorder import AccountLedger
from exporter.model import Answer, Job, Kind


class _Recorded(NamedTuple):
    """A recorded row.

    Attributes:
        digest: its hash.
        account_id, account: the account of the job and its ledger; None if the job is not selected.
    """

    digest: int
    account_id: str
    account: AccountLedger | None


class ChangedRow(NamedTuple):
    """A row that is not recorded yet in this form, and its hash."""

    row: Answer
    digest: int


class ListedRows:
    """The rows of recent lists. Thread-safe.

    Lists overlap, because AWS lists some jobs late: most rows are the same as in the list before. To record
    one takes twenty times as long as to recognize it here.

    Args:
        kind: the job kind.
        find: returns the ledger of an account; None if the account has left.
    """

    def __init__(self, kind: Kind, find: Callable[[str], AccountLedger | None]) -> None:
        self._kind = kind
        self._find = find
        self._recent: dict[str, _Recorded] = {}
        self._older: dict[str, _Recorded] = {}
        self._lock = threading.Lock()

    def changed(self, rows: Iterable[Answer]) -> list[ChangedRow]:
        """Return the rows that are new or have changed, and those whose account has another ledger now.

        Raises:
            AwsError: as `find`.
        """
        digests = [ChangedRow(row, hash(repr(row))) for row in rows]
        with self._lock:
            return [changed for changed in digests if not self._is_recorded(changed)]

    def selected(self, rows: Iterable[Answer]) -> set[str]:
        """Return the ids of those rows that have been recorded, without those of unselected jobs."""
        ids = (row[self._kind.id_member] for row in rows)
        with self._lock:
            return {job_id for job_id in ids if (recorded := self._recent.get(job_id)) and recorded.account}

    def add(self, rows: Iterable[ChangedRow], jobs: Iterable[Job]) -> None:
        """Add rows that have been recorded.

        Args:
            rows: the rows, as `changed` returned them.
            jobs: the jobs that are selected of these.
        """
        selected = {job.id: job for job in jobs}
        with self._lock:
            for row, digest in rows:
                job = selected.get(row[self._kind.id_member])
                account = self._find(job.account_id) if job else None
                if account or not job:
                    recorded = _Recorded(digest, job.account_id if job else "", account)
                    self._recent[row[self._kind.id_member]] = recorded

    def age(self) -> None:
        """Forget the rows that have not been listed since the last call of this method."""
        with self._lock:
            self._older, self._recent = self._recent, {}

    def forget(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._recent, self._older = {}, {}

    def _is_recorded(self, changed: ChangedRow) -> bool:
        job_id = changed.row[self._kind.id_member]
        recorded = self._recent.get(job_id) or self._older.get(job_id)
        if not recorded or recorded.digest != changed.digest:
            return False
        if recorded.account and self._find(recorded.account_id) != recorded.account:
            return False
        self._recent[job_id] = recorded
        return True
