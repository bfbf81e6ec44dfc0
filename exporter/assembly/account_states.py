"""Creates the state of accounts: their ledgers and rendered series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from exporter.assembly.dependencies import Dependencies
from exporter.assembly.target_settings import LedgerSettings
from exporter.exposition import ScopeSeries
from exporter.ledger import ConfiguredIds, JobStore, Ledger, Resources
from exporter.model import BACKUP, KINDS, Job, Kind, Rule, Scope, longest_gap


@dataclass(frozen=True)
class AccountState:
    """The state of one account in one Region: its ledger and its rendered series."""

    ledger: Ledger
    series: ScopeSeries


class AccountStates:
    """Creates the state of accounts.

    Args:
        dependencies: clocks and secrets.
        configured: the configured job IDs of the target.
    """

    def __init__(self, dependencies: Dependencies, configured: ConfiguredIds) -> None:
        self._dependencies = dependencies
        self._configured = configured

    def create(
        self, settings: LedgerSettings, *, followed: bool = True, published_with: Scope | None = None
    ) -> AccountState:
        """Create the state of an account.

        Args:
            settings: what it depends on.
            followed: whether the account has collectors of its own.
            published_with: the scope that publishes the account; by default its own.
        """
        clock = self._dependencies.clock
        configured = self._configured if followed else ConfiguredIds(())
        stores = [
            JobStore(
                kind,
                window=settings.discovery.window,
                since=lambda: clock.started,
                pinned=configured_ids(kind, configured),
                keeps_series=_keeps_series(kind, settings.discovery.finished_jobs),
            )
            for kind in kinds_of(settings)
        ]
        resources = Resources(
            settings.expected,
            partial(_interval, self._dependencies),
            settings.account_id,
            awaited=settings.collectors if followed else [store.kind.collector for store in stores],
        )
        return self._state(
            Ledger(
                Scope(settings.target.name, settings.region),
                stores,
                max_jobs=settings.limits.max_jobs,
                collectors=settings.collectors if followed else (),
                labels=settings.target.labels,
                account_id=settings.account_id,
                configured=configured,
                resources=resources if settings.follows_resources else None,
            ),
            published_with,
        )

    def create_without_jobs(
        self, settings: LedgerSettings, collectors: Sequence[str], *, published_with: Scope | None = None
    ) -> AccountState:
        """Create the state of an organization: the health of its collectors.

        Args:
            settings: what it depends on.
            collectors: the names of its collectors.
            published_with: the scope that publishes it; by default its own.
        """
        ledger = Ledger(
            Scope(settings.target.name, settings.region),
            (),
            max_jobs=settings.limits.max_jobs,
            collectors=collectors,
            labels=settings.target.labels,
            account_id=settings.account_id,
            resources=Resources({}, lambda _: None) if settings.follows_resources else None,
        )
        return self._state(ledger, published_with)

    def _state(self, ledger: Ledger, published_with: Scope | None = None) -> AccountState:
        clock, mask = self._dependencies.clock, self._dependencies.secrets.mask
        return AccountState(ledger, ScopeSeries(ledger, clock, mask, published_with=published_with))


def kinds_of(settings: LedgerSettings) -> tuple[Kind, ...]:
    """Return the kinds of jobs to collect."""
    return tuple(kind for kind in KINDS if kind.collector in settings.collectors)


def _keeps_series(kind: Kind, finished_jobs: str) -> Callable[[Job], bool]:
    """Return which finished jobs have series of their own."""
    match finished_jobs:
        case "unsuccessful":
            return lambda job: not kind.succeeded_without_issues(job)
        case "none":
            return lambda _: False
    return lambda _: True


def configured_ids(kind: Kind, configured: ConfiguredIds) -> ConfiguredIds:
    """Return the configured ids of a kind; only backup jobs have any."""
    return configured if kind is BACKUP else ConfiguredIds()


def _interval(dependencies: Dependencies, rule: Rule) -> float | None:
    return longest_gap(rule.schedule, rule.timezone or None, dependencies.clock())
