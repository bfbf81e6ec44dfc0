"""Runs every collector of every scope when a scrape asks: single flight, isolation, health.

A scope that is being refreshed already is not asked again: whoever comes meanwhile shares that refresh.
One that outlives the scrape which began it goes on, and serves the next.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from itertools import count

from exporter.aws import AwsError, OverBudgetError
from exporter.collectors import Collector
from exporter.ledger import Ledger
from exporter.model import Fault, Health, Scope

log = logging.getLogger(__name__)

FIRST_PAUSE = 5.0  # seconds before catching up is tried again after a failure; doubles up to the longest
LONGEST_PAUSE = 60.0


class ScopeRefresh:
    """Refreshes one scope.

    Args:
        ledger: where the collectors enter what they learn, and their health.
        collectors: run one after the other.
        clock: seconds since 1970.
        absorb: called while catching up, so that what was learned can be rendered and let go.
    """

    def __init__(
        self,
        ledger: Ledger,
        collectors: Sequence[Collector],
        *,
        clock: Callable[[], float],
        absorb: Callable[[], None],
    ) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._collectors = collectors
        self._clock = clock
        self._absorb = absorb

    def refresh(self) -> None:
        """Run each collector once; a failure of one hides no other."""
        for collector in self._collectors:
            fault = self._failure_of(collector.refresh, collector.name)
            self._take_note(collector.name, fault)

    def catch_up(self, stop: threading.Event) -> None:
        """Take in what was there before the start, trying again until all is in or `stop` is set."""
        pause = FIRST_PAUSE
        while not stop.is_set() and not self._catch_up_once(stop):
            stop.wait(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def refresh_completely(self) -> None:
        """Take in all there is to know, once; what fails is not tried again."""
        self.refresh()
        if self._catch_up_once(threading.Event()):
            self.refresh()

    def _catch_up_once(self, stop: threading.Event) -> bool:
        complete = True
        for collector in self._collectors:
            fault = self._failure_of(partial(self._take_steps, collector, stop), collector.name)
            if fault:
                complete = False
                self._take_note(collector.name, fault)
        return complete

    def _take_steps(self, collector: Collector, stop: threading.Event) -> None:
        while not stop.is_set() and collector.catch_up():
            self._absorb()

    def _failure_of(self, work: Callable[[], None], collector: str) -> Fault | None:
        try:
            work()
        except AwsError as error:
            return error.fault
        except OverBudgetError:
            return Fault("budget", "the request budget was spent", "raise api.requests_per_second")
        except Exception as error:
            log.exception("the exporter has a bug", extra=self._where(collector))
            return Fault("bug", f"{type(error).__name__}: {error}", "please report it with the log")
        return None

    def _take_note(self, collector: str, fault: Fault | None) -> None:
        """Keep the health; say it in the log once, when it changes."""
        before = self._ledger.health()[collector]
        if fault:
            health = replace(before, up=False, fault=fault)
            if not before.fault or before.fault.code != fault.code:
                details = {"code": fault.code, "reason": fault.message, "remedy": fault.remedy}
                log.error("cannot refresh", extra=self._where(collector) | details)
        else:
            health = Health(up=True, last_success=self._clock())
            if before.fault:
                log.info("refreshing works again", extra=self._where(collector))
        self._ledger.set_health(collector, health)

    def _where(self, collector: str) -> dict[str, str]:
        return {"target": self.scope.target, "aws_region": self.scope.region, "collector": collector}


class Refresher:
    """Refreshes all scopes side by side.

    Args:
        scopes: what to refresh.
        clock: seconds on a clock that never goes back.
        observe: told how long each refresh of everything took, in seconds.
    """

    def __init__(
        self,
        scopes: Iterable[ScopeRefresh],
        *,
        clock: Callable[[], float],
        observe: Callable[[float], None],
    ) -> None:
        self._scopes = {scope.scope: scope for scope in scopes}
        self._clock = clock
        self._observe = observe
        # A thread for each scope, so that one whose AWS hangs holds up no other.
        self._leaders = ThreadPoolExecutor(max(1, len(self._scopes)), thread_name_prefix="refresh")
        self._flights: dict[Scope, Future[None]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to refresh, and then to catch up, before anybody asks."""
        for scope, first_refresh in zip(self._scopes.values(), self.refresh(), strict=True):
            catching_up = threading.Thread(
                target=self._catch_up_after, args=(scope, first_refresh), name="catch-up", daemon=True
            )
            catching_up.start()

    def refresh(self, only: Scope | None = None) -> list[Future[None]]:
        """Begin to refresh every scope, or one, unless that is under way. Returns what to wait for."""
        began = self._clock()
        wanted = [self._scopes[only]] if only else list(self._scopes.values())
        with self._lock:
            new = [scope for scope in wanted if scope.scope not in self._flights]
            for scope in new:
                self._flights[scope.scope] = self._leaders.submit(self._fly, scope)
            flights = [self._flights[scope.scope] for scope in wanted]
        if new and not only:
            self._observe_when_done(flights, began)
        return flights

    def refresh_completely(self) -> None:
        """Take in all there is to know of every scope, once, and wait for it."""
        wait([self._leaders.submit(scope.refresh_completely) for scope in self._scopes.values()])

    def stop(self) -> None:
        """Begin nothing more. What is under way is left to end by itself."""
        self._stop.set()
        self._leaders.shutdown(wait=False, cancel_futures=True)

    def _fly(self, scope: ScopeRefresh) -> None:
        try:
            scope.refresh()
        finally:
            with self._lock:
                del self._flights[scope.scope]

    def _catch_up_after(self, scope: ScopeRefresh, first_refresh: Future[None]) -> None:
        wait([first_refresh])
        scope.catch_up(self._stop)

    def _observe_when_done(self, flights: Sequence[Future[None]], began: float) -> None:
        still_out = count(len(flights) - 1, -1)

        def landed(_: Future[None]) -> None:
            if next(still_out) == 0:
                self._observe(self._clock() - began)

        for flight in flights:
            flight.add_done_callback(landed)
