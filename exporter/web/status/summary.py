"""Summarizes a status in one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.model import BACKUP
from exporter.web.status.status import Condition, ScopeState, Status


@dataclass(frozen=True)
class Summary:
    """The sentence at the top of the page, and the alerts that apply.

    Attributes:
        condition: the condition of the exporter as a whole.
        headline: the condition in one word.
        sentence: the details.
        alerts: the alerts that fire for the same reasons; each has a section in the runbooks.
    """

    condition: Condition
    headline: str
    sentence: str
    alerts: tuple[str, ...] = ()


def summarize(status: Status) -> Summary:
    """Summarize a status."""
    if problems := dict(_problems(status)):
        condition = Condition.FAILING if status.in_condition(Condition.FAILING) else Condition.STALE
        return Summary(condition, "Unhealthy", f"{'; '.join(problems.values())}.", tuple(problems))
    if pending := status.in_condition(Condition.PENDING):
        sentence = f"{_name(pending, status, 'has', 'have')} not been refreshed yet."
        return Summary(Condition.PENDING, "Starting", sentence)
    return Summary(Condition.UP, "Healthy", f"{_name(status.up, status, 'is', 'are')} up.")


def _problems(status: Status) -> Iterator[tuple[str, str]]:
    """Yield each problem, with the alert that fires for it."""
    if failing := status.in_condition(Condition.FAILING):
        backup_jobs_failing = any(_backup_jobs_failing(state) for state in failing)
        alert = "AwsBackupTargetFailing" if backup_jobs_failing else "AwsBackupCollectorFailing"
        yield alert, _name(failing, status, "is failing", "are failing")
    if stale := status.in_condition(Condition.STALE):
        yield "AwsBackupDataStale", f"{_name(stale, status, 'is', 'are')} stale"
    if not status.reload.successful:
        yield "AwsBackupReloadFailed", "the last configuration reload failed"
    if rejected := len(status.job_id_problems):
        yield (
            "AwsBackupJobIdUnknown",
            f"AWS rejects {rejected:,} of {status.configured_ids:,} configured job ids",
        )
    if status.dropped:
        yield "AwsBackupSeriesDropped", f"{status.dropped:,} jobs have no series"


def _backup_jobs_failing(state: ScopeState) -> bool:
    """Return whether the collector of backup jobs is failing."""
    return any(
        collector.name == BACKUP.collector and collector.condition is Condition.FAILING
        for collector in state.collectors
    )


def _name(states: tuple[ScopeState, ...], status: Status, singular: str, plural: str) -> str:
    """Name a single scope or count several, followed by the verb."""
    if len(states) == 1:
        scope = states[0].scope
        place = f"{scope.target} in {scope.region}" if scope.region else f"{scope.target} (no Region)"
        return f"{place} {singular}"
    return f"{len(states):,} of {len(status.scopes):,} targets and Regions {plural}"
