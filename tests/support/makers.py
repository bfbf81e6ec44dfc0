"""Records for tests, made by hand: a job in one line, and a ledger with a page to read it from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.metric_types import Family
from exporter.exposition.scope_metrics import ItemCounts
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_changes import Changes
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Job, Number, Scope
from tests.support.harness import Clock

ACCOUNT = "123456789012"
REGION = "eu-west-1"
SCOPE = Scope("production", REGION)
NOW = 1_790_000_000.0
WINDOW = 86_400.0
HOUR = 3600.0
NOTHING: Mapping[str, Number] = {}
KEEPS_SERIES: Mapping[str, Callable[[Job], bool]] = {
    "all": lambda _: True,
    "unsuccessful": lambda job: job.state != "COMPLETED" or job.category.upper() not in ("", "SUCCESS"),
    "none": lambda _: False,
}
"""Which finished backup jobs have series, by the value of `discovery.finished_jobs`."""
TOLD_BY_OTHERS = Family("of_the_process", "gauge", "Stands for all that the process tells.", ())


def job(
    job_id: str = "a",
    state: str = "RUNNING",
    *,
    created: float | None = NOW,
    completed: float | None = None,
    account_id: str = ACCOUNT,
    vault: str = "prod",
    resource_type: str = "EBS",
    parent: str = "",
    is_parent: bool = False,
    numbers: Mapping[str, Number] = NOTHING,
    child_states: Sequence[tuple[str, Number]] = (),
    message: str = "",
    category: str = "",
    **info: str,
) -> Job:
    """Make a backup job; numbers go by the suffix of their metric, info by label."""
    times = {"created_timestamp_seconds": created, "completed_timestamp_seconds": completed}
    labels = {
        "resource_type": resource_type,
        "vault_name": vault,
        "parent_job_id": parent,
        "is_parent": str(is_parent).lower(),
        **info,
    }
    values = {**times, **numbers}
    return Job(
        kind="backup",
        id=job_id,
        state=state,
        finished=state in BACKUP.terminal,
        account_id=account_id,
        created=created,
        completed=completed,
        vault_name=vault,
        resource_type=resource_type,
        parent_id=parent,
        is_parent=is_parent,
        info=tuple(labels.get(label, "") for label, _ in BACKUP.info),
        values=tuple(values.get(gauge.suffix) for gauge in BACKUP.gauges),
        child_states=tuple(child_states),
        message=message,
        category=category,
        resource_arn=labels.get("resource_arn", ""),
        resource_name=labels.get("resource_name", ""),
    )


def store(
    *, window: float = WINDOW, since: float = NOW, pinned: Iterable[str] = (), finished_jobs: str = "all"
) -> JobStore:
    """Make an empty store of backup jobs."""
    return JobStore(
        BACKUP,
        window=window,
        since=lambda: since,
        pinned=pinned,
        keeps_series=KEEPS_SERIES[finished_jobs],
    )


def ledger(of: JobStore | None = None, *, max_jobs: int = 1000, **settings: Any) -> Ledger:
    """Make a ledger with one store; settings are those of Ledger."""
    return Ledger(SCOPE, [of or store()], max_jobs=max_jobs, **settings)


def counts(of: JobStore, now: float = NOW) -> dict[str, int]:
    """Count the jobs of the window by state, zeros left out, all vaults together."""
    found: dict[str, int] = {}
    for tally in of.tallies(now):
        for state, count in tally.in_window.items():
            if count:
                found[state] = found.get(state, 0) + count
    return found


def finished(of: JobStore, now: float = NOW) -> dict[str, int]:
    """Count the jobs that finished since the start, zeros left out, all vaults together."""
    found: dict[str, int] = {}
    for tally in of.tallies(now):
        for state, count in tally.finished_total.items():
            if count:
                found[state] = found.get(state, 0) + count
    return found


def final_ids(changes: Changes) -> set[str]:
    """Name the jobs that were reported as final."""
    return set(changes.final)


class FixedTelemetry(Telemetry):
    """Tells the same of the process whenever it is asked."""

    def lines(self, names: Iterable[str] = ()) -> Iterator[tuple[Family, bytes]]:
        """Give one metric with one sample, unless other names are asked for."""
        wanted = set(names)
        if not wanted or TOLD_BY_OTHERS.name in wanted:
            yield TOLD_BY_OTHERS, b"of_the_process 1\n"


@dataclass
class Written:
    """One scope from its ledger to its bytes, and the clock that moves it."""

    clock: Clock
    ledger: Ledger
    exposition: Exposition

    def enter(self, *jobs: Job, described: bool = True) -> None:
        """Enter what AWS told of some jobs."""
        with self.ledger.open(BACKUP) as of:
            for told in jobs:
                of.update(told, self.clock(), described=described)

    def roll(self) -> None:
        """Let go of what left the window."""
        with self.ledger.open(BACKUP) as of:
            of.expire(self.clock())

    def text(self, form: Form = Form(), names: Iterable[str] = ()) -> bytes:  # noqa: B008 - immutable
        """Write the scope's series."""
        return self.exposition.write(form, scope=self.ledger.scope, names=frozenset(names))


def item_counts(of: Ledger) -> ItemCounts:
    """Count the items of a ledger as they are published."""
    jobs = {}
    for kind in of.kinds:
        with of.read(kind) as store:
            jobs[kind.name] = store.numbers()
    return ItemCounts(jobs, of.left_out(), with_zeros=bool(of.health()))


def written(of: Ledger | None = None) -> Written:
    """Make one scope that can be entered and written."""
    clock = Clock(NOW)
    made = of or ledger()
    series = [ScopeSeries(made, clock)]
    return Written(clock, made, Exposition(lambda: series, FixedTelemetry()))


def with_configured(job_ids: Iterable[str], *, since: float = NOW, **settings: Any) -> Ledger:
    """Make a ledger whose target names some job ids."""
    ids = ConfiguredIds(job_ids)
    return ledger(store(since=since, pinned=ids), configured=ids, **settings)
