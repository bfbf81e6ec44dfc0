"""The contract as data: every metric's name, type, HELP and labels, and how records become samples.

docs/metrics.md is made from it. Rendering is not done here: a sample is a name, labels and a number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from exporter.exposition.families import (
    AWS_LABELS,
    SCOPE_LABELS,
    Family,
    Group,
    Sample,
    aws_labels,
    scope_labels,
)
from exporter.exposition.plan_metrics import INVENTORY_FAMILIES, RUN_FAMILIES
from exporter.exposition.resource_metrics import RESOURCE_FAMILIES
from exporter.ledger import MOST_CODES, MOST_STATES, OTHER, Ledger
from exporter.model import KINDS, Health, Job, Kind, Number, Tally

SUCCESS = "success"

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
    return (*of_kinds, *RESOURCE_FAMILIES, *INVENTORY_FAMILIES, *RUN_FAMILIES, *EXPORTER_FAMILIES)


def job_group(kind: Kind, job: Job, ledger: Ledger, mask: Callable[[str], str] = str) -> Group:
    """Make the samples of one job; what is secret in its message is masked."""
    prefix = kind.metric_prefix
    labels = (("job_id", job.id), *aws_labels(ledger, job.account_id))
    info = tuple((label, value) for (label, _), value in zip(kind.info, job.info, strict=True))
    samples = [Sample(f"{prefix}_info", info, 1)]
    if job.state:
        samples.append(Sample(f"{prefix}_state", (("state", job.state),), 1))
    samples += (
        Sample(name, (), value)
        for name, value in zip(gauge_names(kind), job.values, strict=True)
        if value is not None
    )
    samples += (
        Sample(f"{prefix}_child_jobs_in_state", (("state", state),), count)
        for state, count in _bounded(job.child_states)
    )
    if job.message or job.category.lower() not in ("", SUCCESS):
        status = (("message_category", mask(job.category)), ("status_message", mask(job.message)))
        samples.append(Sample(f"{prefix}_status_info", status, 1))
    return Group(labels, tuple(samples))


def tally_group(kind: Kind, tally: Tally, ledger: Ledger) -> Group:
    """Make the samples that count the jobs of one vault and resource type."""
    where = (("vault_name", tally.vault_name), ("resource_type", tally.resource_type))
    labels = (*aws_labels(ledger, tally.account_id), *where)
    total = f"{kind.fleet_prefix}_finished_total"
    return Group(
        labels,
        (
            *(
                Sample(kind.fleet_prefix, (("state", state),), count)
                for state, count in tally.in_window.items()
            ),
            *(Sample(total, (("state", state),), count) for state, count in tally.finished_total.items()),
        ),
    )


def exporter_group(ledger: Ledger, mask: Callable[[str], str] = str) -> Group:
    """Make the samples that tell how the exporter itself fares in one scope; codes are masked."""
    return Group(
        scope_labels(ledger),
        (
            *(sample for name, health in ledger.health().items() for sample in _health_samples(name, health)),
            *_call_samples(ledger),
            *(sample for kind in ledger.kinds for sample in _store_samples(kind, ledger)),
            *(
                Sample(JOB_ERRORS.name, (("job_id", job_id), ("code", mask(fault.code))), 1)
                for job_id, fault in ledger.configured.faults_in(ledger.scope.region).items()
            ),
        ),
    )


def dropped_group(left_out: Mapping[str, int], ledger: Ledger) -> Group:
    """Make the samples that tell of how many things there are no series."""
    return Group(
        scope_labels(ledger),
        tuple(Sample(ITEMS_DROPPED.name, (("kind", kind),), count) for kind, count in left_out.items()),
    )


def _health_samples(collector: str, health: Health) -> Iterator[Sample]:
    labels = (("collector", collector),)
    yield Sample(UP.name, labels, int(health.up))
    if health.last_success is not None:
        yield Sample(LAST_REFRESH.name, labels, health.last_success)


def _call_samples(ledger: Ledger) -> Iterator[Sample]:
    for (operation, code), count in ledger.calls().items():
        yield Sample(API_REQUESTS.name, (("operation", operation), ("code", code)), count)
    for operation, count in ledger.malformed().items():
        yield Sample(MALFORMED_VALUES.name, (("operation", operation),), count)


def _store_samples(kind: Kind, ledger: Ledger) -> Iterator[Sample]:
    with ledger.open(kind) as store:
        active, finished, dropped = store.active_count, store.finished_count, store.dropped_count
    label = ("kind", kind.name)
    yield Sample(JOBS_KNOWN.name, (label, ("phase", "active")), active)
    yield Sample(JOBS_KNOWN.name, (label, ("phase", "finished")), finished)
    yield Sample(JOBS_DROPPED.name, (label,), dropped)


def _bounded(child_states: Sequence[tuple[str, Number]]) -> Sequence[tuple[str, Number]]:
    """Give the counts of the first states, and of all others together."""
    if len(child_states) <= MOST_STATES:
        return child_states
    others = sum(count for _, count in child_states[MOST_STATES:])
    return (*child_states[:MOST_STATES], (OTHER, others))
