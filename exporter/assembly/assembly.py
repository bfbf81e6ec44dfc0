"""Builds the exporter for a configuration, and rebuilds it when the configuration changes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from exporter.aws import (
    MAX_CONCURRENT_CALLS,
    BackupApi,
    Budget,
    Clients,
    Deadlines,
    OpenSession,
    Profiles,
    TargetClient,
    default_session,
    keep_keys,
    regions_of,
    shared_loader,
)
from exporter.collectors import (
    JobsCollector,
    Omissions,
    RecoveryPointsCollector,
    ResourcesCollector,
    SlowCollector,
    slow_collectors,
)
from exporter.config import Api, Config, Discovery, Limits, ResourceInventory, Target
from exporter.exposition import Exposition, ScopeSeries, Telemetry
from exporter.ledger import AccountOwners, ConfiguredIds, JobStore, Ledger, Resources
from exporter.model import BACKUP, KINDS, Job, Kind, Rule, Scope, account_in_arn, longest_gap
from exporter.refresh import Refresher, ScopeRefresh
from exporter.runtime import Clock, Secrets, WorkerPool

SLOW_CALL_THRESHOLD = 0.25  # seconds after which a call to AWS no longer counts against the limit


@dataclass(frozen=True)
class Exporter:
    """The exporter for one configuration, ready to run."""

    config: Config
    ledgers: tuple[Ledger, ...]
    refresher: Refresher
    exposition: Exposition
    calls: WorkerPool

    def stop(self) -> None:
        """Start no more work, and let the threads end when they have finished."""
        self.refresher.stop()
        self.calls.stop()


@dataclass(frozen=True)
class Dependencies:
    """External resources of the exporter: clocks, sleep and credentials.

    Attributes:
        open_session: opens a new botocore session for a profile.
        clock: the current time.
        steady: seconds on a monotonic clock.
        sleep: waits the given number of seconds.
        deadlines: aborts calls to AWS that exceed their deadline.
        secrets: values to mask in all text that leaves the process.
    """

    open_session: OpenSession
    clock: Clock = field(default_factory=lambda: Clock(time.time, time.monotonic))
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    deadlines: Deadlines = field(default_factory=Deadlines)
    secrets: Secrets = field(default_factory=Secrets)

    def profiles(self, api: Api, clients: Clients) -> Profiles:
        """Return the AWS profiles for a configuration."""
        return Profiles(
            api,
            self.open_session,
            clients,
            deadlines=self.deadlines,
            clock=self.clock,
            steady=self.steady,
            on_new_credentials=partial(keep_keys, self.secrets),
        )


def default_dependencies(secrets: Secrets) -> Dependencies:
    """Use the clocks of the machine and the default AWS credential chain; its secrets are masked."""
    return Dependencies(
        open_session=partial(default_session, loader=shared_loader(), secrets=secrets), secrets=secrets
    )


@dataclass(frozen=True)
class _TargetSettings:
    """All settings that determine how one target is monitored."""

    target: Target
    regions: tuple[str, ...]
    discovery: Discovery
    collectors: tuple[str, ...]
    inventory: ResourceInventory
    api: Api
    limits: Limits
    expected: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class _MonitoredTarget:
    """The components that monitor one target, in each of its Regions."""

    settings: _TargetSettings
    ledgers: tuple[Ledger, ...]
    series: tuple[ScopeSeries, ...]
    scopes: tuple[ScopeRefresh, ...]


class Assembler:
    """Builds the exporter for a configuration, and rebuilds it for each new one.

    Args:
        telemetry: the exporter's own metrics, which outlive a reload.
        dependencies: clocks, sleep and credentials.
    """

    def __init__(self, telemetry: Telemetry, dependencies: Dependencies) -> None:
        self._telemetry = telemetry
        self._dependencies = dependencies
        self._clients = Clients()
        self._owners = AccountOwners()
        self._calls = WorkerPool(
            "call",
            MAX_CONCURRENT_CALLS,
            dependencies.steady,
            patience=SLOW_CALL_THRESHOLD,
            per_key=MAX_CONCURRENT_CALLS,
            busy=self._clients.cpu_limiter.is_contended,
        )
        self._refresher = Refresher(
            clock=dependencies.steady,
            observe=telemetry.observe_refresh,
            busy=self._clients.cpu_limiter.is_contended,
        )
        self._targets: tuple[_MonitoredTarget, ...] = ()

    def assemble(self, config: Config) -> Exporter:
        """Build the exporter for a configuration. Targets whose settings did not change are reused.

        Makes no call to AWS, unless the refresher has been started.
        """
        profiles = self._dependencies.profiles(config.api, self._clients)
        previous = {monitored.settings.target.name: monitored for monitored in self._targets}
        targets = []
        for target in config.targets:
            settings = _target_settings(config, target, profiles)
            existing = previous.get(target.name)
            unchanged = existing is not None and existing.settings == settings
            targets.append(existing if existing and unchanged else self._monitor(settings, profiles))
        self._targets = tuple(targets)
        ledgers = tuple(ledger for monitored in targets for ledger in monitored.ledgers)
        self._owners.set_scopes(ledger.scope for ledger in ledgers)
        self._refresher.set_scopes(scope for monitored in targets for scope in monitored.scopes)
        series = [scope_series for monitored in targets for scope_series in monitored.series]
        exposition = Exposition(series, self._telemetry, self._clients.cpu_limiter.paused)
        return Exporter(config, ledgers, self._refresher, exposition, self._calls)

    def _monitor(self, settings: _TargetSettings, profiles: Profiles) -> _MonitoredTarget:
        client = TargetClient(settings.target, settings.regions[0], profiles)
        configured = ConfiguredIds(settings.target.job_ids)
        ledgers = tuple(
            _ledger(settings, region, expected, configured, self._dependencies)
            for region, expected in zip(settings.regions, settings.expected, strict=True)
        )
        series = tuple(
            ScopeSeries(ledger, self._dependencies.clock, self._dependencies.secrets.mask)
            for ledger in ledgers
        )
        scopes = tuple(
            self._scope(settings, client, ledger, scope_series)
            for ledger, scope_series in zip(ledgers, series, strict=True)
        )
        return _MonitoredTarget(settings, ledgers, series, scopes)

    def _scope(
        self, settings: _TargetSettings, client: TargetClient, ledger: Ledger, series: ScopeSeries
    ) -> ScopeRefresh:
        clock = self._dependencies.clock
        api = _api(settings.api, client, ledger, self._telemetry, self._dependencies)
        jobs = [
            JobsCollector(
                kind,
                api,
                ledger,
                discovery=settings.discovery,
                lookback=_lookback(settings),
                configured=_configured(kind, ledger.configured),
                owners=self._owners,
                clock=clock,
                steady=self._dependencies.steady,
                calls=self._calls,
                render=series.update,
            )
            for kind in ledger.kinds
        ]
        slow = self._slow_collectors(settings, api, ledger)
        return ScopeRefresh(
            ledger, jobs, slow, clock=clock, steady=self._dependencies.steady, render=series.update
        )

    def _slow_collectors(
        self, settings: _TargetSettings, api: BackupApi, ledger: Ledger
    ) -> list[SlowCollector]:
        """Give the collectors of what rarely changes, in the order in which they run."""
        slow = slow_collectors(
            api,
            ledger,
            discovery=settings.discovery,
            inventory=settings.inventory,
            owners=self._owners,
            ledger_of=self._ledger_of,
            clock=self._dependencies.clock,
        )
        return [collector for collector in slow if collector.name in settings.collectors]

    def _ledger_of(self, account_id: str, region: str) -> Ledger | None:
        """Give the ledger of an account and Region, if one of the targets turned out to be that."""
        scope = self._owners.find(account_id, region)
        ledgers = (ledger for monitored in self._targets for ledger in monitored.ledgers)
        return next((ledger for ledger in ledgers if ledger.scope == scope), None)


def _target_settings(config: Config, target: Target, profiles: Profiles) -> _TargetSettings:
    regions = regions_of(target, profiles)
    return _TargetSettings(
        target=target,
        regions=regions,
        discovery=config.discovery,
        collectors=config.enabled_collectors,
        inventory=config.inventory,
        api=config.api,
        limits=config.limits,
        expected=tuple(config.expected_in(target, region) for region in regions),
    )


def _lookback(settings: _TargetSettings) -> float:
    """Return how far back to list jobs, in seconds: beyond the window only for the facts about resources."""
    return settings.discovery.lookback if _follows_resources(settings) else settings.discovery.window


def _follows_resources(settings: _TargetSettings) -> bool:
    return not {ResourcesCollector.name, RecoveryPointsCollector.name}.isdisjoint(settings.collectors)


def _keeps_series(kind: Kind, finished_jobs: str) -> Callable[[Job], bool]:
    """Return which finished jobs have series of their own."""
    match finished_jobs:
        case "unsuccessful":
            return lambda job: not kind.succeeded_without_issues(job)
        case "none":
            return lambda _: False
    return lambda _: True


def _configured(kind: Kind, configured: ConfiguredIds) -> ConfiguredIds:
    """Return the configured ids of a kind; only backup jobs have any."""
    return configured if kind is BACKUP else ConfiguredIds()


def _ledger(
    settings: _TargetSettings,
    region: str,
    expected: Mapping[str, float],
    configured: ConfiguredIds,
    dependencies: Dependencies,
) -> Ledger:
    target = settings.target
    account_id = account_in_arn(target.role_arn or "")
    stores = [
        JobStore(
            kind,
            window=settings.discovery.window,
            since=lambda: dependencies.clock.started,
            pinned=_configured(kind, configured),
            keeps_series=_keeps_series(kind, settings.discovery.finished_jobs),
        )
        for kind in KINDS
        if kind.collector in settings.collectors
    ]
    resources = Resources(expected, partial(_interval, dependencies), account_id, awaited=settings.collectors)
    return Ledger(
        Scope(target.name, region),
        stores,
        max_jobs=settings.limits.max_jobs,
        collectors=settings.collectors,
        labels=target.labels,
        account_id=account_id,
        configured=configured,
        resources=resources if _follows_resources(settings) else None,
    )


def _interval(dependencies: Dependencies, rule: Rule) -> float | None:
    return longest_gap(rule.schedule, rule.timezone or None, dependencies.clock())


def _api(
    settings: Api, client: TargetClient, ledger: Ledger, telemetry: Telemetry, dependencies: Dependencies
) -> BackupApi:
    def meter(operation: str, code: str, seconds: float) -> None:
        ledger.count_call(operation, dependencies.secrets.mask(code))
        telemetry.observe_request(operation, seconds)

    return BackupApi(
        client,
        ledger.scope.region,
        budget=Budget(settings.requests_per_second, dependencies.steady),
        meter=meter,
        omissions=Omissions(ledger),
        clock=dependencies.steady,
        sleep=dependencies.sleep,
        on_date=partial(dependencies.clock.record_date, ledger.scope),
    )
