"""How the budget answers when AWS throttles."""

from exporter.aws import Budget
from exporter.simulator.errors import ApiError
from tests.support.harness import Bench, Clock, job


def test_throttling_shrinks_the_budget_and_time_brings_it_back() -> None:
    """A throttled exporter asks less at once, and only slowly more again."""
    clock = Clock()
    budget = Budget(10, clock)
    budget.reduce_rate()
    assert budget.rate == 7
    clock.advance(60)
    assert 7 < budget.rate < 7.2
    clock.advance(3600)
    assert budget.rate == 10


def test_calls_throttled_together_count_once() -> None:
    """Twenty calls under way when AWS throttles are one event, not twenty."""
    clock = Clock()
    budget = Budget(10, clock)
    for _ in range(20):
        budget.reduce_rate()
    assert budget.rate == 7


def test_the_budget_never_shrinks_to_nothing() -> None:
    """However long AWS throttles, the exporter goes on asking now and then."""
    clock = Clock()
    budget = Budget(10, clock)
    for _ in range(100):
        budget.reduce_rate()
        clock.advance(1)
    assert 1 <= budget.rate < 1.1


def test_a_throttled_scrape_is_followed_by_gentler_ones(aws: Bench) -> None:
    """After ThrottlingException a scrape makes fewer calls at once than before."""
    for number in range(15):
        aws.account.put(job(f"j{number}"))
    watch = aws.watch()
    watch.catch_up()
    aws.account.fail("DescribeBackupJob", ApiError("ThrottlingException", 400, "Rate exceeded"), times=9)
    aws.clock.advance(15)
    watch.scrape()
    aws.clock.advance(15)
    aws.account.forget_calls()
    assert watch.scrape().value("aws_backup_up") == 1
    assert len(aws.account.calls) < 16
