"""The last run of each rule of a plan, and the backup jobs that it created. Pure.

A plan that selects no resources runs on schedule, creates no job and reports no error. This can be detected
only by comparing the jobs with the schedule.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter
from typing import NamedTuple

from exporter.model import (
    BACKUP,
    Health,
    Job,
    Plan,
    PlannedRule,
    RuleKey,
    RuleRun,
    previous_run,
    run_is_last_until,
)

START_WINDOW = 8 * 3600.0  # seconds; the default of AWS
KEPT_WITHOUT_PLANS = 35 * 86400.0  # seconds for which jobs are kept if no plan has been read
MOST_JOBS = 10_000  # per rule; creation times of older jobs are removed
DAY = 86400.0


class _Run(NamedTuple):
    """A run, and the time by which its jobs must have been created."""

    at: float
    until: float


class RuleRuns:
    """The runs of the rules of one scope.

    Attributes:
        version: a number that grows whenever more is known of the jobs of the rules.
    """

    def __init__(self) -> None:
        self._created: dict[RuleKey, dict[str, float]] = {}  # creation time by job ID, for each rule
        self._since: float | None = None
        self._complete_since = -math.inf  # no job after this time has been removed
        self.version = 0

    def mark_read(self, collector: str, since: float | None) -> None:
        """Record how far back backup jobs have been read; None if they have not been read."""
        if collector == BACKUP.collector:
            self.version += 1
            self._since = since if self._since is None or since is None else min(since, self._since)

    def record(self, job: Job) -> None:
        """Record a backup job that was created by a rule; child jobs are ignored, as their parent counts."""
        if job.rule is None or job.parent_id or job.created is None:
            return
        key = job.rule.plan_id, job.rule.rule_id
        jobs = self._created.setdefault(key, {})
        if job.id in jobs:
            return
        if len(jobs) >= MOST_JOBS:
            newest = sorted(jobs.items(), key=itemgetter(1))[MOST_JOBS // 2 :]
            jobs = self._created[key] = dict(newest)
        jobs[job.id] = job.created
        self.version += 1

    def at(self, now: float, plans: Iterable[Plan], health: Mapping[str, Health]) -> dict[RuleKey, RuleRun]:
        """Return the last run of each rule.

        Args:
            now: seconds since 1970.
            plans: all plans.
            health: health of the collectors; `backup_jobs` must have succeeded after a run.
        """
        backups = health.get(BACKUP.collector)
        asked = backups.last_success if backups else None
        runs = {}
        for plan in plans:
            for rule in plan.rules:
                key = plan.id, rule.rule_id
                runs[key] = self._run(key, plan, rule, now, asked)
        self._forget_unplanned(runs, now)
        return runs

    def _forget_unplanned(self, planned: Collection[RuleKey], now: float) -> None:
        """Remove old jobs of rules that are in no plan, or of all rules if the plans cannot be read."""
        before = now - (DAY if planned else KEPT_WITHOUT_PLANS)
        for key in self._created.keys() - planned:
            self._forget_before(key, before)
            if not self._created[key]:
                del self._created[key]
        if not planned:
            self._complete_since = before

    def _run(self, key: RuleKey, plan: Plan, rule: PlannedRule, now: float, asked: float | None) -> RuleRun:
        last = previous_run(rule.schedule, rule.timezone or None, now)
        if last is None:
            self._created.pop(key, None)
            return RuleRun()
        closed = self._last_closed(rule, now)
        self._forget_before(key, min(last, closed.at if closed else last))
        jobs = self._created.get(key, {}).values()
        made = sum(created >= last for created in jobs)
        is_empty = None
        if closed and self._is_known(closed.at, plan, asked, closed.until) and not rule.continuous:
            # Allow a day to complete a new or changed plan.
            is_new = plan.changed is not None and closed.at < plan.changed + DAY
            has_made = any(created >= closed.at for created in jobs)
            is_empty = False if has_made else None if is_new else True
        known = self._is_known(last, plan, asked, last) and not rule.continuous
        return RuleRun(last, made if known else None, is_empty, closed.at if closed else None)

    def _last_closed(self, rule: PlannedRule, now: float) -> _Run | None:
        """Return the newest run with a start window that has ended."""
        window = _start_window(rule)
        at = previous_run(rule.schedule, rule.timezone or None, now - window)
        return None if at is None else _Run(at, at + window)

    def _is_known(self, run: float, plan: Plan, asked: float | None, until: float) -> bool:
        """Return whether all jobs that a run created until a time have been read."""
        return (
            self._since is not None
            and asked is not None
            and run >= max(self._since, self._complete_since)
            and asked >= until
            and run >= (plan.changed or 0.0)
        )

    def _forget_before(self, key: RuleKey, time: float) -> None:
        jobs = self._created.get(key)
        if jobs and min(jobs.values()) < time:
            self._created[key] = {job_id: created for job_id, created in jobs.items() if created >= time}


def runs_steady_until(plans: Iterable[Plan], now: float) -> float:
    """Return until when, at least, no rule runs and no start window ends; infinity if there is no rule."""
    return min(
        (
            run_is_last_until(rule.schedule, rule.timezone or None, now - window) + window
            for plan in plans
            for rule in plan.rules
            for window in (0.0, _start_window(rule))
        ),
        default=math.inf,
    )


def _start_window(rule: PlannedRule) -> float:
    """Return for how long a run creates jobs, in seconds: at most half the interval."""
    window = START_WINDOW if rule.start_window is None else rule.start_window
    return window if rule.interval is None else min(window, rule.interval / 2)
