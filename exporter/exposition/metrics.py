"""All metrics as data: name, type, HELP and labels of each. docs/metrics.md is generated from them."""

from functools import cache

from exporter.exposition.families import AWS_LABELS, SCOPE_LABELS, Family
from exporter.exposition.plan_metrics import INVENTORY_FAMILIES, RUN_FAMILIES
from exporter.exposition.resource_metrics import resource_families
from exporter.ledger import MOST_CODES
from exporter.model import KINDS, Kind

_GAUGE_HELP = {
    "progress_ratio": "Progress of the job, a ratio from 0 to 1 ({member} / 100).",
    "transferred_bytes": "Number of bytes transferred so far ({member}).",
    "size_bytes": "Size of the backup in bytes ({member}).",
    "child_jobs": "Number of child jobs of a composite job ({member}).",
    "created_timestamp_seconds": "Unix timestamp of the creation of the job ({member}).",
    "completed_timestamp_seconds": "Unix timestamp of the completion of the job ({member}).",
    "expected_completion_timestamp_seconds": "Unix timestamp of the expected end of the job ({member}).",
    "start_by_timestamp_seconds": "Unix timestamp by which the job must start, or it expires ({member}).",
}


@cache
def job_families(kind: Kind) -> tuple[Family, ...]:
    """Return the metrics of one job of this kind, in the order of the exposition."""
    labels = ("job_id", *AWS_LABELS)
    noun = "job" if kind.name == "backup" else f"{kind.name} job"

    def gauge(suffix: str, text: str, *more: str) -> Family:
        return Family(f"{kind.metric_prefix}_{suffix}", "gauge", text, (*labels, *more))

    return (
        gauge(
            "info",
            f"Information about the {noun}, always 1.",
            *(label for label, _ in kind.info),
        ),
        gauge(
            "state",
            f"State of the {noun}, in the label state; always 1 ({kind.state_member}).",
            "state",
        ),
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
            f"Message and category of the {noun}, always 1; absent if it succeeded without a message "
            "(MessageCategory, StatusMessage).",
            "message_category",
            "status_message",
        ),
    )


@cache
def gauge_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the metrics with a job's numbers, in the order of `Job.values`."""
    return tuple(f"{kind.metric_prefix}_{gauge.suffix}" for gauge in kind.gauges)


def fleet_families(kind: Kind) -> tuple[Family, ...]:
    """Return the metrics that count jobs of this kind."""
    labels = (*AWS_LABELS, "vault_name", "resource_type", "state")
    return (
        Family(
            kind.fleet_prefix,
            "gauge",
            f"Number of {kind.name} jobs created within discovery.window, without child jobs.",
            labels,
        ),
        Family(
            f"{kind.fleet_prefix}_finished_total",
            "counter",
            f"Total number of {kind.name} jobs finished since the exporter started, without child jobs.",
            labels,
        ),
    )


UP = Family(
    "aws_backup_up",
    "gauge",
    "Whether the last refresh of the collector succeeded (1 yes, 0 no).",
    (*SCOPE_LABELS, "collector"),
)
LAST_REFRESH = Family(
    "aws_backup_last_refresh_timestamp_seconds",
    "gauge",
    "Unix timestamp of the last successful refresh of the collector.",
    (*SCOPE_LABELS, "collector"),
)
API_REQUESTS = Family(
    "aws_backup_exporter_api_requests_total",
    "counter",
    "Total number of requests to AWS, including retries, by result: ok, the AWS error code, timeout, "
    f"connection, malformed or credentials; other for all codes after the first {MOST_CODES}.",
    (*SCOPE_LABELS, "operation", "code"),
)
MALFORMED_VALUES = Family(
    "aws_backup_exporter_malformed_values_total",
    "counter",
    "Total number of malformed values, rows of lists and fields, ignored in responses from AWS.",
    (*SCOPE_LABELS, "operation"),
)
JOBS_KNOWN = Family(
    "aws_backup_exporter_jobs",
    "gauge",
    "Number of jobs with series, including child jobs, by phase: active or finished.",
    (*SCOPE_LABELS, "kind", "phase"),
)
JOBS_DROPPED = Family(
    "aws_backup_exporter_jobs_dropped",
    "gauge",
    "Number of jobs without series because of limits.max_jobs.",
    (*SCOPE_LABELS, "kind"),
)
ITEMS_DROPPED = Family(
    "aws_backup_exporter_items_dropped",
    "gauge",
    "Number of items without series of their own because there are too many, by kind: job_groups (pairs of "
    "vault and resource type, counted as other), error_codes (counted as other), resources, resource_facts "
    "(rules, copy destinations and restore testing plans of a resource), vaults, plans, rules.",
    (*SCOPE_LABELS, "kind"),
)
JOB_ERRORS = Family(
    "aws_backup_exporter_job_errors",
    "gauge",
    "Configured job ID that AWS does not know or refuses, with the error code, always 1.",
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
def families(kinds: tuple[Kind, ...] = KINDS) -> tuple[Family, ...]:
    """Return all metrics of scopes, in the order of the exposition, for a table of kinds."""
    of_jobs = (family for kind in kinds for family in (*job_families(kind), *fleet_families(kind)))
    return (*of_jobs, *resource_families(kinds), *INVENTORY_FAMILIES, *RUN_FAMILIES, *EXPORTER_FAMILIES)
