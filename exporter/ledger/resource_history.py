"""What is known of one resource, and what follows from it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from exporter.ledger.newest_jobs import NewestJobs, began
from exporter.model import Job, ListedResource, Protected, RecoveryPoints, Rule, RuleKey

JobKey = tuple[str, str]
"""Name of a kind of job, and the key that tells the facts of one resource apart."""


@dataclass(slots=True)
class RuleHistory:
    """What a rule did for a resource, as jobs and recovery points tell.

    Attributes:
        rule: with the names that the newest job, or recovery point, tells.
        vault_name: where that one is.
        first, last: when the first and the newest known job were created, or recovery point was completed;
            None without either.
        success: when the newest backup that succeeded ended.
    """

    rule: Rule
    vault_name: str
    first: float | None = None
    last: float | None = None
    success: float | None = None


@dataclass(slots=True)
class ResourceHistory:
    """What is known of one resource.

    Attributes:
        jobs: the newest jobs of each kind and key.
        protected: as AWS lists it.
        within: the interval that the configuration asks for.
        rules: what those rules did that made jobs for it.
        last_rule: the rule that made the newest of these jobs, and that job.
        last_interval: what the rules told when the plans last had one of them.
        named: the rules of plans that select it by its ARN, and since when.
        points: its recovery points by the name of the vault.
        listed: as the inventory lists it.
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
        """Whether anything still tells of the resource."""
        told = self.jobs or self.protected or self.named or self.points or self.listed
        return bool(told) or self.within is not None

    def of_kind(self, kind: str) -> Iterator[tuple[str, NewestJobs]]:
        """Give the newest jobs of a kind by their keys."""
        return ((key, jobs) for (name, key), jobs in self.jobs.items() if name == kind)

    @property
    def newest_job(self) -> Job | None:
        """The newest job of whatever kind."""
        return max((job for jobs in self.jobs.values() if (job := jobs.begun)), key=began, default=None)

    @property
    def rule_keys(self) -> set[RuleKey]:
        """The rules that made jobs or recovery points for it, and those whose plans select it by its ARN."""
        return {*self.used_rule_keys, *self.named}

    @property
    def used_rule_keys(self) -> set[RuleKey]:
        """The rules that made jobs or recovery points for it."""
        return {*self.rules, *(key for _, key in self._rules_of_points())}

    def uses(self, key: RuleKey) -> bool:
        """Whether a rule is one of `rule_keys`."""
        return key in self.rules or key in self.named or any(key == of for _, of in self._rules_of_points())

    @property
    def newest_rule_key(self) -> RuleKey | None:
        """The rule that made the newest job or, where no job is known, the newest recovery point."""
        if self.last_rule:
            return self.last_rule[1]
        return max(self._rules_of_points(), default=(0.0, None))[1]

    def _rules_of_points(self) -> Iterator[tuple[float, RuleKey]]:
        for points in self.points.values():
            for told in points.rules:
                yield told.completed, (told.rule.plan_id, told.rule.rule_id)

    @property
    def has_continuous_backup(self) -> bool:
        """Whether point-in-time recovery goes on in any vault."""
        return any(points.by_status.get("AVAILABLE") for points in self.points.values())

    def newest_backup(self) -> RecoveryPoints | None:
        """The recovery points among which is the newest backup that completed."""
        having = (points for points in self.points.values() if points.newest_backup is not None)
        return max(having, key=lambda points: points.newest_backup or 0.0, default=None)

    def all_rules(self) -> dict[RuleKey, RuleHistory]:
        """Give what each rule did, as its jobs and the recovery points together tell."""
        rules = {
            key: RuleHistory(of.rule, of.vault_name, of.first, of.last, of.success)
            for key, of in self.rules.items()
        }
        for vault_name, points in self.points.items():
            for told in points.rules:
                key = told.rule.plan_id, told.rule.rule_id
                of = rules.setdefault(key, RuleHistory(told.rule, vault_name))
                of.success = max(of.success or 0.0, told.completed)
                of.first = told.first if of.first is None else min(of.first, told.first)
                of.last = told.completed if of.last is None else max(of.last, told.completed)
        return rules

    def expiry(self) -> float | None:
        """When the last COMPLETED recovery point will be deleted; None when one is kept forever."""
        completed = [points for points in self.points.values() if points.newest is not None]
        expiries = [points.expiry for points in completed]
        known = [expiry for expiry in expiries if expiry is not None]
        return max(known) if known and len(known) == len(expiries) else None

    def names(self) -> Iterator[str]:
        """Give the names that jobs, lists and recovery points tell; the surest first."""
        jobs = (job.resource_name for newest in self.jobs.values() if (job := newest.begun))
        lists = (told.name for told in (self.protected, self.listed) if told)
        return filter(None, chain(jobs, lists, (points.resource_name for points in self.points.values())))

    def types(self) -> Iterator[str]:
        """Give the resource types that they tell, likewise."""
        jobs = (job.resource_type for newest in self.jobs.values() if (job := newest.begun))
        protected = [self.protected.type] if self.protected else []
        points = (points.resource_type for points in self.points.values())
        listed = [self.listed.type] if self.listed else []  # of an ARN alone, so the least reliable
        return filter(None, chain(jobs, protected, points, listed))
