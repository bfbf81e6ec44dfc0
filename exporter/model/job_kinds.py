"""The table of job kinds: their operations and fields in the AWS API.

To support another job kind, add a row. A test compares the field names with botocore's service model.
"""

from types import MappingProxyType

from exporter.model.job_fields import number, percentage
from exporter.model.kind import Expectation, Gauge, Kind, ResourceFacts

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
    running_states=frozenset({"RUNNING", "ABORTING"}),
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
    issues_while=(("scan_result_status", frozenset({"THREATS_FOUND"})),),
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
