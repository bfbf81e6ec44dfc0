"""The history of one resource, and properties derived from it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from exporter.ledger.newest_jobs import NewestJobs, began
from exporter.model import Job, ListedResource, Protected, RecoveryPoints, Rule, RuleKey

JobKey = tuple[str, str]
"""The name of a job kind, and the key of the facts, such as the destination vault of copies."""


@dataclass(slots=True)
class RuleHistory:
    """The backups that a rule created for a resource, from jobs and recovery points.

    Attributes:
        rule: the rule, with the names from its newest job or recovery point.
        vault_name: the vault of that job or recovery point.
        first, last: the creation time of the first and last known job, or the completion time of the first
            and last known recovery point; None if there is neither.
        success: when the last successful backup ended.
    """

    rule: Rule
    vault_name: str
    first: float | None = None
    last: float | None = None
    success: float | None = None


@dataclass(slots=True)
class ResourceHistory:
    """The history of one resource.

    Attributes:
        jobs: the newest jobs by kind and key.
        protected: its row in the list of protected resources.
        within: the interval in the configuration, in seconds.
        rules: the rules that created jobs for it.
        last_rule: the rule that created the newest of these jobs, and that job.
        last_interval: the interval of its rules while at least one of them was still in a plan.
        named: the rules of plans that select it by ARN, and since when.
        points: its recovery points by vault name.
        listed: its entry in the inventory.
    """

    jobs: dict[JobKey, NewestJobs] = field(default_factory=dict)
    protected: Protected | None = None
    within: float | None = None
    rules: dict[RuleKey, RuleHistory] = field(default_factory=dict)
    last_rule: tuple[tuple[float, str], RuleKey] | None = None
    last_interval: float | None = None
    named: Mapping[RuleKey, float] = field(default_factory=dict)
    points: dict[str, RecoveryPoints] = field(default_factory=dict)
    listed: ListedResource | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is any data about the resource."""
        found = self.jobs or self.protected or self.named or self.points or self.listed
        return bool(found) or self.within is not None

    def of_kind(self, kind: str) -> Iterator[tuple[str, NewestJobs]]:
        """Yield each key of a kind, and the newest jobs with that key."""
        return ((key, jobs) for (name, key), jobs in self.jobs.items() if name == kind)

    @property
    def newest_job(self) -> Job | None:
        """The newest job of any kind."""
        return max((job for jobs in self.jobs.values() if (job := jobs.begun)), key=began, default=None)

    @property
    def rule_keys(self) -> set[RuleKey]:
        """The rules that created jobs or recovery points for it, and those of plans that select its ARN."""
        return {*self.used_rule_keys, *self.named}

    @property
    def used_rule_keys(self) -> set[RuleKey]:
        """The rules that created jobs or recovery points for it."""
        return {*self.rules, *(key for _, key in self._rules_of_points())}

    def uses(self, key: RuleKey) -> bool:
        """Return whether a rule is one of `rule_keys`."""
        return key in self.rules or key in self.named or any(key == of for _, of in self._rules_of_points())

    @property
    def newest_rule_key(self) -> RuleKey | None:
        """The rule that created the newest job, or the newest recovery point if no job is known."""
        if self.last_rule:
            return self.last_rule[1]
        return max(self._rules_of_points(), default=(0.0, None))[1]

    def _rules_of_points(self) -> Iterator[tuple[float, RuleKey]]:
        for points in self.points.values():
            for of_rule in points.rules:
                yield of_rule.completed, (of_rule.rule.plan_id, of_rule.rule.rule_id)

    @property
    def has_continuous_backup(self) -> bool:
        """Whether a continuous backup (point-in-time recovery) is active in any vault."""
        return any(points.by_status.get("AVAILABLE") for points in self.points.values())

    def newest_backup(self) -> RecoveryPoints | None:
        """Return the recovery points of the vault with the newest completed backup."""
        having = (points for points in self.points.values() if points.newest_backup is not None)
        return max(having, key=lambda points: points.newest_backup or 0.0, default=None)

    def all_rules(self) -> dict[RuleKey, RuleHistory]:
        """Return the history of each rule, from jobs and recovery points together."""
        rules = {
            key: RuleHistory(of.rule, of.vault_name, of.first, of.last, of.success)
            for key, of in self.rules.items()
        }
        for vault_name, points in self.points.items():
            for of_rule in points.rules:
                key = of_rule.rule.plan_id, of_rule.rule.rule_id
                of = rules.setdefault(key, RuleHistory(of_rule.rule, vault_name))
                of.success = max(of.success or 0.0, of_rule.completed)
                of.first = of_rule.first if of.first is None else min(of.first, of_rule.first)
                of.last = of_rule.completed if of.last is None else max(of.last, of_rule.completed)
        return rules

    def expiry(self) -> float | None:
        """When the last COMPLETED recovery point will be deleted; None if one is kept forever."""
        completed = [points for points in self.points.values() if points.newest is not None]
        expiries = [points.expiry for points in completed]
        known = [expiry for expiry in expiries if expiry is not None]
        return max(known) if known and len(known) == len(expiries) else None

    def names(self) -> Iterator[str]:
        """Yield the names from jobs, lists and recovery points, the most reliable first."""
        jobs = (job.resource_name for newest in self.jobs.values() if (job := newest.begun))
        lists = (row.name for row in (self.protected, self.listed) if row)
        return filter(None, chain(jobs, lists, (points.resource_name for points in self.points.values())))

    def types(self) -> Iterator[str]:
        """Yield the resource types from jobs, lists and recovery points, the most reliable first."""
        jobs = (job.resource_type for newest in self.jobs.values() if (job := newest.begun))
        protected = [self.protected.type] if self.protected else []
        points = (points.resource_type for points in self.points.values())
        listed = [self.listed.type] if self.listed else []  # derived from the ARN, so the least reliable
        return filter(None, chain(jobs, protected, points, listed))
