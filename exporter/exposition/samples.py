"""Turns records into samples: names, labels and numbers, not yet rendered."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from exporter.exposition.families import Group, Sample, aws_labels, scope_labels
from exporter.exposition.metrics import (
    API_REQUESTS,
    ITEMS_DROPPED,
    JOB_ERRORS,
    JOBS_DROPPED,
    JOBS_KNOWN,
    LAST_REFRESH,
    MALFORMED_VALUES,
    UP,
    gauge_names,
)
from exporter.ledger import MOST_STATES, OTHER, Ledger
from exporter.model import Health, Job, Kind, Number, Tally

SUCCESS = "success"


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
    if job.message or job.category.lower() not in ("", SUCCESS):
        status = (("message_category", mask(job.category)), ("status_message", mask(job.message)))
        samples.append(Sample(f"{prefix}_status_info", status, 1))
    return Group(labels, tuple(samples))


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


def exporter_group(ledger: Ledger, mask: Callable[[str], str] = str) -> Group:
    """Return the samples about the exporter in one scope; secrets in codes are masked."""
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
    """Return the samples that count items without series."""
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
    """Return the counts of the first states, and the sum of all others."""
    if len(child_states) <= MOST_STATES:
        return child_states
    others = sum(count for _, count in child_states[MOST_STATES:])
    return (*child_states[:MOST_STATES], (OTHER, others))
