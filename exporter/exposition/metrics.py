"""All metrics as data: name, type, HELP and labels of each. docs/metrics.md is generated from them."""

from dataclasses import dataclass
from functools import cache

from exporter.ledger import MOST_CODES
from exporter.model import KINDS, Kind

AWS_LABELS = ("aws_account_id", "aws_region")
SCOPE_LABELS = ("target", "aws_region")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: as it is written in a query, with the `_total` of a counter.
        type: as Prometheus names it.
        help: one line; says the unit and the AWS field where there is one.
        labels: beside the target's static labels.
    """

    name: str
    type: str
    help: str
    labels: tuple[str, ...]


_GAUGE_HELP = {
    "progress_ratio": "How much of the job is done, from 0 to 1 ({member} / 100).",
    "transferred_bytes": "Bytes transferred so far ({member}).",
    "size_bytes": "Size of the backup in bytes ({member}).",
    "child_jobs": "Number of child jobs of a composite job ({member}).",
    "created_timestamp_seconds": "When the job was created, in seconds since 1970 ({member}).",
    "completed_timestamp_seconds": "When the job ended, in seconds since 1970 ({member}).",
    "expected_completion_timestamp_seconds": "When the job should end, in seconds since 1970 ({member}).",
    "start_by_timestamp_seconds": "When the job expires unless it started, in seconds since 1970 ({member}).",
}


@cache
def job_families(kind: Kind) -> tuple[Family, ...]:
    """The metrics of one job of this kind, in the order they are written."""
    labels = ("job_id", *AWS_LABELS)
    noun = "job" if kind.name == "backup" else f"{kind.name} job"

    def gauge(suffix: str, text: str, *more: str) -> Family:
        return Family(f"{kind.metric_prefix}_{suffix}", "gauge", text, (*labels, *more))

    return (
        gauge(
            "info",
            f"What AWS tells of the {noun} beside numbers, always 1.",
            *(label for label, _ in kind.info),
        ),
        gauge("state", f"1 for the state that the {noun} is in ({kind.state_member}).", "state"),
        *(
            gauge(value.suffix, _GAUGE_HELP[value.suffix].format(member=value.member))
            for value in kind.gauges
        ),
        *(
            gauge(f"{value.suffix}_in_state", "Number of child jobs by state (ChildJobsInState).", "state")
            for value in kind.gauges
            if value.suffix == "child_jobs"
        ),
        gauge(
            "status_info",
            f"Why the {noun} is as it is, always 1; absent when it went well and there is no message "
            "(MessageCategory, StatusMessage).",
            "message_category",
            "status_message",
        ),
    )


@cache
def gauge_names(kind: Kind) -> tuple[str, ...]:
    """The names of the metrics that hold a job's numbers, in the order of `Job.values`."""
    return tuple(f"{kind.metric_prefix}_{gauge.suffix}" for gauge in kind.gauges)


def fleet_families(kind: Kind) -> tuple[Family, ...]:
    """The metrics that count jobs of this kind."""
    labels = (*AWS_LABELS, "vault_name", "resource_type", "state")
    return (
        Family(
            kind.fleet_prefix,
            "gauge",
            f"Number of {kind.name} jobs created within the window, child jobs not counted.",
            labels,
        ),
        Family(
            f"{kind.fleet_prefix}_finished_total",
            "counter",
            f"Number of {kind.name} jobs that finished since the exporter started, child jobs not counted.",
            labels,
        ),
    )


_RESOURCE_LABELS = (*AWS_LABELS, "resource_arn", "resource_name", "resource_type")
_RULE_LABELS = (*AWS_LABELS, "plan_id", "plan_name", "rule_id")


def _of_resource(suffix: str, text: str, *more: str) -> Family:
    return Family(f"aws_backup_resource_{suffix}", "gauge", text, (*_RESOURCE_LABELS, *more))


LAST_SUCCESS = _of_resource(
    "last_success_timestamp_seconds",
    "When the resource's newest COMPLETED backup job ended, in seconds since 1970 (CompletionDate); "
    "absent when none ever did.",
)
LAST_ATTEMPT = _of_resource(
    "last_attempt_timestamp_seconds",
    "When the resource's newest backup job was created, in seconds since 1970 (CreationDate).",
)
LAST_STATE = _of_resource(
    "last_job_state",
    "1 for the state of the resource's newest backup job, 0 for every other (State).",
    "state",
)
LAST_SIZE = _of_resource(
    "last_success_size_bytes", "Size in bytes of the newest COMPLETED backup job (BackupSizeInBytes)."
)
LAST_DURATION = _of_resource(
    "last_success_duration_seconds",
    "How long the newest COMPLETED backup job took, in seconds (CompletionDate - CreationDate).",
)
LAST_RECOVERY_POINT = _of_resource(
    "last_recovery_point_timestamp_seconds",
    "When the resource was last backed up, whatever became of it, in seconds since 1970 (LastBackupTime).",
)
EXPECTED_INTERVAL = _of_resource(
    "expected_interval_seconds",
    "Within how many seconds a backup should succeed: as configured, else the largest gap between the runs "
    "of the shortest rule that backs the resource up.",
)
PARENT = _of_resource(
    "parent_info",
    "1 for a resource whose newest backup job is a child of that of parent_resource_arn (ParentJobId).",
    "parent_resource_arn",
)
RESOURCE_FAMILIES = (
    LAST_SUCCESS,
    LAST_ATTEMPT,
    LAST_STATE,
    LAST_SIZE,
    LAST_DURATION,
    LAST_RECOVERY_POINT,
    EXPECTED_INTERVAL,
    PARENT,
)

