"""The invariants of each scrape, and when the exporter must have recovered from a fault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from bench.soak.plan import (
    ACCOUNTS,
    COLLECTORS,
    EVERY,
    FAULTS,
    JOBS,
    LOOKED_BACK_AFTER,
    SETTLED_AFTER,
    SLOW_AFTER,
    TOLD_AFTER,
    Plan,
)
from bench.soak.truth import Samples

FRESH = 2 * EVERY + 2.0  # seconds, at most, since what is asked on each scrape was last asked in full
FRESH_SLOW = 300.0 + 60.0 + 3 * EVERY  # and what is asked every five minutes, or a minute after a failure
AHEAD = 2.0  # seconds by which a time that was read off the exporter's clock may be ahead of ours

_HEALTH = re.compile(
    r'aws_backup_(up|last_refresh_timestamp_seconds)\{target="a(\d+)",.*collector="(\w+)"\} (\S+)'
)

Place = tuple[str, str]
"""A target and a collector."""


@dataclass(frozen=True)
class Health:
    """What a scrape tells of each collector of each target."""

    up: dict[Place, float]
    refreshed: dict[Place, float]

    def is_up(self, target: str) -> bool:
        """Return whether all collectors of a target got through."""
        return all(up for (of, _), up in self.up.items() if of == target)


def health(text: str) -> Health:
    """Read it from an exposition."""
    targets = {account_id: target for target, (account_id, _) in ACCOUNTS.items()}
    told: dict[str, dict[Place, float]] = {"up": {}, "last_refresh_timestamp_seconds": {}}
    for name, account_id, collector, value in _HEALTH.findall(text):
        told[name][targets[account_id], collector] = float(value)
    return Health(told["up"], told["last_refresh_timestamp_seconds"])


@dataclass
class Healths:
    """Holds each scrape's health against the plan."""

    plan: Plan
    _stood_at: dict[Place, tuple[int, float | None]] = field(default_factory=dict)

    def untold(self, scrape: int, told: Health) -> Iterator[str]:
        """Say which faults a scrape does not tell.

        While AWS does not answer, a collector says so, and is not refreshed. What is asked every five minutes
        may not have been asked yet, unless the fault was there at the start.
        """
        for target, collector in product(ACCOUNTS, COLLECTORS):
            fault, since = self.plan.fault_of(target, scrape)
            asked = collector in JOBS or not since
            if fault and collector in FAULTS[fault][1] and asked and scrape >= since + TOLD_AFTER:
                yield from self._untold((target, collector), fault, since, told)

    def unsound(self, scrape: int, now: float, told: Health) -> Iterator[str]:
        """Say which collectors do not get through though AWS answers and the clock is right."""
        for target, collector in product(ACCOUNTS, COLLECTORS):
            if self._is_settled(target, collector, scrape):
                yield from _unsound((target, collector), now, told)

    def _untold(self, place: Place, fault: str, since: int, told: Health) -> Iterator[str]:
        where = " ".join(place)
        if told.up.get(place) != 0:
            yield f"{where}: aws_backup_up is {told.up.get(place)} in spite of {fault}"
        now_at = told.refreshed.get(place)
        began, stood_at = self._stood_at.setdefault(place, (since, now_at))
        if began != since:
            self._stood_at[place] = (since, now_at)
        elif now_at != stood_at:
            yield f"{where}: last_refresh moved from {stood_at} to {now_at} in spite of {fault}"
            self._stood_at[place] = (since, now_at)

    def _is_settled(self, target: str, collector: str, scrape: int) -> bool:
        right = self.plan.clock_right_since(scrape)
        sound = self.plan.sound_since(target, scrape, [collector])
        after = SETTLED_AFTER if collector in JOBS else SLOW_AFTER
        return right is not None and sound is not None and scrape >= max(right, sound) + after


def _unsound(place: Place, now: float, told: Health) -> Iterator[str]:
    where = " ".join(place)
    if told.up.get(place) != 1:
        yield f"{where}: aws_backup_up is {told.up.get(place)} though AWS answers"
    age = now - told.refreshed.get(place, 0.0)
    allowed = FRESH if place[1] in JOBS else FRESH_SLOW
    if not -AHEAD <= age <= allowed:
        yield f"{where}: last_refresh is {age:.0f} s old"


def comparable(plan: Plan, target: str, scrape: int) -> str | None:
    """Return which samples of a target must be what AWS tells: `all`, `jobs` alone, or None."""
    right, sound = plan.clock_right_since(scrape), plan.sound_since(target, scrape, JOBS)
    if right is None or sound is None or scrape < max(right, sound) + SETTLED_AFTER:
        return None
    return "all" if not sound or scrape >= sound + LOOKED_BACK_AFTER else "jobs"


def of_jobs(samples: Samples) -> Samples:
    """Leave out what is told of resources."""
    return {
        series: value for series, value in samples.items() if not series[0].startswith("aws_backup_resource_")
    }
