"""The table of job kinds: their operations and fields in the AWS API, and how to parse a response into a Job.

To support another job kind, add a row. A test compares the field names with botocore's service model.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from exporter.model.records import Job, Number, Rule

Answer = Mapping[str, Any]

MESSAGE_LENGTH = 200
SUCCESS = "COMPLETED"
_ACCOUNT_IN_ARN = re.compile(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):")


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
        info: the label and field of each value of the info metric; a dot separates levels of the response.
        gauges: the numeric metrics.
        facts: the facts about the resource that a job provides.
        unfinished_while: fields, each with the values that mean that a job in a terminal state still changes.
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
    unfinished_while: tuple[tuple[str, frozenset[str]], ...] = ()
    unpublished: Mapping[str, str] = field(default_factory=dict, hash=False)

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
        return (
            job.finished
            and job.state == SUCCESS
            and not any(self._info(job, label) in values for label, values in self.facts.failed_while)
        )

    def _info(self, job: Job, label: str) -> str:
        return job.info[[name for name, _ in self.info].index(label)]

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
        job_id = _text(row, self.id_member) if isinstance(row, Mapping) else ""
        if not job_id:
            raise MalformedJobError(f"the response has no {self.id_member}")
        state = _text(row, self.state_member)
        return Job(
            kind=self.name,
            id=job_id,
            state=state,
            finished=state in self.terminal and not self._still_changes(row),
            account_id=self._account_id(row),
            created=number(row.get("CreationDate")),
            completed=number(row.get("CompletionDate")),
            vault_name=self._vault_name(row),
            resource_type=_text(row, "ResourceType"),
            parent_id=_text(row, "ParentJobId"),
            is_parent=row.get("IsParent") is True,
            info=tuple(_text(row, member) for _, member in self.info),
            values=tuple(gauge.read(row.get(gauge.member)) for gauge in self.gauges),
            child_states=_child_states(row.get("ChildJobsInState")),
            message=one_line(_text(row, "StatusMessage")),
            category=_text(row, "MessageCategory"),
            resource_arn=_text(row, self.resource_member),
            resource_name=_text(row, "ResourceName"),
            size=number(row.get("BackupSizeInBytes")),
            rule=rule_of(row),
        )

    def _still_changes(self, row: Answer) -> bool:
        return any(_text(row, member) in values for member, values in self.unfinished_while)

    def _account_id(self, row: Answer) -> str:
        arns = (_text(row, member) for member in self.arn_members)
        return _text(row, "AccountId") or next(filter(None, map(account_in_arn, arns)), "")

    def _vault_name(self, row: Answer) -> str:
        found = next(filter(None, (_text(row, member) for member in self.vault_members)), "")
        return found.rpartition(":backup-vault:")[2]


def account_in_arn(arn: str) -> str:
    """Return the account in an ARN; empty if there is none."""
    found = _ACCOUNT_IN_ARN.match(arn)
    return found[1] if found else ""


def region_in_arn(arn: str) -> str:
    """Return the Region in an ARN; empty if there is none."""
    parts = arn.split(":", 4)
    return parts[3] if len(parts) == 5 else ""


def number(value: object) -> Number | None:
    """Return a finite number, or a time in seconds since 1970, unchanged; None for anything else."""
    if type(value) is not int and type(value) is not float:
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer that is too large for a float
        return None


def percentage(value: object) -> float | None:
    """Parse PercentDone (`23.71`, `100.00%`) as a ratio; None if it is not a number."""
    percent = str(value).strip().removesuffix("%").rstrip()
    try:
        # Shift the decimal point in the text: 44.91 / 100 would be 0.44909999999999994.
        return number(float(f"{percent}e-2"))
    except ValueError:
        return None


def one_line(text: str) -> str:
    """Collapse white space, and shorten the text to MESSAGE_LENGTH characters."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_LENGTH else line[: MESSAGE_LENGTH - 1] + "…"


def _text(row: Answer, path: str) -> str:
    value = row.get(path)
    if isinstance(value, str):
        return value
    if path == "IsParent":
        return "true" if value is True else "false"
    if isinstance(value, dict):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    member, _, below = path.partition(".")
    above = row.get(member) if below else None
    return _text(above, below) if isinstance(above, dict) else ""


