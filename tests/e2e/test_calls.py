"""What the running exporter asks of AWS, counted where AWS answers."""

import time
from pathlib import Path

from tests.e2e import sorts, told
from tests.e2e.aws import Aws
from tests.e2e.conftest import Run
from tests.e2e.http import ask
from tests.e2e.process import until

BURST, RATE = 20, 10  # calls, and calls a second, of the default configuration
SCRAPES = 3
PLENTY = 50  # calls a second, so that scrapes without a pause are not cut short


def configured(directory: Path, *job_ids: str) -> tuple[str, str]:
    """Write a configuration that names jobs; returns the arguments that give it to the exporter."""
    path = directory / "config.yaml"
    target = f"targets:\n  - name: t\n    job_ids: [{', '.join(job_ids)}]\n"
    path.write_text(f"{target}api:\n  requests_per_second: {PLENTY}\n  idle_refresh: 0s\n")
    return "--config.file", str(path)


def test_each_scrape_describes_what_can_still_change(aws: Aws, listen: Run, tmp_path: Path) -> None:
    """A scrape describes each active job and each configured unfinished one once, and no finished one."""
    for job in (
        sorts.job("active"),
        sorts.job("active-old", age=60 * sorts.HOUR),
        sorts.job("done", "COMPLETED"),
        sorts.job("named-active", "PENDING", age=60 * sorts.HOUR),
        sorts.job("named-done", "FAILED", age=60 * sorts.HOUR),
    ):
        aws.account.put(job)
    arguments = configured(tmp_path, "named-active", "named-done", "named-unknown")
    address = listen(*arguments).address()
    until(lambda: "active-old" in ask(address, "/metrics").text, every=0.5)
    aws.account.forget_calls()
    for _ in range(SCRAPES):
        ask(address, "/metrics")
    asked = ("active", "active-old", "named-active", "named-unknown")
    assert aws.described() == dict.fromkeys(asked, SCRAPES)


def test_a_job_is_described_once_more_when_it_ends(aws: Aws, listen: Run, tmp_path: Path) -> None:
    """The description that tells the end of a job, found or configured, is the last one."""
    running = [sorts.job("found"), sorts.job("named", age=60 * sorts.HOUR)]
    for job in running:
        aws.account.put(job)
    address = listen(*configured(tmp_path, "named")).address()
    ask(address, "/metrics")
    aws.has_no_connections()
    aws.account.forget_calls()
    for job in running:
        aws.account.put({**job, "State": "COMPLETED", "CompletionDate": round(time.time(), 3)})
    for _ in range(SCRAPES):
        text = ask(address, "/metrics").text
        assert told.published(text) == told.of_jobs(aws.account.jobs())
    assert aws.described() == {"found": 1, "named": 1}


def test_a_finished_parent_is_described_once(aws: Aws, listen: Run) -> None:
    """A parent that ended before the start is described once, for its child counts."""
    for job in sorts.every_sort():
        aws.account.put({**job, "State": "COMPLETED"})
    address = listen().address()
    parents = {job["BackupJobId"] for job in aws.account.jobs() if job.get("IsParent")}
    until(lambda: parents <= aws.described().keys(), every=0.5)
    for _ in range(SCRAPES):
        ask(address, "/metrics")
    assert aws.described() == dict.fromkeys(parents, 1)


def test_more_active_jobs_than_the_budget_are_still_up_to_date(aws: Aws, listen: Run) -> None:
    """Sixty active jobs, thrice the budget, show their newest progress on each scrape, within the budget."""
    running = [sorts.job(f"j{number}") for number in range(60)]
    began = time.monotonic()
    address = listen().address()
    ask(address, "/metrics")  # what was begun before the jobs were there has ended
    for percent in ("12.5", "25.0", "50.0"):
        for job in running:
            aws.account.put({**job, "PercentDone": percent})
        progress = told.published(ask(address, "/metrics").text, "aws_backup_job_progress_ratio")
        assert [*progress.values()] == [float(percent) / 100] * len(running)
    took = time.monotonic() - began
    assert len(aws.account.calls) <= BURST + RATE * took


def test_nothing_is_asked_without_a_scrape(aws: Aws, listen: Run) -> None:
    """Once all is known from before the start, a health check asks nothing of AWS."""
    aws.account.put(sorts.job("a"))
    address = listen().address()
    until(lambda: aws.described()["a"])
    aws.has_no_connections()
    count = len(aws.account.calls)
    for _ in range(SCRAPES):
        assert ask(address, "/-/ready").status == 200
        assert ask(address, "/").status == 200
    assert len(aws.account.calls) == count
