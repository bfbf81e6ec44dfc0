"""The content of the status page, as frozen records computed from the ledgers; no HTML."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from exporter.config import Config
from exporter.ledger import Ledger
from exporter.model import BACKUP, Fault, Health, Kind, Reload, Scope
from exporter.runtime import Secrets, clipped, printable
from exporter.web.status.attention import AttentionList, attention_list
from exporter.web.status.numbers import Calls, Jobs

STALE_AFTER = 900.0  # seconds without a refresh; same threshold as the alert AwsBackupDataStale
HOURLY_COLLECTORS = frozenset({"recovery_points", "inventory"})
HOURLY_STALE_AFTER = 3 * 3600.0  # seconds without a refresh of these collectors
MAX_MESSAGE_LENGTH = 500  # characters

STALE = "stale"
_STALE_JOBS = Fault(
    STALE,
    "no refresh has finished for more than 15 minutes, without an error",
    "check that Prometheus scrapes this exporter at a shorter interval: each scrape refreshes the jobs",
)
_STALE_OTHERS = Fault(
    STALE,
    "no refresh has finished for more than 15 minutes, without an error",
    "check that the exporter gets enough CPU time, then restart it",
)
_STALE_HOURLY = Fault(
    STALE, "no refresh has finished for more than 3 hours, without an error", _STALE_OTHERS.remedy
)


class Condition(StrEnum):
    """The condition of a collector or a scope, from worst to best."""

    FAILING = "failing"
    STALE = "stale"
    PENDING = "pending"
    UP = "up"
    PAUSED = "paused"  # nothing scrapes it, and it is refreshed on demand


WORST_FIRST = tuple(Condition)


class Visibility(StrEnum):
    """Whether it is known which backups of a scope need attention."""

    FAILING = "failing"  # backup jobs cannot be read
    READING = "reading"  # jobs from before the start are still being read
    OFF = "off"  # a required collector is not configured
    PAUSED = "paused"  # nothing is refreshed
    COMPLETE = "complete"


@dataclass(frozen=True)
class CollectorState:
    """The state of one collector of a scope.

    Attributes:
        name: the name, as in the label `collector`.
        condition: the condition.
        last_success: time of the last successful refresh, in seconds since 1970; None if there was none.
        fault: the problem; None if there is none.
        jobs: the number of jobs; None if the collector does not collect jobs.
    """

    name: str
    condition: Condition
    last_success: float | None
    fault: Fault | None
    jobs: Jobs | None


@dataclass(frozen=True)
class ScopeState:
    """The state of one target in one Region."""

    scope: Scope
    collectors: tuple[CollectorState, ...]
    calls: Calls
    visibility: Visibility = Visibility.COMPLETE

    @cached_property
    def condition(self) -> Condition:
        """The worst condition of its collectors."""
        return min((one.condition for one in self.collectors), key=WORST_FIRST.index, default=Condition.UP)


@dataclass(frozen=True)
class Place:
    """Where a problem occurs: the scope, its collectors, the message, and the last successful refresh."""

    scope: Scope
    collectors: tuple[str, ...]
    message: str
    last_success: float | None


@dataclass(frozen=True)
class Problem:
    """A problem with one remedy, and all places where it occurs."""

    code: str
    remedy: str
    places: tuple[Place, ...]

    @property
    def condition(self) -> Condition:
        """The condition that the problem causes."""
        return Condition.STALE if self.code == STALE else Condition.FAILING


@dataclass(frozen=True)
class JobIdProblem:
    """A configured job id that AWS does not know or rejects, with the Regions that were tried."""

    target: str
    regions: tuple[str, ...]
    job_id: str
    code: str
    message: str


@dataclass(frozen=True)
class Status:
    """The state of the exporter.

    Attributes:
        version: the version of the exporter.
        now, started: current time and start time, in seconds since 1970.
        reload: the result of the last configuration reload.
        metrics_path: path of the metrics.
        requests_per_second: the request budget of each scope.
        scopes: all scopes, the worst condition first, otherwise in the order of the configuration.
        configured_ids: number of job ids in the configuration.
        job_id_problems: the problems with these job ids.
        attention: what needs attention in all scopes, as far as it is known.
        account_names: the names of accounts of organizations, by the name of the target.
    """

    version: str
    now: float
    started: float
    reload: Reload
    metrics_path: str
    requests_per_second: float
    scopes: tuple[ScopeState, ...]
    configured_ids: int
    job_id_problems: tuple[JobIdProblem, ...]
    attention: AttentionList = AttentionList()  # noqa: RUF009 - frozen
    account_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def up(self) -> tuple[ScopeState, ...]:
        """The scopes in which all collectors are up."""
        return self.in_condition(Condition.UP)

    @cached_property
    def paused(self) -> tuple[ScopeState, ...]:
        """The scopes that nothing scrapes."""
        return self.in_condition(Condition.PAUSED)

    @cached_property
    def not_up(self) -> tuple[ScopeState, ...]:
        """The scopes in which some collector should be up and is not."""
        return tuple(one for one in self.scopes if one.condition not in (Condition.UP, Condition.PAUSED))

    def in_condition(self, condition: Condition) -> tuple[ScopeState, ...]:
        """The scopes in a condition."""
        return tuple(state for state in self.scopes if state.condition is condition)

    def with_visibility(self, visibility: Visibility) -> tuple[ScopeState, ...]:
        """The scopes with this visibility."""
        return tuple(state for state in self.scopes if state.visibility is visibility)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of collectors, those of the worst scopes first."""
        places: dict[tuple[str, str], list[Place]] = {}
        for state in self.scopes:
            for (code, remedy), place in _places(state):
                places.setdefault((code, remedy), []).append(place)
        return tuple(Problem(code, remedy, tuple(found)) for (code, remedy), found in places.items())

    @cached_property
    def collectors(self) -> tuple[str, ...]:
        """The names of the enabled collectors."""
        return tuple(dict.fromkeys(one.name for state in self.scopes for one in state.collectors))

    @cached_property
    def jobs(self) -> dict[str, Jobs]:
        """The number of jobs in all scopes, by collector."""
        total: dict[str, Jobs] = {}
        for state in self.scopes:
            for one in state.collectors:
                if one.jobs:
                    total[one.name] = total.get(one.name, Jobs()) + one.jobs
        return total

    @cached_property
    def dropped(self) -> int:
        """Number of jobs of all kinds without series because of limits.max_jobs."""
        return sum(jobs.dropped for jobs in self.jobs.values())

    @cached_property
    def calls(self) -> Calls:
        """The calls of all scopes."""
        total: Counter[tuple[str, str]] = Counter()
        for state in self.scopes:
            total.update(state.calls.by_operation_and_code)
        return Calls(total)


