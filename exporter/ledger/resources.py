"""The backups of each resource of one scope. Pure: no I/O and no clock.

Jobs leave the window after a day, but alerts are about resources that were not backed up. So the facts about
a resource outlast its jobs, and are removed only when AWS no longer knows the resource.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.ledger.job_versions import Versions
from exporter.ledger.limits import MOST_RESOURCES, TOLD_APART
from exporter.model import BACKUP, Job, Protected, Resource, Rule

SUCCESS = "COMPLETED"
KEPT_INTERVALS = 10

RuleKey = tuple[str, str]  # plan id, rule id

_versions = Versions(BACKUP)


@dataclass(slots=True)
class _Facts:
    """The newest and the newest successful of some jobs, in whatever order they arrive."""

    newest: Job | None = None
    success: Job | None = None

    def take(self, job: Job) -> bool:
        """Record a job. Returns whether it may change the resource."""
        newest, success = self.newest, self.success
        if newest is None or (
            not _versions.is_behind(job, newest) if job.id == newest.id else _began(job) > _began(newest)
        ):
            self.newest = job
        if job.state == SUCCESS and (
            success is None or job.id == success.id or (_ended(job), job.id) > (_ended(success), success.id)
        ):
            self.success = job
        return self.success is not success or newest is None or _tells(self.newest) != _tells(newest)


@dataclass(slots=True)
class _Known:
    """The state of one resource.

    Attributes:
        own: its jobs that are not child jobs, and its parent jobs.
        as_child: its child jobs, which count for it unless it is a composite resource with parent jobs.
        is_composite: whether there ever was a parent job for it.
        protected: its row in the list of protected resources.
        within: the configured interval in seconds.
        rules: the rules that created jobs for it.
        last_rule: the rule that created the newest of these jobs, and the key of that job.
        last_interval: the interval of the rules when the plans last contained one of them.
    """

    own: _Facts = field(default_factory=_Facts)
    as_child: _Facts = field(default_factory=_Facts)
    is_composite: bool = False
    protected: Protected | None = None
    within: float | None = None
    rules: set[RuleKey] = field(default_factory=set)
    last_rule: tuple[tuple[float, str], RuleKey] | None = None
    last_interval: float | None = None

    @property
    def newest(self) -> Job | None:
        """The newest job that counts for the resource."""
        own, child = self.own.newest, self.as_child.newest
        if child is None or not self._child_jobs_count(child):
            return own
        return child if own is None or _began(child) > _began(own) else own

    @property
    def success(self) -> Job | None:
        """The newest successful job that counts for the resource."""
        own, child = self.own.success, self.as_child.success
        if child is None or not self._child_jobs_count(child):
            return own
        return child if own is None or (_ended(child), child.id) > (_ended(own), own.id) else own

    def _child_jobs_count(self, child: Job) -> bool:
        own = (self.own.newest, self.own.success)
        return not self.is_composite and all(job is None or job.id != child.parent_id for job in own)


class Resources:
    """The resources of one scope: the configured ones, and at most `MOST_RESOURCES` others.

    Args:
        expected: the configured ARNs, and the seconds within which each must be backed up.
        interval_of: returns the largest gap between the runs of a rule in seconds, None if it is unknown.
        account_id: the account of resources that have none, neither in a job nor in the ARN.
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
        self._most = MOST_RESOURCES + len(self._known)
        self._left_out: set[str] = set()
        self._rules = _Rules()
        self._parents: dict[str, Job] = {}
        self._children: dict[str, set[str]] = {}  # ARNs of resources, by the id of the parent job
        self._changed: dict[str, None] = dict.fromkeys(self._known)

    def enter(self, job: Job) -> None:
        """Record a backup job; a child job counts for its own resource, not for that of its parent."""
        known = self._known_as(job.resource_arn) if job.resource_arn else None
        if not known:
            return
        is_news = (known.as_child if job.parent_id and not job.is_parent else known.own).take(job)
        if job.is_parent and job.id not in self._parents:
            known.is_composite = is_news = True
            self._parents[job.id] = job
            self._changed |= dict.fromkeys(self._children.get(job.id, ()))
        if job.parent_id:
            self._children.setdefault(job.parent_id, set()).add(job.resource_arn)
        if self._take_rule(known, job) or is_news:
            self._changed[job.resource_arn] = None

    def set_protected(
        self, listing: Iterable[Protected], *, now: float, lookback: float, complete: bool = True
    ) -> None:
        """Record the list of protected resources.

        If the list is complete, resources that are not in it are removed, unless they are configured or have
        a recent job: within the look-back, or within the last ten expected intervals. AWS removes a resource
        from its list when the last recovery point expires, and that must not resolve the alert about the
        missing backups.
        """
        listed = {protected.arn: protected for protected in listing}
        for arn, known in list(self._known.items()):
            if arn in listed or not complete:
                continue
            known.protected = None
            self._changed[arn] = None
            kept = max(lookback, KEPT_INTERVALS * (self._expected(known) or 0.0))
            newest = known.newest
            lives = newest is not None and _created(newest) >= now - kept
            if not lives and known.within is None:
                del self._known[arn]
        self._left_out.clear()
        for arn, protected in listed.items():
            known_as = self._known_as(arn)
            if known_as and known_as.protected != protected:
                known_as.protected = protected
                self._changed[arn] = None
        self._forget_parents(now - lookback)

    def set_rules(
        self, rules: Mapping[RuleKey, float | None], *, unread_plans: Collection[str], read_at: float
    ) -> None:
        """Record the rules of all plans.

        A deleted rule no longer counts for a resource while another rule exists that created jobs for it.
        When the last one is deleted, the last known interval is kept, so that the alert about the missing
        backups fires.

        Args:
            rules: the largest gap between the runs of each rule in seconds; None if it is unknown.
            unread_plans: the IDs of plans that could not be read: their rules are assumed to be unchanged.
            read_at: when reading the plans started. A rule that created a job after that is not deleted.
        """
        before = {arn: self._expected(known) for arn, known in self._known.items() if known.rules}
        for arn in before:
            known = self._known[arn]
            known.last_interval = self._rules.shortest_left(known.rules) or known.last_interval
        self._rules.read(rules, unread_plans, read_at)
        for arn, interval in before.items():
            if self._expected(self._known[arn]) != interval:
                self._changed[arn] = None

    def drain(self) -> dict[str, Resource | None]:
        """Return the resources that changed since the last call; None for a removed one."""
        changed, self._changed = self._changed, {}
        return {arn: self._resource(arn, self._known.get(arn)) for arn in changed}

    @property
    def left_out(self) -> int:
        """The number of resources beyond the limit; counted up to ten times the limit."""
        return len(self._left_out)

    def _known_as(self, arn: str) -> _Known | None:
        """Return the state of a known or new resource; None if it is beyond the limit."""
        known = self._known.get(arn)
        if known is None:
            if len(self._known) >= self._most:
                if len(self._left_out) < TOLD_APART * MOST_RESOURCES:
                    self._left_out.add(arn)
                return None
            known = self._known[arn] = _Known()
        return known

    def _take_rule(self, known: _Known, job: Job) -> bool:
        """Record the rule of a job. Returns whether the last rule of the resource has changed."""
        if job.rule is None:
            return False
        key = (job.rule.plan_id, job.rule.rule_id)
        interval = self._interval_of(job.rule) if self._rules.is_news_of(key, job) else None
        if self._rules.take(key, job, interval):
            for arn, other in self._known.items():
                if key in other.rules:
                    self._changed[arn] = None
        last_rule = known.last_rule
        known.rules.add(key)
        if last_rule is None or _began(job) > last_rule[0]:
            known.last_rule = _began(job), key
        return known.last_rule is not last_rule

    def _forget_parents(self, before: float) -> None:
        """Forget parent jobs created before a time, unless the newest job of a resource is their child."""
        needed = {newest.parent_id for known in self._known.values() if (newest := known.newest)}
        self._parents = {
            job_id: job
            for job_id, job in self._parents.items()
            if job_id in needed or _created(job) >= before
        }
        self._children = {
            job_id: arns
            for job_id, arns in self._children.items()
            if job_id in needed or job_id in self._parents
        }

    def _resource(self, arn: str, known: _Known | None) -> Resource | None:
        if known is None:
            return None
        newest, success, protected = known.newest, known.success, known.protected
        names = (newest.resource_name if newest else "", protected.name if protected else "")
        types = (newest.resource_type if newest else "", protected.type if protected else "")
        parent = self._parents.get(newest.parent_id) if newest else None
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
            parent_arn=parent.resource_arn if parent and parent.resource_arn != arn else "",
        )

    def _expected(self, known: _Known) -> float | None:
        if known.within is not None:
            return known.within
        if not known.rules:
            return None
        return (
            self._rules.shortest_left(known.rules)
            or known.last_interval
            or (self._rules.last_known(known.last_rule[1]) if known.last_rule else None)
        )


