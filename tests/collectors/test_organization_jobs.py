"""The jobs of all accounts of an organization, listed from one account."""

from typing import Any

import pytest

from exporter.config import Discovery, Organization
from exporter.simulator.errors import throttled
from tests.support.harness import START, Bench, Series, Watch, job

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
FIRST, SECOND, THIRD = ACCOUNTS
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def of(account_id: str, job_id: str, state: str = "RUNNING", **fields: Any) -> Any:
    """A backup job of an account."""
    arn = f"arn:aws:ec2:eu-west-1:{account_id}:volume/vol-{job_id}"
    return job(job_id, state, AccountId=account_id, **{"ResourceArn": arn} | fields)


def watch(aws: Bench, **settings: Any) -> Watch:
    """Start an exporter on the organization."""
    return aws.watch(aws.target(name="company", organization=Organization()), **settings)


def operations(aws: Bench) -> list[str]:
    """The calls so far."""
    return [call.operation for call in aws.account.calls]


def accounts_of(series: Series, name: str) -> set[str]:
    """The accounts that have series of a metric."""
    return {labels["aws_account_id"] for labels, _ in series.find(name)}


def test_jobs_of_all_accounts_are_published(aws: Bench) -> None:
    """One call lists the jobs of all accounts, and each has its series with its own account."""
    for account_id in ACCOUNTS:
        aws.account.put(of(account_id, f"job-{account_id}", created=START - 60))
    series = watch(aws).scrape()
    for account_id in ACCOUNTS:
        labels = series.labels("aws_backup_job_info", job_id=f"job-{account_id}")
        assert labels["aws_account_id"] == account_id


def test_jobs_are_never_described(aws: Bench) -> None:
    """The jobs of other accounts cannot be described, so lists alone are used."""
    aws.account.put(of(FIRST, "running", created=START - 60))
    aws.account.put(of(SECOND, "done", "COMPLETED", created=START - 90, CompletionDate=START - 30))
    exporter = watch(aws)
    exporter.catch_up()
    exporter.scrape()
    assert {*operations(aws)} == {"ListBackupJobs"}


def test_an_end_is_published_by_the_next_scrape(aws: Bench) -> None:
    """A job that was created long before its end is in the list of completed jobs."""
    aws.account.put(of(FIRST, "long", created=START - 5 * HOUR))
    exporter = watch(aws)
    exporter.catch_up()
    assert exporter.scrape().state("long") == "RUNNING"
    aws.clock.advance(15)
    aws.account.put(of(FIRST, "long", "COMPLETED", created=START - 5 * HOUR, CompletionDate=START + 10))
    assert exporter.scrape().state("long") == "COMPLETED"


def test_progress_is_published_within_a_minute(aws: Bench) -> None:
    """The unfinished jobs are listed by state once a minute."""
    aws.account.put(of(FIRST, "long", created=START - 5 * HOUR, PercentDone="10"))
    exporter = watch(aws)
    exporter.catch_up()
    exporter.scrape()
    aws.account.put(of(FIRST, "long", created=START - 5 * HOUR, PercentDone="50"))
    aws.clock.advance(60)
    assert exporter.scrape().value("aws_backup_job_progress_ratio", job_id="long") == 0.5


def test_a_job_that_ended_without_a_date_is_found(aws: Bench) -> None:
    """A job that is in no list of states and has no CompletionDate is searched for by its creation."""
    aws.account.put(of(FIRST, "odd", created=START - 5 * HOUR))
    exporter = watch(aws)
    exporter.catch_up()
    exporter.scrape()
    aws.account.put(of(FIRST, "odd", "EXPIRED", created=START - 5 * HOUR))
    for _ in range(2):
        aws.clock.advance(60)
        series = exporter.scrape()
    assert series.state("odd") == "EXPIRED"


def test_a_job_that_aws_no_longer_lists_is_removed(aws: Bench) -> None:
    """A job that no list and no search finds has no series any more."""
    aws.account.put(of(FIRST, "gone", created=START - 5 * HOUR))
    exporter = watch(aws)
    exporter.catch_up()
    assert exporter.scrape().state("gone") == "RUNNING"
    aws.account.forget("gone")
    for _ in range(2):
        aws.clock.advance(60)
        series = exporter.scrape()
    assert not series.find("aws_backup_job_info", job_id="gone")


