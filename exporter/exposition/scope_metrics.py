"""The metrics about the exporter itself, per scope: collectors, requests to AWS, limits."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from exporter.exposition.metric_types import SCOPE_LABELS, Family, Group, Sample, scope_labels
from exporter.ledger import MOST_CODES, JobNumbers, Ledger
from exporter.model import Health

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
    "Number of known jobs, including child jobs, by phase: active or finished. Excludes jobs without series "
    "because of limits.max_jobs.",
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
    "Configured job ID that does not exist or cannot be read, with the error code, always 1.",
    (*SCOPE_LABELS, "job_id", "code"),
)
SCOPE_FAMILIES = (
    UP,
    LAST_REFRESH,
    API_REQUESTS,
    MALFORMED_VALUES,
    JOBS_KNOWN,
    JOBS_DROPPED,
    ITEMS_DROPPED,
    JOB_ERRORS,
)


def exporter_group(ledger: Ledger, mask: Callable[[str], str] = str) -> Group:
    """Return the samples about collectors and requests in one scope; secrets in codes are masked."""
    return Group(
        scope_labels(ledger),
        (
            *(sample for name, health in _health(ledger).items() for sample in _health_samples(name, health)),
            *_call_samples(ledger),
            *(
                Sample(JOB_ERRORS.name, (("job_id", job_id), ("code", mask(fault.code))), 1)
                for job_id, fault in ledger.configured.faults_in(ledger.scope.region).items()
            ),
        ),
    )


class ItemCounts(NamedTuple):
    """The numbers of items with and without series in one scope.

    Attributes:
        jobs: the numbers of active and finished jobs and of those without series, by kind.
        left_out: the numbers of other items without series, by kind.
        with_zeros: whether zeros are published. A scope without collectors is one of the many accounts of an
            organization; zeros are left out there.
    """

    jobs: Mapping[str, JobNumbers]
    left_out: Mapping[str, int]
    with_zeros: bool


def items_group(counts: ItemCounts, ledger: Ledger) -> Group:
    """Return the samples that count items with and without series."""
    samples = (
        *(sample for kind, numbers in counts.jobs.items() for sample in _job_samples(kind, numbers)),
        *(Sample(ITEMS_DROPPED.name, (("kind", kind),), count) for kind, count in counts.left_out.items()),
    )
    published = tuple(sample for sample in samples if sample.value or counts.with_zeros)
    return Group(scope_labels(ledger), published)


def _health(ledger: Ledger) -> Mapping[str, Health]:
    """Return the health of the collectors; nothing if nobody asked for it."""
    return {} if ledger.is_paused else ledger.health()


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


def _job_samples(kind: str, numbers: JobNumbers) -> Iterator[Sample]:
    label = ("kind", kind)
    yield Sample(JOBS_KNOWN.name, (label, ("phase", "active")), numbers.active)
    yield Sample(JOBS_KNOWN.name, (label, ("phase", "finished")), numbers.finished)
    yield Sample(JOBS_DROPPED.name, (label,), numbers.without_series)
