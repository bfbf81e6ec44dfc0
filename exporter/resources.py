"""What is known of the backups of each resource of one scope. Pure: no I/O and no clock.

A job lives a day; people are called at night for a *resource* whose backup did not happen. So a resource's
facts outlive its jobs, and go only when AWS no longer knows the resource.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field

from exporter.model import Job, Protected, Resource, Rule

SUCCESS = "COMPLETED"
KEPT_INTERVALS = 10

RuleKey = tuple[str, str]  # plan id, rule id


@dataclass(slots=True)
class _Known:
    """The newest of everything about one resource, in whatever order it came."""

    newest: Job | None = None
    success: Job | None = None
    protected: Protected | None = None
    within: float | None = None  # as configured
    rules: set[RuleKey] = field(default_factory=set)


class Resources:
    """The resources of one scope.

    Args:
        expected: ARNs that the configuration names, and the seconds within which each must be backed up.
        interval_of: tells the largest gap in seconds between a rule's runs, None if it cannot.
        account_id: the account to assume where neither a job nor the ARN tells one.
    """

    def __init__(
        self,
        expected: Mapping[str, float],
        interval_of: Callable[[Rule], float | None],
        account_id: str = "",
    ) -> None:
        self._interval_of = interval_of
        self._account_id = account_id
        self._known = {arn: _Known(within=within) for arn, within in expected.items()}
        self._planned: dict[RuleKey, float] = {}  # as the plans tell
        self._told: dict[RuleKey, tuple[float, float]] = {}  # as the newest job tells: its creation, the gap
        self._changed: dict[str, None] = dict.fromkeys(self._known)

    def enter(self, job: Job) -> None:
        """Take up what AWS told of a backup job; a child does not stand for its parent."""
        if job.parent_id or not job.resource_arn:
            return
        known = self._known.setdefault(job.resource_arn, _Known())
        self._take_rule(known, job)
        if known.newest is None or known.newest.id == job.id or _created(job) > _created(known.newest):
            known.newest = job
        if job.state == SUCCESS and (known.success is None or _ended(job) >= _ended(known.success)):
            known.success = job
        self._changed[job.resource_arn] = None

    def set_protected(self, listing: Iterable[Protected], *, now: float, lookback: float) -> None:
        """Take up the whole list of protected resources.

        Those it does not have are let go, unless the configuration names them or a job shows that they live:
        one of the look-back, or of the last ten expected intervals. AWS drops a resource from its list when
        the last recovery point expires, and that must not end the alarm about the backups that stopped.
        """
        listed = {protected.arn: protected for protected in listing}
        for arn, known in list(self._known.items()):
            if arn in listed:
                continue
            known.protected = None
            self._changed[arn] = None
            kept = max(lookback, KEPT_INTERVALS * (self._expected(known) or 0.0))
            lives = known.newest is not None and _created(known.newest) >= now - kept
            if not lives and known.within is None:
                del self._known[arn]
        for arn, protected in listed.items():
            known = self._known.setdefault(arn, _Known())
            if known.protected != protected:
                known.protected = protected
                self._changed[arn] = None

    def set_intervals(self, intervals: Mapping[RuleKey, float]) -> None:
        """Take up how far apart the runs of the plans' rules are; rules that are gone keep what was known."""
        new = {rule for rule, interval in intervals.items() if self._planned.get(rule) != interval}
        self._planned |= intervals
        self._mark_changed(new)

    def drain(self) -> dict[str, Resource | None]:
        """Hand over the resources that changed since the last call; None for one that is gone."""
        changed, self._changed = self._changed, {}
        return {arn: self._resource(arn, self._known.get(arn)) for arn in changed}

    def _take_rule(self, known: _Known, job: Job) -> None:
        """Join the resource to the job's rule; the newest job tells the schedule that is in force."""
        if job.rule is None:
            return
        key = (job.rule.plan_id, job.rule.rule_id)
        known.rules.add(key)
        created, before = self._told.get(key, (-math.inf, None))
        if job.rule.schedule and _created(job) >= created:
            interval = self._interval_of(job.rule)
            if interval is not None:
                self._told[key] = (_created(job), interval)
                if interval != before:
                    self._mark_changed({key})

    def _mark_changed(self, rules: Set[RuleKey]) -> None:
        for arn, known in self._known.items():
            if known.rules & rules:
                self._changed[arn] = None

    def _resource(self, arn: str, known: _Known | None) -> Resource | None:
        if known is None:
            return None
        newest, success, protected = known.newest, known.success, known.protected
        names = (newest.resource_name if newest else "", protected.name if protected else "")
        types = (newest.resource_type if newest else "", protected.type if protected else "")
        return Resource(
            arn=arn,
            name=next(filter(None, names), _last_part(arn)),
            type=next(filter(None, types), ""),
            account_id=(newest.account_id if newest else "") or _account_of(arn) or self._account_id,
            last_success=_ended(success) if success else None,
            last_success_size=success.size if success else None,
            last_success_duration=_duration(success) if success else None,
            last_attempt=newest.created if newest else None,
            last_state=newest.state if newest else "",
            last_recovery_point=protected.last_recovery_point if protected else None,
            expected_interval=self._expected(known),
        )

    def _expected(self, known: _Known) -> float | None:
        if known.within is not None:
            return known.within
        told = (self._planned.get(rule) or self._told.get(rule, (0.0, None))[1] for rule in known.rules)
        return min((interval for interval in told if interval), default=None)


def _created(job: Job) -> float:
    return job.created or 0.0


def _ended(job: Job) -> float:
    return job.completed or _created(job)


def _duration(job: Job) -> float | None:
    return None if job.completed is None or job.created is None else job.completed - job.created


def _last_part(arn: str) -> str:
    return arn.replace("/", ":").rpartition(":")[2]


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
