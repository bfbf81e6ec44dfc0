"""What all collectors have in common."""

from typing import Protocol

from exporter.aws import BackupApi, Rows, malformed

PACE = 300.0  # seconds between two refreshes of what rarely changes
HOUR = 3600.0  # seconds between two refreshes of what takes many calls
MAX_WAIT = 60.0  # seconds that a necessary call may wait for the request budget


class SlowCollector(Protocol):
    """A collector of data that rarely changes.

    Attributes:
        name: its name in `collectors` of the configuration and in the label `collector`.
        pace: seconds between two refreshes.
    """

    name: str
    pace: float

    def refresh(self) -> None:
        """Update the ledger with what has changed.

        Raises:
            AwsError: a call failed; the ledger has the data of earlier calls.
        """


class Collector(Protocol):
    """A collector that runs on scrapes and has earlier data to read after the start.

    Attributes:
        name: as in `SlowCollector`.
    """

    name: str

    def refresh(self) -> None:
        """Update the ledger with what has changed; errors as in `SlowCollector`."""

    @property
    def is_active(self) -> bool:
        """Whether it knows of jobs that the next scrape should ask about."""

    @property
    def is_due(self) -> bool:
        """Whether a refresh would call AWS although no job is active."""

    @property
    def caught_up(self) -> bool:
        """Whether all data from before the start has been read."""

    def catch_up(self) -> bool:
        """Read some more data from before the start; False when nothing is left.

        Raises:
            AwsError: a call failed; the next step repeats it.
        """


def list_all(api: BackupApi, operation: str, member: str, **parameters: str) -> Rows:
    """Read a whole list in the background.

    Args:
        api: calls AWS.
        operation: as AWS spells it.
        member: the field of the response that holds the rows.
        parameters: the call's parameters, as AWS spells them.

    Raises:
        AwsError, OverBudgetError: as `BackupApi.pages`; AwsError also if all rows are malformed.
    """
    pages = [*api.pages(operation, member, reserve=api.budget.reserve, max_wait=MAX_WAIT, **parameters)]
    rows = Rows(row for page in pages for row in page)
    rows.complete = all(page.complete for page in pages)
    if not (rows or rows.complete):
        raise malformed(operation, "all rows of the list are malformed")
    return rows
