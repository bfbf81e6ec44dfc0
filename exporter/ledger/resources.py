"""What is known of each resource of one scope: its backups, copies, restores and scans. Pure: no clock.

Jobs leave the window after a day, but alerts are about resources that were not backed up. So the facts about
a resource outlast its jobs, and are removed only when AWS no longer knows the resource.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from exporter.ledger.job_versions import Versions
from exporter.ledger.limits import MOST_KEYS, MOST_RESOURCES, TOLD_APART
from exporter.ledger.newest_jobs import NewestJobs, began, created, ended
from exporter.ledger.plan_rules import PlanRules
from exporter.ledger.resource_facts import PLANS, POINTS, FactsOf, History
from exporter.ledger.resource_history import ResourceHistory, RuleHistory
from exporter.model import (
    KINDS,
    Expectation,
    Job,
    Kind,
    ListedResource,
    Plan,
    Protected,
    RecoveryPoints,
    Resource,
    Rule,
    RuleKey,
    selects,
)

KEPT_INTERVALS = 10
KEPT_GONE = 30 * 86400.0  # seconds for which a rule that is gone may come back


class Resources:
    """The resources of one scope, at most `MOST_RESOURCES` in addition to those that are configured.

    Args:
        expected: ARNs that the configuration names, and the seconds within which each must be backed up.
        interval_of: tells the largest gap in seconds between a rule's runs, None if it cannot.
        account_id: the account to assume where neither a job nor the ARN tells one.
        awaited: names of the collectors that read the history of resources; see `mark_read`.
        kinds: the table of kinds.
    """

    def __init__(
        self,
        expected: Mapping[str, float],
        interval_of: Callable[[Rule], float | None],
        account_id: str = "",
        *,
        awaited: Iterable[str] = (),
        kinds: Sequence[Kind] = KINDS,
    ) -> None:
        self._versions = {kind.name: Versions(kind) for kind in kinds}
        self._known = {arn: ResourceHistory(within=within) for arn, within in expected.items()}
        self._most = MOST_RESOURCES + len(self._known)
        self._left_out: set[str] = set()
        self._listed_left_out = 0
        self._facts_left_out: set[tuple[str, str, str]] = set()
        self._rules = PlanRules(interval_of)
        self._history = History(awaited)
        self._parents: dict[str, Job] = {}
        self._children: dict[str, set[str]] = {}  # ARNs of resources, by the id of the parent job
        self._parts: dict[str, set[str]] = {}  # ARNs of the parts of a composite, by its ARN
        self._part_of: dict[str, str] = {}  # the other way round
        self._copied: dict[str, dict[str, float]] = {}  # by ARNs: when the newest copy in a vault completed
        self._facts_of = FactsOf(
            kinds,
            self._known,
            self._rules,
            self._history,
            self._parents,
            self._copied,
            account_id=account_id,
        )
        self._changed: dict[str, None] = dict.fromkeys(self._known)
        self._published: dict[str, Resource] = {}
        self._news: dict[str, Resource | None] = {}
        self._job_collectors = tuple(kind.collector for kind in kinds)

    def record(self, kind: Kind, job: Job) -> None:
        """Take in a job; a child job counts for its own resource, not for its parent's."""
        known = self._find_or_add(job.resource_arn) if job.resource_arn else None
        if not known:
            return
        key = kind.name, kind.key_of(job)
        newest = known.jobs.get(key)
        if newest is None:
            if key[1] and not self._has_room(known.jobs, job.resource_arn, key):
                return
            newest = known.jobs[key] = NewestJobs(kind, self._versions[kind.name])
        is_news = newest.update(job)
        if job.is_parent and job.id not in self._parents:
            newest.is_composite = is_news = True
            self._parents[job.id] = job
            self._changed |= dict.fromkeys(self._children.get(job.id, ()))
        if job.parent_id:
            self._children.setdefault(job.parent_id, set()).add(job.resource_arn)
        if kind.facts.expectation is Expectation.RULES and job.rule and self._record_rule(known, kind, job):
            is_news = True
        if is_news:
            self._changed[job.resource_arn] = None

    def set_protected(
        self, listing: Iterable[Protected], *, now: float, lookback: float, complete: bool = True
    ) -> None:
        """Replace the list of protected resources.

        When it is complete, those that it does not have are removed, unless the configuration or a selection
        names them, the inventory lists them, they have recovery points, or a job shows that they exist: one
        of the look-back, or of the last ten expected intervals. AWS drops a resource from its list when the
        last recovery point expires, and that must not end the alert about the backups that stopped.
        """
        listed = {protected.arn: protected for protected in listing}
        for arn, known in list(self._known.items()):
            if arn in listed or not complete:
                continue
            known.protected = None
            self._changed[arn] = None
            kept = max(lookback, KEPT_INTERVALS * (self._facts_of.interval(known) or 0.0))
            newest = known.newest_job
            exists = newest is not None and created(newest) >= now - kept
            is_needed = known.within is not None or known.named or known.points or known.listed
            if not (exists or is_needed):
                del self._known[arn]
        self._left_out.clear()
        for arn, protected in listed.items():
            known_as = self._find_or_add(arn)
            if known_as and known_as.protected != protected:
                known_as.protected = protected
                self._changed[arn] = None
        if complete:
            for arn in self._copied.keys() - self._known.keys():
                del self._copied[arn]
        self._remove_parents(now - lookback)

    def set_plans(self, plans: Collection[Plan], *, unread_plans: Collection[str], read_at: float) -> None:
        """Replace the plans.

        A rule that is gone no longer counts while another one is left that made jobs for the resource. When
        the last one is gone the last known interval stays, so that the alert about the backups that stopped
        fires.

        Args:
            plans: all of them; what was known of those that could not be read.
            unread_plans: ids of plans that could not be read: their rules are taken to be as they were.
            read_at: when reading the plans began. A rule that made a job after that is not gone.
        """
        for known in self._known.values():
            known.last_interval = self._rules.shortest(known.used_rule_keys) or known.last_interval
        changed = self._rules.set_plans(plans, unread_plans, read_at)
        named = _named_by(plans)
        for arn in named:
            self._find_or_add(arn)
        for arn, known in self._known.items():
            now_named = named.get(arn, {})
            if known.named != now_named or not changed.isdisjoint(known.rule_keys):
                self._changed[arn] = None
            known.named = now_named
            self._remove_old_rules(known, read_at - KEPT_GONE)
        self._rules.keep_only({key for known in self._known.values() for key in known.rule_keys})

    def set_recovery_points(
        self, vault_name: str, points: Mapping[str, RecoveryPoints], *, complete: bool = True
    ) -> None:
        """Replace what is known of the recovery points of a vault, by the ARN of the resource.

        When they are not complete, those of resources that are not there stay as they were.
        """
        for arn, of_resource in points.items():
            known = self._find_or_add(arn)
            before = known.points.get(vault_name) if known else None
            if known and before is None and not self._has_room(known.points, arn, (POINTS, vault_name)):
                continue
            if known and before != of_resource:
                known.points[vault_name] = of_resource
                self._changed[arn] = None
                for told in of_resource.rules:
                    self._rules.learn((told.rule.plan_id, told.rule.rule_id), told.rule, told.completed)
        for arn, known in self._known.items():
            if complete and vault_name in known.points and arn not in points:
                del known.points[vault_name]
                self._changed[arn] = None

    def keep_vaults(self, vault_names: Collection[str]) -> None:
        """Forget the recovery points of all other vaults."""
        for arn, known in self._known.items():
            for vault_name in known.points.keys() - vault_names:
                del known.points[vault_name]
                self._changed[arn] = None

    def record_copies(self, vault_arn: str, completed: Mapping[str, float]) -> None:
        """Take note of copies that are in a vault, by the ARN of the resource: when the newest completed.

        They count as soon as something else tells of the resource: copies outlive resources for years.
        """
        for arn, at in completed.items():
            copied = self._copied.get(arn, {})
            if at <= copied.get(vault_arn, 0.0):
                continue
            if vault_arn not in copied and not self._has_room(copied, arn, ("copy", vault_arn)):
                continue
            if arn in self._known:
                self._changed[arn] = None
            elif arn not in self._copied and len(self._copied) >= self._most:
                continue
            self._copied[arn] = copied | {vault_arn: at}

    def set_listed(self, listing: Iterable[ListedResource]) -> None:
        """Replace the inventory.

        Resources that nothing else tells of take at most half of the room, those that no plan selects first:
        a large inventory must not displace the resources that are backed up.
        """
        listed = {resource.arn: resource for resource in listing}
        for arn, known in list(self._known.items()):
            if known.listed != listed.get(arn):
                known.listed = listed.get(arn)
                self._changed[arn] = None
                if not known.is_known:
                    del self._known[arn]
        self._listed_left_out = 0
        for resource in sorted(listed.values(), key=lambda resource: resource.is_selected):
            if resource.arn not in self._known and len(self._known) >= self._most // 2:
                self._listed_left_out += 1
            elif added := self._find_or_add(resource.arn):
                added.listed = resource

    def mark_read(self, collector: str, now: float, *, since: float | None = None) -> None:
        """Take note that a collector has read all there was before the start, or cannot.

        Args:
            collector: its name.
            now: seconds since 1970.
            since: how far back it has read, in seconds since 1970; None when it could not read.
        """
        if self._history.mark_read(collector, now, since):
            self._changed |= dict.fromkeys(self._known)

    def drain(self) -> dict[str, Resource | None]:
        """Give the resources that are not as they were at the last call; None for one that is gone."""
        self._update_published()
        news, self._news = self._news, {}
        return news

    def published(self) -> tuple[Resource, ...]:
        """Return all resources as they are now; `drain` still returns what changed."""
        self._update_published()
        return tuple(self._published.values())

    @property
    def is_history_read(self) -> bool:
        """Whether everything that happened before the start has been read, as far as possible."""
        return self._history.is_read(PLANS, POINTS, *self._job_collectors)

    def _update_published(self) -> None:
        """Compute the resources that changed, and keep them for `drain`."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        parts = (self._parts.get(arn, ()) for arn in changed)
        arns = changed | dict.fromkeys(part for some in parts for part in some)
        for arn in arns:
            resource = self._facts_of(arn) if arn in self._known else None
            # Each job tells of its resource again: hardly ever is anything new of it.
            if resource == self._published.get(arn):
                continue
            self._news[arn] = resource
            if resource is None:
                del self._published[arn]
            else:
                self._published[arn] = resource
        for arn in arns:
            self._set_parent(arn, self._facts_of.parent_arn(arn))

    @property
    def left_out(self) -> int:
        """The number of resources beyond the limit; counted up to ten times the limit."""
        return len(self._left_out) + self._listed_left_out

    @property
    def facts_left_out(self) -> int:
        """How many facts of resources are not known for want of room, likewise."""
        return len(self._facts_left_out)

    def _set_parent(self, arn: str, parent_arn: str) -> None:
        before = self._part_of.pop(arn, "")
        if before:
            self._parts[before].discard(arn)
            if not self._parts[before]:
                del self._parts[before]
        if parent_arn:
            self._part_of[arn] = parent_arn
            self._parts.setdefault(parent_arn, set()).add(arn)

    def _has_room(self, facts: Collection[object], arn: str, key: tuple[str, str]) -> bool:
        """Whether a resource has room for one more fact."""
        if len(facts) < MOST_KEYS:
            return True
        if len(self._facts_left_out) < TOLD_APART * MOST_RESOURCES:
            self._facts_left_out.add((arn, *key))
        return False

    def _remove_old_rules(self, known: ResourceHistory, before: float) -> None:
        """Forget the rules that are gone and made no job since some time, but for the last one."""
        last = known.last_rule[1] if known.last_rule else None
        old = [
            key
            for key, rule in known.rules.items()
            if key != last and (rule.last or 0.0) < before and self._rules.is_gone(key)
        ]
        for key in old:
            del known.rules[key]

    def _make_room_for_rule(self, known: ResourceHistory) -> None:
        """Forget the oldest rule that is gone, where there is no room for one more."""
        last = known.last_rule[1] if known.last_rule else None
        if len(known.rules) >= MOST_KEYS:
            gone = [key for key in known.rules if key != last and self._rules.is_gone(key)]
            if oldest := min(gone, key=lambda key: known.rules[key].last or 0.0, default=None):
                del known.rules[oldest]

    def _find_or_add(self, arn: str) -> ResourceHistory | None:
        """Find what is known of a resource, known or new; None where there is no room for it."""
        known = self._known.get(arn)
        if known is None:
            if len(self._known) >= self._most:
                if len(self._left_out) < TOLD_APART * MOST_RESOURCES:
                    self._left_out.add(arn)
                return None
            known = self._known[arn] = ResourceHistory()
            self._changed[arn] = None
        return known

    def _record_rule(self, known: ResourceHistory, kind: Kind, job: Job) -> bool:
        """Join the resource to the job's rule. Returns whether that changes what is known of either."""
        rule = job.rule
        if rule is None:
            return False
        key = rule.plan_id, rule.rule_id
        history = known.rules.get(key)
        if history is None:
            self._make_room_for_rule(known)
            if not self._has_room(known.rules, job.resource_arn, key):
                return False
            history = known.rules[key] = RuleHistory(rule, job.vault_name)
        if self._rules.record_use(key, job, rule):
            for arn, other in self._known.items():
                if other.uses(key):
                    self._changed[arn] = None
        before = (history.first, history.last, history.success, known.last_rule)
        at = created(job)
        history.first = at if history.first is None else min(at, history.first)
        if history.last is None or at >= history.last:
            history.last, history.rule, history.vault_name = at, rule, job.vault_name
        if kind.succeeded(job):
            history.success = max(history.success or 0.0, ended(job))
        if known.last_rule is None or began(job) > known.last_rule[0]:
            known.last_rule = began(job), key
        return before != (history.first, history.last, history.success, known.last_rule)

    def _remove_parents(self, before: float) -> None:
        """Forget parent jobs of before some time, unless a resource's newest job is a child of one."""
        needed = {
            job.parent_id
            for known in self._known.values()
            for newest in known.jobs.values()
            if (job := newest.begun)
        }
        old = [
            job_id for job_id, job in self._parents.items() if job_id not in needed and created(job) < before
        ]
        for job_id in old:
            del self._parents[job_id]
        self._children = {
            job_id: arns
            for job_id, arns in self._children.items()
            if job_id in needed or job_id in self._parents
        }


def _named_by(plans: Iterable[Plan]) -> dict[str, dict[RuleKey, float]]:
    """Give the resources that selections name by their ARNs, with the rules, and since when.

    A selection that narrows by tags, or that could not be read as a whole, is left out: whether it takes the
    resource is not known here.
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
