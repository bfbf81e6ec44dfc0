"""Puts the rooms together for one configuration."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from exporter.aws import Access, BackupApi, Budget, OpenSession, default_session, regions_of, shared_loader
from exporter.claims import Claims
from exporter.collectors.jobs import JobsCollector
from exporter.config import Config, Target
from exporter.configured import ConfiguredIds
from exporter.exposition import Exposition
from exporter.kinds import KINDS, account_in_arn
from exporter.ledger import Book, Ledger
from exporter.model import Scope
from exporter.page import Page
from exporter.refresh import Refresher, ScopeRefresh
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
    side_by_side = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="call")
    claims = Claims()
    pages: list[Page] = []
    ledgers: list[Ledger] = []
    scopes: list[ScopeRefresh] = []
    for target in config.targets:
        access = Access(target, config.api, world.open_session)
        configured = ConfiguredIds(target.job_ids)
        for region in regions_of(target, world.open_session):
            ledger = _ledger(config, target, region, configured, world)
            api = _api(config, access, ledger, telemetry, world)
            page = Page(ledger, world.clock)
            collectors = [
                JobsCollector(
                    kind,
                    api,
                    ledger,
                    discovery=config.discovery,
                    claims=claims,
                    clock=world.clock,
                    side_by_side=side_by_side,
                )
                for kind in ledger.kinds
            ]
            scopes.append(ScopeRefresh(ledger, collectors, clock=world.clock, absorb=page.update))
            pages.append(page)
            ledgers.append(ledger)
    refresher = Refresher(scopes, clock=world.steady, observe=telemetry.observe_refresh)
    return Exporter(config, tuple(ledgers), refresher, Exposition(pages, telemetry))


def _ledger(config: Config, target: Target, region: str, configured: ConfiguredIds, world: World) -> Ledger:
    books = [
        Book(kind, window=config.discovery.window, since=world.clock(), pinned=configured)
        for kind in KINDS
        if kind.collector in config.collectors
    ]
    return Ledger(
        Scope(target.name, region),
        books,
        max_jobs=config.limits.max_jobs,
        collectors=[book.kind.collector for book in books],
        labels=target.labels,
        account_id=account_in_arn(target.role_arn or ""),
        configured=configured,
    )


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
