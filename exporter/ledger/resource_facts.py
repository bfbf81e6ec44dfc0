"""Computes the published data of a resource from its history. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporter.ledger.limits import MOST_KEYS
from exporter.ledger.newest_jobs import NewestJobs, created, ended
from exporter.ledger.plan_rules import Planned, PlanRules
from exporter.ledger.resource_history import ResourceHistory, RuleHistory
from exporter.model import (
    SUCCESS,
    Expectation,
    Job,
    JobFacts,
    Kind,
    Resource,
    RuleFacts,
    RuleKey,
    account_in_arn,
    name_in_arn,
)

LONGEST_GRACE = 86400.0  # seconds that a success may be late; at most one interval
PLANS, POINTS = "plans", "recovery_points"


class History:
    """How far back each collector has read the history from before the start.

    Args:
        awaited: names of the collectors that read history.
    """

    def __init__(self, awaited: Iterable[str]) -> None:
        self._awaited = set(awaited)
        self._since: dict[str, float] = {}
        self._read_at: dict[str, float] = {}

    def await_history(self, collectors: Iterable[str]) -> None:
        """Record that more collectors read history, unless they have read it already."""
        self._awaited.update(name for name in collectors if name not in self._read_at)

    def mark_read(self, collector: str, now: float, since: float | None) -> bool:
        """Record that a collector has read its part, or cannot read it. Return whether this was unknown."""
        is_news = collector in self._awaited or (since is None) != (collector not in self._since)
        self._awaited.discard(collector)
        self._read_at.setdefault(collector, now)
        if since is None:
            self._since.pop(collector, None)
        else:
            self._since.setdefault(collector, since)
        return is_news

    def is_read(self, *collectors: str) -> bool:
        """Return whether these collectors have read the history, as far as possible."""
        return self._awaited.isdisjoint(collectors)

    def since(self, collector: str) -> float | None:
        """Return how far back a collector has read; None if it has not read, or could not read."""
        return self._since.get(collector)

    def read_at(self, *collectors: str) -> float:
        """Return when the last of these collectors finished reading the history."""
        return max((self._read_at.get(collector, 0.0) for collector in collectors), default=0.0)


class FactsOf:
    """Computes the published data of a resource.

    Args:
        kinds: the job kinds.
        known: the history of each resource, by ARN.
        rules: the rules of plans.
        history: how far back the history has been read.
        parents: the known parent jobs, by ID.
        copied: completion time of the newest copy, by the ARN of the resource and the ARN of the vault.
        account_id: the account of resources without an account in a job or ARN.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        known: Mapping[str, ResourceHistory],
        rules: PlanRules,
        history: History,
        parents: Mapping[str, Job],
        copied: Mapping[str, Mapping[str, float]],
        *,
        account_id: str,
    ) -> None:
        self._kinds = kinds
        self._known = known
        self._rules = rules
        self._history = history
        self._parents = parents
        self._copied = copied
        self._account_id = account_id
        # These kinds also have data from recovery points.
        self._backups = next((kind for kind in kinds if kind.facts.expectation is Expectation.RULES), None)

    def __call__(self, arn: str) -> Resource:
        """Return the published data of a known resource."""
        known = self._known[arn]
        backups = self._newest(known, self._backups)
        newest = backups.begun if backups else None
        any_job = known.newest_job
        success = backups.success if backups else None
        backup = point = known.newest_backup()
        if success and point and (point.newest_backup or 0.0) <= ended(success):
            point = None
        parent_arn = self._covered_by(arn, known)
        rules = tuple(self._rule_facts(known, parent_arn))
        return Resource(
            arn=arn,
            name=next(known.names(), name_in_arn(arn)),
            type=next(known.types(), ""),
            account_id=(any_job.account_id if any_job else "")
            or account_in_arn(arn)
            or (backup.account_id if backup else "")
            or (known.listed.account_id if known.listed else "")
            or self._account_id,
            facts=tuple(self._job_facts(arn, known, rules, parent_arn)),
            rules=rules,
            last_success_size=point.newest_backup_size if point else success.size if success else None,
            last_success_duration=point.newest_backup_duration
            if point
            else _duration(success)
            if success
            else None,
            last_attempt=newest.created if newest else None,
            last_state=newest.state if newest else "",
            last_recovery_point=known.protected.last_recovery_point if known.protected else None,
            parent_arn=parent_arn,
            points=tuple(sorted(known.points.items())),
            last_expiry=known.expiry(),
            is_selected=known.listed.is_selected if known.listed else None,
        )

    def interval(self, known: ResourceHistory) -> float | None:
        """Return the expected interval between successful backups in seconds; None if it is unknown."""
        if known.within is not None:
            return known.within
        return (
            self._rules.shortest(known.rule_keys)
            or known.last_interval
            or (self._rules.interval(key) if (key := known.newest_rule_key) else None)
        )

    def parent_arn(self, arn: str) -> str:
        """Return the ARN of the composite that a resource was last backed up with; empty if there is none."""
        known = self._known.get(arn)
        newest = self._newest(known, self._backups) if known else None
        job = newest.begun if newest else None
        parent = self._parents.get(job.parent_id) if job else None
        return parent.resource_arn if parent and parent.resource_arn != arn else ""

    def _newest(self, known: ResourceHistory, kind: Kind | None, key: str = "") -> NewestJobs | None:
        return known.jobs.get((kind.name, key)) if kind else None

    def _covered_by(self, arn: str, known: ResourceHistory) -> str:
        """Return the ARN of the composite that covers the alerts of a resource; empty if there is none.

        A part that is missing from the last completed backup of the composite has its own alerts.
        """
        parent_arn = self.parent_arn(arn)
        above = self._known.get(parent_arn)
        parent = self._newest(above, self._backups) if above else None
        newest = self._newest(known, self._backups)
        if not (parent and parent.begun and newest and newest.begun):
            return ""
        stands = parent.begun.state != SUCCESS or created(newest.begun) >= created(parent.begun)
        return parent_arn if stands else ""

    def _is_due_in(self, parent_arn: str, known: ResourceHistory) -> bool:
        """Return whether the expected interval of the composite is at most that of its part."""
        above = self._known.get(parent_arn) if parent_arn else None
        if above is None:
            return False
        own, composite = self.interval(known), self.interval(above)
        return own is not None and composite is not None and own >= composite

    def _job_facts(
        self, arn: str, known: ResourceHistory, rules: Sequence[RuleFacts], parent_arn: str
    ) -> Iterator[JobFacts]:
        is_due = not self._is_due_in(parent_arn, known)
        for kind in self._kinds:
            expected = dict(self._expected(kind, known, rules, parent_arn))
            keys = dict(known.of_kind(kind.name))
            of_points = self._successes_of_points(kind, arn, known)
            for key in sorted({*keys, *expected, *of_points}):
                jobs = keys.get(key)
                successes = [of_points.get(key)]
                if jobs and (success := jobs.success):
                    successes.append(ended(success))
                last_success = max((at for at in successes if at is not None), default=None)
                interval = expected.get(key)
                due = None
                if is_due and interval is not None and self._is_read(kind):
                    due = self._due(kind, known, jobs, rules, key, last_success, interval)
                yield JobFacts(
                    kind=kind.name,
                    key=key,
                    last_success=last_success if kind.facts.last_success else None,
                    last_ended=jobs.last_ended() if jobs else None,
                    expected_interval=interval,
                    due=due,
                )

    def _successes_of_points(self, kind: Kind, arn: str, known: ResourceHistory) -> Mapping[str, float]:
        """Return the completion time of the newest successful recovery point, by key."""
        if kind.facts.expectation is Expectation.COPY_ACTIONS:
            return self._copied.get(arn, {})
        newest = known.newest_backup() if kind is self._backups else None
        return {"": newest.newest_backup} if newest and newest.newest_backup is not None else {}

    def _expected(
        self, kind: Kind, known: ResourceHistory, rules: Sequence[RuleFacts], parent_arn: str
    ) -> Iterator[tuple[str, float]]:
        """Yield the expected interval between successes in seconds, by key."""
        if kind.facts.expectation is Expectation.RULES:
            interval = self.interval(known)
            if interval is not None:
                yield "", interval
        elif kind.facts.expectation is Expectation.COPY_ACTIONS:
            shortest: dict[str, float] = {}
            for destination, rule in self._copy_actions(rules):
                # Only copy jobs show whether parts of a composite are copied separately.
                if rule.expected_interval and not (parent_arn and (kind.name, destination) not in known.jobs):
                    shortest[destination] = min(rule.expected_interval, shortest.get(destination, math.inf))
            yield from shortest.items()

    def _copy_actions(self, rules: Sequence[RuleFacts]) -> Iterator[tuple[str, RuleFacts]]:
        for rule in rules:
            if rule.is_replaced:
                continue
            if planned := self._rules.planned((rule.plan_id, rule.rule_id)):
                yield from ((destination, rule) for destination in planned.rule.destinations)

    def _is_read(self, kind: Kind) -> bool:
        backups = [self._backups.collector] if self._backups else []
        return self._history.is_read(kind.collector, PLANS, POINTS, *backups)

    def _due(
        self,
        kind: Kind,
        known: ResourceHistory,
        jobs: NewestJobs | None,
        rules: Sequence[RuleFacts],
        key: str,
        last_success: float | None,
        interval: float,
    ) -> float | None:
        """Return the time by which the next success must have occurred."""
        if known.within is None and kind is self._backups and self._has_continuous(known, rules):
            return None
        latest = interval + min(interval, LONGEST_GRACE)
        if last_success is not None:
            return max(last_success, self._expected_since(kind, known, rules, key, interval)) + latest
        if kind.facts.expectation is Expectation.COPY_ACTIONS:
            since = self._copies_expected_since(kind, key, rules)
            return None if since is None else since + latest
        # Without recovery points, a success older than the jobs that were read is unknown.
        unknown = (
            0.0 if self._history.since(POINTS) else (self._history.since(kind.collector) or 0.0) + latest
        )
        if jobs and (first_end := jobs.first_end) is not None:
            return max(first_end, unknown)
        if jobs and jobs.begun:
            return created(jobs.begun) + latest
        if known.within is not None:
            return max(self._history.read_at(kind.collector, PLANS, POINTS), unknown)
        dues = [rule.due for rule in rules if rule.due is not None]
        return min(dues, default=None)

    def _expected_since(
        self, kind: Kind, known: ResourceHistory, rules: Sequence[RuleFacts], key: str, interval: float
    ) -> float:
        """Return since when the current interval applies; older successes may have another cause."""
        if kind.facts.expectation is Expectation.COPY_ACTIONS:
            plans = (rule.plan_id for to, rule in self._copy_actions(rules) if to == key)
            return min((self._rules.copies_since(plan_id, key) for plan_id in plans), default=-math.inf)
        as_often = [rule for rule in rules if rule.due is not None and rule.expected_interval == interval]
        if known.within is not None or not as_often:
            return -math.inf
        latest = interval + min(interval, LONGEST_GRACE)
        return min(rule.due for rule in as_often if rule.due is not None) - latest

    def _copies_expected_since(
        self, kind: Kind, destination: str, rules: Sequence[RuleFacts]
    ) -> float | None:
        """Return since when copies are expected, if a backup has succeeded since then; None otherwise."""
        read_since = self._history.since(kind.collector)
        if read_since is None:
            return None
        sinces = []
        for to, rule in self._copy_actions(rules):
            planned = self._rules.planned((rule.plan_id, rule.rule_id))
            if to == destination and planned:
                since = max(read_since, planned.plan.changed or 0.0)
                if rule.last_success is not None and rule.last_success >= since:
                    sinces.append(since)
        return min(sinces, default=None)

    def _rule_facts(self, known: ResourceHistory, parent_arn: str) -> Iterator[RuleFacts]:
        histories = known.all_rules()
        is_part = self._is_due_in(parent_arn, known)
        there = sorted(key for key in {*histories, *known.named} if not self._rules.is_deleted(key))
        for key in there[:MOST_KEYS]:
            planned, history = self._rules.planned(key), histories.get(key)
            interval = self._rules.interval(key)
            is_replaced = key not in known.named and self._is_replaced(key, histories, interval)
            due = None
            is_due = not (is_part or is_replaced or self._is_continuous(known, key))
            if is_due and interval and self._backups and self._is_read(self._backups):
                due = self._rule_due(history, known.named.get(key), planned, interval)
            yield RuleFacts(
                plan_id=key[0],
                plan_name=planned.plan.name if planned else history.rule.plan_name if history else "",
                rule_id=key[1],
                rule_name=planned.rule.name if planned else history.rule.rule_name if history else "",
                vault_name=planned.rule.vault_name if planned else history.vault_name if history else "",
                last_success=history.success if history else None,
                expected_interval=interval,
                due=due,
                is_replaced=is_replaced,
            )

    def _rule_due(
        self,
        history: RuleHistory | None,
        named_since: float | None,
        planned: Planned | None,
        interval: float,
    ) -> float | None:
        """Return the time by which the next success of a rule must have occurred."""
        latest = interval + min(interval, LONGEST_GRACE)
        if history and history.success is not None:
            return history.success + latest
        if history and history.first is not None:
            return history.first + latest
        if named_since is None:
            return None
        since = max(named_since or self._history.read_at(PLANS), self._known_since(planned))
        return None if math.isinf(since) else since + latest

    def _has_continuous(self, known: ResourceHistory, rules: Sequence[RuleFacts]) -> bool:
        return any(self._is_continuous(known, (rule.plan_id, rule.rule_id)) for rule in rules)

    def _is_continuous(self, known: ResourceHistory, key: RuleKey) -> bool:
        """Return whether a rule maintains a continuous backup: AWS need not create a job for each run."""
        planned = self._rules.planned(key)
        return planned is not None and planned.rule.continuous and known.has_continuous_backup

    def _is_replaced(
        self, key: RuleKey, histories: Mapping[RuleKey, RuleHistory], interval: float | None
    ) -> bool:
        """Return whether another rule with the same interval has replaced this one for the resource.

        This is the case when a resource moves to another plan: the first job of the new rule is later than
        the last job of the old one. The first known job of a rule may not be its first job, if earlier ones
        are older than the history that was read.
        """
        if interval is None:
            return False
        own = histories.get(key)
        last = own.last if own and own.last is not None else -math.inf
        return any(
            other != key
            and history.first is not None
            and history.first > last
            and history.first - interval >= self._known_since(self._rules.planned(other))
            and self._rules.interval(other) == interval
            and not self._rules.is_deleted(other)
            for other, history in histories.items()
        )

    def _known_since(self, planned: Planned | None) -> float:
        """Return the time from which every success of a rule is known; infinity if there is none."""
        jobs_since = self._history.since(self._backups.collector) if self._backups else None
        since = math.inf if jobs_since is None else jobs_since
        if self._history.since(POINTS) is None:
            return since
        retention = planned.rule.retention if planned else None
        return -math.inf if retention is None else min(since, self._history.read_at(POINTS) - retention)


def _duration(job: Job) -> float | None:
    return None if job.completed is None or job.created is None else job.completed - job.created
