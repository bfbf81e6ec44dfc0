"""How jobs are found: at the start, as they come, late, and again after a failure."""

import pytest

from exporter.config import Discovery, Limits
from exporter.simulator.errors import ApiError
from tests.support.harness import START, Bench, job

HOUR = 3600.0


def test_the_first_scrape_shows_the_whole_window_of_a_small_account(aws: Bench) -> None:
    """What an ordinary account holds is there on the first scrape."""
    aws.account.put(job("new", "COMPLETED", created=START - 60))
    aws.account.put(job("old", "COMPLETED", created=START - 23 * HOUR))
    series = aws.watch().scrape()
    assert {labels["job_id"] for labels, _ in series.find("aws_backup_job_state")} == {"new", "old"}


def test_the_start_in_a_quiet_account_takes_two_lists(aws: Bench) -> None:
    """If all earlier jobs fit in one page, neither parts of the look-back nor states are listed."""
    for hours in (2, 20, 100, 300):
        aws.account.put(job(f"finished-{hours}", "COMPLETED", created=START - hours * HOUR))
    aws.account.put(job("running", created=START - 400 * HOUR))
    watch = aws.watch(discovery=Discovery(window=150 * HOUR, lookback=168 * HOUR))
    watch.catch_up()
    listed = [call.parameters for call in aws.account.calls if call.operation == "ListBackupJobs"]
    earlier = [one for one in listed if "ByCreatedBefore" in one]
    assert [one.keys() - {"MaxResults"} for one in earlier] == [{"ByCreatedBefore"}]
    assert not any("ByState" in one for one in listed)
    found = {labels["job_id"] for labels, _ in watch.scrape().find("aws_backup_job_state")}
    assert found == {"finished-2", "finished-20", "finished-100", "running"}


@pytest.mark.slow
def test_the_start_in_a_busy_account_lists_part_by_part(aws: Bench) -> None:
    """If earlier jobs need more than one page, those of the look-back and active ones are listed."""
    for number in range(1001):
        aws.account.put(job(f"old-{number}", "COMPLETED", created=START - (200 + number / 4) * HOUR))
    aws.account.put(job("recent", "COMPLETED", created=START - 2 * HOUR))
    aws.account.put(job("running", created=START - 600 * HOUR))
    watch = aws.watch()
    watch.catch_up()
    assert {one.parameters.get("ByState") for one in aws.account.calls} >= {"RUNNING", "CREATED", "PENDING"}
    found = {labels["job_id"] for labels, _ in watch.scrape().find("aws_backup_job_state")}
    assert found == {"recent", "running"}


def test_a_finished_job_from_before_the_window_has_no_series(aws: Bench) -> None:
    """Jobs created before the window get none."""
    aws.account.put(job("older", "COMPLETED", created=START - 25 * HOUR))
    watch = aws.watch()
    watch.catch_up()
    assert watch.scrape().find("aws_backup_job_state") == []


def test_an_active_job_has_series_however_old(aws: Bench) -> None:
    """A job that runs for days is found at the start and followed to its end."""
    aws.account.put(job("slow", created=START - 60 * HOUR))
    watch = aws.watch()
    watch.catch_up()
    assert watch.scrape().state("slow") == "RUNNING"
    aws.account.put(job("slow", "COMPLETED", created=START - 60 * HOUR, CompletionDate=START + 15))
    aws.clock.advance(15)
    assert watch.scrape().state("slow") == "COMPLETED"


def test_a_job_leaves_with_the_window(aws: Bench) -> None:
    """A finished job's series end when it is older than the window, within one twenty-fourth of it."""
    aws.account.put(job("a", "COMPLETED"))
    watch = aws.watch()
    watch.scrape()
    aws.clock.advance(23.9 * HOUR)
    assert watch.scrape().state("a") == "COMPLETED"
    aws.clock.advance(1.2 * HOUR)
    series = watch.scrape()
    assert series.find("aws_backup_job_state") == []
    assert series.value("aws_backup_jobs", state="COMPLETED") == 0


@pytest.mark.slow
def test_a_steady_scrape_lists_only_what_is_new(aws: Bench) -> None:
    """However many finished jobs are known, a scrape lists the last quarter of an hour."""
    for number in range(2500):
        aws.account.put(job(f"j{number}", "COMPLETED", created=START - 5 * HOUR))
    watch = aws.watch()
    watch.catch_up()
    aws.clock.advance(60)
    aws.account.forget_calls()
    assert len(watch.scrape().find("aws_backup_job_state")) == 2500
    assert [call.operation for call in aws.account.calls] == ["ListBackupJobs"]


