"""What is known of the backups, copies, restores and scans of one resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from exporter.model.records import Number, Rule


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that has ended, and why it ended so.

    Attributes:
        job_id, state: the job.
        ended: its CompletionDate in seconds since 1970, its CreationDate where AWS gives none.
        details: values of the details that the table of kinds names, in their order.
    """

    job_id: str
    state: str
    ended: float
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the jobs of one kind tell about a resource; times in seconds since 1970.

    Attributes:
        kind: name of the kind of job.
        key: what tells these facts apart from others of the kind, such as the destination vault.
        last_success: when the newest success ended.
        last_ended: the newest job that has ended.
        expected_interval: seconds within which a success should come.
        due: by when the next success must have come: the last one, the interval and as much again, at most
            a day. None when nothing is expected, or when the history has not been read yet.
    """

    kind: str
    key: str
    last_success: float | None = None
    last_ended: EndedJob | None = None
    expected_interval: float | None = None
    due: float | None = None


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What one rule of a plan did for a resource; as in `JobFacts`.

    `is_replaced` tells whether another rule with the same interval backs the resource up in its place.
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
    """The COMPLETED recovery points that a rule made for a resource.

    Attributes:
        rule: as the newest one tells it.
        completed: when the newest one completed, in seconds since 1970.
        first: when the oldest one completed.
    """

    rule: Rule
    completed: float
    first: float


@dataclass(frozen=True, slots=True)
class RecoveryPoints:
    """The recovery points of one resource in one vault; times in seconds since 1970.

    Attributes:
        account_id: the account of the vault; empty when AWS did not tell.
        resource_name, resource_type: the resource, as the newest point tells it.
        by_status: number of points by Status.
        warm_size, cold_size: bytes of the COMPLETED ones; None when there is none, or AWS gives no size.
        newest: CompletionDate of the newest COMPLETED one.
        oldest: CreationDate of the oldest COMPLETED one.
        expiry: when the last COMPLETED one will be deleted; None when one is kept forever.
        newest_backup: CompletionDate of the newest COMPLETED one that is no copy of another.
        newest_backup_size, newest_backup_duration: of that one, in bytes and seconds.
        rules: the COMPLETED backups of each rule.
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
    """A resource of the account, as the Resource Groups Tagging API lists it.

    Attributes:
        arn, type, account_id: the resource.
        name: value of its tag `Name`; empty when it has none.
        is_selected: whether a selection of a backup plan takes it.
    """

    arn: str
    name: str
    type: str
    account_id: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """What is known of one resource; None where nothing is. Times in seconds since 1970.

    Attributes:
        arn, name, type, account_id: the resource, as its newest job tells it.
        facts: what jobs of each kind tell.
        rules: what each rule did for it.
        last_success_size, last_success_duration: of its newest successful backup, in bytes and seconds.
        last_attempt: CreationDate of its newest backup job.
        last_state: state of that job; empty when there is no job.
        last_recovery_point: LastBackupTime of ListProtectedResources.
        parent_arn: the composite that it is backed up with, and whose alerts stand for it; empty for none.
        points: its recovery points by the name of the vault.
        last_expiry: when the last COMPLETED one of any vault will be deleted; None when one is kept forever.
        is_selected: whether a plan selects it; None when that is not known.
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
        """Give what jobs of a kind tell for a key; nothing where there are none."""
        found = (facts for facts in self.facts if (facts.kind, facts.key) == (kind, key))
        return next(found, JobFacts(kind, key))