def rule_of(row: Answer) -> Rule | None:
    """Parse the rule that created a job or recovery point (CreatedBy); None for an on-demand one."""
    plan_id, rule_id = _text(row, "CreatedBy.BackupPlanId"), _text(row, "CreatedBy.BackupRuleId")
    if not (plan_id and rule_id):
        return None
    return Rule(
        plan_id,
        rule_id,
        schedule=_text(row, "CreatedBy.BackupRuleCron"),
        timezone=_text(row, "CreatedBy.BackupRuleTimezone"),
        plan_name=_text(row, "CreatedBy.BackupPlanName"),
        rule_name=_text(row, "CreatedBy.BackupRuleName"),
    )


def _child_states(value: object) -> tuple[tuple[str, Number], ...]:
    if not isinstance(value, dict):
        return ()
    counts = ((str(state), number(count)) for state, count in sorted(value.items()))
    return tuple((state, count) for state, count in counts if count is not None)


BACKUP = Kind(
    name="backup",
    metric_prefix="aws_backup_job",
    fleet_prefix="aws_backup_jobs",
    collector="backup_jobs",
    list_operation="ListBackupJobs",
    list_member="BackupJobs",
    describe_operation="DescribeBackupJob",
    describe_member="",
    id_member="BackupJobId",
    state_member="State",
    vault_members=("BackupVaultName", "BackupVaultArn"),
    arn_members=("BackupVaultArn", "IamRoleArn", "RecoveryPointArn", "ResourceArn"),
    resource_member="ResourceArn",
    state_filter="ByState",
    states=(
        "CREATED",
        "PENDING",
        "RUNNING",
        "ABORTING",
        "ABORTED",
        "COMPLETED",
        "FAILED",
        "EXPIRED",
        "PARTIAL",
    ),
    terminal=frozenset({"ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"}),
    info=(
        ("resource_arn", "ResourceArn"),
        ("resource_name", "ResourceName"),
        ("resource_type", "ResourceType"),
        ("vault_name", "BackupVaultName"),
        ("vault_arn", "BackupVaultArn"),
        ("recovery_point_arn", "RecoveryPointArn"),
        ("backup_type", "BackupType"),
        ("backup_options", "BackupOptions"),
        ("plan_id", "CreatedBy.BackupPlanId"),
        ("plan_name", "CreatedBy.BackupPlanName"),
        ("plan_version", "CreatedBy.BackupPlanVersion"),
        ("rule_id", "CreatedBy.BackupRuleId"),
        ("rule_name", "CreatedBy.BackupRuleName"),
        ("iam_role_arn", "IamRoleArn"),
        ("parent_job_id", "ParentJobId"),
        ("is_parent", "IsParent"),
    ),
    gauges=(
        Gauge("progress_ratio", "PercentDone", percentage),
        Gauge("transferred_bytes", "BytesTransferred", number),
        Gauge("size_bytes", "BackupSizeInBytes", number),
        Gauge("child_jobs", "NumberOfChildJobs", number),
        Gauge("created_timestamp_seconds", "CreationDate", number),
        Gauge("completed_timestamp_seconds", "CompletionDate", number),
        Gauge("expected_completion_timestamp_seconds", "ExpectedCompletionDate", number),
        Gauge("start_by_timestamp_seconds", "StartBy", number),
    ),
    facts=ResourceFacts(
        prefix="aws_backup_resource",
        details=("vault_name", "message_category", "status_message"),
        expectation=Expectation.RULES,
    ),
    unpublished=MappingProxyType(
        {
            "VaultType": "a property of the vault, not of the job",
            "VaultLockState": "a property of the vault; the collector vaults publishes whether it is locked",
            "RecoveryPointLifecycle": "a property of the plan's rule; not about the progress of the job",
            "EncryptionKeyArn": "identifies a key, which should stay private",
            "IsEncrypted": "a property of the recovery point, determined by the vault and the resource type",
            "InitiationDate": "the scheduled time of the run; CreationDate is when the job was created",
            "CreatedBy.BackupPlanArn": "redundant: plan_id, aws_account_id and aws_region are labels",
            "CreatedBy.BackupRuleCron": "the schedule; published as the resource's expected interval",
            "CreatedBy.BackupRuleTimezone": "the schedule; published as the resource's expected interval",
        }
    ),
)

