"""Puts the rooms together for a configuration, and for the one that takes its place."""

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
    FrameworksCollector,
    JobsCollector,
    Omissions,
    PlansCollector,
    RecoveryPointsCollector,
    ResourcesCollector,
    RestoreTestingCollector,
    SettingsCollector,
    SlowCollector,
    VaultsCollector,
)
from exporter.config import Api, Config, Discovery, Limits, Target
from exporter.exposition import Exposition, ScopeSeries, Telemetry
from exporter.ledger import AccountOwners, ConfiguredIds, JobStore, Ledger, Resources
from exporter.model import BACKUP, KINDS, Kind, Rule, Scope, account_in_arn, longest_gap
from exporter.refresh import Refresher, ScopeRefresh
from exporter.runtime import Clock, Secrets, WorkerPool

CALL_PATIENCE = 0.25  # seconds after which a call to AWS makes room for the next


@dataclass(frozen=True)
class Exporter:
    """The exporter for one configuration, ready to run."""

    config: Config
    ledgers: tuple[Ledger, ...]
    refresher: Refresher
    exposition: Exposition


@dataclass(frozen=True)
class World:
    """What the exporter takes from outside: time, sleep, credentials.

    Attributes:
        open_session: gives a new botocore session for a profile.
        clock: the time of day.
        steady: seconds on a monotonic clock.
        sleep: waits so many seconds.
        deadlines: ends calls to AWS that take too long.
        secrets: what is secret, to be masked wherever text leaves the process.
    """

    open_session: OpenSession
    clock: Clock = field(default_factory=lambda: Clock(time.time, time.monotonic))
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    deadlines: Deadlines = field(default_factory=Deadlines)
    secrets: Secrets = field(default_factory=Secrets)

    def profiles(self, api: Api, clients: Clients) -> Profiles:
        """Give the AWS profiles for a configuration."""
        return Profiles(
            api,
            self.open_session,
            clients,
            deadlines=self.deadlines,
            clock=self.clock,
            steady=self.steady,
            on_new_credentials=partial(keep_keys, self.secrets),
        )


def real_world(secrets: Secrets) -> World:
    """Take the machine's clocks and the default AWS credential chain, whose secrets become known."""
    return World(
        open_session=partial(default_session, loader=shared_loader(), secrets=secrets), secrets=secrets
    )


@dataclass(frozen=True)
class _Setting:
    """All that decides how one target is watched."""

    target: Target
    regions: tuple[str, ...]
    discovery: Discovery
    collectors: tuple[str, ...]
    api: Api
    limits: Limits
    expected: tuple[Mapping[str, float], ...]


@dataclass(frozen=True)
class _Watched:
    """One target as it is watched: what for each of its Regions."""

    setting: _Setting
    ledgers: tuple[Ledger, ...]
    pages: tuple[ScopeSeries, ...]
    scopes: tuple[ScopeRefresh, ...]


