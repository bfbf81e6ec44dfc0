"""Builds the components that monitor one target, in each of its Regions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from exporter.assembly.account_states import AccountState, AccountStates, configured_ids, kinds_of
from exporter.assembly.dependencies import Dependencies
from exporter.assembly.ledger_directory import LedgerDirectory
from exporter.assembly.organization_ledgers import OrganizationLedgers
from exporter.assembly.target_settings import LedgerSettings, TargetSettings, expected_in_account
from exporter.aws import BackupApi, Budget, Profiles, TargetClient
from exporter.collectors import (
    AccountsCollector,
    Collector,
    JobsCollector,
    Omissions,
    OrganizationJobsCollector,
    SlowCollector,
    slow_collectors,
)
from exporter.config import Members
from exporter.exposition import ScopeSeries, Telemetry
from exporter.ledger import AccountOwners, ConfiguredIds, Ledger
from exporter.model import GLOBAL, Account, Kind, Scope
from exporter.refresh import CredentialFaults, ScopeRefresh
from exporter.runtime import WorkerPool

DEFAULT_PACE = 3600.0  # seconds between two reads of the accounts
MEMBER_PACE_FACTOR = 2.0  # members are many; the alert about stale data allows 15 minutes
ORGANIZATION_CALLS_PER_SECOND = 5.0  # AWS Organizations allows few calls; the budget shrinks if it throttles


@dataclass(frozen=True)
class MonitoredScope:
    """The components that monitor one target in one Region.

    Attributes:
        settings: those of the ledger.
        ledger, series: the state, and its rendered series.
        refresh: the collectors.
        accounts: the ledgers of accounts that are not targets, if the target is an organization.
    """

    settings: LedgerSettings
    ledger: Ledger
    series: ScopeSeries
    refresh: ScopeRefresh
    accounts: OrganizationLedgers | None = None


@dataclass(frozen=True)
class MonitoredTarget:
    """The components that monitor one target, in each of its Regions."""

    settings: TargetSettings
    client: TargetClient
    configured: ConfiguredIds
    scopes: tuple[MonitoredScope, ...]

    def scope(self, region: str) -> MonitoredScope | None:
        """Return the components for a Region."""
        return next((scope for scope in self.scopes if scope.settings.region == region), None)


@dataclass(frozen=True)
class Shared:
    """What the targets share.

    Attributes:
        telemetry: the exporter's own metrics.
        dependencies: clocks, sleep and credentials.
        calls: runs calls to AWS in parallel.
        owners: decides which target publishes an account and Region.
        organization_owners: likewise, which organization.
        ledgers: finds the ledger of the target that monitors an account and Region.
        on_accounts: called with the name of an organization's target and all its accounts.
        on_demand: whether to refresh only the targets and Regions that are scraped.
    """

    telemetry: Telemetry
    dependencies: Dependencies
    calls: WorkerPool
    owners: AccountOwners
    organization_owners: AccountOwners
    ledgers: LedgerDirectory
    on_accounts: Callable[[str, tuple[Account, ...]], None]
    on_demand: bool


def monitor(
    settings: TargetSettings,
    profiles: Profiles,
    shared: Shared,
    *,
    previous: MonitoredTarget | None,
    organization: MonitoredTarget | None,
) -> MonitoredTarget:
    """Build the components for a target. State from before a reload is kept if its settings are the same.

    Args:
        settings: the settings of the target.
        profiles: the AWS profiles.
        shared: what the targets share.
        previous: the target with the same name before the reload.
        organization: the target of the organization of which this target is a member.
    """
    return _Builder(settings, profiles, shared, previous, organization).build()


class _Builder:
    """Builds one target; the arguments are those of `monitor`."""

    def __init__(
        self,
        settings: TargetSettings,
        profiles: Profiles,
        shared: Shared,
        previous: MonitoredTarget | None,
        organization: MonitoredTarget | None,
    ) -> None:
        self._settings = settings
        self._shared = shared
        self._dependencies = shared.dependencies
        self._previous = previous
        self._organization = organization
        self._client = TargetClient(
            settings.target,
            settings.regions[0],
            profiles,
            source=organization.client if organization else None,
        )
        self._limit_cpu = profiles.clients.cpu_limiter.acquired
        self._credential_faults = CredentialFaults()
        same_ids = previous is not None and previous.settings.target.job_ids == settings.target.job_ids
        self._configured = (
            previous.configured if previous and same_ids else ConfiguredIds(settings.target.job_ids)
        )
        self._states = AccountStates(self._dependencies, self._configured)

    def build(self) -> MonitoredTarget:
        """Build all components."""
        settings = tuple(self._settings.ledgers())
        if self._settings.target.organization:
            views = [self._organization_scope(one) for one in settings] if self._lists_jobs else []
            scopes = (*views, self._accounts_scope(settings[0]))
        else:
            scopes = tuple(map(self._scope, settings))
        return MonitoredTarget(self._settings, self._client, self._configured, scopes)

    def _scope(self, settings: LedgerSettings) -> MonitoredScope:
        state = self._kept(settings) or self._taken_over(settings) or self._states.create(settings)
        ledger = state.ledger
        api = self._api(ledger, self._settings.api.requests_per_second)
        jobs = [
            JobsCollector(
                kind,
                api,
                ledger,
                discovery=settings.discovery,
                lookback=settings.lookback,
                configured=configured_ids(kind, ledger.configured),
                owners=self._shared.owners,
                clock=self._dependencies.clock,
                steady=self._dependencies.steady,
                calls=self._shared.calls,
                render=self._render(state.series),
                is_member=self._organization is not None,
                listed_by_organization=self._last_view(settings.region, kind),
            )
            for kind in ledger.kinds
        ]
        refresh = self._refresh(state, jobs, self._slow_collectors(settings, api, ledger))
        return MonitoredScope(settings, ledger, state.series, refresh)

    def _last_view(self, region: str, kind: Kind) -> Callable[[], float | None]:
        """Return when the organization's view last read the jobs of a kind; None if it did not succeed."""
        view = self._organization.scope(region) if self._organization else None
        if view is None:
            return lambda: None
        return lambda: (
            health.last_success
            if (health := view.ledger.health().get(kind.collector)) and health.up
            else None
        )

    def _organization_scope(self, settings: LedgerSettings) -> MonitoredScope:
        """Build the components that read the jobs of all accounts."""
        kinds = kinds_of(settings)
        scope = Scope(settings.target.name, settings.region)
        state = self._kept(settings) or self._states.create_without_jobs(
            settings, [kind.collector for kind in kinds]
        )
        previous = self._previous.scope(settings.region) if self._previous else None
        is_kept = previous is not None and previous.ledger is state.ledger
        accounts = previous.accounts if previous and is_kept else None
        if accounts is None:
            accounts = self._organization_ledgers(scope, settings)
        api = self._api(state.ledger, self._settings.api.requests_per_second)
        jobs = [
            OrganizationJobsCollector(
                kind,
                scope,
                api,
                accounts,
                default_account=settings.account_id,
                has_members=self._members is not None,
                discovery=settings.discovery,
                lookback=settings.lookback,
                clock=self._dependencies.clock,
                steady=self._dependencies.steady,
                calls=self._shared.calls,
            )
            for kind in kinds
        ]
        return MonitoredScope(settings, state.ledger, state.series, self._refresh(state, jobs, ()), accounts)

    def _accounts_scope(self, of_region: LedgerSettings) -> MonitoredScope:
        """Build the components that read the accounts; they are published with the first Region."""
        settings = of_region._replace(region=GLOBAL, collectors=(AccountsCollector.name,), expected={})
        state = self._kept(settings) or self._states.create_without_jobs(
            settings, settings.collectors, published_with=Scope(settings.target.name, of_region.region)
        )
        slow = [self._accounts_collector(state.ledger)]
        return MonitoredScope(settings, state.ledger, state.series, self._refresh(state, (), slow))

    @property
    def _lists_jobs(self) -> bool:
        organization = self._settings.target.organization
        return organization is not None and organization.jobs

    @property
    def _members(self) -> Members | None:
        organization = self._settings.target.organization
        return organization.members if organization else None

    def _accounts_collector(self, ledger: Ledger) -> SlowCollector:
        members = self._members
        return AccountsCollector(
            self._api(ledger, ORGANIZATION_CALLS_PER_SECOND, region=self._settings.regions[0]),
            ledger,
            owners=self._shared.organization_owners,
            pace=members.refresh if members else DEFAULT_PACE,
            needs_own_id=members is not None,
            needs_units=members is not None and bool(members.organizational_units),
            on_accounts=partial(self._shared.on_accounts, self._settings.target.name),
        )

    def _organization_ledgers(self, scope: Scope, settings: LedgerSettings) -> OrganizationLedgers:
        def create(account_id: str) -> AccountState:
            target = settings.target.model_copy(
                update={"name": f"{scope.target}/{account_id}", "job_ids": (), "role_arn": None}
            )
            own = settings._replace(
                target=target,
                account_id=account_id,
                expected=expected_in_account(settings.expected, account_id),
            )
            return self._states.create(own, followed=False, published_with=scope)

        return OrganizationLedgers(
            scope,
            create,
            ledgers=self._shared.ledgers,
            owners=self._shared.organization_owners,
        )

    def _kept(self, settings: LedgerSettings) -> AccountState | None:
        """Return the state from before the reload, if it is still valid."""
        previous = self._previous.scope(settings.region) if self._previous else None
        if previous and previous.settings == settings:
            return AccountState(previous.ledger, previous.series)
        return None

    def _taken_over(self, settings: LedgerSettings) -> AccountState | None:
        """Return what the organization has read about the account that now becomes a target."""
        view = self._organization.scope(settings.region) if self._organization else None
        state = view.accounts.take(settings.account_id) if view and view.accounts else None
        if state:
            state.ledger.add_collectors(settings.collectors)
            state.series.published_with = state.ledger.scope
        return state

    def _refresh(
        self, state: AccountState, jobs: Sequence[Collector], slow: Sequence[SlowCollector]
    ) -> ScopeRefresh:
        clock, steady = self._dependencies.clock, self._dependencies.steady
        return ScopeRefresh(
            state.ledger,
            jobs,
            slow,
            idle_refresh=self._settings.api.idle_refresh,
            pace_factor=MEMBER_PACE_FACTOR if self._organization else 1.0,
            is_member=self._organization is not None,
            on_demand=self._shared.on_demand and bool(jobs),
            credential_faults=self._credential_faults,
            clock=clock,
            steady=steady,
            render=self._render(state.series),
        )

    def _render(self, series: ScopeSeries) -> Callable[[], None]:
        """Return what renders changes while data from before the start is read."""

        def render() -> None:
            with self._limit_cpu():
                series.update()

        return render

    def _slow_collectors(
        self, settings: LedgerSettings, api: BackupApi, ledger: Ledger
    ) -> list[SlowCollector]:
        """Return the collectors of what rarely changes, in the order in which they run."""
        slow = slow_collectors(
            api,
            ledger,
            discovery=settings.discovery,
            inventory=self._settings.inventory,
            owners=self._shared.owners,
            ledger_of=self._shared.ledgers.find,
            clock=self._dependencies.clock,
        )
        return [collector for collector in slow if collector.name in settings.collectors]

    def _api(self, ledger: Ledger, calls_per_second: float, *, region: str = "") -> BackupApi:
        dependencies, telemetry = self._dependencies, self._shared.telemetry

        def meter(operation: str, code: str, seconds: float) -> None:
            ledger.count_call(operation, dependencies.secrets.mask(code))
            telemetry.observe_request(operation, seconds)

        return BackupApi(
            self._client,
            region or ledger.scope.region,
            budget=Budget(calls_per_second, dependencies.steady),
            meter=meter,
            omissions=Omissions(ledger),
            clock=dependencies.steady,
            sleep=dependencies.sleep,
            on_date=partial(dependencies.clock.record_date, ledger.scope),
            limit_cpu=self._limit_cpu,
        )
