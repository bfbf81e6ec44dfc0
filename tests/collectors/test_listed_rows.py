"""Rows of lists that need not be recorded again."""

from typing import Any

from exporter.collectors.listed_rows import ListedRows
from exporter.collectors.organization_recorder import AccountLedger
from exporter.ledger import Ledger
from exporter.model import BACKUP
from tests.support.makers import ACCOUNT, ledger

OTHER = "222222222222"


class Recorded:
    """Rows that were recorded, with the ledgers of the accounts."""

    def __init__(self) -> None:
        self.ledgers: dict[str, Ledger] = {ACCOUNT: ledger()}
        self.followed: set[str] = set()
        self.rows = ListedRows(BACKUP, self._find)

    def _find(self, account_id: str) -> AccountLedger | None:
        found = self.ledgers.get(account_id)
        return AccountLedger(found, account_id in self.followed) if found else None

    def record(self, *rows: dict[str, Any], selected: bool = True) -> list[str]:
        """Record the rows that have changed. Returns their ids."""
        changed = self.rows.changed(rows)
        self.rows.add(changed, [BACKUP.read(row) for row, _ in changed] if selected else [])
        return [row["BackupJobId"] for row, _ in changed]


def row(job_id: str = "a", percent: str = "10", account_id: str = ACCOUNT) -> dict[str, Any]:
    """Make a row of a list, always another object."""
    return {"BackupJobId": job_id, "AccountId": account_id, "State": "RUNNING", "PercentDone": percent}


def test_a_row_is_recorded_once() -> None:
    """A row that is listed again as it was need not be recorded again."""
    recorded = Recorded()
    assert recorded.record(row("a"), row("b")) == ["a", "b"]
    assert recorded.record(row("a"), row("b"), row("c")) == ["c"]


def test_a_row_that_has_changed_is_recorded() -> None:
    """A row with another value is recorded, and then known in this form."""
    recorded = Recorded()
    recorded.record(row(percent="10"))
    assert recorded.record(row(percent="20")) == ["a"]
    assert recorded.record(row(percent="20")) == []


def test_a_row_of_an_account_with_another_ledger_is_recorded() -> None:
    """After the ledger of an account was replaced, or got collectors of its own, rows are recorded again."""
    recorded = Recorded()
    recorded.record(row())
    recorded.ledgers[ACCOUNT] = ledger()
    assert recorded.record(row()) == ["a"]
    recorded.followed.add(ACCOUNT)
    assert recorded.record(row()) == ["a"]
    assert recorded.record(row()) == []


def test_a_row_of_an_account_without_a_ledger_is_not_known() -> None:
    """Rows of an account that has left are offered again, in case it comes back."""
    recorded = Recorded()
    recorded.record(row(account_id=OTHER))
    recorded.ledgers[OTHER] = ledger()
    assert recorded.record(row(account_id=OTHER)) == ["a"]


def test_a_row_that_is_not_selected_is_read_once() -> None:
    """A row of a job that the configuration does not select is not offered again, and not selected."""
    recorded = Recorded()
    recorded.record(row(), selected=False)
    assert recorded.record(row()) == []
    assert recorded.rows.selected([row()]) == set()


def test_the_selected_rows_are_told_whether_new_or_known() -> None:
    """The ids of a list are those of all its rows, recorded now or before."""
    recorded = Recorded()
    recorded.record(row("a"))
    recorded.record(row("a"), row("b"))
    assert recorded.rows.selected([row("a"), row("b"), row("c")]) == {"a", "b"}


def test_rows_that_are_no_longer_listed_are_forgotten() -> None:
    """A row is forgotten when it was not listed between two calls of `age`; one that was listed is kept."""
    recorded = Recorded()
    recorded.record(row("a"), row("b"))
    recorded.rows.age()
    recorded.record(row("a"))
    recorded.rows.age()
    assert recorded.record(row("a"), row("b")) == ["b"]


def test_forgotten_rows_are_recorded_again() -> None:
    """After a correction of the time, which rows depend on, each is offered again, listed lately or not."""
    recorded = Recorded()
    recorded.record(row("a"), row("b"))
    recorded.rows.age()
    recorded.record(row("a"))
    recorded.rows.forget()
    assert recorded.record(row("a"), row("b")) == ["a", "b"]
