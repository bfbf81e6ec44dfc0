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
class Tally:
    """How many jobs there are of one account, vault and resource type, by state."""

    account_id: str
    vault_name: str
    resource_type: str
    in_window: Mapping[str, int] = field(default_factory=dict)
    finished_total: Mapping[str, int] = field(default_factory=dict)
