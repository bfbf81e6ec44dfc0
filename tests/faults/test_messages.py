"""Status messages and categories, long, odd or spelled this way and that."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.exposition.exposition import Form
from tests.faults.sight import up
from tests.support.harness import Bench, job

STATUS = "aws_backup_job_status_info"


def completed(told: Mapping[str, str | None]) -> Mapping[str, Any]:
    """Make a completed job of which this is told, what is None left out."""
    return dict(job("a", "COMPLETED")) | {key: value for key, value in told.items() if value is not None}


def test_a_message_of_many_lines(aws: Bench) -> None:
    """A message of many lines and 10,000 characters is one line of at most 200 that says it goes on."""
    message = "\r\n\t".join(["Backup job failed because of\u2028an internal error."] * 250)
    aws.account.put(job("a", "FAILED", StatusMessage=message))

    shown = aws.watch().scrape().labels(STATUS)["status_message"]

    assert len(shown) == 200
    assert len(shown.splitlines()) == 1
    assert shown.startswith("Backup job failed because of an internal error. Backup job")
    assert shown.endswith("…")


@pytest.mark.parametrize(("length", "shown"), [(199, 199), (200, 200), (201, 200)])
def test_the_limit(aws: Bench, length: int, shown: int) -> None:
    """A message of up to 200 characters is published whole."""
    aws.account.put(job("a", "FAILED", StatusMessage="m" * length))

    message = aws.watch().scrape().labels(STATUS)["status_message"]

    assert len(message) == shown
    assert message.endswith("…") == (length > 200)


@pytest.mark.parametrize("category", ["SUCCESS", "Success", "success", "", None])
@pytest.mark.parametrize("message", [None, "", " \n"])
def test_success_has_no_status(aws: Bench, category: str | None, message: str | None) -> None:
    """A job that went well, however that is spelled, has no status series."""
    fields = {"MessageCategory": category, "StatusMessage": message}
    aws.account.put(completed(fields))

    series = aws.watch().scrape()

    assert series.state("a") == "COMPLETED"
    assert series.find(STATUS) == []


@pytest.mark.parametrize(
    "told",
    [
        {"MessageCategory": "SUCCESS", "StatusMessage": "Windows VSS backup attempt failed"},
        {"StatusMessage": "Windows VSS backup attempt failed"},
        {"MessageCategory": "VSS_ERROR"},
        {"MessageCategory": "AGGREGATE_ALL", "StatusMessage": "Some items were skipped"},
    ],
)
def test_completed_with_issues(aws: Bench, told: dict[str, str]) -> None:
    """A completed job with a message, or a category other than success, has a status series."""
    aws.account.put(completed(told))

    series = aws.watch().scrape()

    assert series.state("a") == "COMPLETED"
    assert series.value(STATUS) == 1
    labels = series.labels(STATUS)
    assert labels["message_category"] == told.get("MessageCategory", "")
    assert labels["status_message"] == told.get("StatusMessage", "")


@pytest.mark.parametrize(
    "message",
    ['say "no"', "C:\\new\\table", '"}  1\naws_backup_up 1', "ä€𝄞", "{}#", "a\x00b\x1b[31m", "trailing\\"],
)
def test_a_message_breaks_no_exposition(aws: Bench, message: str) -> None:
    """Whatever characters a message has, the exposition can be read, and the message comes through."""
    aws.account.put(job("a", "FAILED", StatusMessage=message))
    aws.account.put(job("b", "RUNNING", StatusMessage=message))

    series = aws.watch().scrape()

    expected = " ".join(message.split())
    assert {labels["status_message"] for labels, _ in series.find(STATUS)} == {expected}
    assert up(series) == 1
    assert (series.state("a"), series.state("b")) == ("FAILED", "RUNNING")


def test_a_lone_surrogate(aws: Bench) -> None:
    """Half a character, which JSON can carry and UTF-8 cannot, becomes the replacement character."""
    aws.account.put(job("a", "FAILED", StatusMessage="half \ud83d of it"))
    watch = aws.watch()

    assert watch.scrape().labels(STATUS)["status_message"] == "half \ufffd of it"
    watch.exporter.exposition.write(Form(openmetrics=True)).decode()


def test_a_message_that_changes(aws: Bench) -> None:
    """When the message changes, the series of the old one is gone."""
    aws.account.put(job("a", StatusMessage="waiting"))
    watch = aws.watch()
    watch.scrape()
    aws.account.put(job("a", StatusMessage="copying"))
    aws.clock.advance(15)

    assert watch.scrape().labels(STATUS)["status_message"] == "copying"


def test_a_message_that_goes(aws: Bench) -> None:
    """When there is no message any longer, there is no status series."""
    aws.account.put(job("a", StatusMessage="waiting"))
    watch = aws.watch()
    watch.scrape()
    aws.account.put(job("a"))
    aws.clock.advance(15)

    assert watch.scrape().find(STATUS) == []
