"""What a scrape asks AWS about jobs that can still change, and what it publishes of the answers."""

from typing import Literal

import pytest

from exporter.config import Api, Discovery
from tests.support.harness import REGION, START, Bench, job


def test_a_running_job_is_described_on_every_scrape(aws: Bench) -> None:
    """An active job is described on each scrape, and what AWS told is what is published."""
    aws.account.put(job("a", PercentDone="10.0"))
    watch = aws.watch()
    assert watch.scrape().value("aws_backup_job_progress_ratio", job_id="a") == 0.1
    aws.account.put(job("a", PercentDone="23.71"))
    aws.clock.advance(15)
    assert watch.scrape().value("aws_backup_job_progress_ratio", job_id="a") == 0.2371
    assert aws.described() == ["a", "a"]


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
    assert aws.described() == ["a", "a"]


def test_a_job_that_was_finished_when_first_listed_is_not_described(aws: Bench) -> None:
    """A list row tells all of a finished job that has no children."""
    aws.account.put(job("a", "COMPLETED", CompletionDate=START))
    watch = aws.watch()
    assert watch.scrape().state("a") == "COMPLETED"
    assert aws.described() == []


def test_a_parent_that_was_finished_before_the_start_is_described_once(aws: Bench) -> None:
    """Only describing tells child counts, so a finished parent is asked about, once, after the discovery."""
    children = {"COMPLETED": 2, "FAILED": 1}
    aws.account.put(job("p", "PARTIAL", IsParent=True, NumberOfChildJobs=3, ChildJobsInState=children))
    watch = aws.watch()
    watch.catch_up()
    series = watch.scrape()
    assert series.value("aws_backup_job_child_jobs", job_id="p") == 3
    assert series.value("aws_backup_job_child_jobs_in_state", job_id="p", state="FAILED") == 1
    assert aws.described() == ["p"]


@pytest.mark.parametrize(
    ("finished_jobs", "described"), [("all", {"ok", "bad"}), ("unsuccessful", {"bad"}), ("none", set())]
)
def test_a_finished_parent_without_series_is_not_described(
    aws: Bench, finished_jobs: Literal["all", "unsuccessful", "none"], described: set[str]
) -> None:
    """Child counts are asked for only where they are published; a configured job has them in any case."""
    for job_id, state in (("ok", "COMPLETED"), ("bad", "FAILED"), ("configured", "COMPLETED")):
        aws.account.put(job(job_id, state, IsParent=True, ChildJobsInState={state: 1}))
    target = aws.target(job_ids=("configured",))
    watch = aws.watch(target, discovery=Discovery(finished_jobs=finished_jobs))
    watch.catch_up()
    found = watch.scrape().find("aws_backup_job_child_jobs_in_state")
    assert {labels["job_id"] for labels, _ in found} == {*aws.described()} == {"configured", *described}
    assert len(aws.described()) == 1 + len(described)


def test_an_end_without_series_is_asked_for_once_at_most(aws: Bench) -> None:
    """A job without series after its end is described until its end shows, be it in a list, and no more."""
    jobs = {"new": START, "old": START - 7200}
    for job_id, created in jobs.items():
        aws.account.put(job(job_id, created=created))
    watch = aws.watch(discovery=Discovery(finished_jobs="none"))
    watch.catch_up()
    assert len(watch.scrape().find("aws_backup_job_state", state="RUNNING")) == 2
    aws.account.forget_calls()
    for job_id, created in jobs.items():
        aws.account.put(job(job_id, "COMPLETED", created=created, CompletionDate=START + 15))
    for _ in range(3):
        aws.clock.advance(15)
        series = watch.scrape()
        assert series.find("aws_backup_job_state") == []
        assert series.value("aws_backup_jobs_finished_total", state="COMPLETED") == 2
    assert aws.described() == ["old"]


def test_a_running_parent_shows_its_children_by_state(aws: Bench) -> None:
    """Child counts of a running parent are as fresh as the scrape, though no list tells them."""
    aws.account.put(job("p", IsParent=True, NumberOfChildJobs=2, ChildJobsInState={"RUNNING": 2}))
    watch = aws.watch()
    watch.scrape()
    aws.account.put(
        job("p", IsParent=True, NumberOfChildJobs=2, ChildJobsInState={"RUNNING": 1, "COMPLETED": 1})
    )
    aws.clock.advance(15)
    found = watch.scrape().find("aws_backup_job_child_jobs_in_state", job_id="p")
    assert {labels["state"]: value for labels, value in found} == {"RUNNING": 1, "COMPLETED": 1}


