"""The collectors: one subject a file, what to ask AWS on a refresh and what to enter in the ledger."""

from typing import Protocol

from exporter.aws import BackupApi, Rows, malformed

PACE = 300.0  # seconds between two refreshes of what rarely changes
PATIENCE = 60.0  # seconds to wait for a token for what must be asked


class SlowCollector(Protocol):
    """What the refresh room knows of a collector of what rarely changes.

    Attributes:
        name: its name in the configuration's `collectors` and in the label `collector`.
        pace: seconds between two refreshes.
    """

    name: str
    pace: float

    def refresh(self) -> None:
        """Ask AWS what changed.

        Raises:
            AwsError: it did not get through; what came before that is in the ledger.
        """


class Collector(Protocol):
    """A collector that runs on each scrape, and has much to take in at the start.

    Attributes:
        name: as in `SlowCollector`.
    """

    name: str

    def refresh(self) -> None:
        """Ask AWS what changed; errors as in `SlowCollector`."""

    @property
    def caught_up(self) -> bool:
        """Whether it has taken in all that was there before the start."""

    def catch_up(self) -> bool:
        """Take one more step through what was there before the start; False when nothing is left.

        Raises:
            AwsError: it did not get through; the next call tries the same step again.
        """


def list_all(api: BackupApi, operation: str, member: str, **asked: str) -> Rows:
    """Read a whole list in the background.

    Args:
        api: asks AWS.
        operation: as AWS spells it.
        member: the field of its answer that holds the rows.
        asked: the call's parameters, as AWS spells them.

    Raises:
        AwsError, OverBudgetError: as `BackupApi.pages`; AwsError also when none of its rows can be read.
    """
    pages = [*api.pages(operation, member, leaving=api.budget.reserve, patience=PATIENCE, **asked)]
    rows = Rows(row for page in pages for row in page)
    rows.complete = all(page.complete for page in pages)
    if not (rows or rows.complete):
        raise malformed(operation, "a list without a row that can be read")
    return rows
