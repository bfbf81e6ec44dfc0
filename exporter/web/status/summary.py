"""Whether all is well, in one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.model import BACKUP
from exporter.web.status.status import Condition, ScopeState, Status


@dataclass(frozen=True)
class Verdict:
    """The sentence at the top, and where to read on.

    Attributes:
        condition: of the exporter as a whole.
        headline: the answer in a word or two.
        sentence: the rest of the sentence.
        alerts: those that fire for the same reasons; each has a section in the runbooks.
    """

    condition: Condition
    headline: str
    sentence: str
    alerts: tuple[str, ...] = ()


def verdict_on(status: Status) -> Verdict:
    """Judge a status."""
    if complaints := dict(_complaints(status)):
        condition = Condition.FAILING if status.in_condition(Condition.FAILING) else Condition.STALE
        return Verdict(condition, "Not well", f"{'; '.join(complaints.values())}.", tuple(complaints))
    if pending := status.in_condition(Condition.PENDING):
        return Verdict(Condition.PENDING, "Starting", f"{_which(pending, status, 'is', 'are')} not read yet.")
    return Verdict(Condition.UP, "All is well", f"{_which(status.up, status, 'is', 'are')} up.")


def _complaints(status: Status) -> Iterator[tuple[str, str]]:
    """Give what is not well, each with the alert that says the same."""
    if failing := status.in_condition(Condition.FAILING):
        blind = any(_is_blind(state) for state in failing)
        alert = "AwsBackupTargetFailing" if blind else "AwsBackupCollectorFailing"
        yield alert, _which(failing, status, "fails", "fail")
    if stale := status.in_condition(Condition.STALE):
        yield "AwsBackupDataStale", f"{_which(stale, status, 'is', 'are')} stale"
    if not status.reload.successful:
        yield "AwsBackupReloadFailed", "the new configuration was refused"
    if refused := len(status.job_id_problems):
        yield (
            "AwsBackupJobIdUnknown",
            f"AWS refuses {refused:,} of {status.configured_ids:,} configured job ids",
        )
    if status.dropped:
        yield "AwsBackupSeriesDropped", f"{status.dropped:,} jobs have no series"


def _is_blind(state: ScopeState) -> bool:
    """Tell whether the backup jobs themselves cannot be read."""
    return any(
        one.name == BACKUP.collector and one.condition is Condition.FAILING for one in state.collectors
    )


def _which(some: tuple[ScopeState, ...], status: Status, singular: str, plural: str) -> str:
    """Name a single scope, count several; with the verb that follows."""
    if len(some) == 1:
        scope = some[0].scope
        return f"{scope.target} in {scope.region or 'no Region'} {singular}"
    return f"{len(some):,} of {len(status.scopes):,} targets and Regions {plural}"
