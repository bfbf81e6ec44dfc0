"""Runs every collector of every scope when a scrape asks: single flight, isolation, health.

What is being refreshed already is not asked again: whoever comes meanwhile shares that refresh.
One that outlives the scrape which began it goes on, and serves the next.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from itertools import count

from exporter.aws import AwsError, OverBudgetError
from exporter.collectors import Collector, SlowCollector
from exporter.ledger import Ledger
from exporter.model import Fault, Health, Scope

log = logging.getLogger(__name__)

PACE = 300.0  # seconds between two refreshes of what rarely changes
PACE_AFTER_FAILURE = 55.0  # such a refresh that failed is tried again within a minute
LOOK_EVERY = 5.0  # seconds between two looks at whether one is due
FIRST_PAUSE = 5.0  # seconds before catching up is tried again after a failure; doubles up to the longest
LONGEST_PAUSE = 60.0


class ScopeRefresh:
    """Refreshes one scope.

    Args:
        ledger: where the collectors enter what they learn, and their health.
        collectors: run on each scrape.
        slow: run at a pace of their own, in the background.
        clock: seconds since 1970.
        absorb: called while catching up, so that what was learned can be rendered and let go.
    """

    def __init__(
        self,
        ledger: Ledger,
        collectors: Sequence[Collector],
        slow: Sequence[SlowCollector] = (),
        *,
        clock: Callable[[], float],
        absorb: Callable[[], None],
    ) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._collectors = collectors
        self._slow = slow
        self._due = dict.fromkeys((collector.name for collector in slow), -math.inf)
        self._clock = clock
        self._absorb = absorb
        self._said: set[str] = set()
        self._lock = threading.Lock()

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """Those to run on each scrape; side by side, so that one which fails or hangs holds up no other."""
        return tuple(self._collectors)

    def refresh(self, collector: Collector) -> None:
        """Run one collector once."""
        self._take_note(collector.name, self._failure_of(collector.refresh, collector.name))

    def refresh_slow(self) -> None:
        """Run each slow collector that is due."""
        for collector in self._slow:
            if self._clock() >= self._due[collector.name]:
                fault = self._failure_of(collector.refresh, collector.name)
                self._take_note(collector.name, fault)
                self._due[collector.name] = self._clock() + (PACE_AFTER_FAILURE if fault else PACE)
                self._absorb()

    def go_on(self, stop: threading.Event) -> None:
        """Take in what was there before the start, and keep the slow collectors' pace, until `stop` is set.

        A collector that cannot catch up is tried again and again, and holds up no other.
        """
        complete, try_at, pause = False, -math.inf, FIRST_PAUSE
        while not stop.is_set() and (self._slow or not complete):
            self.refresh_slow()
            if not complete and self._clock() >= try_at:
                complete = self._catch_up_once(stop)
                try_at = self._clock() + pause
                pause = min(LONGEST_PAUSE, 2 * pause)
            stop.wait(LOOK_EVERY)

    def refresh_completely(self) -> None:
        """Take in all there is to know, once; what fails is not tried again."""
        for collector in self._collectors:
            self.refresh(collector)
        self.refresh_slow()
        if self._catch_up_once(threading.Event()):
            for collector in self._collectors:
                self.refresh(collector)

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
        with self._lock:
            before = self._ledger.health()
            if fault:
                known = {(said.fault.code, said.fault.remedy) for said in before.values() if said.fault}
                if (fault.code, fault.remedy) not in known:
                    self._say_fault(collector, fault)
                health = replace(before[collector], up=False, fault=fault)
            else:
                health = Health(up=True, last_success=self._clock())
            self._ledger.set_health(collector, health)
            if not fault and collector in self._said:
                self._said.remove(collector)
                log.info("refreshing works again", extra=self._where(collector))

    def _say_fault(self, collector: str, fault: Fault) -> None:
        """Say it once for all collectors that need the same remedy."""
        self._said.add(collector)
        details = {"code": fault.code, "reason": fault.message, "remedy": fault.remedy}
        log.error("cannot refresh", extra=self._where(collector) | details)

    def _where(self, collector: str) -> dict[str, str]:
        return {"target": self.scope.target, "aws_region": self.scope.region, "collector": collector}


class Refresher:
    """Refreshes all scopes side by side.

    Args:
        clock: seconds on a clock that never goes back.
        observe: told how long each refresh of everything took, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float], observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._scopes: dict[Scope, ScopeRefresh] = {}
        self._leaders = self._enough_leaders()
        self._flights: dict[tuple[ScopeRefresh, str], Future[None]] = {}
        self._backgrounds: dict[ScopeRefresh, threading.Event] = {}
        self._started = False
        self._lock = threading.Lock()

    def attend_to(self, scopes: Iterable[ScopeRefresh]) -> None:
        """Refresh these from now on. Those among them that are attended to already go on undisturbed.

        Of one that is left out nothing more is begun; what is under way ends by itself.
        """
        with self._lock:
            self._scopes = {scope.scope: scope for scope in scopes}
            self._leaders.shutdown(wait=False)
            self._leaders = self._enough_leaders()
            for left_out in self._backgrounds.keys() - set(self._scopes.values()):
                self._backgrounds.pop(left_out).set()
            started = self._started
        if started:
            self._start_new()

    def start(self) -> None:
        """Begin to refresh, and then to catch up, before anybody asks."""
        with self._lock:
            self._started = True
        self._start_new()

    def refresh(self, only: Scope | None = None) -> list[Future[None]]:
        """Begin to refresh every scope, or one, as far as that is not under way. Returns what to wait for."""
        began = self._clock()
        flights: list[Future[None]] = []
        begun = False
        with self._lock:
            wanted = [scope for scope in self._scopes.values() if only in (None, scope.scope)]
            for scope in wanted:
                for collector in scope.collectors:
                    flight = scope, collector.name
                    if flight not in self._flights:
                        self._flights[flight] = self._leaders.submit(self._fly, scope, collector)
                        begun = True
                    flights.append(self._flights[flight])
        if begun and not only:
            self._observe_when_done(flights, began)
        return flights

    def refresh_completely(self) -> None:
        """Take in all there is to know of every scope, once, and wait for it."""
        wait([self._leaders.submit(scope.refresh_completely) for scope in self._scopes.values()])

    def stop(self) -> None:
        """Begin nothing more. What is under way is left to end by itself."""
        with self._lock:
            for stop in self._backgrounds.values():
                stop.set()
            self._leaders.shutdown(wait=False, cancel_futures=True)

    def _enough_leaders(self) -> ThreadPoolExecutor:
        """Give each collector a thread, so that one whose AWS hangs holds up no other."""
        most = sum(len(scope.collectors) + 1 for scope in self._scopes.values())
        return ThreadPoolExecutor(max(1, most), thread_name_prefix="refresh")

    def _start_new(self) -> None:
        with self._lock:
            new = [scope for scope in self._scopes.values() if scope not in self._backgrounds]
            stops = {scope: threading.Event() for scope in new}
            self._backgrounds |= stops
        for scope, stop in stops.items():
            first_refresh = self.refresh(scope.scope)
            background = threading.Thread(
                target=self._go_on, args=(scope, first_refresh, stop), name="background", daemon=True
            )
            background.start()

    def _fly(self, scope: ScopeRefresh, collector: Collector) -> None:
        try:
            scope.refresh(collector)
        finally:
            with self._lock:
                del self._flights[scope, collector.name]

    def _go_on(self, scope: ScopeRefresh, first_refresh: list[Future[None]], stop: threading.Event) -> None:
        wait(first_refresh)
        scope.go_on(stop)

    def _observe_when_done(self, flights: Sequence[Future[None]], began: float) -> None:
        still_out = count(len(flights) - 1, -1)

        def landed(_: Future[None]) -> None:
            if next(still_out) == 0:
                self._observe(self._clock() - began)

        for flight in flights:
            flight.add_done_callback(landed)