def test_more_active_jobs_than_the_burst_are_swept_by_state(aws: Bench) -> None:
    """With hundreds of active jobs a scrape costs a few list calls, and each job is fresh."""
    for number in range(300):
        aws.account.put(job(f"j{number}", PercentDone="1.0"))
    watch = aws.watch()
    watch.catch_up()
    for number in range(300):
        aws.account.put(job(f"j{number}", PercentDone="50.0"))
    aws.clock.advance(15)
    aws.account.forget_calls()
    found = watch.scrape().find("aws_backup_job_progress_ratio")
    assert [value for _, value in found] == [0.5] * 300
    assert aws.described() == []
    assert len(aws.account.calls) == 5


def test_a_job_that_ends_between_two_sweeps_shows_its_end_on_the_next_scrape(aws: Bench) -> None:
    """A job that is in no state's list any more is described: its end shows at once."""
    for number in range(60):
        aws.account.put(job(f"j{number}", created=START - 7200))
    watch = aws.watch()
    watch.catch_up()
    aws.clock.advance(15)
    aws.account.put(job("j7", "FAILED", created=START - 7200, StatusMessage="no such volume"))
    series = watch.scrape()
    assert series.state("j7") == "FAILED"
    assert series.labels("aws_backup_job_status_info", job_id="j7")["status_message"] == "no such volume"


def test_hundreds_of_jobs_that_end_at_once_are_listed_rather_than_described(aws: Bench) -> None:
    """When more jobs end between two scrapes than can be described, a list of the ended tells them all."""
    for number in range(400):
        aws.account.put(job(f"j{number}", created=START - 7200))
    watch = aws.watch()
    watch.catch_up()
    aws.clock.advance(15)
    for number in range(399):
        aws.account.put(job(f"j{number}", "COMPLETED", created=START - 7200, CompletionDate=START + 10))
    aws.account.forget_calls()
    series = watch.scrape()
    assert len(series.find("aws_backup_job_state", state="COMPLETED")) == 399
    assert len(aws.account.calls) <= 8


@pytest.mark.slow
def test_in_a_sweep_parents_and_configured_ids_take_turns(aws: Bench) -> None:
    """When the budget cannot describe every parent at once, the stalest goes first: none starves."""
    parents = {f"p{number}" for number in range(12)}
    for job_id in parents:
        aws.account.put(job(job_id, IsParent=True, NumberOfChildJobs=1, ChildJobsInState={"RUNNING": 1}))
    watch = aws.watch(aws.target(job_ids=("unknown-1", "unknown-2")), api=Api(requests_per_second=2))
    watch.catch_up()
    aws.account.forget_calls()
    for _ in range(28):
        aws.clock.advance(4)
        watch.scrape()
    asked = aws.described()
    assert set(asked) == parents | {"unknown-1", "unknown-2"}
    counts = [asked.count(job_id) for job_id in set(asked)]
    assert max(counts) - min(counts) <= 1


def test_an_unknown_state_is_followed_in_a_sweep_too(aws: Bench) -> None:
    """No list by state finds a state that nobody knows yet, so such a job is described."""
    for number in range(50):
        aws.account.put(job(f"j{number}"))
    aws.account.put(job("odd", "HIBERNATING", PercentDone="1.0"))
    watch = aws.watch()
    watch.catch_up()
    aws.account.put(job("odd", "HIBERNATING", PercentDone="2.0"))
    aws.clock.advance(1200)
    series = watch.scrape()
    assert series.state("odd") == "HIBERNATING"
    assert series.value("aws_backup_job_progress_ratio", job_id="odd") == 0.02


def test_a_budget_that_is_spent_leaves_what_is_known_on_the_page(aws: Bench) -> None:
    """With next to no budget the exporter still asks in turn, and never more than it may."""
    for number in range(5):
        aws.account.put(job(f"j{number}"))
    watch = aws.watch(api=Api(requests_per_second=0.1))
    watch.refresh()
    for _ in range(20):
        aws.clock.advance(10)
        watch.scrape()
    span = aws.clock() - START
    assert len(aws.account.calls) <= span * 0.1 + 1
    assert len(watch.read().find("aws_backup_job_state")) == 5


def test_configured_ids_are_followed_without_discovery(aws: Bench) -> None:
    """With discovery off nothing is listed, and the configured ids are described until they end."""
    aws.account.put(job("a"))
    aws.account.put(job("b"))
    watch = aws.watch(aws.target(job_ids=("a",)), discovery=Discovery(enabled=False))
    watch.scrape()
    aws.account.put(job("a", "COMPLETED"))
    aws.clock.advance(15)
    assert watch.scrape().state("a") == "COMPLETED"
    watch.scrape()
    assert {call.operation for call in aws.account.calls} == {"DescribeBackupJob"}
    assert aws.described() == ["a", "a"]


def test_a_region_without_configured_name_is_that_of_the_chain(aws: Bench) -> None:
    """Series carry the Region that was asked."""
    aws.account.put(job("a"))
    series = aws.watch().scrape()
    assert series.labels("aws_backup_job_state", job_id="a")["aws_region"] == REGION