class Assembler:
    """Builds the exporter for a configuration, and for each one that takes its place.

    Args:
        telemetry: what the exporter tells of itself, whatever the configuration.
        world: what it takes from outside.
    """

    def __init__(self, telemetry: Telemetry, world: World) -> None:
        self._telemetry = telemetry
        self._world = world
        self._clients = Clients()
        self._owners = AccountOwners()
        self._calls = WorkerPool(
            "call",
            MAX_CONCURRENT_CALLS,
            world.steady,
            patience=CALL_PATIENCE,
            per_key=MAX_CONCURRENT_CALLS,
            busy=self._clients.cpu_limiter.is_contended,
        )
        self._refresher = Refresher(
            clock=world.steady, observe=telemetry.observe_refresh, busy=self._clients.cpu_limiter.is_contended
        )
        self._watched: tuple[_Watched, ...] = ()

    def assemble(self, config: Config) -> Exporter:
        """Build the exporter for a configuration; of the one before, targets with the same settings are kept.

        Nothing is asked of AWS yet, unless the refresher was started.
        """
        profiles = self._world.profiles(config.api, self._clients)
        kept = {watched.setting.target.name: watched for watched in self._watched}
        watched = []
        for target in config.targets:
            setting = _setting(config, target, profiles)
            before = kept.get(target.name)
            watched.append(before if before and before.setting == setting else self._watch(setting, profiles))
        self._watched = tuple(watched)
        ledgers = tuple(ledger for one in watched for ledger in one.ledgers)
        self._owners.admit_only(ledger.scope for ledger in ledgers)
        self._refresher.set_scopes(scope for one in watched for scope in one.scopes)
        pages = [page for one in watched for page in one.pages]
        exposition = Exposition(pages, self._telemetry, self._clients.cpu_limiter.paused)
        return Exporter(config, ledgers, self._refresher, exposition)

    def _watch(self, setting: _Setting, profiles: Profiles) -> _Watched:
        client = TargetClient(setting.target, setting.regions[0], profiles)
        configured = ConfiguredIds(setting.target.job_ids)
        ledgers = tuple(
            _ledger(setting, region, expected, configured, self._world)
            for region, expected in zip(setting.regions, setting.expected, strict=True)
        )
        pages = tuple(ScopeSeries(ledger, self._world.clock, self._world.secrets.mask) for ledger in ledgers)
        scopes = tuple(
            self._scope(setting, client, ledger, page) for ledger, page in zip(ledgers, pages, strict=True)
        )
        return _Watched(setting, ledgers, pages, scopes)

    def _scope(
        self, setting: _Setting, client: TargetClient, ledger: Ledger, page: ScopeSeries
    ) -> ScopeRefresh:
        clock = self._world.clock
        api = _api(setting.api, client, ledger, self._telemetry, self._world)
        jobs = [
            JobsCollector(
                kind,
                api,
                ledger,
                discovery=setting.discovery,
                lookback=_lookback(setting),
                configured=_configured(kind, ledger.configured),
                owners=self._owners,
                clock=clock,
                steady=self._world.steady,
                calls=self._calls,
                render=page.update,
            )
            for kind in ledger.kinds
        ]
        slow = self._slow_collectors(setting, api, ledger)
        return ScopeRefresh(ledger, jobs, slow, clock=clock, steady=self._world.steady, render=page.update)

    def _slow_collectors(self, setting: _Setting, api: BackupApi, ledger: Ledger) -> list[SlowCollector]:
        """Give the collectors of what rarely changes, in the order in which they run."""
        clock, owners = self._world.clock, self._owners
        slow: tuple[SlowCollector, ...] = (
            VaultsCollector(api, ledger, owners=owners),
            ResourcesCollector(api, ledger, owners=owners, discovery=setting.discovery, clock=clock),
            SettingsCollector(api, ledger, owners=owners),
            PlansCollector(api, ledger, owners=owners, clock=clock),
            RestoreTestingCollector(api, ledger, owners=owners, clock=clock),
            FrameworksCollector(api, ledger, owners=owners),
            RecoveryPointsCollector(api, ledger, owners=owners, ledger_of=self._ledger_of, clock=clock),
        )
        return [collector for collector in slow if collector.name in setting.collectors]

    def _ledger_of(self, account_id: str, region: str) -> Ledger | None:
        """Give the ledger of an account and Region, if one of the targets turned out to be that."""
        scope = self._owners.find(account_id, region)
        ledgers = (ledger for watched in self._watched for ledger in watched.ledgers)
        return next((ledger for ledger in ledgers if ledger.scope == scope), None)


def _setting(config: Config, target: Target, profiles: Profiles) -> _Setting:
    regions = regions_of(target, profiles)
    return _Setting(
        target=target,
        regions=regions,
        discovery=config.discovery,
        collectors=config.collectors,
        api=config.api,
        limits=config.limits,
        expected=tuple(config.expected_in(target, region) for region in regions),
    )


def _lookback(setting: _Setting) -> float:
    """How far back to read: beyond the window only what tells about resources."""
    return setting.discovery.lookback if _follows_resources(setting) else setting.discovery.window


def _follows_resources(setting: _Setting) -> bool:
    return not {ResourcesCollector.name, RecoveryPointsCollector.name}.isdisjoint(setting.collectors)


def _configured(kind: Kind, configured: ConfiguredIds) -> ConfiguredIds:
    """The configured ids are those of backup jobs."""
    return configured if kind is BACKUP else ConfiguredIds()


def _ledger(
    setting: _Setting, region: str, expected: Mapping[str, float], configured: ConfiguredIds, world: World
) -> Ledger:
    target = setting.target
    account_id = account_in_arn(target.role_arn or "")
    stores = [
        JobStore(
            kind,
            window=setting.discovery.window,
            since=lambda: world.clock.started,
            pinned=_configured(kind, configured),
        )
        for kind in KINDS
        if kind.collector in setting.collectors
    ]
    resources = Resources(expected, partial(_interval, world), account_id, awaited=setting.collectors)
    return Ledger(
        Scope(target.name, region),
        stores,
        max_jobs=setting.limits.max_jobs,
        collectors=setting.collectors,
        labels=target.labels,
        account_id=account_id,
        configured=configured,
        resources=resources if _follows_resources(setting) else None,
    )


def _interval(world: World, rule: Rule) -> float | None:
    return longest_gap(rule.schedule, rule.timezone or None, world.clock())


def _api(
    settings: Api, client: TargetClient, ledger: Ledger, telemetry: Telemetry, world: World
) -> BackupApi:
    def meter(operation: str, code: str, seconds: float) -> None:
        ledger.count_call(operation, world.secrets.mask(code))
        telemetry.observe_request(operation, seconds)

    return BackupApi(
        client,
        ledger.scope.region,
        budget=Budget(settings.requests_per_second, world.steady),
        meter=meter,
        omissions=Omissions(ledger),
        clock=world.steady,
        sleep=world.sleep,
        hear_time=partial(world.clock.heard, ledger.scope),
    )
