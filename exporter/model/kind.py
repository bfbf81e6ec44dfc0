"""The description of one job kind: its operations and fields in the AWS API, and how to parse a job."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from exporter.model.arns import account_in_arn
from exporter.model.job_fields import Answer, child_states, number, one_line, rule_of, text_at
from exporter.model.records import Job, Number

SUCCESS = "COMPLETED"


def reports_issues(category: str) -> bool:
    """Return whether a MessageCategory means more than success. AWS is not consistent in its case."""
    return category.lower() not in ("", "success")


class MalformedJobError(ValueError):
    """A response that should describe a job but has no job ID."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number of a job: the suffix of the metric, the AWS field, and how to parse it."""

    suffix: str
    member: str
    read: Callable[[object], Number | None]


class Expectation(Enum):
    """The source of the expected interval between successful jobs of a kind."""

    NONE = "nothing"
    RULES = "the rules that back the resource up"
    COPY_ACTIONS = "the copy actions of these rules"


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """The facts about a resource that jobs of a kind provide. They are kept longer than the jobs.

    Attributes:
        prefix: the prefix of the metric names.
        key: the info label that distinguishes facts of the same resource; empty if it has only one set of
            facts.
        details: labels of the last ended job, in addition to the key, job_id and state: labels of the info
            metric of the kind, `vault_name`, `message_category` or `status_message`.
        last_success: whether the time of the last success is published.
        failed_while: info labels, each with the values that mean that a COMPLETED job has failed.
        expectation: the source of the expected interval.
    """

    prefix: str
    details: tuple[str, ...]
    key: str = ""
    last_success: bool = True
    failed_while: tuple[tuple[str, frozenset[str]], ...] = ()
    expectation: Expectation = Expectation.NONE


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job.

    Attributes:
        name: the value of the label `kind`.
        metric_prefix: the prefix of the names of per-job metrics.
        fleet_prefix: the prefix of the names of metrics that count jobs.
        collector: the name in `collectors` of the configuration.
        list_operation, list_member: the list call, and the field of its response that contains the rows.
        describe_operation, describe_member: the describe call, and the field of its response that contains
            the job (empty: the response is the job).
        id_member, state_member: the fields that contain the job ID and the state.
        vault_members: the fields that contain the name or ARN of the vault, in order of preference.
        arn_members: the fields with ARNs to derive the account from if AccountId is absent, the most reliable
            first.
        resource_member: the field that contains the ARN of the resource.
        state_filter: the parameter of the list call that selects one state.
        created_filter: whether the list call filters by creation; otherwise by completion and state.
        states: all documented states, in the order of the lifecycle of a job.
        terminal: the states that a job never leaves.
        running_states: the states in which a job should make progress; empty if AWS reports too little to
            tell whether it does.
        info: the label and field of each value of the info metric; a dot separates levels of the response.
        gauges: the numeric metrics.
        facts: the facts about the resource that a job provides.
        unfinished_while: fields, each with the values that mean that a job in a terminal state still changes.
        issues_while: labels of the info metric, each with the values that mean issues with a successful job.
        unpublished: fields of the describe response without a metric, with the reason.
    """

    name: str
    metric_prefix: str
    fleet_prefix: str
    collector: str
    list_operation: str
    list_member: str
    describe_operation: str
    describe_member: str
    id_member: str
    state_member: str
    vault_members: tuple[str, ...]
    arn_members: tuple[str, ...]
    resource_member: str
    state_filter: str
    states: tuple[str, ...]
    terminal: frozenset[str]
    info: tuple[tuple[str, str], ...]
    gauges: tuple[Gauge, ...]
    facts: ResourceFacts
    created_filter: bool = True
    running_states: frozenset[str] = frozenset()
    unfinished_while: tuple[tuple[str, frozenset[str]], ...] = ()
    issues_while: tuple[tuple[str, frozenset[str]], ...] = ()
    unpublished: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Hash the name only: what is derived from a kind is cached, and looked up for each job."""
        return hash(self.name)

    def key_of(self, job: Job) -> str:
        """Return the key of the facts to which the job belongs."""
        return self._info(job, self.facts.key) if self.facts.key else ""

    def details_of(self, job: Job) -> tuple[str, ...]:
        """Return the values of `facts.details`, in the same order."""
        own = {
            "vault_name": job.vault_name,
            "message_category": job.category,
            "status_message": job.message,
        }
        return tuple(own[label] if label in own else self._info(job, label) for label in self.facts.details)

    def succeeded(self, job: Job) -> bool:
        """Return whether the job ended successfully, including its validation if there is one."""
        return job.finished and job.state == SUCCESS and not self._has_any(job, self.facts.failed_while)

    def succeeded_without_issues(self, job: Job) -> bool:
        """Return whether the job ended successfully and AWS reports no issues with it."""
        return (
            self.succeeded(job)
            and not reports_issues(job.category)
            and not self._has_any(job, self.issues_while)
        )

    def _has_any(self, job: Job, labels: Iterable[tuple[str, frozenset[str]]]) -> bool:
        return any(self._info(job, label) in values for label, values in labels)

    def _info(self, job: Job, label: str) -> str:
        return job.info[[name for name, _ in self.info].index(label)]

    def knows(self, state: str) -> bool:
        """Return whether a state is documented."""
        return state in self.states or state in self.terminal

    @property
    def active_states(self) -> tuple[str, ...]:
        """The documented states that a job can leave."""
        return tuple(state for state in self.states if state not in self.terminal)

    def described(self, answer: Answer) -> Job:
        """Parse the response of the describe call.

        Raises:
            MalformedJobError: the response has no job ID.
        """
        return self.read(answer.get(self.describe_member) or {} if self.describe_member else answer)

    def read(self, row: Answer) -> Job:
        """Parse one row of the list call, or a described job.

        Raises:
            MalformedJobError: the row has no job ID.
        """
        job_id = text_at(row, self.id_member) if isinstance(row, Mapping) else ""
        if not job_id:
            raise MalformedJobError(f"the response has no {self.id_member}")
        state = text_at(row, self.state_member)
        return Job(
            kind=self.name,
            id=job_id,
            state=state,
            finished=state in self.terminal and not self._still_changes(row),
            account_id=self._account_id(row),
            created=number(row.get("CreationDate")),
            completed=number(row.get("CompletionDate")),
            vault_name=self._vault_name(row),
            resource_type=text_at(row, "ResourceType"),
            parent_id=text_at(row, "ParentJobId"),
            is_parent=row.get("IsParent") is True,
            info=tuple(text_at(row, member) for _, member in self.info),
            values=tuple(gauge.read(row.get(gauge.member)) for gauge in self.gauges),
            child_states=child_states(row.get("ChildJobsInState")),
            message=one_line(text_at(row, "StatusMessage")),
            category=text_at(row, "MessageCategory"),
            resource_arn=text_at(row, self.resource_member),
            resource_name=text_at(row, "ResourceName"),
            size=number(row.get("BackupSizeInBytes")),
            rule=rule_of(row),
        )

    def finished_before(self, row: Answer, time: float) -> bool:
        """Return whether a row is a finished job from before a time; much faster than `read`.

        The time is that of the creation, or of the completion if AWS does not list by creation.
        """
        at = number(row.get("CreationDate" if self.created_filter else "CompletionDate"))
        if at is None or at >= time:
            return False
        return row.get(self.state_member) in self.terminal and not self._still_changes(row)

    def _still_changes(self, row: Answer) -> bool:
        return any(text_at(row, member) in values for member, values in self.unfinished_while)

    def _account_id(self, row: Answer) -> str:
        arns = (text_at(row, member) for member in self.arn_members)
        return text_at(row, "AccountId") or next(filter(None, map(account_in_arn, arns)), "")

    def _vault_name(self, row: Answer) -> str:
        found = next(filter(None, (text_at(row, member) for member in self.vault_members)), "")
        return found.rpartition(":backup-vault:")[2]