RECOVERY_POINTS = Family(
    "aws_backup_vault_recovery_points",
    "gauge",
    "Number of recovery points in the vault (NumberOfRecoveryPoints).",
    (*AWS_LABELS, "vault_name"),
)
VAULT_LOCKED = Family(
    "aws_backup_vault_locked",
    "gauge",
    "1 when the vault is locked, 0 when not (Locked).",
    (*AWS_LABELS, "vault_name"),
)
NEXT_RUN = Family(
    "aws_backup_rule_next_run_timestamp_seconds",
    "gauge",
    "When the plan's rule runs next, in seconds since 1970 (ScheduledRunsPreview, else ScheduleExpression).",
    _RULE_LABELS,
)
RULE_INTERVAL = Family(
    "aws_backup_rule_interval_seconds",
    "gauge",
    "Largest gap between two runs of the plan's rule, in seconds (ScheduledRunsPreview, ScheduleExpression).",
    _RULE_LABELS,
)
LAST_EXECUTION = Family(
    "aws_backup_plan_last_execution_timestamp_seconds",
    "gauge",
    "When the plan last ran, in seconds since 1970 (LastExecutionDate).",
    (*AWS_LABELS, "plan_id", "plan_name"),
)
INVENTORY_FAMILIES = (RECOVERY_POINTS, VAULT_LOCKED, NEXT_RUN, RULE_INTERVAL, LAST_EXECUTION)

UP = Family(
    "aws_backup_up",
    "gauge",
    "1 when the collector's last refresh got through to AWS, 0 when not.",
    (*SCOPE_LABELS, "collector"),
)
LAST_REFRESH = Family(
    "aws_backup_last_refresh_timestamp_seconds",
    "gauge",
    "When a refresh of the collector last got through to AWS, in seconds since 1970.",
    (*SCOPE_LABELS, "collector"),
)
API_REQUESTS = Family(
    "aws_backup_exporter_api_requests_total",
    "counter",
    "Number of calls to AWS, retries included, by how they ended: ok, the AWS error code, timeout, "
    f"connection, malformed or credentials; other for all beyond the first {MOST_CODES} codes.",
    (*SCOPE_LABELS, "operation", "code"),
)
MALFORMED_VALUES = Family(
    "aws_backup_exporter_malformed_values_total",
    "counter",
    "Number of values in AWS's answers, rows of lists and fields, that could not be read and were left out.",
    (*SCOPE_LABELS, "operation"),
)
JOBS_KNOWN = Family(
    "aws_backup_exporter_jobs",
    "gauge",
    "Number of jobs that have series, child jobs included, by phase: active or finished.",
    (*SCOPE_LABELS, "kind", "phase"),
)
JOBS_DROPPED = Family(
    "aws_backup_exporter_jobs_dropped",
    "gauge",
    "Number of jobs that have no series because of limits.max_jobs.",
    (*SCOPE_LABELS, "kind"),
)
ITEMS_DROPPED = Family(
    "aws_backup_exporter_items_dropped",
    "gauge",
    "Number of things that have no series of their own because there are too many, by kind: job_groups "
    "(pairs of vault and resource type, counted as other), error_codes (likewise), resources, vaults, "
    "plans, rules.",
    (*SCOPE_LABELS, "kind"),
)
JOB_ERRORS = Family(
    "aws_backup_exporter_job_errors",
    "gauge",
    "1 for each configured job id that AWS does not know or refuses.",
    (*SCOPE_LABELS, "job_id", "code"),
)
EXPORTER_FAMILIES = (
    UP,
    LAST_REFRESH,
    API_REQUESTS,
    MALFORMED_VALUES,
    JOBS_KNOWN,
    JOBS_DROPPED,
    ITEMS_DROPPED,
    JOB_ERRORS,
)


@cache
def families() -> tuple[Family, ...]:
    """Every metric that is made here, in the order they are written."""
    of_kinds = (family for kind in KINDS for family in (*job_families(kind), *fleet_families(kind)))
    return (*of_kinds, *RESOURCE_FAMILIES, *INVENTORY_FAMILIES, *EXPORTER_FAMILIES)