_RECOVERY_POINT = "a property of the recovery point, not of the job"

COPY = Kind(
    name="copy",
    metric_prefix="aws_backup_copy_job",
    fleet_prefix="aws_backup_copy_jobs",
    collector="copy_jobs",
    list_operation="ListCopyJobs",
    list_member="CopyJobs",
    describe_operation="DescribeCopyJob",
    describe_member="CopyJob",
    id_member="CopyJobId",
    state_member="State",
    vault_members=("DestinationBackupVaultArn",),
    arn_members=("SourceBackupVaultArn", "IamRoleArn", "DestinationBackupVaultArn", "ResourceArn"),
    resource_member="ResourceArn",
    state_filter="ByState",
    states=("CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL"),
    terminal=frozenset({"COMPLETED", "FAILED", "PARTIAL", "ABORTED"}),
    info=(
        ("resource_arn", "ResourceArn"),
        ("resource_name", "ResourceName"),
        ("resource_type", "ResourceType"),
        ("source_vault_arn", "SourceBackupVaultArn"),
        ("destination_vault_arn", "DestinationBackupVaultArn"),
        ("source_recovery_point_arn", "SourceRecoveryPointArn"),
        ("destination_recovery_point_arn", "DestinationRecoveryPointArn"),
        ("created_by_backup_job_id", "CreatedByBackupJobId"),
        ("plan_id", "CreatedBy.BackupPlanId"),
        ("plan_name", "CreatedBy.BackupPlanName"),
        ("rule_id", "CreatedBy.BackupRuleId"),
        ("rule_name", "CreatedBy.BackupRuleName"),
        ("iam_role_arn", "IamRoleArn"),
        ("parent_job_id", "ParentJobId"),
        ("is_parent", "IsParent"),
    ),
    gauges=(
        Gauge("size_bytes", "BackupSizeInBytes", number),
        Gauge("child_jobs", "NumberOfChildJobs", number),
        Gauge("created_timestamp_seconds", "CreationDate", number),
        Gauge("completed_timestamp_seconds", "CompletionDate", number),
    ),
    facts=ResourceFacts(
        prefix="aws_backup_resource_copy",
        key="destination_vault_arn",
        details=("message_category", "status_message"),
        expectation=Expectation.COPY_ACTIONS,
    ),
    unpublished=MappingProxyType(
        {
            "DestinationVaultType": "a property of the vault, not of the job",
            "DestinationVaultLockState": "a property of the vault, not of the job",
            "DestinationEncryptionKeyArn": "identifies a key, which should stay private",
            "DestinationRecoveryPointLifecycle": _RECOVERY_POINT,
            "CompositeMemberIdentifier": "identifies a part of a composite resource, as resource_arn does",
            "CreatedBy.BackupPlanArn": "redundant: plan_id, aws_account_id and aws_region are labels",
            "CreatedBy.BackupPlanVersion": "published for the backup job of the copy",
            "CreatedBy.BackupRuleCron": "the schedule of the backup, not of the copy",
            "CreatedBy.BackupRuleTimezone": "the schedule of the backup, not of the copy",
        }
    ),
)

