"""What the status page tells, as frozen records read out of ledgers. No HTML."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from exporter.aws import AwsError
from exporter.config import Config
from exporter.ledger import Ledger
from exporter.model import Fault, Health, Kind, Reload, Scope
from exporter.runtime import Secrets, clipped, printable

STALE_AFTER = 900.0  # seconds without a refresh; the alert AwsBackupDataStale says the same
LONGEST_MESSAGE = 500  # characters

STALE = "stale"
_STALE_JOBS = Fault(
    STALE,
    "no refresh has ended for more than 15 minutes, and none has failed",
    "check that Prometheus scrapes this exporter, and more often than that: jobs are refreshed on a scrape",
)
_STALE_REST = Fault(
    STALE,
    "no refresh has ended for more than 15 minutes, and none has failed",
    "check that the exporter gets processor time; restart it: it reads everything again",
)


class Condition(StrEnum):
    """How something fares; the worst comes first."""

    FAILING = "failing"
    STALE = "stale"
    PENDING = "pending"
    UP = "up"


_WORST_FIRST = tuple(Condition)


@dataclass(frozen=True)
class Jobs:
    """How many jobs are known: active, finished, and finished without series because of limits.max_jobs."""

    active: int = 0
    finished: int = 0
    dropped: int = 0

    def __add__(self, other: "Jobs") -> "Jobs":
        return Jobs(self.active + other.active, self.finished + other.finished, self.dropped + other.dropped)


@dataclass(frozen=True)
class Calls:
    """How often AWS was called, retries included, by operation and by how that ended (`ok`, or a code)."""

    by_operation_and_code: Mapping[tuple[str, str], int]

    @cached_property
    def total(self) -> int:
        """All calls."""
        return sum(self.by_operation_and_code.values())

    @cached_property
    def throttled(self) -> int:
        """Those that AWS throttled."""
        return sum(n for (_, code), n in self.by_operation_and_code.items() if _is_throttling(code))

    @cached_property
    def failed(self) -> dict[str, int]:
        """Those that did not end well, by code; the most frequent first."""
        failed: Counter[str] = Counter()
        for (_, code), count in self.by_operation_and_code.items():
            if code != "ok":
                failed[code] += count
        return dict(failed.most_common())

    @cached_property
    def by_operation(self) -> dict[str, "Calls"]:
        """Each operation's own, by name."""
        parts: dict[str, dict[tuple[str, str], int]] = {}
        for (operation, code), count in sorted(self.by_operation_and_code.items()):
            parts.setdefault(operation, {})[operation, code] = count
        return {operation: Calls(part) for operation, part in parts.items()}


@dataclass(frozen=True)
class CollectorState:
    """How one collector of a scope fares.

    Attributes:
        name: as in the label `collector`.
        last_success: when it last got through, in seconds since 1970; None when it never did.
        fault: what is wrong with it; None when nothing is.
        jobs: how many it knows; None when it does not collect jobs.
    """

    name: str
    condition: Condition
    last_success: float | None
    fault: Fault | None
    jobs: Jobs | None


@dataclass(frozen=True)
class ScopeState:
    """How one target in one Region fares."""

    scope: Scope
    collectors: tuple[CollectorState, ...]
    calls: Calls

    @cached_property
    def condition(self) -> Condition:
        """That of the collector that fares worst."""
        return min((one.condition for one in self.collectors), key=_WORST_FIRST.index, default=Condition.UP)


@dataclass(frozen=True)
class Place:
    """Where a problem is: which collectors of a scope, what they were told, and when all last got through."""

    scope: Scope
    collectors: tuple[str, ...]
    message: str
    last_success: float | None


@dataclass(frozen=True)
class Problem:
    """Something that one remedy mends, with all the places where it is."""

    code: str
    remedy: str
    places: tuple[Place, ...]

    @property
    def condition(self) -> Condition:
        """How bad it is."""
        return Condition.STALE if self.code == STALE else Condition.FAILING


@dataclass(frozen=True)
class JobIdProblem:
    """A configured job id that AWS does not know or refuses, in each Region where it was looked for."""

    target: str
    regions: tuple[str, ...]
    job_id: str
    code: str
    message: str


