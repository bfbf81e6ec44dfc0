"""Summarizes a status in one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.model import BACKUP
from exporter.web.status.status import WORST_FIRST, Condition, ScopeState, Status, Visibility

_NOTHING_SCRAPED = "no target and Region has been scraped within 10 minutes."


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
        verb = "has" if len(pending) == 1 else "have"
        sentence = f"{_name(pending, status)} {verb} not been refreshed yet."
        return Summary(Condition.PENDING, "Starting", sentence)
    if status.paused and not status.up:
        return Summary(Condition.PAUSED, "Paused", _NOTHING_SCRAPED)
    is_healthy = summarize_backups(status).condition is Condition.UP
    headline = "Healthy" if is_healthy else "Exporter healthy"
    sentence = f"{_name(status.up, status)} {_are(status.up)} up"
    return Summary(Condition.UP, headline, f"{'; '.join([sentence, *_paused(status)])}.")


def summarize_backups(status: Status) -> Summary:
    """Summarize how many backups need attention, or why that is not known."""
    attention, unknown = status.attention, list(_unknown(status))
    if attention.total:
        counts = "; ".join(f"{kind.title}: {count:,}" for kind, count in attention.counts.items())
        missing = "; ".join([*unknown, *_paused(status)])
        sentence = f"{counts}. This is not complete: {missing}." if missing else f"{counts}."
        condition = Condition.FAILING if attention.is_critical else Condition.STALE
        verb = "needs" if attention.total == 1 else "need"
        return Summary(condition, f"{attention.total:,} {verb} attention", sentence)
    if unknown:
        sentence = f"{'; '.join(unknown)}."
        if status.with_visibility(Visibility.FAILING):
            return Summary(Condition.FAILING, "Backups not known", sentence)
        headline = "Starting" if status.with_visibility(Visibility.READING) else "Backups not known"
        return Summary(Condition.PENDING, headline, sentence)
    if status.in_condition(Condition.FAILING) or status.in_condition(Condition.STALE):
        sentence = "none needs attention as far as is known, but some collectors have problems."
        return Summary(Condition.PENDING, "Backups partly known", sentence)
    if status.paused and not status.up:
        return Summary(Condition.PAUSED, "Backups not known", _NOTHING_SCRAPED)
    known = " in the targets and Regions that are scraped" if status.paused else ""
    return Summary(
        Condition.UP, "No backup needs attention", f"backups, copies and plans are as expected{known}."
    )


def worse_of(backups: Summary, exporter: Summary) -> Summary:
    """Return the summary for the title of the page: that of the backups, unless the exporter is worse."""
    is_worse = WORST_FIRST.index(exporter.condition) < WORST_FIRST.index(backups.condition)
    return exporter if is_worse or backups.condition is Condition.UP else backups


def _unknown(status: Status) -> Iterator[str]:
    """Yield in which scopes it is not known what needs attention, and why."""
    if failing := status.with_visibility(Visibility.FAILING):
        yield f"the backup jobs of {_name(failing, status)} cannot be read"
    if reading := status.with_visibility(Visibility.READING):
        yield f"the past jobs of {_name(reading, status)} are still being read"
    if off := status.with_visibility(Visibility.OFF):
        yield f"the collectors of {_name(off, status)} do not include backup_jobs and resources"


def _paused(status: Status) -> Iterator[str]:
    if paused := status.paused:
        yield f"{_name(paused, status)} {_are(paused)} paused"


def _problems(status: Status) -> Iterator[tuple[str, str]]:
    """Yield each problem, with the alert that fires for it."""
    if failing := status.in_condition(Condition.FAILING):
        backup_jobs_failing = any(_backup_jobs_failing(state) for state in failing)
        alert = "AwsBackupTargetFailing" if backup_jobs_failing else "AwsBackupCollectorFailing"
        yield alert, f"{_name(failing, status)} {_are(failing)} failing"
    if stale := status.in_condition(Condition.STALE):
        yield "AwsBackupDataStale", f"{_name(stale, status)} {_are(stale)} stale"
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


def _name(states: tuple[ScopeState, ...], status: Status) -> str:
    """Name a single scope or count several."""
    if len(states) == 1:
        scope = states[0].scope
        return f"{scope.target} in {scope.region}" if scope.region else f"{scope.target} (no Region)"
    return f"{len(states):,} of {len(status.scopes):,} targets and Regions"


def _are(states: tuple[ScopeState, ...]) -> str:
    return "is" if len(states) == 1 else "are"
