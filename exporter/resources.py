"""What is known of the backups of each resource of one scope. Pure: no I/O and no clock.

A job lives a day; people are called at night for a *resource* whose backup did not happen. So a resource's
facts outlive its jobs, and go only when AWS no longer knows the resource.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.model import Job, Protected, Resource, Rule

SUCCESS = "COMPLETED"

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
        self._intervals: dict[RuleKey, float] = {}
        self._changed: dict[str, None] = dict.fromkeys(self._known)

    def enter(self, job: Job) -> None:
        """Take up what AWS told of a backup job; a child does not stand for its parent."""
        if job.parent_id or not job.resource_arn:
            return
        known = self._known.setdefault(job.resource_arn, _Known())
        self._take_rule(known, job.rule)
        if known.newest is None or known.newest.id == job.id or _created(job) > _created(known.newest):
            known.newest = job
        if job.state == SUCCESS and (known.success is None or _ended(job) >= _ended(known.success)):
            known.success = job
        self._changed[job.resource_arn] = None

    def set_protected(self, listing: Iterable[Protected], *, forget_before: float) -> None:
        """Take up the whole list of protected resources.

        Those it does not have are let go, unless a job newer than `forget_before` shows that they live, or
        the configuration names them.
        """
        listed = {protected.arn: protected for protected in listing}
        for arn, known in list(self._known.items()):
            if arn in listed:
                continue
            known.protected = None
            self._changed[arn] = None
            lives = known.newest is not None and _created(known.newest) >= forget_before
            if not lives and known.within is None:
                del self._known[arn]
        for arn, protected in listed.items():
            known = self._known.setdefault(arn, _Known())
            if known.protected != protected:
                known.protected = protected
                self._changed[arn] = None

    def set_intervals(self, intervals: Mapping[RuleKey, float]) -> None:
        """Take up how far apart the runs of the plans' rules are; rules that are gone keep what was known."""
        new = {rule for rule, interval in intervals.items() if self._intervals.get(rule) != interval}
        self._intervals |= intervals
        for arn, known in self._known.items():
            if known.rules & new:
                self._changed[arn] = None

    def drain(self) -> dict[str, Resource | None]:
        """Hand over the resources that changed since the last call; None for one that is gone."""
        changed, self._changed = self._changed, {}
        return {arn: self._resource(arn, self._known.get(arn)) for arn in changed}

    def _take_rule(self, known: _Known, rule: Rule | None) -> None:
        if rule is None:
            return
        key = (rule.plan_id, rule.rule_id)
        known.rules.add(key)
        if key not in self._intervals and rule.schedule:
            interval = self._interval_of(rule)
            if interval is not None:
                self._intervals[key] = interval

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
        intervals = (self._intervals[rule] for rule in known.rules if rule in self._intervals)
        return min(intervals, default=None)


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
