"""Runs every collector of every scope when a scrape asks: single flight, isolation, health.

What is being refreshed already is not asked again: whoever comes meanwhile shares that refresh.
One that outlives the scrape which began it goes on, and serves the next.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from itertools import chain, count

from exporter.aws import AwsError, OverBudgetError
from exporter.collectors import Collector, SlowCollector
from exporter.ledger import Ledger
from exporter.model import Fault, Health, Scope
from exporter.runtime import WorkerPool

log = logging.getLogger(__name__)

PACE = 300.0  # seconds between two refreshes of what rarely changes
PACE_AFTER_FAILURE = 55.0  # such a refresh that failed is tried again within a minute
LOOK_EVERY = 5.0  # seconds between two looks at whether one is due
AT_ONCE, IN_BACKGROUND_AT_ONCE = 64, 16  # collectors of all scopes together that ask AWS at the same time
FIRST_PAUSE = 5.0  # seconds before catching up is tried again after a failure; doubles up to the longest
LONGEST_PAUSE = 60.0
STALLED_AFTER = 3  # scrapes that a refresh may outlast, and the seconds; then what is published is stale
STALLED_SECONDS = 15.0
QUEUED_SECONDS = 60.0  # for which a refresh may wait for its turn, when thousands start at the same time
REMEDY_FOR_STALL = (
    "check the network path to AWS and to the source of credentials, and that the exporter gets CPU time"
)


class ScopeRefresh:
    """Refreshes one scope.

    Args:
        ledger: where the collectors enter what they learn, and their health.
        collectors: run on each scrape.
        slow: run at a pace of their own, in the background.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        absorb: called while catching up, so that what was learned can be rendered and let go.
    """

    def __init__(
        self,
        ledger: Ledger,
        collectors: Sequence[Collector],
        slow: Sequence[SlowCollector] = (),
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        absorb: Callable[[], None],
    ) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._collectors = collectors
        self._slow = slow
        self._due = dict.fromkeys((collector.name for collector in slow), -math.inf)
        self._clock = clock
        self._steady = steady
        self._absorb = absorb
        self._said: set[str] = set()
        self._cannot_catch_up: dict[str, Fault] = {}
        self._lock = threading.Lock()

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """Those to run on each scrape; side by side, so that one which fails or hangs holds up no other."""
        return tuple(self._collectors)

    def refresh(self, collector: Collector) -> None:
        """Run one collector once."""
        self._take_note(collector.name, self._failure_of(collector.refresh, collector.name))

    def refresh_completely(self) -> None:
        """Take in all there is to know, once; what fails is not tried again."""
        for collector in self._collectors:
            self.refresh(collector)
        for _ in chain(self._refresh_slow(), self._catch_up()):
            pass
        if not self._behind:
            for collector in self._collectors:
                self.refresh(collector)

    def background(self) -> Iterator[bool]:
        """Take in what was there before the start, and keep the slow collectors' pace, step by step.

        Yields whether the next step is due at once, or not for a while. A collector that cannot catch up is
        tried again and again, and holds up no other.
        """
        try_at, pause = -math.inf, FIRST_PAUSE
        while True:
            for _ in self._refresh_slow():
                yield True
            if not self._behind:
                try_at, pause = -math.inf, FIRST_PAUSE
            elif self._steady() >= try_at:
                for _ in self._catch_up():
                    yield True
                try_at = self._steady() + pause
                pause = min(LONGEST_PAUSE, 2 * pause)
            yield False

    def take_note_of_stall(self, collector: Collector, seconds: float) -> None:
        """Take note that a refresh is under way for so long that what is published is stale."""
        message = f"a refresh is under way for {seconds:.0f} s; what is published is as old as that"
        self._take_note(collector.name, Fault("stalled", message, REMEDY_FOR_STALL))

    @property
    def _behind(self) -> list[Collector]:
        """The collectors that have not taken in what was there before the start."""
        return [collector for collector in self._collectors if not collector.caught_up]

    def _refresh_slow(self) -> Iterator[None]:
        """Run each slow collector that is due."""
        for collector in self._slow:
            if self._steady() >= self._due[collector.name]:
                fault = self._failure_of(collector.refresh, collector.name)
                self._take_note(collector.name, fault)
                self._due[collector.name] = self._steady() + (PACE_AFTER_FAILURE if fault else PACE)
                self._absorb()
                yield

    def _catch_up(self) -> Iterator[None]:
        """Let each collector that is behind take step after step, until it has caught up or fails."""
        for collector in self._behind:
            fault = None
            while not (collector.caught_up or fault):
                fault = self._failure_of(partial(self._take_step, collector), collector.name)
                yield
            if fault:
                self._cannot_catch_up[collector.name] = fault
                self._take_note(collector.name, fault)

    def _take_step(self, collector: Collector) -> None:
        collector.catch_up()
        self._cannot_catch_up.pop(collector.name, None)
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
            succeeded = before[collector].last_success if fault else self._clock()
            # A refresh got through, but what came before the start cannot be read: not all is well.
            fault = fault or self._cannot_catch_up.get(collector)
            if fault:
                known = {(said.fault.code, said.fault.remedy) for said in before.values() if said.fault}
                if (fault.code, fault.remedy) not in known:
                    self._say_fault(collector, fault)
            self._ledger.set_health(collector, Health(fault is None, succeeded, fault))
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


@dataclass(slots=True)
class _Flight:
    """A refresh under way: when it was asked for, when it began, and how many scrapes came since."""

    done: Future[None]
    asked: float
    began: float | None = None
    scrapes: int = 0

    def seconds(self, now: float) -> float:
        """How long it takes, its turn not counted unless that is long in coming."""
        return now - self.asked - QUEUED_SECONDS if self.began is None else now - self.began


class Refresher:
    """Refreshes all scopes side by side.

    Args:
        clock: seconds on a monotonic clock.
        observe: told how long each refresh of everything took, in seconds.
        busy: whether more threads would only wait for the CPU.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        observe: Callable[[float], None],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._observe = observe
        self._scopes: dict[Scope, ScopeRefresh] = {}
        self._pool = WorkerPool("refresh", AT_ONCE, clock, busy=busy)
        self._background_pool = WorkerPool("background", IN_BACKGROUND_AT_ONCE, clock, busy=busy)
        self._flights: dict[tuple[ScopeRefresh, str], _Flight] = {}
        self._backgrounds: dict[ScopeRefresh, Iterator[bool]] = {}
        self._resting: set[ScopeRefresh] = set()
        self._started = False
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def attend_to(self, scopes: Iterable[ScopeRefresh]) -> None:
        """Refresh these from now on. Those among them that are attended to already go on undisturbed.

        Of one that is left out nothing more is begun; what is under way ends by itself.
        """
        with self._lock:
            self._scopes = {scope.scope: scope for scope in scopes}
            for left_out in self._backgrounds.keys() - set(self._scopes.values()):
                del self._backgrounds[left_out]
                self._resting.discard(left_out)
            started = self._started
        if started:
            self._start_new()

    def start(self) -> None:
        """Begin to refresh, and then to catch up, before anybody asks."""
        with self._lock:
            self._started = True
        self._start_new()
        threading.Thread(target=self._keep_pace, name="pace", daemon=True).start()

    def refresh(self, only: Scope | None = None) -> Future[None]:
        """Begin to refresh every scope, or one, as far as that is not under way. Done when all of it is."""
        began = self._clock()
        flights: list[Future[None]] = []
        stalled: list[tuple[ScopeRefresh, Collector, float]] = []
        begun = False
        with self._lock:
            for scope in self._scopes.values() if only is None else self._of(only):
                for collector in scope.collectors:
                    flight = self._flights.get((scope, collector.name))
                    if flight is None:
                        flight = self._take_off(scope, collector)
                        begun = True
                    elif self._is_stalled(flight):
                        stalled.append((scope, collector, began - flight.asked))
                    flights.append(flight.done)
        for scope, collector, seconds in stalled:
            scope.take_note_of_stall(collector, seconds)
        done = _when_all_are(flights)
        if begun and not only:
            done.add_done_callback(lambda _: self._observe(self._clock() - began))
        return done

    def refresh_completely(self) -> None:
        """Take in all there is to know of every scope, once, and wait for it."""
        wait([self._pool.submit(scope.refresh_completely, scope) for scope in self._scopes.values()])

    def stop(self) -> None:
        """Begin nothing more. What is under way is left to end by itself."""
        self._stop.set()
        self._pool.stop()
        self._background_pool.stop()

    def _of(self, only: Scope) -> tuple[ScopeRefresh, ...]:
        return (self._scopes[only],) if only in self._scopes else ()

    def _take_off(self, scope: ScopeRefresh, collector: Collector) -> _Flight:
        done = self._pool.submit(partial(self._fly, scope, collector), scope)
        done.add_done_callback(_report_bug)
        flight = self._flights[scope, collector.name] = _Flight(done, self._clock())
        return flight

    def _is_stalled(self, flight: _Flight) -> bool:
        """Whether too many scrapes have come in vain; scrapes that come all at once are not counted alone."""
        flight.scrapes += 1
        return flight.scrapes >= STALLED_AFTER and flight.seconds(self._clock()) >= STALLED_SECONDS

    def _start_new(self) -> None:
        with self._lock:
            new = [scope for scope in self._scopes.values() if scope not in self._backgrounds]
            self._backgrounds |= {scope: scope.background() for scope in new}
        for scope in new:
            first_refresh = self.refresh(scope.scope)
            first_refresh.add_done_callback(partial(self._go_on, scope))

    def _fly(self, scope: ScopeRefresh, collector: Collector) -> None:
        with self._lock:
            self._flights[scope, collector.name].began = self._clock()
        try:
            if self._scopes.get(scope.scope) is scope:
                scope.refresh(collector)
        finally:
            with self._lock:
                del self._flights[scope, collector.name]

    def _keep_pace(self) -> None:
        """Wake those that rest, again and again."""
        while not self._stop.wait(LOOK_EVERY):
            with self._lock:
                resting, self._resting = self._resting, set()
            for scope in resting:
                self._go_on(scope)

    def _go_on(self, scope: ScopeRefresh, _: object = None) -> None:
        step = self._background_pool.submit(partial(self._take_step, scope), scope)
        step.add_done_callback(_report_bug)

    def _take_step(self, scope: ScopeRefresh) -> None:
        background = self._backgrounds.get(scope)
        if background is None:
            return
        due_at_once = next(background, None)
        if due_at_once:
            self._go_on(scope)
        elif due_at_once is False:
            with self._lock:
                self._resting.add(scope)


def _report_bug(done: Future[None]) -> None:
    """Log what no collector should raise: nobody else looks at it."""
    if not done.cancelled() and (error := done.exception()):
        log.error("the exporter has a bug", exc_info=error)


def _when_all_are(flights: Sequence[Future[None]]) -> Future[None]:
    """Give one future that is done when all of them are, however they ended."""
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()  # whoever waits for it in vain cannot cancel it for others
    still_out = count(len(flights) - 1, -1)

    def landed(_: Future[None]) -> None:
        if next(still_out) == 0:
            done.set_result(None)

    for flight in flights:
        flight.add_done_callback(landed)
    if not flights:
        done.set_result(None)
    return done