def test_a_scrape_takes_two_lists_of_a_kind(aws: Bench) -> None:
    """Between two lists of unfinished jobs, a scrape lists new and completed jobs, however many there are."""
    for number in range(500):
        account_id = f"{number:012}"
        aws.account.put(of(account_id, f"job-{number}", created=START - 2 * HOUR))
    exporter = watch(aws)
    exporter.catch_up()
    lists = []
    for _ in range(8):
        before = len(operations(aws))
        aws.clock.advance(15)
        exporter.scrape()
        lists.append(operations(aws)[before:])
    two, three = ["ListBackupJobs"] * 2, ["ListBackupJobs"] * 3
    assert sorted(lists) == [two] * 6 + [three] * 2


def test_a_kind_without_unfinished_jobs_takes_one_list(aws: Bench) -> None:
    """While no job is unfinished, a job that has ended is new, and in the list of new jobs."""
    exporter = watch(aws)
    exporter.catch_up()
    exporter.scrape()
    before = len(operations(aws))
    aws.clock.advance(1)
    exporter.scrape()
    assert operations(aws)[before:] == ["ListBackupJobs"]
    aws.account.put(of(FIRST, "quick", "COMPLETED", created=START, CompletionDate=START + 1))
    aws.clock.advance(1)
    assert exporter.scrape().state("quick") == "COMPLETED"


def test_facts_of_resources_are_those_of_each_account(aws: Bench) -> None:
    """The last success of a resource comes from the jobs of its account, also from before the window."""
    ended = START - 3 * DAY
    aws.account.put(of(SECOND, "old", "COMPLETED", created=ended - 600, CompletionDate=ended))
    exporter = watch(aws, collectors=("backup_jobs", "resources"))
    exporter.catch_up()
    series = exporter.read()
    assert series.value("aws_backup_resource_last_success_timestamp_seconds", aws_account_id=SECOND) == ended
    assert not series.find("aws_backup_job_info", job_id="old")


def test_the_interval_comes_from_the_rule_of_the_job(aws: Bench) -> None:
    """The schedule in the job tells how often the resource is backed up, although its plan cannot be read."""
    created_by = {
        "BackupPlanId": "plan",
        "BackupPlanArn": f"arn:aws:backup:eu-west-1:{FIRST}:backup-plan:plan",
        "BackupRuleId": "rule",
        "BackupRuleCron": "cron(0 5 * * ? *)",
        "BackupRuleTimezone": "Etc/UTC",
    }
    aws.account.put(
        of(FIRST, "daily", "COMPLETED", created=START - 90, CompletionDate=START - 30, CreatedBy=created_by)
    )
    exporter = watch(aws, collectors=("backup_jobs", "resources", "plans"))
    exporter.catch_up()
    series = exporter.read()
    assert series.value("aws_backup_resource_expected_interval_seconds", aws_account_id=FIRST) == DAY


def test_an_account_seen_later_is_read_back_to_the_look_back(aws: Bench) -> None:
    """The history of an account whose first job is listed after the start is read as well."""
    exporter = watch(aws, collectors=("backup_jobs", "resources"))
    exporter.catch_up()
    ended = START - 3 * DAY
    aws.account.put(of(THIRD, "old", "COMPLETED", created=ended - 600, CompletionDate=ended))
    aws.clock.advance(60)
    aws.account.put(of(THIRD, "new", created=START + 10))
    exporter.scrape()
    exporter.catch_up()
    arn = f"arn:aws:ec2:eu-west-1:{THIRD}:volume/vol-old"
    found = exporter.read().value("aws_backup_resource_last_success_timestamp_seconds", resource_arn=arn)
    assert found == ended


def test_jobs_are_counted_for_each_account(aws: Bench) -> None:
    """The numbers of jobs by state are those of each account."""
    for number, account_id in enumerate(ACCOUNTS):
        for index in range(number + 1):
            aws.account.put(of(account_id, f"{account_id}-{index}", created=START - 60))
    series = watch(aws).scrape()
    running = {
        labels["aws_account_id"]: value for labels, value in series.find("aws_backup_jobs", state="RUNNING")
    }
    assert running == {FIRST: 1, SECOND: 2, THIRD: 3}


def test_finished_jobs_leave_the_window(aws: Bench) -> None:
    """The series of finished jobs vanish when their creation leaves the window."""
    aws.account.put(of(FIRST, "done", "COMPLETED", created=START - 90, CompletionDate=START - 30))
    exporter = watch(aws, discovery=Discovery(window=HOUR))
    exporter.catch_up()
    assert exporter.scrape().state("done") == "COMPLETED"
    aws.clock.advance(2 * HOUR)
    assert not exporter.scrape().find("aws_backup_job_info", job_id="done")


