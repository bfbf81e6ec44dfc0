"""The rules of backup plans: how far apart their runs are, and which of them are gone. Pure.

The plans tell, where they can be read; else the newest job of the rule does.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from exporter.ledger.newest_jobs import began, created
from exporter.model import Job, Plan, PlannedRule, Rule, RuleKey


class Planned(NamedTuple):
    """A rule, and the plan that it is part of."""

    plan: Plan
    rule: PlannedRule


class PlanRules:
    """The rules of one scope.

    Args:
        interval_of: tells the largest gap in seconds between a rule's runs, None if it cannot.
    """

    def __init__(self, interval_of: Callable[[Rule], float | None]) -> None:
        self._interval_of = interval_of
        self._planned: Mapping[RuleKey, Planned] | None = None  # None: the plans were never read
        self._unread: frozenset[str] = frozenset()
        self._read_at = math.inf
        self._used: dict[RuleKey, float] = {}  # when the newest job of each was created
        self._told: dict[RuleKey, tuple[tuple[float, str], float]] = {}  # the job that tells, the interval
        self._copies_since: dict[tuple[str, str], float] = {}  # by plan and destination

    def set_plans(self, plans: Iterable[Plan], unread: Collection[str], read_at: float) -> set[RuleKey]:
        """Replace the rules by those of all plans that could be read, and what was known of the others.

        Returns the rules of which something changed that matters to resources.
        """
        before, copies_before = self._what_matters(), self._copies()
        planned = {(plan.id, rule.rule_id): Planned(plan, rule) for plan in plans for rule in plan.rules}
        self._unread = frozenset(unread)
        kept = {key: known for key, known in (self._planned or {}).items() if key[0] in self._unread}
        self._planned = kept | planned
        copies = self._copies() or set()
        known_since = dict.fromkeys(copies if copies_before is None else copies & copies_before, -math.inf)
        self._copies_since = {
            copy: self._copies_since.get(copy, known_since.get(copy, read_at)) for copy in copies
        }
        self._read_at = read_at
        after = self._what_matters()
        return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}

    def keep_only(self, keys: Collection[RuleKey]) -> None:
        """Forget what jobs told of other rules."""
        self._used = {key: at for key, at in self._used.items() if key in keys}
        self._told = {key: told for key, told in self._told.items() if key in keys}

    def _copies(self) -> set[tuple[str, str]] | None:
        """Give the destinations of the copy actions of each plan; None while the plans were never read."""
        if self._planned is None:
            return None
        return {(key[0], to) for key, known in self._planned.items() for to in known.rule.destinations}

    def copies_since(self, plan_id: str, destination: str) -> float:
        """Since when a plan copies to a vault; minus infinity when it did when the plans were first read."""
        return self._copies_since.get((plan_id, destination), -math.inf)

    def _what_matters(self) -> dict[RuleKey, tuple[object, ...]]:
        keys = {*self._used, *self._told, *(self._planned or ())}
        return {key: (self.is_gone(key), self.interval(key), *_told(self.planned(key))) for key in keys}

    def record_use(self, key: RuleKey, job: Job, rule: Rule) -> bool:
        """Take note that a rule made a job. Returns whether that changes its interval, or it is not gone."""
        was_gone = self.is_gone(key)
        self._used[key] = max(self._used.get(key, -math.inf), created(job))
        is_back = was_gone and not self.is_gone(key)
        told = self._told.get(key)
        if not rule.schedule or (told and began(job) < told[0]):
            return is_back
        return self._learn(key, rule, began(job)) or is_back

    def learn(self, key: RuleKey, rule: Rule, at: float) -> bool:
        """Take note of the schedule that a recovery point of some time tells, likewise."""
        told = self._told.get(key)
        if not rule.schedule or told:
            return False
        return self._learn(key, rule, (at, ""))

    def _learn(self, key: RuleKey, rule: Rule, told_by: tuple[float, str]) -> bool:
        interval = self._interval_of(rule)
        before = self._told.get(key)
        if interval is None:
            return False
        self._told[key] = (told_by, interval)
        return before is None or before[1] != interval

    def planned(self, key: RuleKey) -> Planned | None:
        """Give a rule as the plans have it."""
        return self._planned.get(key) if self._planned else None

    def interval(self, key: RuleKey) -> float | None:
        """Give the interval of a rule, gone or not."""
        planned = self.planned(key)
        told = self._told.get(key)
        return (planned.rule.interval if planned else None) or (told[1] if told else None)

    def shortest(self, keys: Iterable[RuleKey]) -> float | None:
        """Give the shortest interval of those rules that are not gone from the plans."""
        intervals = (self.interval(key) for key in keys if not self.is_gone(key))
        return min((interval for interval in intervals if interval), default=None)

    def is_gone(self, key: RuleKey) -> bool:
        """Whether the plans were read and have the rule no longer, and it made no job since."""
        return (
            self._planned is not None
            and key not in self._planned
            and key[0] not in self._unread
            and self._used.get(key, -math.inf) <= self._read_at
        )


def _told(planned: Planned | None) -> tuple[object, ...]:
    """What a plan tells of a rule that matters to resources: all but when it runs."""
    if planned is None:
        return ()
    plan, rule = planned
    return plan.name, plan.changed, rule.name, rule.vault_name, rule.destinations, rule.retention