def test_a_job_that_shows_up_late_is_found(aws: Bench) -> None:
    """A job that AWS lists only minutes after its creation is not missed."""
    watch = aws.watch()
    watch.scrape()
    aws.clock.advance(600)
    watch.scrape()
    aws.account.put(job("late", created=START))
    aws.clock.advance(60)
    assert watch.scrape().state("late") == "RUNNING"


def test_what_a_failed_scrape_missed_the_next_one_finds(aws: Bench) -> None:
    """The watermark moves only when a listing got through."""
    watch = aws.watch()
    watch.scrape()
    aws.account.put(job("a", created=START + 10))
    aws.account.fail("ListBackupJobs", ApiError("ServiceUnavailableException", 503, "busy"))
    for _ in range(10):
        aws.clock.advance(600)
        assert watch.scrape().value("aws_backup_up") == 0
    aws.account.recover()
    aws.clock.advance(15)
    series = watch.scrape()
    assert series.value("aws_backup_up") == 1
    assert series.state("a") == "RUNNING"


def test_a_start_that_fails_is_made_good(aws: Bench) -> None:
    """When AWS cannot be reached at the start, the whole window is read once it can."""
    aws.account.put(job("a", "COMPLETED", created=START - 20 * HOUR))
    aws.account.fail(None, ApiError("AccessDeniedException", 403, "no"))
    watch = aws.watch()
    assert watch.scrape().value("aws_backup_up") == 0
    aws.account.recover()
    watch.catch_up()
    assert watch.scrape().state("a") == "COMPLETED"


def test_only_the_chosen_vaults_and_types_are_followed(aws: Bench) -> None:
    """discovery.vaults and discovery.resource_types narrow what is found, not what is configured."""
    aws.account.put(job("in"))
    aws.account.put(job("other-type", ResourceType="RDS"))
    aws.account.put(job("other-vault", BackupVaultName="dev"))
    aws.account.put(job("named", ResourceType="RDS"))
    found = Discovery(resource_types=("EBS",), vaults=("prod",))
    series = aws.watch(aws.target(job_ids=("named",)), discovery=found).scrape()
    assert {labels["job_id"] for labels, _ in series.find("aws_backup_job_state")} == {"in", "named"}


def test_jobs_are_counted_by_vault_type_and_state_without_children(aws: Bench) -> None:
    """All nine states are there for each vault and type seen; a child is counted by its parent."""
    aws.account.put(job("p", "PARTIAL", IsParent=True))
    aws.account.put(job("c", "FAILED", ParentJobId="p"))
    series = aws.watch().scrape()
    found = series.find("aws_backup_jobs", vault_name="prod", resource_type="EBS")
    assert len(found) == 9
    assert {labels["state"]: value for labels, value in found if value} == {"PARTIAL": 1}
    assert series.state("c") == "FAILED"


def test_finished_jobs_are_counted_since_the_start(aws: Bench) -> None:
    """The counter takes in jobs that began and ended between two scrapes, not those of before the start."""
    aws.account.put(job("before", "FAILED", created=START - 60, CompletionDate=START - 30))
    watch = aws.watch()
    assert watch.scrape().value("aws_backup_jobs_finished_total", state="FAILED") == 0
    aws.clock.advance(60)
    aws.account.put(job("between", "FAILED", created=START + 10, CompletionDate=START + 20))
    assert watch.scrape().value("aws_backup_jobs_finished_total", state="FAILED") == 1


def test_the_limit_takes_the_oldest_finished_jobs_and_says_how_many(aws: Bench) -> None:
    """limits.max_jobs bounds the series; what it leaves out is counted, and the fleet's counts stay true."""
    for number in range(10):
        aws.account.put(job(f"j{number}", "COMPLETED", created=START - number * HOUR))
    aws.account.put(job("running"))
    watch = aws.watch(limits=Limits(max_jobs=4))
    watch.catch_up()
    series = watch.scrape()
    published = {labels["job_id"] for labels, _ in series.find("aws_backup_job_state")}
    assert published == {"running", "j0", "j1", "j2"}
    assert series.value("aws_backup_exporter_jobs_dropped", kind="backup") == 7
    assert series.value("aws_backup_exporter_jobs", phase="finished") == 3
    assert series.value("aws_backup_jobs", state="COMPLETED") == 10
