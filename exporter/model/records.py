"""The records that the packages exchange: frozen, and independent of boto3 and Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Number = int | float


GLOBAL = "global"
"""In place of a Region: the scope of what an organization has once, such as its accounts."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One target of the configuration in one Region. Each scope is refreshed and published independently."""

    target: str
    region: str

    @property
    def is_global(self) -> bool:
        """Whether this is not a Region; the scope is published with the first Region of its target."""
        return self.region == GLOBAL

    def __str__(self) -> str:
        return f"{self.target}/{self.region or 'no-region'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a backup plan that created a job, with its schedule at that time.

    Attributes:
        plan_id, rule_id: the IDs of the plan and the rule.
        schedule: the schedule expression, such as `cron(...)`; empty if the job does not contain it.
        timezone: the time zone of the schedule; empty for UTC.
        plan_name, rule_name: the names in the job.
    """

    plan_id: str
    rule_id: str
    schedule: str = ""
    timezone: str = ""
    plan_name: str = ""
    rule_name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job of any kind. Fields that AWS does not report are empty or None.

    Attributes:
        kind: the name of the job kind (`backup`).
        id: the job ID.
        state: the state, as AWS spells it.
        finished: whether the job can no longer leave its state.
        account_id: AccountId, otherwise the account in one of its ARNs; twelve digits.
        created: CreationDate in seconds since 1970.
        completed: CompletionDate in seconds since 1970.
        vault_name: the vault of the recovery point.
        resource_type: as AWS spells it (`EBS`).
        parent_id: the ID of the parent job, if this is a child job.
        is_parent: whether the job has child jobs.
        info: the values of the kind's info labels, in the order of the kind.
        values: the values of the kind's gauges, in the order of the kind.
        child_states: the number of child jobs by state.
        message: StatusMessage on one line, shortened.
        category: MessageCategory.
        resource_arn, resource_name: the resource that is backed up, copied or restored.
        size: the size of the backup in bytes.
        rule: the rule that created the job; None for an on-demand job.
    """

    kind: str
    id: str
    state: str
    finished: bool
    account_id: str
    created: float | None
    completed: float | None
    vault_name: str
    resource_type: str
    parent_id: str
    is_parent: bool
    info: tuple[str, ...]
    values: tuple[Number | None, ...]
    child_states: tuple[tuple[str, Number], ...]
    message: str
    category: str
    resource_arn: str = ""
    resource_name: str = ""
    size: Number | None = None
    rule: Rule | None = None


class RunningJob(NamedTuple):
    """A running job; times in seconds since 1970.

    Attributes:
        account_id, resource_arn, resource_name, resource_type, vault_name: those of the job.
        overdue_at: when it counts as overdue; None if AWS expects no end.
        progressed_at: when it last made progress, as far as the exporter has seen; None if AWS reports none.
    """

    account_id: str
    resource_arn: str
    resource_name: str
    resource_type: str
    vault_name: str
    overdue_at: float | None
    progressed_at: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call to AWS or a refresh failed.

    Attributes:
        code: the AWS error code, or `timeout`, `connection`, `malformed`, `credentials`.
        message: the error message from AWS or the network, on one line.
        remedy: what to do about it.
    """

    code: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.message} ({self.remedy})" if self.remedy else f"{self.code}: {self.message}"
        )


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one collector in one scope.

    Attributes:
        up: whether the last refresh succeeded.
        last_success: the time of the last successful refresh, in seconds since 1970; None if there was none.
        fault: why the last refresh failed; None if it succeeded, or none has ended yet.
    """

    up: bool = False
    last_success: float | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Reload:
    """The result of the last reload of the configuration.

    Attributes:
        successful: whether the new configuration is in force; otherwise the previous one is.
        succeeded_at: the time of the last successful reload, in seconds since 1970.
        reason: why the last reload failed, one problem per line; empty if it succeeded.
    """

    successful: bool
    succeeded_at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """The number of jobs of one account, vault and resource type, by state."""

    account_id: str
    vault_name: str
    resource_type: str
    in_window: Mapping[str, int] = field(default_factory=dict)
    finished_total: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protected:
    """A resource that AWS lists as protected.

    Attributes:
        arn, name, type: the resource.
        last_recovery_point: LastBackupTime in seconds since 1970, of successful and failed backups.
    """

    arn: str
    name: str
    type: str
    last_recovery_point: float | None


@dataclass(frozen=True, slots=True)
class Vault:
    """A backup vault.

    Attributes:
        name, account_id, arn: the vault.
        recovery_points: the number of recovery points in the vault.
        locked: whether Vault Lock is enabled.
        type, state, encryption_key_type: as AWS spells them; empty if AWS does not report them.
        lock_date: when the lock can no longer be removed, in seconds since 1970.
        min_retention, max_retention: the retention that the lock allows, in seconds.
    """

    name: str
    account_id: str
    recovery_points: Number | None
    locked: bool | None
    arn: str = ""
    type: str = ""
    state: str = ""
    encryption_key_type: str = ""
    lock_date: float | None = None
    min_retention: float | None = None
    max_retention: float | None = None


@dataclass(frozen=True, slots=True)
class RestoreTestingPlan:
    """A restore testing plan, with its last run, its next run and the largest gap between its runs."""

    arn: str
    name: str
    account_id: str
    last_execution: float | None
    next_run: float | None
    interval: float | None


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework of AWS Backup Audit Manager."""

    name: str
    account_id: str
    deployment_status: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account of an organization.

    Attributes:
        id, arn, name: the account.
        status: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` or another state of AWS.
        is_own: whether the credentials that listed the account belong to it.
        unit_ids: the IDs of its root and its organizational units, from the root down; empty if they are
            unknown.
        unit: the names of its organizational units, from the top down, separated by slashes; empty if they
            are unknown or the account is in the root.
    """

    id: str
    arn: str
    name: str
    status: str
    is_own: bool = False
    unit_ids: tuple[str, ...] = ()
    unit: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the account can be used; a suspended or closed account makes no backups."""
        return self.status == "ACTIVE"