def status_of(
    ledgers: Sequence[Ledger],
    *,
    now: float,
    started: float,
    version: str,
    reload: Reload,
    config: Config,
    metrics_path: str = "/metrics",
    secrets: Secrets,
) -> Status:
    """Compute the status from the ledgers.

    Args:
        ledgers: the ledger of every scope, in the order of the configuration.
        now: current time, in seconds since 1970.
        started: start time of the exporter, in seconds since 1970.
        version: version of the exporter.
        reload: result of the last configuration reload.
        config: the current configuration.
        metrics_path: path of the metrics.
        secrets: values to mask in messages of AWS, proxies and configuration files.
    """
    loaded = max(started, reload.succeeded_at)
    # Accounts that are known only from their organization have no collectors.
    states = [_scope_state(ledger, now, loaded, secrets) for ledger in ledgers if ledger.health()]
    return Status(
        version=version,
        now=now,
        started=started,
        reload=replace(reload, reason=_clean_lines(reload.reason, secrets)),
        metrics_path=metrics_path,
        requests_per_second=config.api.requests_per_second,
        scopes=tuple(sorted(states, key=lambda state: WORST_FIRST.index(state.condition))),
        configured_ids=len({(ledger.scope.target, one) for ledger in ledgers for one in ledger.configured}),
        job_id_problems=tuple(_job_id_problems(ledgers, secrets)),
        attention=attention_list((one for one in ledgers if not one.is_paused), now, secrets),
        account_names={
            f"{ledger.scope.target}/{account.id}": secrets.clean(account.name)
            for ledger in ledgers
            for account in ledger.inventory.accounts
        },
    )