def test_resources_without_recent_jobs_leave(aws: Bench) -> None:
    """A resource vanishes within an hour after its newest job is older than the look-back."""
    aws.account.put(of(FIRST, "old", "COMPLETED", created=START - 90, CompletionDate=START - 30))
    exporter = watch(aws, discovery=Discovery(lookback=DAY), collectors=("backup_jobs", "resources"))
    exporter.catch_up()
    aws.clock.advance(DAY - HOUR)
    assert exporter.scrape().find("aws_backup_resource_last_attempt_timestamp_seconds")
    for _ in range(13):
        aws.clock.advance(10 * MINUTE)
        series = exporter.scrape()
    assert not series.find("aws_backup_resource_last_attempt_timestamp_seconds")


def test_a_failure_is_told_and_nothing_is_lost(aws: Bench) -> None:
    """While AWS throttles, the collector is down and the known jobs stay; the next success reads the rest."""
    aws.account.put(of(FIRST, "known", created=START - 60))
    exporter = watch(aws)
    exporter.catch_up()
    exporter.scrape()
    aws.account.fail("ListBackupJobs", throttled())
    aws.clock.advance(60)
    series = exporter.scrape()
    assert series.value("aws_backup_up", target="company", collector="backup_jobs") == 0
    assert series.state("known") == "RUNNING"
    aws.account.put(of(FIRST, "known", "FAILED", created=START - 60, CompletionDate=START + 65))
    aws.account.recover()
    aws.clock.advance(300)
    assert exporter.scrape().state("known") == "FAILED"


@pytest.mark.parametrize(
    "collectors", [("backup_jobs",), ("backup_jobs", "copy_jobs", "restore_jobs", "scan_jobs")]
)
def test_only_the_target_of_the_organization_has_series_about_collectors(
    aws: Bench, collectors: tuple[str, ...]
) -> None:
    """An account that is known only from its jobs has no collectors and is no target."""
    aws.account.put(of(FIRST, "one", created=START - 60))
    exporter = watch(aws, collectors=collectors)
    exporter.catch_up()
    series = exporter.scrape()
    assert {labels["target"] for labels, _ in series.find("aws_backup_up")} == {"company"}
    assert [str(scope) for scope in exporter.exporter.scopes] == ["company/eu-west-1"]


def test_accounts_are_left_out_while_their_organization_is_paused(aws: Bench) -> None:
    """Nothing is said about the accounts of an organization that nobody scrapes."""
    aws.account.put(of(FIRST, "one", created=START - 60))
    exporter = watch(aws)
    exporter.scrape()
    before = {str(ledger.scope) for ledger in exporter.exporter.ledgers}
    exporter.exporter.ledgers[0].is_paused = True
    after = {str(ledger.scope) for ledger in exporter.exporter.ledgers}
    assert before - after == {f"company/{FIRST}/eu-west-1"}


@pytest.mark.parametrize(("late", "within"), [(20, 0), (90, 60), (600, 360)])
def test_a_job_that_aws_lists_late_is_published(aws: Bench, late: float, within: float) -> None:
    """A job that appears in lists long after its end is published: the later, the longer that takes."""
    exporter = watch(aws)
    exporter.catch_up()
    for _ in range(46):
        aws.clock.advance(15)
        exporter.scrape()
    ended = aws.clock() - late
    aws.account.put(of(FIRST, "late", "COMPLETED", created=ended - 1, CompletionDate=ended))
    scrapes = 0
    while not exporter.scrape().find("aws_backup_job_info", job_id="late"):
        aws.clock.advance(15)
        scrapes += 1
        assert scrapes * 15 <= within


def test_unfinished_jobs_of_any_age_are_updated(aws: Bench) -> None:
    """Lists of unfinished jobs leave out those that the list of new jobs has; together they have all."""
    created = {f"job-{age}": START - age for age in range(0, 1200, 10)}
    exporter = watch(aws)
    for percent in ("10", "20", "30"):
        for job_id, time in created.items():
            aws.account.put(of(FIRST, job_id, created=time, PercentDone=percent))
        aws.clock.advance(60)
        before = len(aws.account.calls)
        exporter.catch_up()
        series = exporter.scrape()
        progress = {value for _, value in series.find("aws_backup_job_progress_ratio")}
        assert progress == {int(percent) / 100}
    sweeps = [call.parameters for call in aws.account.calls[before:] if "ByState" in call.parameters]
    assert sweeps
    assert all("ByCreatedBefore" in parameters for parameters in sweeps)