class _Rules:
    """The interval of each rule: according to the plans, else to the newest job of the rule."""

    def __init__(self) -> None:
        self._planned: dict[RuleKey, float | None] | None = None  # None: the plans have not been read yet
        self._unread: frozenset[str] = frozenset()
        self._read_at = math.inf
        self._used: dict[RuleKey, float] = {}  # when the newest job of each was created
        self._told: dict[
            RuleKey, tuple[tuple[float, str], float]
        ] = {}  # the job, and the interval of its schedule

    def read(self, rules: Mapping[RuleKey, float | None], unread: Collection[str], read_at: float) -> None:
        """Record the rules of the plans that could be read."""
        self._unread = frozenset(unread)
        before = self._planned or {}
        kept = {key: interval for key, interval in before.items() if key[0] in self._unread}
        self._planned = {**kept, **rules}
        self._read_at = read_at

    def is_news_of(self, key: RuleKey, job: Job) -> bool:
        """Whether a job has the newest known schedule of its rule."""
        told = self._told.get(key)
        return bool(job.rule and job.rule.schedule) and (told is None or _began(job) >= told[0])

    def take(self, key: RuleKey, job: Job, interval: float | None) -> bool:
        """Record a job of a rule, and the interval of its schedule. Returns whether the interval is new."""
        self._used[key] = max(self._used.get(key, -math.inf), _created(job))
        if interval is None:
            return False
        before = self._told.get(key)
        self._told[key] = (_began(job), interval)
        return before is None or before[1] != interval

    def shortest_left(self, keys: Iterable[RuleKey]) -> float | None:
        """Return the shortest interval of the rules that still exist in the plans."""
        intervals = (self.last_known(key) for key in keys if not self._is_gone(key))
        return min((interval for interval in intervals if interval), default=None)

    def last_known(self, key: RuleKey) -> float | None:
        """Return the last known interval of a rule, deleted or not."""
        planned = self._planned.get(key) if self._planned else None
        return planned or (self._told[key][1] if key in self._told else None)

    def _is_gone(self, key: RuleKey) -> bool:
        return (
            self._planned is not None
            and key not in self._planned
            and key[0] not in self._unread
            and self._used.get(key, -math.inf) <= self._read_at
        )


def _created(job: Job) -> float:
    return job.created or 0.0


def _began(job: Job) -> tuple[float, str]:
    """Sort key: the creation of a job, then its ID, so that the order of arrival does not matter."""
    return (_created(job), job.id)


def _tells(job: Job | None) -> tuple[object, ...]:
    """The fields of the newest job that the resource publishes."""
    if job is None:
        return ()
    return (
        job.id,
        job.state,
        job.created,
        job.account_id,
        job.resource_name,
        job.resource_type,
        job.parent_id,
    )


def _ended(job: Job) -> float:
    return job.completed or _created(job)


def _duration(job: Job) -> float | None:
    return None if job.completed is None or job.created is None else job.completed - job.created


def _last_part(arn: str) -> str:
    return arn.replace("/", ":").rpartition(":")[2]


def _account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
