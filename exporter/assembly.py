"""Puts the rooms together for one configuration."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from exporter.aws import Access, BackupApi, Budget, OpenSession, default_session, regions_of, shared_loader
from exporter.book import Book
from exporter.claims import Claims
from exporter.collectors import SlowCollector
from exporter.collectors.jobs import JobsCollector
from exporter.collectors.plans import PlansCollector
from exporter.collectors.resources import ResourcesCollector
from exporter.collectors.vaults import VaultsCollector
from exporter.config import Config, Target
from exporter.configured import ConfiguredIds
from exporter.exposition import Exposition
from exporter.kinds import BACKUP, KINDS, Kind, account_in_arn
from exporter.ledger import Ledger
from exporter.model import Rule, Scope
from exporter.page import Page
from exporter.refresh import Refresher, ScopeRefresh
from exporter.resources import Resources
from exporter.schedule import longest_gap
from exporter.telemetry import Telemetry

SIDE_BY_SIDE = 32  # calls to AWS at the same time, of all scopes together


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
        clock: seconds since 1970.
        steady: seconds on a clock that never goes back.
        sleep: waits so many seconds.
        open_session: gives a new botocore session for a target.
    """

    open_session: OpenSession
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def real_world() -> World:
    """Take the machine's clocks and the default AWS credential chain."""
    return World(open_session=partial(default_session, loader=shared_loader()))


def assemble(config: Config, telemetry: Telemetry, world: World) -> Exporter:
    """Build the exporter for a configuration. Nothing is asked of AWS yet."""
    parts = _Parts(
        config=config,
        telemetry=telemetry,
        world=world,
        claims=Claims(),
        side_by_side=ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="call"),
    )
    pages: list[Page] = []
    ledgers: list[Ledger] = []
    scopes: list[ScopeRefresh] = []
    for target in config.targets:
        access = Access(target, config.api, world.open_session)
        configured = ConfiguredIds(target.job_ids)
        for region in regions_of(target, world.open_session):
            ledger = _ledger(config, target, region, configured, world)
            page = Page(ledger, world.clock)
            scopes.append(_scope(parts, access, ledger, page))
            pages.append(page)
            ledgers.append(ledger)
    refresher = Refresher(scopes, clock=world.steady, observe=telemetry.observe_refresh)
    return Exporter(config, tuple(ledgers), refresher, Exposition(pages, telemetry))


@dataclass(frozen=True)
class _Parts:
    """What all scopes share."""

    config: Config
    telemetry: Telemetry
    world: World
    claims: Claims
    side_by_side: ThreadPoolExecutor


def _scope(parts: _Parts, access: Access, ledger: Ledger, page: Page) -> ScopeRefresh:
    config, clock = parts.config, parts.world.clock
    api = _api(config, access, ledger, parts.telemetry, parts.world)
    jobs = [
        JobsCollector(
            kind,
            api,
            ledger,
            discovery=config.discovery,
            lookback=_lookback(config, kind),
            configured=_configured(kind, ledger.configured),
            claims=parts.claims,
            clock=clock,
            side_by_side=parts.side_by_side,
        )
        for kind in ledger.kinds
    ]
    slow: tuple[SlowCollector, ...] = (
        ResourcesCollector(api, ledger, discovery=config.discovery, clock=clock),
        VaultsCollector(api, ledger),
        PlansCollector(api, ledger, clock=clock),
    )
    wanted = [collector for collector in slow if collector.name in config.collectors]
    return ScopeRefresh(ledger, jobs, wanted, clock=clock, absorb=page.update)


def _lookback(config: Config, kind: Kind) -> float:
    """How far back to read: beyond the window only what tells of resources."""
    tells_of_resources = kind.protects and ResourcesCollector.name in config.collectors
    return config.discovery.lookback if tells_of_resources else config.discovery.window


def _configured(kind: Kind, configured: ConfiguredIds) -> ConfiguredIds:
    """The configured ids are those of backup jobs."""
    return configured if kind is BACKUP else ConfiguredIds()


def _ledger(config: Config, target: Target, region: str, configured: ConfiguredIds, world: World) -> Ledger:
    books = [
        Book(
            kind,
            window=config.discovery.window,
            since=world.clock(),
            pinned=_configured(kind, configured),
        )
        for kind in KINDS
        if kind.collector in config.collectors
    ]
    return Ledger(
        Scope(target.name, region),
        books,
        max_jobs=config.limits.max_jobs,
        collectors=config.collectors,
        labels=target.labels,
        account_id=account_in_arn(target.role_arn or ""),
        configured=configured,
        resources=_resources(config, target, region, world),
    )


def _resources(config: Config, target: Target, region: str, world: World) -> Resources | None:
    if ResourcesCollector.name not in config.collectors:
        return None

    def interval_of(rule: Rule) -> float | None:
        return longest_gap(rule.schedule, rule.timezone or None, world.clock())

    return Resources(config.expected_in(target, region), interval_of, account_in_arn(target.role_arn or ""))


def _api(config: Config, access: Access, ledger: Ledger, telemetry: Telemetry, world: World) -> BackupApi:
    def meter(operation: str, code: str, seconds: float) -> None:
        ledger.count_call(operation, code)
        telemetry.observe_request(operation, seconds)

    return BackupApi(
        access,
        ledger.scope.region,
        budget=Budget(config.api.requests_per_second, world.steady),
        meter=meter,
        clock=world.steady,
        sleep=world.sleep,
    )
