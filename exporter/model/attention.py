"""Finds problems that need attention: resources without their expected backups, and plans without effect.

The conditions are the same as those of the alert rules, without their `for` duration.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from exporter.model.job_kinds import BACKUP, COPY, KINDS, RESTORE, SCAN
from exporter.model.kind import SUCCESS, reports_issues
from exporter.model.plans import Plan, RuleKey, RuleRun
from exporter.model.resources import JobFacts, Resource, RuleFacts

DAY = 86400.0
EXPIRY_NOTICE = 3 * DAY  # seconds before the deletion of the last recovery point; less for a short retention
EXPIRY_NOTICE_SHARE = 0.1  # of the time from its completion to its deletion
FORGOTTEN_AFTER = 8 * DAY  # seconds after the end of a job, except an unsuccessful backup
NOT_RECENT_AFTER, ABANDONED_AFTER = 2 * DAY, 30 * DAY  # ages of the last backup, without an expected interval

_THREATS_FOUND = "THREATS_FOUND"
_DETAILS = {kind.name: kind.facts.details for kind in KINDS}


class Severity(StrEnum):
    """The severities of the alert rules, the worst first."""

    CRITICAL = "critical"
    WARNING = "warning"


class AttentionKind(Enum):
    """The kinds of problems, the worst first, each with its title and severity."""

    THREATS_FOUND = "threats found", Severity.CRITICAL
    NEVER_SUCCEEDED = "never backed up", Severity.CRITICAL
    OVERDUE = "backup overdue", Severity.CRITICAL
    LAST_POINT_EXPIRES = "last recovery point expires", Severity.WARNING
    RULE_OVERDUE = "backup of a rule overdue", Severity.WARNING
    COPY_OVERDUE = "copy overdue", Severity.WARNING
    CONTINUOUS_STOPPED = "continuous backup stopped", Severity.WARNING
    VAULT_MISSING = "vault of a rule missing", Severity.WARNING
    NO_SELECTION = "plan without selection", Severity.WARNING
    RAN_EMPTY = "rule created no jobs", Severity.WARNING
    OPTED_OUT = "resource type not opted in", Severity.WARNING
    UNSUCCESSFUL = "backup unsuccessful", Severity.WARNING
    NOT_RECENT = "no recent backup", Severity.WARNING
    COPY_UNSUCCESSFUL = "copy unsuccessful", Severity.WARNING
    RESTORE_UNSUCCESSFUL = "restore unsuccessful", Severity.WARNING
    SCAN_UNSUCCESSFUL = "malware scan unsuccessful", Severity.WARNING
    WITH_ISSUES = "completed with issues", Severity.WARNING

    def __init__(self, title: str, severity: Severity) -> None:
        self.title = title
        self.severity = severity


_RANK = {kind: rank for rank, kind in enumerate(AttentionKind)}


@dataclass(frozen=True, slots=True)
class Attention:
    """One problem that needs attention; times in seconds since 1970.

    Attributes:
        kind: the kind of problem.
        name: the name of the resource or plan.
        arn, type: the ARN and type of the resource; empty for a plan.
        part: the affected part: the name of a rule or vault, the ARN of the destination vault of a copy or of
            a restore testing plan, or a resource type; empty for the whole resource or plan.
        since: when the problem began; None if that is unknown.
        state, reason: State and StatusMessage of the job that caused it; empty if there is none.
        last_success: the last success of the resource or of that part; None if there is none.
        expiry: when the last recovery point will be deleted, if that is the problem.
    """

    kind: AttentionKind
    name: str
    arn: str = ""
    type: str = ""
    part: str = ""
    since: float | None = None
    state: str = ""
    reason: str = ""
    last_success: float | None = None
    expiry: float | None = None

    @property
    def severity(self) -> Severity:
        """The severity of the problem."""
        return self.kind.severity

    @property
    def order(self) -> tuple[int, float, str, str]:
        """The sort key: the worst kind first, and the oldest first of the same kind."""
        since = math.inf if self.since is None else self.since
        return _RANK[self.kind], since, self.arn or self.name, self.part


class _JobAttention(NamedTuple):
    """The problems that the jobs of one kind can have.

    Attributes:
        overdue: the problem if the next success is overdue.
        never: the problem if it is overdue and there has never been a success.
        unsuccessful: the problem if the last job failed.
        failures: the states of a failed job; a COMPLETED job can have failed its validation.
    """

    overdue: AttentionKind
    never: AttentionKind
    unsuccessful: AttentionKind
    failures: frozenset[str]


_OF_JOBS: Mapping[str, _JobAttention] = {
    BACKUP.name: _JobAttention(
        AttentionKind.OVERDUE,
        AttentionKind.NEVER_SUCCEEDED,
        AttentionKind.UNSUCCESSFUL,
        BACKUP.terminal - {SUCCESS},
    ),
    COPY.name: _JobAttention(
        AttentionKind.COPY_OVERDUE,
        AttentionKind.COPY_OVERDUE,
        AttentionKind.COPY_UNSUCCESSFUL,
        COPY.terminal - {SUCCESS},
    ),
    RESTORE.name: _JobAttention(  # ABORTED: stopped by a user
        AttentionKind.RESTORE_UNSUCCESSFUL,
        AttentionKind.RESTORE_UNSUCCESSFUL,
        AttentionKind.RESTORE_UNSUCCESSFUL,
        frozenset({"FAILED", SUCCESS}),
    ),
}
_FAILED_SCANS = ("FAILED", "COMPLETED_WITH_ISSUES")


def resource_attention(resource: Resource, now: float) -> Iterator[Attention]:
    """Yield the problems of a resource.

    An overdue resource covers its overdue rules and its failed job. A composite covers the failed jobs of its
    parts (`Resource.parent_arn`).

    Args:
        resource: the resource.
        now: seconds since 1970.
    """
    backups, of_backups = None, None
    for facts in resource.facts:
        kind = _kind_of(facts, resource, now)
        if facts.kind == BACKUP.name:
            backups, of_backups = facts, kind
        if kind:
            yield _of_facts(kind, facts, resource)
    if of_backups is None and (backups is None or backups.expected_interval is None):
        yield from _not_recent(resource, backups, now)
    if of_backups not in (AttentionKind.OVERDUE, AttentionKind.NEVER_SUCCEEDED):
        for rule in resource.rules:
            if rule.due is not None and rule.due < now:
                yield _of_rule(rule, backups, resource)
    if resource.points:
        yield from _of_points(resource, now, backups)


def plan_attention(
    plan: Plan, runs: Mapping[RuleKey, RuleRun], vault_names: Collection[str] | None, now: float
) -> Iterator[Attention]:
    """Yield the problems of a plan; none within a day of a change to the plan.

    A plan without selections, or a missing vault, covers the rules that ran empty because of it.

    Args:
        plan: the plan.
        runs: the last run of each rule.
        vault_names: all vaults of the account; None if they have not been read.
        now: seconds since 1970.
    """
    if plan.changed is not None and now < plan.changed + DAY:
        return
    if plan.selections == ():
        yield Attention(AttentionKind.NO_SELECTION, plan.name or plan.id)
    for resource_type in plan.opted_out_types:
        yield Attention(AttentionKind.OPTED_OUT, plan.name or plan.id, part=resource_type)
    for rule in plan.rules:
        run = runs.get((plan.id, rule.rule_id))
        if rule.vault_name and vault_names is not None and rule.vault_name not in vault_names:
            part = f"{rule.vault_name} of {rule.name or rule.rule_id}"
            yield Attention(AttentionKind.VAULT_MISSING, plan.name or plan.id, part=part)
        elif run and run.is_empty and plan.selections != ():
            part = rule.name or rule.rule_id
            yield Attention(AttentionKind.RAN_EMPTY, plan.name or plan.id, part=part, since=run.closed_at)


def _kind_of(facts: JobFacts, resource: Resource, now: float) -> AttentionKind | None:
    """Return the problem of the jobs of one kind; None if there is none."""
    of_jobs = _OF_JOBS.get(facts.kind)
    if of_jobs is None:
        return _kind_of_scan(facts, now) if facts.kind == SCAN.name else None
    if facts.due is not None and facts.due < now:
        return of_jobs.never if facts.last_success is None else of_jobs.overdue
    if facts.kind == BACKUP.name:
        if _is_unsuccessful(facts):
            return None if resource.parent_arn else of_jobs.unsuccessful
        return AttentionKind.WITH_ISSUES if _has_issues(facts) and _is_fresh(facts, now) else None
    has_failed = _is_unsuccessful(facts) and facts.last_ended and facts.last_ended.state in of_jobs.failures
    return of_jobs.unsuccessful if has_failed and _is_fresh(facts, now) else None


def _kind_of_scan(facts: JobFacts, now: float) -> AttentionKind | None:
    if _detail(facts, "scan_result_status") == _THREATS_FOUND:
        return AttentionKind.THREATS_FOUND
    has_failed = facts.last_ended is not None and facts.last_ended.state in _FAILED_SCANS
    return AttentionKind.SCAN_UNSUCCESSFUL if has_failed and _is_fresh(facts, now) else None


def _not_recent(resource: Resource, backups: JobFacts | None, now: float) -> Iterator[Attention]:
    """Yield the problem of an old backup of a resource without an expected interval, unless abandoned."""
    success = backups.last_success if backups else None
    last = resource.last_recovery_point if success is None else success
    if last is not None and not resource.parent_arn and NOT_RECENT_AFTER < now - last < ABANDONED_AFTER:
        yield Attention(
            AttentionKind.NOT_RECENT,
            resource.name,
            resource.arn,
            resource.type,
            since=last + NOT_RECENT_AFTER,
            last_success=success,
        )


def _is_fresh(facts: JobFacts, now: float) -> bool:
    return facts.last_ended is not None and facts.last_ended.ended > now - FORGOTTEN_AFTER


def _is_unsuccessful(facts: JobFacts) -> bool:
    """Return whether the last job that ended did not succeed, without a newer success."""
    ended = facts.last_ended
    return ended is not None and (facts.last_success is None or ended.ended > facts.last_success)


def _has_issues(facts: JobFacts) -> bool:
    """Return whether the last job "completed with issues", as the AWS console calls it."""
    if facts.last_ended is None or facts.last_ended.state != SUCCESS:
        return False
    return reports_issues(_detail(facts, "message_category")) or bool(_detail(facts, "status_message"))


def _detail(facts: JobFacts, label: str) -> str:
    labels = _DETAILS.get(facts.kind, ())
    if not facts.last_ended or label not in labels:
        return ""
    return facts.last_ended.details[labels.index(label)]


def _of_facts(kind: AttentionKind, facts: JobFacts, resource: Resource) -> Attention:
    is_late = kind in (AttentionKind.OVERDUE, AttentionKind.NEVER_SUCCEEDED, AttentionKind.COPY_OVERDUE)
    ended = facts.last_ended
    state, reason = _why(facts, resource) if is_late else _outcome(facts)
    if kind is AttentionKind.THREATS_FOUND:
        state = _THREATS_FOUND
    return Attention(
        kind,
        resource.name,
        resource.arn,
        resource.type,
        part=facts.key,
        since=facts.due if is_late else ended.ended if ended else None,
        state=state,
        reason=reason,
        last_success=facts.last_success,
    )


def _of_rule(rule: RuleFacts, backups: JobFacts | None, resource: Resource) -> Attention:
    state, reason = _why(backups, resource) if backups else ("", "")
    return Attention(
        AttentionKind.RULE_OVERDUE,
        resource.name,
        resource.arn,
        resource.type,
        part=rule.rule_name or rule.rule_id,
        since=rule.due,
        state=state,
        reason=reason,
        last_success=rule.last_success,
    )


def _of_points(resource: Resource, now: float, backups: JobFacts | None) -> Iterator[Attention]:
    last_success = backups.last_success if backups else None
    about = (resource.name, resource.arn, resource.type)
    if (notice_from := _expiry_notice(resource, now)) is not None and not _is_in_time(backups, now):
        state, reason = _why(backups, resource) if backups else ("", "")
        yield Attention(
            AttentionKind.LAST_POINT_EXPIRES,
            *about,
            since=notice_from,
            state=state,
            reason=reason,
            last_success=last_success,
            expiry=resource.last_expiry,
        )
    for vault_name, points in resource.points:
        if points.by_status.get("STOPPED") and not points.by_status.get("AVAILABLE"):
            yield Attention(
                AttentionKind.CONTINUOUS_STOPPED, *about, part=vault_name, last_success=last_success
            )


def _expiry_notice(resource: Resource, now: float) -> float | None:
    """Return when the expiry notice of the last recovery point began; None if it is not due yet."""
    expiry = resource.last_expiry
    if expiry is None or expiry - EXPIRY_NOTICE > now or resource.parent_arn:
        return None
    completed = max(points.newest or 0.0 for _, points in resource.points)
    notice_from = expiry - min(EXPIRY_NOTICE, EXPIRY_NOTICE_SHARE * (expiry - completed))
    return notice_from if notice_from < now else None


def _is_in_time(backups: JobFacts | None, now: float) -> bool:
    """Return whether a newer backup is expected in time."""
    return backups is not None and backups.due is not None and backups.due >= now


def _why(facts: JobFacts, resource: Resource) -> tuple[str, str]:
    """Return state and message of the job that explains the missing success; empty if there is none."""
    if _is_unsuccessful(facts):
        return _outcome(facts)
    is_active = resource.last_state in BACKUP.active_states
    return (resource.last_state, "") if facts.kind == BACKUP.name and is_active else ("", "")


def _outcome(facts: JobFacts) -> tuple[str, str]:
    """Return state and message of the last job that ended."""
    if facts.last_ended is None:
        return "", ""
    messages = (
        _detail(facts, "status_message") or _detail(facts, "message_category"),
        _detail(facts, "validation_status") and f"validation {_detail(facts, 'validation_status')}",
    )
    return facts.last_ended.state, "; ".join(filter(None, messages))
