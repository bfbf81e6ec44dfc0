"""When the slow collectors of scopes run: at intervals of their own, so that no minute carries a peak."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.refresh.fakes import FakeSlowCollector, Start

FLEET = tuple(f"account-{number}" for number in range(200))
STEP = 15.0


@pytest.mark.parametrize("pace_factor", [1.0, 2.0])
def test_a_slow_collector_runs_at_most_a_fifth_too_early(start: Start, pace_factor: float) -> None:
    """It runs again after four to five times a minute, or a multiple of that."""
    fleet = start("a", pace_factor=pace_factor)
    pace = pace_factor * FakeSlowCollector.pace
    work = fleet.scopes["a"].background()
    runs: list[float] = []
    while len(runs) < 5:
        before = fleet.slow["a"].refreshed
        while next(work):
            pass
        if fleet.slow["a"].refreshed > before:
            runs.append(fleet.clock())
        fleet.clock.advance(1.0)
    pauses = [later - earlier for earlier, later in pairwise(runs)]
    assert all(0.8 * pace <= pause <= pace + 1 for pause in pauses)
    assert len({round(pause) for pause in pauses}) <= 2


def test_scopes_that_start_together_drift_apart(start: Start) -> None:
    """After a few rounds, no quarter of a minute has more than a third of the runs of a round."""
    fleet = start(*FLEET)
    works = [scope.background() for scope in fleet.scopes.values()]
    runs: Counter[float] = Counter()
    for _ in range(round(6 * FakeSlowCollector.pace / STEP)):
        before = sum(slow.refreshed for slow in fleet.slow.values())
        for work in works:
            while next(work):
                pass
        runs[fleet.clock()] = sum(slow.refreshed for slow in fleet.slow.values()) - before
        fleet.clock.advance(STEP)
    first, *_, last = runs.values()
    assert first == len(FLEET)
    assert max([*runs.values()][-20:]) < len(FLEET) / 3
    assert last
