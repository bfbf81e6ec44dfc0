"""The records that flow through the exporter: plain, frozen, free of boto3 and of Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Number = int | float


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """One target of the configuration in one Region: the unit of asking, of failing and of publishing."""

    target: str
    region: str

    def __str__(self) -> str:
        return f"{self.target}/{self.region or 'no-region'}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a backup plan that made a job, with its schedule as the job tells it.

    Attributes:
        plan_id, rule_id: which rule of which plan.
        schedule: `cron(...)` as AWS writes it; empty when the job does not tell.
        timezone: of that schedule; empty for UTC.
        plan_name, rule_name: as the job tells them.
    """

    plan_id: str
    rule_id: str
    schedule: str = ""
    timezone: str = ""
    plan_name: str = ""
    rule_name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """What AWS tells of one job, of whatever kind.

    Attributes:
        kind: name of its row in the table of kinds (`backup`).
        id: the job id.
        state: as AWS spells it; empty when AWS gave none.
        finished: whether the state is one that a job never leaves.
        account_id: twelve digits; empty when neither the job nor its ARNs tell.
        created: CreationDate in seconds since 1970; None when AWS gave none.
        completed: CompletionDate likewise.
        vault_name: the vault that holds, or will hold, the recovery point.
        resource_type: as AWS spells it (`EBS`).
        parent_id: the job that this one is a child of; empty for most.
        is_parent: whether the job stands for several children.
        info: values of the kind's info labels, in the kind's order.
        values: values of the kind's gauges, in the kind's order; None where AWS gave none.
        child_states: number of child jobs by state; empty when AWS did not tell.
        message: StatusMessage on one line, shortened.
        category: MessageCategory.
        resource_arn, resource_name: what is backed up, copied or restored.
        size: of the backup in bytes; None when AWS gave none.
        rule: the rule that made the job; None for one made on demand.
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


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something asked of AWS did not come through.

    Attributes:
        code: the AWS error code, or `timeout`, `connection`, `malformed`, `credentials`.
        message: what AWS or the network said, on one line.
        remedy: what a person can do about it.
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
    """How one collector fares in one scope.

    Attributes:
        up: whether the last refresh got through.
        last_success: when one last got through, in seconds since 1970; None when none ever did.
        fault: why the last one did not; None when it did, or when none has ended yet.
    """

    up: bool = False
    last_success: float | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Reload:
    """How the configuration was last read.

    Attributes:
        successful: whether it is in force; otherwise the one before is.
        succeeded_at: when one was last read without an error, in seconds since 1970.
        reason: why the last one was refused, a problem a line; empty when it was not.
    """

    successful: bool
    succeeded_at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many jobs there are of one account, vault and resource type, by state."""

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
        last_recovery_point: LastBackupTime in seconds since 1970, whatever became of that backup.
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
        recovery_points: how many recovery points it holds.
        locked: whether Vault Lock is on.
        type, state, encryption_key_type: as AWS spells them; empty when AWS gives none.
        lock_date: when the lock can no longer be removed, in seconds since 1970.
        min_retention, max_retention: seconds; what the lock allows.
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
    """A restore testing plan: when it ran last and runs next, and the largest gap between its runs."""

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
