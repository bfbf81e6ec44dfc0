"""The published data of a resource: its backups, copies, restores and scans."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from exporter.model.records import Number, Rule


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that has ended, with its result.

    Attributes:
        job_id, state: the job.
        ended: its CompletionDate in seconds since 1970; its CreationDate if AWS reports no CompletionDate.
        details: the values of `Kind.facts.details`, in the same order.
    """

    job_id: str
    state: str
    ended: float
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """Facts about a resource from its jobs of one kind; times in seconds since 1970.

    Attributes:
        kind: the name of the job kind.
        key: distinguishes facts of the same kind, such as the destination vault of copies.
        last_success: when the last successful job ended.
        last_ended: the job that ended last.
        expected_interval: the expected interval between successes, in seconds.
        due: the time by which the next success must occur: the last success plus the expected interval and a
            grace period of the same length, at most one day. None if no success is expected, or the history
            has not been read yet.
    """

    kind: str
    key: str
    last_success: float | None = None
    last_ended: EndedJob | None = None
    expected_interval: float | None = None
    due: float | None = None


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """Facts about the backups of a resource by one rule of a plan; see `JobFacts`.

    `is_replaced` is whether another rule with the same interval now backs up the resource instead.
    """

    plan_id: str
    plan_name: str
    rule_id: str
    rule_name: str
    vault_name: str
    last_success: float | None = None
    expected_interval: float | None = None
    due: float | None = None
    is_replaced: bool = False


@dataclass(frozen=True, slots=True)
class PointsOfRule:
    """The COMPLETED recovery points that a rule created for a resource.

    Attributes:
        rule: the rule, as recorded in the newest recovery point.
        completed: when the newest recovery point completed, in seconds since 1970.
        first: when the oldest recovery point completed, in seconds since 1970.
    """

    rule: Rule
    completed: float
    first: float


@dataclass(frozen=True, slots=True)
class RecoveryPoints:
    """The recovery points of one resource in one vault; times in seconds since 1970.

    Attributes:
        account_id: the account of the vault; empty if it is unknown.
        resource_name, resource_type: the resource, as recorded in the newest recovery point.
        by_status: number of recovery points by Status.
        warm_size, cold_size: total size of the COMPLETED ones in bytes; None if AWS reports no size.
        newest: CompletionDate of the newest COMPLETED one.
        oldest: CreationDate of the oldest COMPLETED one.
        expiry: when the last COMPLETED one will be deleted; None if one is kept forever.
        newest_backup: CompletionDate of the newest COMPLETED one that is not a copy.
        newest_backup_size, newest_backup_duration: size in bytes and duration in seconds of that one.
        rules: the COMPLETED recovery points of each rule.
    """

    account_id: str = ""
    resource_name: str = ""
    resource_type: str = ""
    by_status: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    warm_size: Number | None = None
    cold_size: Number | None = None
    newest: float | None = None
    oldest: float | None = None
    expiry: float | None = None
    newest_backup: float | None = None
    newest_backup_size: Number | None = None
    newest_backup_duration: float | None = None
    rules: tuple[PointsOfRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedResource:
    """A resource of the account, as listed by the Resource Groups Tagging API.

    Attributes:
        arn, type, account_id: the resource.
        name: the value of its tag `Name`; empty if it has none.
        is_selected: whether a backup plan selects it.
    """

    arn: str
    name: str
    type: str
    account_id: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. Unknown values are None; times are in seconds since 1970.

    Attributes:
        arn, name, type, account_id: the resource, as recorded in its newest job.
        facts: facts from its jobs, by kind and key.
        rules: facts about each rule.
        last_success_size, last_success_duration: size in bytes and duration in seconds of its last successful
            backup.
        last_attempt: CreationDate of its newest backup job.
        last_state: state of that job; empty if there is none.
        last_recovery_point: LastBackupTime of ListProtectedResources.
        parent_arn: the composite that it is backed up with and that covers its alerts; empty if none.
        points: its recovery points by vault name.
        last_expiry: when the last COMPLETED recovery point in any vault will be deleted; None if one is kept
            forever.
        is_selected: whether a backup plan selects it; None if that is unknown.
    """

    arn: str
    name: str = ""
    type: str = ""
    account_id: str = ""
    facts: tuple[JobFacts, ...] = ()
    rules: tuple[RuleFacts, ...] = ()
    last_success_size: Number | None = None
    last_success_duration: float | None = None
    last_attempt: float | None = None
    last_state: str = ""
    last_recovery_point: float | None = None
    parent_arn: str = ""
    points: tuple[tuple[str, RecoveryPoints], ...] = ()
    last_expiry: float | None = None
    is_selected: bool | None = None

    def facts_of(self, kind: str, key: str = "") -> JobFacts:
        """Return the facts of a kind and key; empty facts if there are none."""
        found = (facts for facts in self.facts if (facts.kind, facts.key) == (kind, key))
        return next(found, JobFacts(kind, key))
