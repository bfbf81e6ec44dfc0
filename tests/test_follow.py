"""What a scrape asks AWS, and what it publishes of the answer."""

from tests.harness import START, Bench, job


def test_a_running_job_is_described_on_every_scrape(aws: Bench) -> None:
    """An active job is described on each scrape, and what AWS told is what is published."""
    aws.account.put(job("a", PercentDone="10.0"))
    watch = aws.watch()
    assert watch.scrape().value("aws_backup_job_progress_ratio", job_id="a") == 0.1
    aws.account.put(job("a", PercentDone="23.71"))
    aws.clock.advance(15)
    assert watch.scrape().value("aws_backup_job_progress_ratio", job_id="a") == 23.71 / 100
    assert _described(aws) == ["a", "a"]


def test_a_finished_job_is_never_described_again(aws: Bench) -> None:
    """The describe call that shows the end of a job is the last one."""
    aws.account.put(job("a"))
    watch = aws.watch()
    watch.scrape()
    aws.account.put(job("a", "COMPLETED", CompletionDate=START + 15))
    aws.clock.advance(15)
    assert watch.scrape().state("a") == "COMPLETED"
    for _ in range(3):
        aws.clock.advance(15)
        assert watch.scrape().state("a") == "COMPLETED"
    assert _described(aws) == ["a", "a"]


def _described(aws: Bench) -> list[str]:
    return [
        call.parameters["BackupJobId"] for call in aws.account.calls if call.operation == "DescribeBackupJob"
    ]
