"""The rules of backup plans: the interval between their runs, and which rules have been deleted. Pure.

The interval comes from the plan if the plan could be read, otherwise from the newest job of the rule.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from exporter.ledger.newest_jobs import began, created
from exporter.model import Job, Plan, PlannedRule, Rule, RuleKey, selects


class Planned(NamedTuple):
    """A rule and its plan."""

    plan: Plan
    rule: PlannedRule


class PlanRules:
    """The rules of one scope.

    Args:
        interval_of: returns the largest gap between the runs of a rule in seconds; None if it is unknown.
    """

    def __init__(self, interval_of: Callable[[Rule], float | None]) -> None:
        self._interval_of = interval_of
        self._planned: Mapping[RuleKey, Planned] | None = None  # None: the plans have not been read yet
        self._unread: frozenset[str] = frozenset()
        self._read_at = math.inf
        self._used: dict[RuleKey, float] = {}  # creation time of the newest job of each rule
        self._intervals: dict[RuleKey, tuple[tuple[float, str], float]] = {}  # with the age of the source
        self._copies_since: dict[tuple[str, str], float] = {}  # by plan and destination

    def set_plans(self, plans: Iterable[Plan], unread: Collection[str], read_at: float) -> set[RuleKey]:
        """Replace the rules with those of the plans.

        Args:
            plans: all plans; the last known version of those that could not be read.
            unread: IDs of the plans that could not be read.
            read_at: when reading the plans began, in seconds since 1970.

        Returns:
            The rules with a change that affects resources.
        """
        before, copies_before = self._relevant_state(), self._copies()
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
        after = self._relevant_state()
        return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}

    def keep_only(self, keys: Collection[RuleKey]) -> None:
        """Remove the data from jobs about all other rules."""
        self._used = {key: at for key, at in self._used.items() if key in keys}
        self._intervals = {key: interval for key, interval in self._intervals.items() if key in keys}

    def _copies(self) -> set[tuple[str, str]] | None:
        """Return pairs of plan ID and copy destination; None if the plans have not been read yet."""
        if self._planned is None:
            return None
        return {(key[0], to) for key, known in self._planned.items() for to in known.rule.destinations}

    def copies_since(self, plan_id: str, destination: str) -> float:
        """Return since when a plan copies to a vault; minus infinity if it did when plans were first read."""
        return self._copies_since.get((plan_id, destination), -math.inf)

    def _relevant_state(self) -> dict[RuleKey, tuple[object, ...]]:
        keys = {*self._used, *self._intervals, *(self._planned or ())}
        return {
            key: (self.is_deleted(key), self.interval(key), *_relevant_fields(self.planned(key)))
            for key in keys
        }

    def record_use(self, key: RuleKey, job: Job, rule: Rule) -> bool:
        """Record a job of a rule. Return whether the interval changed, or the rule has come back."""
        was_deleted = self.is_deleted(key)
        self._used[key] = max(self._used.get(key, -math.inf), created(job))
        is_back = was_deleted and not self.is_deleted(key)
        known = self._intervals.get(key)
        if not rule.schedule or (known and began(job) < known[0]):
            return is_back
        return self._learn(key, rule, began(job)) or is_back

    def learn(self, key: RuleKey, rule: Rule, at: float) -> bool:
        """Record the schedule of a recovery point if none is known. Return whether the interval changed."""
        known = self._intervals.get(key)
        if not rule.schedule or known:
            return False
        return self._learn(key, rule, (at, ""))

    def _learn(self, key: RuleKey, rule: Rule, source: tuple[float, str]) -> bool:
        interval = self._interval_of(rule)
        before = self._intervals.get(key)
        if interval is None:
            return False
        self._intervals[key] = (source, interval)
        return before is None or before[1] != interval

    def planned(self, key: RuleKey) -> Planned | None:
        """Return a rule of the current plans; None if they do not contain it."""
        return self._planned.get(key) if self._planned else None

    def interval(self, key: RuleKey) -> float | None:
        """Return the interval of a rule, also if the rule has been deleted."""
        planned = self.planned(key)
        known = self._intervals.get(key)
        return (planned.rule.interval if planned else None) or (known[1] if known else None)

    def shortest(self, keys: Iterable[RuleKey]) -> float | None:
        """Return the shortest interval of those rules that have not been deleted."""
        intervals = (self.interval(key) for key in keys if not self.is_deleted(key))
        return min((interval for interval in intervals if interval), default=None)

    def is_deleted(self, key: RuleKey) -> bool:
        """Return whether the rule is missing from the plans and has created no job since they were read."""
        return (
            self._planned is not None
            and key not in self._planned
            and key[0] not in self._unread
            and self._used.get(key, -math.inf) <= self._read_at
        )


def named_by(plans: Iterable[Plan]) -> dict[str, dict[RuleKey, float]]:
    """Return the resources that selections name by ARN, each with its rules and since when they apply.

    Selections with tags or conditions are ignored, because it is unknown here whether they select the
    resource; so are selections that could not be read completely.
    """
    named: dict[str, dict[RuleKey, float]] = {}
    for plan in plans:
        for selection in plan.selections or ():
            if selection.tags or selection.conditions:
                continue
            since = max(selection.created or 0.0, plan.changed or 0.0)
            for arn in selection.named_arns:
                if not (arn.startswith("arn:") and selects(selection, arn, "", {}, {})):
                    continue
                of_resource = named.setdefault(arn, {})
                for rule in plan.rules:
                    key = plan.id, rule.rule_id
                    of_resource[key] = min(since, of_resource.get(key, since))
    return named


def _relevant_fields(planned: Planned | None) -> tuple[object, ...]:
    """Return the properties of a rule that affect resources, except its interval."""
    if planned is None:
        return ()
    plan, rule = planned
    return plan.name, plan.changed, rule.name, rule.vault_name, rule.destinations, rule.retention