@dataclass(frozen=True)
class Status:
    """How the exporter fares.

    Attributes:
        version: its version.
        now, started: in seconds since 1970.
        reload: how the configuration was last read.
        metrics_path: where the metrics are.
        requests_per_second: the request budget of each scope.
        scopes: those that fare worst first, otherwise as configured.
        configured_ids: how many job ids the configuration names.
        job_id_problems: what is wrong with some of these.
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

    @cached_property
    def up(self) -> tuple[ScopeState, ...]:
        """The scopes of which all is up."""
        return self.in_condition(Condition.UP)

    @cached_property
    def troubled(self) -> tuple[ScopeState, ...]:
        """The other scopes."""
        return tuple(state for state in self.scopes if state.condition is not Condition.UP)

    def in_condition(self, condition: Condition) -> tuple[ScopeState, ...]:
        """The scopes that fare so."""
        return tuple(state for state in self.scopes if state.condition is condition)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with collectors, that of the worst scopes first."""
        places: dict[tuple[str, str], list[Place]] = {}
        for state in self.scopes:
            for (code, remedy), place in _places(state):
                places.setdefault((code, remedy), []).append(place)
        return tuple(Problem(code, remedy, tuple(found)) for (code, remedy), found in places.items())

    @cached_property
    def collectors(self) -> tuple[str, ...]:
        """The names of the collectors that run."""
        return tuple(dict.fromkeys(one.name for state in self.scopes for one in state.collectors))

    @cached_property
    def jobs(self) -> dict[str, Jobs]:
        """The jobs of all scopes together, by the collector of their kind."""
        total: dict[str, Jobs] = {}
        for state in self.scopes:
            for one in state.collectors:
                if one.jobs:
                    total[one.name] = total.get(one.name, Jobs()) + one.jobs
        return total

    @cached_property
    def dropped(self) -> int:
        """How many jobs of all kinds have no series because of limits.max_jobs."""
        return sum(jobs.dropped for jobs in self.jobs.values())

    @cached_property
    def calls(self) -> Calls:
        """The calls of all scopes together."""
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
    """Read out of ledgers how the exporter fares.

    Args:
        ledgers: of every scope, as configured.
        now: seconds since 1970.
        started: when the exporter was, likewise.
        version: the exporter's.
        reload: how the configuration was last read.
        config: the configuration in force.
        metrics_path: where the metrics are.
        secrets: what to mask in whatever AWS, a proxy or a file says.
    """
    patience_ends = max(started, reload.succeeded_at) + STALE_AFTER
    states = [_scope_state(ledger, now, patience_ends, secrets) for ledger in ledgers]
    return Status(
        version=version,
        now=now,
        started=started,
        reload=replace(reload, reason=_clean_lines(reload.reason, secrets)),
        metrics_path=metrics_path,
        requests_per_second=config.api.requests_per_second,
        scopes=tuple(sorted(states, key=lambda state: _WORST_FIRST.index(state.condition))),
        configured_ids=len({(ledger.scope.target, one) for ledger in ledgers for one in ledger.configured}),
        job_id_problems=tuple(_job_id_problems(ledgers, secrets)),
    )


def _scope_state(ledger: Ledger, now: float, patience_ends: float, secrets: Secrets) -> ScopeState:
    kinds = {kind.collector: kind for kind in ledger.kinds}
    collectors = (
        _collector_state(
            name,
            health,
            _jobs(ledger, kinds[name]) if name in kinds else None,
            late=now > (patience_ends if health.last_success is None else health.last_success + STALE_AFTER),
            secrets=secrets,
        )
        for name, health in ledger.health().items()
    )
    calls = {(operation, printable(code)): n for (operation, code), n in ledger.calls().items()}
    return ScopeState(ledger.scope, tuple(collectors), Calls(calls))


def _collector_state(
    name: str, health: Health, jobs: Jobs | None, *, late: bool, secrets: Secrets
) -> CollectorState:
    if health.fault:
        fault = _clean(health.fault, secrets)
        return CollectorState(name, Condition.FAILING, health.last_success, fault, jobs)
    if late:
        fault = _STALE_JOBS if jobs else _STALE_REST
        return CollectorState(name, Condition.STALE, health.last_success, fault, jobs)
    return CollectorState(
        name, Condition.UP if health.up else Condition.PENDING, health.last_success, None, jobs
    )


def _jobs(ledger: Ledger, kind: Kind) -> Jobs:
    with ledger.open(kind) as store:
        return Jobs(store.active_count, store.finished_count, store.dropped_count)


def _places(state: ScopeState) -> Iterator[tuple[tuple[str, str], Place]]:
    """Give where in a scope something is wrong, once for all its collectors that need the same remedy."""
    alike: dict[tuple[str, str], list[CollectorState]] = {}
    for one in state.collectors:
        if one.fault:
            alike.setdefault((one.fault.code, one.fault.remedy), []).append(one)
    for (code, remedy), found in alike.items():
        names = tuple(one.name for one in found)
        message = next(one.fault.message for one in found if one.fault)
        yield (code, remedy), Place(state.scope, names, message, _since_when(found))


def _since_when(collectors: Iterable[CollectorState]) -> float | None:
    """Tell when the last of them got through for the last time."""
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
    message = clipped(secrets.clean(fault.message), LONGEST_MESSAGE)
    return Fault(secrets.clean(fault.code), message, secrets.clean(fault.remedy))


def _clean_lines(text: str, secrets: Secrets) -> str:
    return "\n".join(map(secrets.clean, text.split("\n")))


def _is_throttling(code: str) -> bool:
    return AwsError(Fault(code, "", "")).is_throttling
