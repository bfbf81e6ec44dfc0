"""What is published of jobs is what AWS told, with nothing but an environment to go by."""

from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import until

SCRAPE_INTERVAL = 0.5  # seconds; scrapes without a pause would leave no calls for what came before the start


def test_every_field_of_every_job_is_as_aws_told_it(aws: Aws, listen: Run) -> None:
    """Each value of each job is the one of AWS's describe answer; what AWS left out is absent."""
    for job in sorts.every_sort():
        aws.account.put(job)
    expected = told.of_jobs(aws.account.jobs())
    address = listen().address()

    def scrape() -> told.Samples:
        return told.published(ask(address, "/metrics").text)

    until(lambda: len(scrape()) >= len(expected), every=SCRAPE_INTERVAL)
    assert scrape() == expected


def test_jobs_are_counted_by_vault_type_and_state(aws: Aws, listen: Run) -> None:
    """Jobs of the window are counted by state, all nine always there, and no child counts."""
    for job in sorts.every_sort():
        aws.account.put(job)
    in_window = [job for job in aws.account.jobs() if job["BackupJobId"] != "long-running"]
    expected = told.of_fleet(in_window)
    address = listen().address()

    def scrape() -> told.Samples:
        return told.published(ask(address, "/metrics").text, "aws_backup_jobs")

    until(lambda: sum(scrape().values()) >= sum(expected.values()), every=SCRAPE_INTERVAL)
    assert scrape() == expected


def test_what_left_the_window_is_not_published(aws: Aws, listen: Run) -> None:
    """A finished job created before the window has no series, one that still runs has."""
    aws.account.put(sorts.job("old-and-done", "COMPLETED", age=30 * sorts.HOUR))
    aws.account.put(sorts.job("old-and-running", age=30 * sorts.HOUR))
    address = listen().address()
    text = until(lambda: _text_with("old-and-running", address))
    assert 'aws_backup_job_info{job_id="old-and-done"' not in text
    assert 'aws_backup_job_info{job_id="old-and-running"' in text


def test_a_change_is_published_by_the_next_scrape(aws: Aws, listen: Run) -> None:
    """A scrape shows what AWS says at that moment: progress, then the end and what came with it."""
    aws.account.put(sorts.full("a", "RUNNING"))
    address = _started(listen)
    for job in (
        {**sorts.full("a", "RUNNING"), "PercentDone": "64.5", "BytesTransferred": 17},
        {**sorts.full("a", "RUNNING"), "PercentDone": "64.6"},
        sorts.full("a", "COMPLETED"),
    ):
        aws.account.put(job)
        assert told.published(ask(address, "/metrics").text) == told.of_jobs([job])


def test_what_aws_no_longer_tells_is_not_published(aws: Aws, listen: Run) -> None:
    """A field that AWS no longer tells is not published from memory."""
    aws.account.put(sorts.full("a", "RUNNING"))
    address = _started(listen)
    assert "aws_backup_job_transferred_bytes" in ask(address, "/metrics").text
    aws.account.put(sorts.job("a", "RUNNING"))
    assert "aws_backup_job_transferred_bytes" not in ask(address, "/metrics").text


def _started(listen: Run) -> str:
    """Start an exporter and wait until each collector has read what there was before the start."""
    address = listen().address()

    def up() -> set[float]:
        return set(told.published(ask(address, "/metrics").text, "aws_backup_up").values())

    until(lambda: up() == {1}, within=60, every=1.0)
    return address


def _text_with(word: str, address: str) -> str | None:
    text = ask(address, "/metrics").text
    return text if word in text else None