RESTORE = Kind(
    name="restore",
    metric_prefix="aws_backup_restore_job",
    fleet_prefix="aws_backup_restore_jobs",
    collector="restore_jobs",
    list_operation="ListRestoreJobs",
    list_member="RestoreJobs",
    describe_operation="DescribeRestoreJob",
    describe_member="",
    id_member="RestoreJobId",
    state_member="Status",
    vault_members=("BackupVaultArn",),
    arn_members=("BackupVaultArn", "IamRoleArn", "SourceResourceArn", "CreatedResourceArn"),
    resource_member="SourceResourceArn",
    state_filter="ByStatus",
    states=("PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"),
    terminal=frozenset({"COMPLETED", "ABORTED", "FAILED"}),
    info=(
        ("resource_arn", "SourceResourceArn"),
        ("resource_name", ""),  # AWS has no such field; for queries over all kinds
        ("resource_type", "ResourceType"),
        ("vault_arn", "BackupVaultArn"),
        ("recovery_point_arn", "RecoveryPointArn"),
        ("created_resource_arn", "CreatedResourceArn"),
        ("restore_testing_plan_arn", "CreatedBy.RestoreTestingPlanArn"),
        ("validation_status", "ValidationStatus"),
        ("iam_role_arn", "IamRoleArn"),
        ("parent_job_id", "ParentJobId"),
        ("is_parent", "IsParent"),
    ),
    gauges=(
        Gauge("progress_ratio", "PercentDone", percentage),
        Gauge("size_bytes", "BackupSizeInBytes", number),
        Gauge("created_timestamp_seconds", "CreationDate", number),
        Gauge("completed_timestamp_seconds", "CompletionDate", number),
    ),
    facts=ResourceFacts(
        prefix="aws_backup_resource_restore",
        key="restore_testing_plan_arn",
        details=("validation_status", "status_message"),
        failed_while=(("validation_status", frozenset({"FAILED", "TIMED_OUT"})),),
    ),
    unfinished_while=(("ValidationStatus", frozenset({"VALIDATING"})),),
    unpublished=MappingProxyType(
        {
            "ExpectedCompletionTimeMinutes": "an estimate made at the start",
            "RecoveryPointCreationDate": _RECOVERY_POINT,
            "ValidationStatusMessage": "validation_status has the result",
            "DeletionStatus": "the cleanup after a restore test, not the restore",
            "DeletionStatusMessage": "the cleanup after a restore test, not the restore",
        }
    ),
)

SCAN = Kind(
    name="scan",
    metric_prefix="aws_backup_scan_job",
    fleet_prefix="aws_backup_scan_jobs",
    collector="scan_jobs",
    list_operation="ListScanJobs",
    list_member="ScanJobs",
    describe_operation="DescribeScanJob",
    describe_member="",
    id_member="ScanJobId",
    state_member="State",
    vault_members=("BackupVaultName", "BackupVaultArn"),
    arn_members=("BackupVaultArn", "IamRoleArn", "RecoveryPointArn", "ResourceArn"),
    resource_member="ResourceArn",
    state_filter="ByState",
    created_filter=False,
    states=("CREATED", "RUNNING", "COMPLETED", "COMPLETED_WITH_ISSUES", "FAILED", "CANCELED"),
    terminal=frozenset({"COMPLETED", "COMPLETED_WITH_ISSUES", "FAILED", "CANCELED"}),
    info=(
        ("resource_arn", "ResourceArn"),
        ("resource_name", "ResourceName"),
        ("resource_type", "ResourceType"),
        ("vault_name", "BackupVaultName"),
        ("vault_arn", "BackupVaultArn"),
        ("recovery_point_arn", "RecoveryPointArn"),
        ("scan_result_status", "ScanResult.ScanResultStatus"),
        ("malware_scanner", "MalwareScanner"),
        ("scan_mode", "ScanMode"),
        ("plan_id", "CreatedBy.BackupPlanId"),
        ("rule_id", "CreatedBy.BackupRuleId"),
        ("iam_role_arn", "IamRoleArn"),
    ),
    gauges=(
        Gauge("created_timestamp_seconds", "CreationDate", number),
        Gauge("completed_timestamp_seconds", "CompletionDate", number),
    ),
    facts=ResourceFacts(
        prefix="aws_backup_resource_scan",
        details=("scan_result_status", "status_message"),
        last_success=False,
    ),
    unpublished=MappingProxyType(
        {
            "ScanId": "identifies the scan in the scanner, not in AWS Backup",
            "ScanBaseRecoveryPointArn": "the base of an incremental scan",
            "ScannerRoleArn": "the scanner's own role",
            "ContinuousScanStartTime": "the part of a continuous backup that was scanned",
            "ContinuousScanEndTime": "the part of a continuous backup that was scanned",
            "CreatedBy.BackupPlanArn": "redundant: plan_id, aws_account_id and aws_region are labels",
            "CreatedBy.BackupPlanVersion": "published for the backup job",
        }
    ),
)

KINDS: tuple[Kind, ...] = (BACKUP, COPY, RESTORE, SCAN)
