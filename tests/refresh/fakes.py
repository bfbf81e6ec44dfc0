"""A refresher of scopes whose collectors are fakes: they count, fail and are active when told to."""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event

from exporter.aws import AwsError
from exporter.ledger.ledger import Ledger
from exporter.model.records import Fault, Scope
from exporter.refresh import Refresher, ScopeRefresh
from tests.support.harness import Clock

MINUTE = 60.0
PATIENCE = 30.0  # seconds until a test gives up
DENIED = Fault("AccessDeniedException", "no", "allow it")


@dataclass
class FakeCollector:
    """A collector that does as told.

    Attributes:
        is_due: whether it has anything to ask while it is not active.
        refreshed: when it was refreshed.
        steps: how often it caught up.
        left: how many steps are left to catch up.
        finds_active: whether the next step finds an active job.
        answers: unset while AWS does not answer.
        breaks: whether a refresh ends the thread that runs it.
    """

    name: str
    clock: Clock
    is_active: bool = False
    is_due: bool = True
    fault: Fault | None = None
    refreshed: list[float] = field(default_factory=list)
    steps: int = 0
    left: int = 0
    finds_active: bool = False
    answers: Event = field(default_factory=Event)
    breaks: bool = False

    def __post_init__(self) -> None:
        self.answers.set()

    @property
    def caught_up(self) -> bool:
        """Whether no step is left."""
        return self.left == 0

    def refresh(self) -> None:
        """Count, or fail."""
        self.refreshed.append(self.clock())
        self.answers.wait(PATIENCE)
        if self.breaks:
            raise KeyboardInterrupt
        if self.fault:
            raise AwsError(self.fault)

    def catch_up(self) -> bool:
        """Take a step."""
        self.steps += 1
        self.left -= 1
        self.is_active = self.is_active or self.finds_active
        return not self.caught_up


class FakeSlowCollector:
    """A slow collector that counts."""

    name = "vaults"
    pace = 300.0

    def __init__(self) -> None:
        self.refreshed = 0

    def refresh(self) -> None:
        """Count."""
        self.refreshed += 1


class Scrapes:
    """Scopes, named by their target, and a refresher that is scraped by hand.

    Attributes:
        clock: the time, which the test moves.
        backups, copies: the collectors of each scope.
        slow: the slow collector of each scope.
        scopes: the refresh of each scope.
        ledgers: the ledger of each scope.
        refresher: refreshes them.
    """

    def __init__(
        self,
        *targets: str,
        idle_refresh: float = MINUTE,
        pace_factor: float = 1.0,
        on_demand: bool = False,
        is_busy: bool = False,
        is_member: bool = False,
    ) -> None:
        self.clock = Clock()
        self.idle_refresh = idle_refresh
        self.pace_factor = pace_factor
        self.on_demand = on_demand
        self.is_member = is_member
        self.backups: dict[str, FakeCollector] = {}
        self.copies: dict[str, FakeCollector] = {}
        self.slow: dict[str, FakeSlowCollector] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.scopes: dict[str, ScopeRefresh] = {}
        self.refresher = Refresher(clock=self.clock, observe=lambda _: None, busy=lambda: is_busy)
        self.set_targets(*targets)

    def set_targets(self, *targets: str) -> None:
        """Reload: these are the targets from now on."""
        for target in targets:
            if target not in self.scopes:
                self._add(target)
        self.refresher.set_scopes(self.scopes[target] for target in targets)

    def scrape(self, target: str | None = None, *, after: float = 0.0) -> list[str]:
        """Scrape everything or one target so much later, wait, and name the targets that were refreshed."""
        self.clock.advance(after)
        before = {name: len(collector.refreshed) for name, collector in self.backups.items()}
        self.begin_scrape(target).result(PATIENCE)
        return [name for name, one in self.backups.items() if len(one.refreshed) > before.get(name, 0)]

    def begin_scrape(self, target: str | None = None) -> Future[None]:
        """Scrape everything or one target; the future is done when AWS has answered."""
        return self.refresher.refresh(Scope(target, "eu-west-1") if target else None).all

    def scrapes(self, count: int, interval: float) -> list[list[str]]:
        """Scrape regularly, so often; name the targets that each scrape refreshed."""
        return [self.scrape(after=interval) for _ in range(count)]

    def _add(self, target: str) -> None:
        self.backups[target] = FakeCollector("backup_jobs", self.clock)
        self.copies[target] = FakeCollector("copy_jobs", self.clock)
        self.slow[target] = FakeSlowCollector()
        collectors = (self.backups[target], self.copies[target])
        scope = Scope(target, "eu-west-1")
        names = [*(collector.name for collector in collectors), "vaults"]
        self.ledgers[target] = Ledger(scope, [], max_jobs=1, collectors=names)
        self.scopes[target] = ScopeRefresh(
            self.ledgers[target],
            collectors,
            [self.slow[target]],
            idle_refresh=self.idle_refresh,
            pace_factor=self.pace_factor,
            on_demand=self.on_demand,
            is_member=self.is_member,
            clock=self.clock,
            steady=self.clock,
            render=lambda: None,
        )

    def stop(self) -> None:
        """Let all calls end, and stop."""
        for collector in (*self.backups.values(), *self.copies.values()):
            collector.answers.set()
        self.refresher.stop()


def counted(scrapes: Iterable[Iterable[str]]) -> Counter[str]:
    """Count how often each target was refreshed."""
    return Counter(target for refreshed in scrapes for target in refreshed)


Start = Callable[..., Scrapes]
