"""The history of each resource of one scope: its backups, copies, restores and scans. Pure: no clock.

Jobs leave the window after a day, but alerts need to detect resources that are no longer backed up. So the
history of a resource is kept longer than its jobs, and removed only when AWS no longer lists the resource.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from exporter.ledger.composites import Composites
from exporter.ledger.job_versions import versions_of
from exporter.ledger.limits import COUNTED_BEYOND, MOST_KEYS, MOST_RESOURCES
from exporter.ledger.newest_jobs import NewestJobs, began, created, ended
from exporter.ledger.plan_rules import PlanRules, named_by
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
)

KEPT_INTERVALS = 10
KEPT_DELETED = 30 * 86400.0  # seconds for which a deleted rule is kept, as it may return


class Resources:
    """The resources of one scope, at most `MOST_RESOURCES` in addition to those that are configured.

    Args:
        expected: ARNs in the configuration, and the interval of each in seconds.
        interval_of: returns the largest gap between the runs of a rule in seconds; None if it is unknown.
        account_id: the account of resources without an account in a job or ARN.
        awaited: names of the collectors that read the history of resources; see `mark_read`.
        kinds: the job kinds.
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
        self._known = {arn: ResourceHistory(within=within) for arn, within in expected.items()}
        self._most = MOST_RESOURCES + len(self._known)
        self._left_out: set[str] = set()
        self._listed_left_out = 0
        self._facts_left_out: set[tuple[str, str, str]] = set()
        self._rules = PlanRules(interval_of)
        self._history = History(awaited)
        self._composites = Composites()
        self._copied: dict[str, dict[str, float]] = {}  # completion of the newest copy, by ARNs
        self._facts_of = FactsOf(
            kinds,
            self._known,
            self._rules,
            self._history,
            self._composites.parents,
            self._copied,
            account_id=account_id,
        )
        self._changed: dict[str, None] = dict.fromkeys(self._known)
        self._published: dict[str, Resource] = {}
        self._news: dict[str, Resource | None] = {}
        self._updates = 0
        self._backup_collectors = tuple(
            kind.collector for kind in kinds if kind.facts.expectation is Expectation.RULES
        )

    def record(self, kind: Kind, job: Job) -> None:
        """Record a job. A child job counts for its own resource, not for the resource of its parent."""
        known = self._find_or_add(job.resource_arn) if job.resource_arn else None
        if not known:
            return
        key = kind.name, kind.key_of(job)
        newest = known.jobs.get(key)
        if newest is None:
            if key[1] and not self._has_room(known.jobs, job.resource_arn, key):
                return
            newest = known.jobs[key] = NewestJobs(kind, versions_of(kind))
        is_news = newest.update(job)
        if job.is_parent and job.id not in self._composites.parents:
            newest.is_composite = is_news = True
            self._changed |= dict.fromkeys(self._composites.add_parent(job))
        if job.parent_id:
            self._composites.add_child(job)
        if kind.facts.expectation is Expectation.RULES and job.rule and self._record_rule(known, kind, job):
            is_news = True
        if is_news:
            self._changed[job.resource_arn] = None

    def set_protected(
        self, listing: Iterable[Protected], *, now: float, lookback: float, complete: bool = True
    ) -> None:
        """Replace the list of protected resources.

        If the list is complete, resources that are not in it are removed, with these exceptions: they are in
        the configuration, in a selection or in the inventory, they have recovery points, or they have a job
        within the look-back or the last ten expected intervals. AWS removes a resource from its list when its
        last recovery point expires; this must not resolve the alert about missing backups.
        """
        listed = {protected.arn: protected for protected in listing}
        for arn, known in list(self._known.items()):
            if arn in listed or not complete:
                continue
            if known.protected:
                known.protected = None
                self._changed[arn] = None
            if not self._is_kept(known, now, lookback):
                del self._known[arn]
                self._changed[arn] = None
        self._updates += bool(self._left_out)
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

        A deleted rule no longer counts for a resource if another rule creates jobs for it. If no rule is
        left, the last known interval is kept, so that the alert about missing backups fires.

        Args:
            plans: all plans; the last known version of those that could not be read.
            unread_plans: IDs of the plans that could not be read. Their rules are assumed to be unchanged.
            read_at: when reading the plans began. A rule with a later job has not been deleted.
        """
        for known in self._known.values():
            known.last_interval = self._rules.shortest(known.used_rule_keys) or known.last_interval
        changed = self._rules.set_plans(plans, unread_plans, read_at)
        named = named_by(plans)
        for arn in named:
            self._find_or_add(arn)
        for arn, known in self._known.items():
            now_named = named.get(arn, {})
            if known.named != now_named or not changed.isdisjoint(known.rule_keys):
                self._changed[arn] = None
            known.named = now_named
            self._remove_old_rules(known, read_at - KEPT_DELETED)
        self._rules.keep_only({key for known in self._known.values() for key in known.rule_keys})

    def set_recovery_points(
        self, vault_name: str, points: Mapping[str, RecoveryPoints], *, complete: bool = True
    ) -> None:
        """Replace the recovery points of a vault, by the ARN of the resource.

        If they are incomplete, the recovery points of missing resources do not change.
        """
        for arn, of_resource in points.items():
            known = self._find_or_add(arn)
            before = known.points.get(vault_name) if known else None
            if known and before is None and not self._has_room(known.points, arn, (POINTS, vault_name)):
                continue
            if known and before != of_resource:
                known.points[vault_name] = of_resource
                self._changed[arn] = None
                for of_rule in of_resource.rules:
                    rule = of_rule.rule
                    self._rules.learn((rule.plan_id, rule.rule_id), rule, of_rule.completed)
        for arn, known in self._known.items():
            if complete and vault_name in known.points and arn not in points:
                del known.points[vault_name]
                self._changed[arn] = None

    def keep_vaults(self, vault_names: Collection[str]) -> None:
        """Remove the recovery points of all other vaults."""
        for arn, known in self._known.items():
            for vault_name in known.points.keys() - vault_names:
                del known.points[vault_name]
                self._changed[arn] = None

    def record_copies(self, vault_arn: str, completed: Mapping[str, float]) -> None:
        """Record when the newest copy in a vault completed, by the ARN of the resource.

        Copies alone do not add a resource, because they may be kept for years after it was deleted.
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

        Resources that are only in the inventory may use at most half of the limit, so that a large inventory
        does not displace resources that are backed up. Resources that no plan selects come first.
        """
        listed = {resource.arn: resource for resource in listing}
        for arn, known in list(self._known.items()):
            if known.listed != listed.get(arn):
                known.listed = listed.get(arn)
                self._changed[arn] = None
                if not known.is_known:
                    del self._known[arn]
        self._listed_left_out = 0
        self._updates += 1
        for resource in sorted(listed.values(), key=lambda resource: resource.is_selected):
            if resource.arn not in self._known and len(self._known) >= self._most // 2:
                self._listed_left_out += 1
            elif added := self._find_or_add(resource.arn):
                added.listed = resource

    def await_history(self, collectors: Iterable[str]) -> None:
        """Record that more collectors read the history of resources."""
        self._history.await_history(collectors)
        self._changed |= dict.fromkeys(self._known)

    def mark_read(self, collector: str, now: float, *, since: float | None = None) -> None:
        """Record that a collector has read the history from before the start, or cannot read it.

        Args:
            collector: its name.
            now: seconds since 1970.
            since: how far back it has read, in seconds since 1970; None if it could not read.
        """
        if self._history.mark_read(collector, now, since):
            self._changed |= dict.fromkeys(self._known)

    @property
    def version(self) -> int:
        """A number that grows whenever something published may have changed."""
        return self._updates + bool(self._changed)

    def drain(self) -> dict[str, Resource | None]:
        """Return the resources that changed since the last call; None for a removed resource."""
        self._update_published()
        news, self._news = self._news, {}
        return news

    def published(self) -> tuple[Resource, ...]:
        """Return the current state of all resources; this does not affect `drain`."""
        self._update_published()
        return tuple(self._published.values())

    @property
    def is_history_read(self) -> bool:
        """Whether the backups from before the start have been read, as far as possible."""
        return self._history.is_read(PLANS, POINTS, *self._backup_collectors)

    def _update_published(self) -> None:
        """Compute the published data of resources that may have changed, and keep the changes for `drain`."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        self._updates += 1
        arns = changed | dict.fromkeys(self._composites.parts_of(changed))
        for arn in arns:
            resource = self._facts_of(arn) if arn in self._known else None
            # Most jobs do not change the published data of their resource.
            if resource == self._published.get(arn):
                continue
            self._news[arn] = resource
            if resource is None:
                del self._published[arn]
            else:
                self._published[arn] = resource
        for arn in arns:
            self._composites.set_composite(arn, self._facts_of.parent_arn(arn))

    @property
    def left_out(self) -> int:
        """The number of resources beyond the limit; counts up to ten times the limit."""
        return len(self._left_out) + self._listed_left_out

    @property
    def facts_left_out(self) -> int:
        """The number of facts of resources beyond the limit; counts up to ten times the limit."""
        return len(self._facts_left_out)

    def _has_room(self, facts: Collection[object], arn: str, key: tuple[str, str]) -> bool:
        """Return whether a resource may have one more fact; count it if not."""
        if len(facts) < MOST_KEYS:
            return True
        if len(self._facts_left_out) < COUNTED_BEYOND * MOST_RESOURCES:
            self._facts_left_out.add((arn, *key))
            self._updates += 1
        return False

    def _is_kept(self, known: ResourceHistory, now: float, lookback: float) -> bool:
        """Return whether a resource stays although AWS does not list it as protected."""
        if known.within is not None or known.named or known.points or known.listed:
            return True
        newest = known.newest_job
        if newest is None:
            return False
        age = now - created(newest)
        return age <= lookback or age <= KEPT_INTERVALS * (self._facts_of.interval(known) or 0.0)

    def _remove_old_rules(self, known: ResourceHistory, before: float) -> None:
        """Remove the deleted rules without a job since a time, except the rule of the newest job."""
        last = known.last_rule[1] if known.last_rule else None
        old = [
            key
            for key, rule in known.rules.items()
            if key != last and (rule.last or 0.0) < before and self._rules.is_deleted(key)
        ]
        for key in old:
            del known.rules[key]

    def _make_room_for_rule(self, known: ResourceHistory) -> None:
        """Remove the oldest deleted rule if the limit is reached."""
        last = known.last_rule[1] if known.last_rule else None
        if len(known.rules) >= MOST_KEYS:
            deleted = [key for key in known.rules if key != last and self._rules.is_deleted(key)]
            if oldest := min(deleted, key=lambda key: known.rules[key].last or 0.0, default=None):
                del known.rules[oldest]

    def _find_or_add(self, arn: str) -> ResourceHistory | None:
        """Return the history of a resource; add it if it is new. None if the limit is reached."""
        known = self._known.get(arn)
        if known is None:
            if len(self._known) >= self._most:
                if len(self._left_out) < COUNTED_BEYOND * MOST_RESOURCES:
                    self._left_out.add(arn)
                    self._updates += 1
                return None
            known = self._known[arn] = ResourceHistory()
            self._changed[arn] = None
        return known

    def _record_rule(self, known: ResourceHistory, kind: Kind, job: Job) -> bool:
        """Record that the rule of a job backs up the resource. Return whether either of them changed."""
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
        """Remove parent jobs from before a time, unless the newest job of a resource is their child."""
        if self._composites.is_empty:
            return
        needed = {
            job.parent_id
            for known in self._known.values()
            for newest in known.jobs.values()
            if (job := newest.begun)
        }
        self._composites.remove_before(before, needed)
