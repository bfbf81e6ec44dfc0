"""Builds the exporter for a configuration, and rebuilds it when that or an organization changes."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exporter.assembly.dependencies import Dependencies
from exporter.assembly.ledger_directory import LedgerDirectory
from exporter.assembly.monitored_target import MonitoredTarget, Shared, monitor
from exporter.assembly.target_settings import all_settings
from exporter.aws import MAX_CONCURRENT_CALLS, Clients
from exporter.config import Config
from exporter.exposition import Exposition, ScopeSeries, Telemetry
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Account, Scope
from exporter.refresh import Refresher
from exporter.runtime import WorkerPool

log = logging.getLogger(__name__)

SLOW_CALL_THRESHOLD = 0.25  # seconds after which a call to AWS no longer counts against the limit


@dataclass(frozen=True)
class Exporter:
    """The exporter for one configuration, ready to run."""

    config: Config
    targets: tuple[MonitoredTarget, ...]
    refresher: Refresher
    exposition: Exposition
    calls: WorkerPool

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The targets and Regions, including members of organizations."""
        scopes = (scope for target in self.targets for scope in target.scopes)
        return tuple(one.ledger.scope for one in scopes if one.series.published_with == one.ledger.scope)

    @property
    def ledgers(self) -> tuple[Ledger, ...]:
        """The state of each target and Region, and of each account known only from its organization.

        Accounts of an organization that is not refreshed are left out: what is known of them may be outdated.
        """
        return tuple(_ledgers(self.targets))

    def stop(self) -> None:
        """Start no more work, and let the threads end when they have finished."""
        self.refresher.stop()
        self.calls.stop()


class Assembler:
    """Builds the exporter for a configuration, and rebuilds it for each new one.

    Args:
        telemetry: the exporter's own metrics, which outlive a reload.
        dependencies: clocks, sleep and credentials.
        on_demand: whether to refresh only the targets and Regions that are scraped.

    Attributes:
        on_members: called when the exporter has to be built again because the members of an organization
            have changed.
    """

    def __init__(self, telemetry: Telemetry, dependencies: Dependencies, *, on_demand: bool = False) -> None:
        self.on_members: Callable[[], object] = lambda: None
        self._telemetry = telemetry
        self._dependencies = dependencies
        self._clients = Clients()
        owners = AccountOwners()
        self._ledgers = LedgerDirectory(owners)
        self._organization_owners = AccountOwners()
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
        self._shared = Shared(
            telemetry,
            dependencies,
            self._calls,
            owners,
            self._organization_owners,
            self._ledgers,
            self._set_accounts,
            on_demand,
        )
        self._targets: tuple[MonitoredTarget, ...] = ()
        self._accounts: dict[str, tuple[Account, ...]] = {}
        self._lock = threading.Lock()

    def assemble(self, config: Config) -> Exporter:
        """Build the exporter for a configuration. Targets whose settings did not change are reused.

        Makes no call to AWS, unless the refresher has been started.
        """
        with self._lock:
            return self._assemble(config)

    def _assemble(self, config: Config) -> Exporter:
        profiles = self._dependencies.profiles(config.api, self._clients)
        previous = {target.settings.target.name: target for target in self._targets}
        targets: dict[str, MonitoredTarget] = {}
        for settings in all_settings(config, profiles, self._accounts):
            name = settings.target.name
            existing = previous.get(name)
            if existing is None or existing.settings != settings:
                organization = targets.get(settings.source.name) if settings.source else None
                existing = monitor(
                    settings, profiles, self._shared, previous=existing, organization=organization
                )
            targets[name] = existing
        self._targets = tuple(targets.values())
        self._accounts = {name: known for name, known in self._accounts.items() if name in targets}
        self._publish_ledgers()
        self._refresher.set_scopes(scope.refresh for target in self._targets for scope in target.scopes)
        exposition = Exposition(self._series, self._telemetry, self._clients.cpu_limiter.paused)
        return Exporter(config, self._targets, self._refresher, exposition, self._calls)

    def _publish_ledgers(self) -> None:
        """Make the ledgers of targets known to each other and to organizations."""
        by_account, by_scope, organizations = {}, {}, []
        for target in self._targets:
            for scope in target.scopes:
                if target.settings.target.organization:
                    organizations.append(scope.ledger.scope)
                    continue
                by_scope[scope.ledger.scope] = scope.ledger
                if target.settings.account_id:
                    by_account[target.settings.account_id, scope.settings.region] = scope.ledger
        self._ledgers.set_ledgers(by_scope, by_account)
        self._organization_owners.set_scopes(organizations)

    def _series(self) -> tuple[ScopeSeries, ...]:
        return tuple(_series(self._targets))

    def _set_accounts(self, target_name: str, accounts: tuple[Account, ...]) -> None:
        """Record the accounts of an organization, and have the exporter rebuilt if they changed."""
        with self._lock:
            before = self._accounts.get(target_name, ())
            organization = next(
                (one for one in self._targets if one.settings.target.name == target_name), None
            )
            if organization is None or before == accounts:
                return
            self._accounts[target_name] = accounts
        known, listed = {account.id for account in before}, {account.id for account in accounts}
        for scope in organization.scopes:
            if scope.accounts:
                scope.accounts.set_accounts(accounts)
        if before:
            _log_changes(target_name, joined=listed - known, left=known - listed)
        self.on_members()


def _ledgers(targets: tuple[MonitoredTarget, ...]) -> Iterator[Ledger]:
    for target in targets:
        for scope in target.scopes:
            yield scope.ledger
            if scope.accounts and not scope.ledger.is_paused:
                yield from (ledger for _, ledger in scope.accounts.unfollowed())


def _series(targets: tuple[MonitoredTarget, ...]) -> Iterator[ScopeSeries]:
    for target in targets:
        for scope in target.scopes:
            yield scope.series
            if scope.accounts:
                yield from scope.accounts.series()


def _log_changes(target_name: str, *, joined: set[str], left: set[str]) -> None:
    for message, account_ids in (("Accounts joined", joined), ("Accounts left", left)):
        if account_ids:
            log.info(message, extra={"target": target_name, "accounts": ", ".join(sorted(account_ids))})