def _scope_state(ledger: Ledger, now: float, loaded: float, secrets: Secrets) -> ScopeState:
    kinds = {kind.collector: kind for kind in ledger.kinds}
    collectors = tuple(
        _collector_state(
            name,
            health,
            _jobs(ledger, kinds[name]) if name in kinds else None,
            stale=now - (loaded if health.last_success is None else health.last_success) > _stale_after(name),
            paused=ledger.is_paused,
            secrets=secrets,
        )
        for name, health in ledger.health().items()
    )
    calls = {(operation, printable(code)): n for (operation, code), n in ledger.calls().items()}
    return ScopeState(ledger.scope, collectors, Calls(calls), _visibility(ledger, collectors))


def _visibility(ledger: Ledger, collectors: Iterable[CollectorState]) -> Visibility:
    if ledger.is_paused:
        return Visibility.PAUSED
    if ledger.scope.is_global:
        return Visibility.COMPLETE
    backups = next((one for one in collectors if one.name == BACKUP.collector), None)
    if backups is None or not ledger.follows_resources:
        return Visibility.OFF
    if backups.condition in (Condition.FAILING, Condition.STALE):
        return Visibility.FAILING
    with ledger.open_resources() as resources:
        is_read = backups.condition is Condition.UP and resources.is_history_read
    return Visibility.COMPLETE if is_read else Visibility.READING


def _collector_state(
    name: str, health: Health, jobs: Jobs | None, *, stale: bool, paused: bool, secrets: Secrets
) -> CollectorState:
    if paused:
        return CollectorState(name, Condition.PAUSED, health.last_success, None, jobs)
    if health.fault:
        fault = _clean(health.fault, secrets)
        return CollectorState(name, Condition.FAILING, health.last_success, fault, jobs)
    if stale:
        fault = _STALE_JOBS if jobs else _STALE_HOURLY if name in HOURLY_COLLECTORS else _STALE_OTHERS
        return CollectorState(name, Condition.STALE, health.last_success, fault, jobs)
    return CollectorState(
        name, Condition.UP if health.up else Condition.PENDING, health.last_success, None, jobs
    )


def _stale_after(collector: str) -> float:
    """Return after how many seconds without a refresh a collector is stale."""
    return HOURLY_STALE_AFTER if collector in HOURLY_COLLECTORS else STALE_AFTER


def _jobs(ledger: Ledger, kind: Kind) -> Jobs:
    with ledger.open(kind) as store:
        return Jobs(store.active_count, store.finished_count, store.dropped_count)


def _places(state: ScopeState) -> Iterator[tuple[tuple[str, str], Place]]:
    """Yield the problems of a scope, one for all its collectors that have the same remedy."""
    groups: dict[tuple[str, str], list[CollectorState]] = {}
    for one in state.collectors:
        if one.fault:
            groups.setdefault((one.fault.code, one.fault.remedy), []).append(one)
    for (code, remedy), found in groups.items():
        names = tuple(one.name for one in found)
        message = next(one.fault.message for one in found if one.fault)
        yield (code, remedy), Place(state.scope, names, message, _last_success(found))


def _last_success(collectors: Iterable[CollectorState]) -> float | None:
    """Return the time of the most recent successful refresh of any of the collectors."""
    return max((one.last_success for one in collectors if one.last_success is not None), default=None)


def _job_id_problems(ledgers: Iterable[Ledger], secrets: Secrets) -> Iterator[JobIdProblem]:
    found: dict[tuple[str, str], dict[str, Fault]] = {}
    for ledger in ledgers:
        for job_id, fault in sorted(ledger.configured.faults_in(ledger.scope.region).items()):
            found.setdefault((ledger.scope.target, job_id), {})[ledger.scope.region] = fault
    for (target, job_id), faults in found.items():
        fault = _clean(next(iter(faults.values())), secrets)
        yield JobIdProblem(target, tuple(faults), printable(job_id), fault.code, fault.message)


def _clean(fault: Fault, secrets: Secrets) -> Fault:
    message = clipped(secrets.clean(fault.message), MAX_MESSAGE_LENGTH)
    return Fault(secrets.clean(fault.code), message, secrets.clean(fault.remedy))


def _clean_lines(text: str, secrets: Secrets) -> str:
    return "\n".join(map(secrets.clean, text.split("\n")))
