"""The metrics of jobs: per job, per running job, and their number by vault, resource type and state."""

from collections.abc import Callable, Sequence
from functools import cache

from exporter.exposition.metric_types import AWS_LABELS, Family, Group, Sample, aws_labels
from exporter.ledger import MOST_STATES, OTHER, Ledger
from exporter.model import Job, Kind, Number, RunningJob, Tally, reports_issues

_GAUGE_HELP = {
    "progress_ratio": "Progress of the job, a ratio from 0 to 1 ({member} / 100).",
    "transferred_bytes": "Number of bytes transferred so far ({member}).",
    "size_bytes": "Size of the backup in bytes ({member}).",
    "child_jobs": "Number of child jobs of a composite job ({member}).",
    "created_timestamp_seconds": "Unix timestamp of the creation of the job ({member}).",
    "completed_timestamp_seconds": "Unix timestamp of the completion of the job ({member}).",
    "expected_completion_timestamp_seconds": "Unix timestamp of the expected end of the job ({member}).",
    "start_by_timestamp_seconds": "Unix timestamp at which the job expires if it has not started ({member}).",
}


@cache
def job_families(kind: Kind) -> tuple[Family, ...]:
    """Return the metrics of a single job of this kind, in the order of the exposition."""
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
def job_family_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the metrics of a single job of this kind."""
    return tuple(family.name for family in job_families(kind))


@cache
def gauge_names(kind: Kind) -> tuple[str, ...]:
    """Return the names of the metrics for `Job.values`, in the same order."""
    return tuple(f"{kind.metric_prefix}_{gauge.suffix}" for gauge in kind.gauges)


@cache
def running_families(kind: Kind) -> tuple[Family, ...]:
    """Return the metrics of a running job for `overdue_at` and `progressed_at`, if the kind has any."""
    if not kind.running_states:
        return ()
    prefix = f"{kind.metric_prefix.removesuffix('_job')}_running_job"
    labels = ("job_id", *AWS_LABELS, "resource_arn", "resource_name", "resource_type", "vault_name")
    return (
        Family(
            f"{prefix}_overdue_timestamp_seconds",
            "gauge",
            f"Unix timestamp at which the running {kind.name} job counts as overdue: one hour plus half of "
            "the expected duration after the expected end (ExpectedCompletionDate).",
            labels,
        ),
        Family(
            f"{prefix}_last_progress_timestamp_seconds",
            "gauge",
            f"Unix timestamp of the last progress of the running {kind.name} job that the exporter has seen, "
            "rounded down to five minutes; initially when it was first seen running (PercentDone, "
            "BytesTransferred).",
            labels,
        ),
    )


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


def job_group(kind: Kind, job: Job, ledger: Ledger, mask: Callable[[str], str] = str) -> Group:
    """Return the samples of one job; secrets in its message are masked."""
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
    if job.message or reports_issues(job.category):
        status = (("message_category", mask(job.category)), ("status_message", mask(job.message)))
        samples.append(Sample(f"{prefix}_status_info", status, 1))
    return Group(labels, tuple(samples))


def running_group(kind: Kind, job_id: str, job: RunningJob, ledger: Ledger) -> Group:
    """Return the samples of one running job."""
    labels = (
        ("job_id", job_id),
        *aws_labels(ledger, job.account_id),
        ("resource_arn", job.resource_arn),
        ("resource_name", job.resource_name),
        ("resource_type", job.resource_type),
        ("vault_name", job.vault_name),
    )
    values = zip(running_families(kind), (job.overdue_at, job.progressed_at), strict=True)
    return Group(
        labels, tuple(Sample(family.name, (), value) for family, value in values if value is not None)
    )


def tally_group(kind: Kind, tally: Tally, ledger: Ledger) -> Group:
    """Return the samples that count the jobs of one vault and resource type."""
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


def _bounded(child_states: Sequence[tuple[str, Number]]) -> Sequence[tuple[str, Number]]:
    """Return the counts of the first MOST_STATES states, and the sum of the others."""
    if len(child_states) <= MOST_STATES:
        return child_states
    others = sum(count for _, count in child_states[MOST_STATES:])
    return (*child_states[:MOST_STATES], (OTHER, others))
