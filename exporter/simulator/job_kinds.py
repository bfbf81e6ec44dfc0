"""The job kinds of AWS Backup as a table of their operations and fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Answer = Mapping[str, Any]
"""A job as AWS describes it: AWS's field names, times in seconds since 1970."""

Test = Callable[[Answer, Any], bool]
"""Whether a job passes a list operation's filter of the given value."""


@dataclass(frozen=True)
class Kind:
    """One kind of job: one row of the table."""

    name: str
    list_operation: str
    describe_operation: str
    result_key: str
    id_key: str
    state_key: str
    finished: frozenset[str]
    filters: Mapping[str, Test]
    described_only: frozenset[str] = frozenset()
    described_under: str | None = None


def epoch(time: datetime | float) -> float:
    """Epoch seconds, to the millisecond; a datetime without a zone is in UTC."""
    if isinstance(time, datetime):
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    return round(time, 3)


def plain(value: Any) -> Any:
    """Return a value with all times converted to seconds since 1970."""
    if isinstance(value, datetime):
        return epoch(value)
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _equals(field: str) -> Test:
    return lambda job, wanted: bool(job.get(field) == wanted)


def _after(field: str) -> Test:
    return lambda job, time: field in job and bool(job[field] > epoch(time))


def _before(field: str) -> Test:
    return lambda job, time: field in job and bool(job[field] < epoch(time))


_COMMON: dict[str, Test] = {
    "ByResourceType": _equals("ResourceType"),
    "ByCreatedAfter": _after("CreationDate"),
    "ByCreatedBefore": _before("CreationDate"),
    "ByCompleteAfter": _after("CompletionDate"),
    "ByCompleteBefore": _before("CompletionDate"),
    "ByParentJobId": _equals("ParentJobId"),
}

KINDS = (
    Kind(
        name="backup",
        list_operation="ListBackupJobs",
        describe_operation="DescribeBackupJob",
        result_key="BackupJobs",
        id_key="BackupJobId",
        state_key="State",
        finished=frozenset({"ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"}),
        filters=_COMMON
        | {
            "ByResourceArn": _equals("ResourceArn"),
            "ByState": _equals("State"),
            "ByBackupVaultName": _equals("BackupVaultName"),
            "ByMessageCategory": _equals("MessageCategory"),
        },
        described_only=frozenset({"NumberOfChildJobs", "ChildJobsInState"}),
    ),
    Kind(
        name="copy",
        list_operation="ListCopyJobs",
        describe_operation="DescribeCopyJob",
        result_key="CopyJobs",
        id_key="CopyJobId",
        state_key="State",
        finished=frozenset({"COMPLETED", "FAILED", "PARTIAL", "ABORTED"}),
        filters=_COMMON
        | {
            "ByResourceArn": _equals("ResourceArn"),
            "ByState": _equals("State"),
            "ByDestinationVaultArn": _equals("DestinationBackupVaultArn"),
            "BySourceRecoveryPointArn": _equals("SourceRecoveryPointArn"),
            "ByMessageCategory": _equals("MessageCategory"),
        },
        described_under="CopyJob",
    ),
    Kind(
        name="restore",
        list_operation="ListRestoreJobs",
        describe_operation="DescribeRestoreJob",
        result_key="RestoreJobs",
        id_key="RestoreJobId",
        state_key="Status",
        finished=frozenset({"COMPLETED", "ABORTED", "FAILED"}),
        filters=_COMMON
        | {
            "ByStatus": _equals("Status"),
            "ByRestoreTestingPlanArn": lambda job, arn: (
                job.get("CreatedBy", {}).get("RestoreTestingPlanArn") == arn
            ),
        },
    ),
    Kind(
        name="scan",
        list_operation="ListScanJobs",
        describe_operation="DescribeScanJob",
        result_key="ScanJobs",
        id_key="ScanJobId",
        state_key="State",
        finished=frozenset({"COMPLETED", "COMPLETED_WITH_ISSUES", "FAILED", "CANCELED"}),
        filters={
            "ByBackupVaultName": _equals("BackupVaultName"),
            "ByCompleteAfter": _after("CompletionDate"),
            "ByCompleteBefore": _before("CompletionDate"),
            "ByMalwareScanner": _equals("MalwareScanner"),
            "ByRecoveryPointArn": _equals("RecoveryPointArn"),
            "ByResourceArn": _equals("ResourceArn"),
            "ByResourceType": _equals("ResourceType"),
            "ByScanResultStatus": lambda job, status: (
                job.get("ScanResult", {}).get("ScanResultStatus") == status
            ),
            "ByState": _equals("State"),
        },
    ),
)
BACKUP, COPY, RESTORE, SCAN = KINDS

BY_LIST_OPERATION = {kind.list_operation: kind for kind in KINDS}
