"""The token bucket, on a clock that moves when told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.request_budget import Budget
from tests.support.harness import Clock

RATES = st.one_of(st.sampled_from([0.01, 0.1, 0.5, 0.55, 1, 10, 50]), st.floats(0.01, 100))


def take_all(budget: Budget, *, reserve: float = 0.0) -> int:
    """Take tokens until there is none, and count them."""
    taken = 0
    while budget.try_acquire(reserve=reserve):
        taken += 1
    return taken


@pytest.mark.parametrize(("rate", "burst"), [(10, 20), (1, 2), (0.5, 1), (0.01, 1)])
def test_a_full_bucket(rate: float, burst: int) -> None:
    """A full bucket holds twice the rate, and at least one token."""
    clock = Clock(0)
    budget = Budget(rate, clock)
    assert budget.available() == burst
    assert take_all(budget) == burst
    assert budget.available() == 0
    clock.advance(2 * burst / rate)
    assert take_all(budget) == burst


@pytest.mark.parametrize("rate", [50, 10, 1, 0.5, 0.01])
def test_tokens_come_back_at_the_rate(rate: float) -> None:
    """A token comes back after the inverse of the rate, not before."""
    clock = Clock(0)
    budget = Budget(rate, clock)
    take_all(budget)
    assert budget.wait_time() == pytest.approx(1 / rate)
    clock.advance(0.99 / rate)
    assert not budget.try_acquire()
    clock.advance(0.02 / rate)
    assert budget.try_acquire()
    assert not budget.try_acquire()


@given(RATES, st.lists(st.floats(0, 100), max_size=30))
def test_never_more_than_the_rate_and_a_burst(rate: float, pauses: list[float]) -> None:
    """However the calls are spread, there are no more of them than the rate and one burst allow."""
    clock = Clock(0)
    budget = Budget(rate, clock)
    taken = take_all(budget)
    for pause in pauses:
        clock.advance(pause)
        taken += take_all(budget)
        assert taken <= budget.burst + rate * clock() + 1e-6


@given(RATES)
def test_the_reserve_can_be_left(rate: float) -> None:
    """However small the rate, work in the background gets a token from a full bucket, and leaves the rest."""
    budget = Budget(rate, Clock(0))
    assert budget.try_acquire(reserve=budget.reserve)
    assert budget.reserve <= budget.burst / 2


def test_the_reserve_is_left() -> None:
    """Work in the background takes half of a full bucket; a scrape can take the other half."""
    budget = Budget(10, Clock(0))
    assert take_all(budget, reserve=budget.reserve) == 10
    assert budget.wait_time(reserve=budget.reserve) == pytest.approx(0.1)
    assert budget.wait_time() == 0
    assert take_all(budget) == 10


@given(RATES, st.floats(0, 1), st.floats(0, 1e6))
def test_a_wait_is_long_enough(rate: float, part: float, start: float) -> None:
    """Whoever waits as long as told, and a millisecond, gets a token."""
    clock = Clock(start)
    budget = Budget(rate, clock)
    reserve = part * budget.reserve
    take_all(budget)
    clock.advance(budget.wait_time(reserve=reserve) + 0.001)
    assert budget.try_acquire(reserve=reserve)
    clock.advance(1000 / rate)
    assert budget.wait_time(reserve=reserve) == 0


@given(st.floats(0.1, 100), st.lists(st.tuples(st.floats(0, 5000), st.booleans()), max_size=20))
def test_throttling_moves_the_budget_within_bounds(rate: float, events: list[tuple[float, bool]]) -> None:
    """Whatever AWS throttles, the rate stays between a tenth of what was configured and all of it."""
    clock = Clock(0)
    budget = Budget(rate, clock)
    for pause, throttled in events:
        clock.advance(pause)
        before = budget.rate
        if throttled:
            budget.reduce_rate()
            assert budget.rate <= before
        assert rate / 10 * 0.999 <= budget.rate <= rate
        assert budget.available() <= budget.burst
        assert budget.reserve <= budget.burst - 1


def test_throttling_leaves_less_to_burst_with() -> None:
    """What AWS throttles empties half of the bucket, so that the calls behind it do not all follow."""
    budget = Budget(10, Clock(0))
    budget.reduce_rate()
    assert budget.burst == 14
    assert budget.available() == 7
