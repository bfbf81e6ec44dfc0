"""What the user sees: the health metric, the count of calls, and the log."""

import logging
from collections.abc import Sequence

from _pytest.logging import LogCaptureFixture

from tests.support.harness import Series


def up(series: Series, **labels: str) -> float:
    """Tell whether the last refresh got through."""
    return series.value("aws_backup_up", collector="backup_jobs", **labels)


def calls(series: Series, operation: str, code: str, **labels: str) -> float:
    """Tell how many calls of an operation ended so."""
    name = "aws_backup_exporter_api_requests_total"
    return sum(value for _, value in series.find(name, operation=operation, code=code, **labels))


def malformed(series: Series, operation: str) -> float:
    """Tell how many values of an operation's answers could not be read."""
    return sum(
        value for _, value in series.find("aws_backup_exporter_malformed_values_total", operation=operation)
    )


def codes(series: Series, operation: str) -> set[str]:
    """Tell in which ways calls of an operation ended."""
    found = series.find("aws_backup_exporter_api_requests_total", operation=operation)
    return {labels["code"] for labels, _ in found}


class Log:
    """What was written to the log at level info or above."""

    def __init__(self, caplog: LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def records(self) -> Sequence[logging.LogRecord]:
        """Everything that was said, botocore's words too."""
        return [record for record in self._caplog.records if record.levelno >= logging.INFO]

    @property
    def events(self) -> list[str]:
        """The exporter's own lines."""
        return [record.getMessage() for record in self.records if record.name.startswith("exporter")]

    @property
    def failures(self) -> list[dict[str, str]]:
        """What is said each time that a failure begins."""
        return [vars(record) for record in self.records if record.getMessage() == "Refresh failed"]

    @property
    def failure(self) -> dict[str, str]:
        """The one failure that was reported."""
        [failure] = self.failures
        return failure

    @property
    def omissions(self) -> list[tuple[str, str, str]]:
        """What was left out of answers, as far as it was said: the place, the id and the reason."""
        return [
            (vars(record)["place"], vars(record)["id"], vars(record)["reason"])
            for record in self.records
            if record.getMessage().startswith("Ignored a malformed value")
        ]

    @property
    def recoveries(self) -> int:
        """How often it was said that a failure ended."""
        return self.events.count("Refresh succeeded again")

    @property
    def bugs(self) -> int:
        """How often the exporter blamed itself."""
        return self.events.count("Unexpected error; please report it as a bug")
