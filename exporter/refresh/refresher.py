"""Runs the collectors that are due in every scope when a scrape asks.

A collector that is being refreshed is not started again: later callers share the refresh in progress.
A refresh that outlives the scrape which started it continues, and serves the next scrape.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from itertools import count

from exporter.collectors import Collector
from exporter.model import Scope
from exporter.refresh.scope_refresh import ScopeRefresh
from exporter.runtime import WorkerPool

log = logging.getLogger(__name__)

CHECK_INTERVAL = 5.0  # seconds between two checks whether a slow collector is due
MAX_SILENCE = 120.0  # seconds without such a check after which the refresher is broken
MAX_REFRESHES, MAX_IDLE, MAX_BACKGROUND = 64, 48, 48  # collectors of all scopes that run at the same time
STALLED_SCRAPES = 3  # a refresh is stalled once it outlasts so many scrapes and so many seconds
STALLED_SECONDS = 15.0
QUEUED_SECONDS = 60.0  # for which a refresh may be queued, when thousands start at the same time


@dataclass(slots=True)
class _RunningRefresh:
    """A refresh that is queued or running.

    Attributes:
        done: is done when the refresh has ended.
        requested: when it was queued.
        started: when it started to run; None while it is queued.
        scrapes: how many scrapes have waited for it since the first one.
    """

    done: Future[None]
    requested: float
    started: float | None = None
    scrapes: int = 0

    def seconds(self, now: float) -> float:
        """How long it has been running, or queued for longer than QUEUED_SECONDS."""
        return now - (self.requested + QUEUED_SECONDS if self.started is None else self.started)


@dataclass(frozen=True, slots=True)
class ScrapeRefreshes:
    """The refreshes that a scrape has started, or shares with another scrape.

    Attributes:
        active: is done when those of the scopes in which something happens have ended, also scopes that have
            not been read before and those that failed.
        all: is done when all have ended.
    """

    active: Future[None]
    all: Future[None]


class Refresher:
    """Refreshes all scopes in parallel.

    Args:
        clock: seconds on a monotonic clock.
        observe: called with the duration of each refresh of all scopes, in seconds.
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
        self._pool = WorkerPool("refresh", MAX_REFRESHES, clock, busy=busy)
        # Pools of their own: thousands of idle scopes must not delay those in which something happens.
        self._idle_pool = WorkerPool("idle", MAX_IDLE, clock, busy=busy)
        self._background_pool = WorkerPool("background", MAX_BACKGROUND, clock, busy=busy)
        self._running: dict[tuple[ScopeRefresh, str], _RunningRefresh] = {}
        self._backgrounds: dict[ScopeRefresh, Iterator[bool]] = {}
        self._waiting: set[ScopeRefresh] = set()  # whose background work has nothing to do for a while
        self._started = False
        self._checked_at: float | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def set_scopes(self, scopes: Iterable[ScopeRefresh]) -> None:
        """Set the scopes to refresh. Scopes that were set before continue undisturbed.

        For scopes that are no longer set no work is started; what is running is left to end.
        """
        with self._lock:
            self._scopes = {scope.scope: scope for scope in scopes}
            for removed in self._backgrounds.keys() - set(self._scopes.values()):
                del self._backgrounds[removed]
                self._waiting.discard(removed)
            started = self._started
        if started:
            self._start_new()

    def start(self) -> None:
        """Start to refresh, and then to catch up, without waiting for a scrape, unless a scope is paused."""
        with self._lock:
            self._started = True
        self._start_new()
        self._checked_at = self._clock()
        threading.Thread(target=self._run_background, name="background", daemon=True).start()

    def refresh(self, only: Scope | None = None) -> ScrapeRefreshes:
        """Start to refresh what is due on a scrape of all scopes, or of one.

        Collectors that are running are not started again.
        """
        scraped_at = self._clock()
        with self._lock:
            scopes, started = self._of(only), self._started
        for scope in scopes:
            scope.resume(scraped_at)
        if started:
            self._start_new(only)
        refreshes, any_new = self._refresh_due(scopes)
        if any_new and not only:
            refreshes.all.add_done_callback(lambda _: self._observe(self._clock() - scraped_at))
        return refreshes

    def continue_background(self) -> None:
        """Continue the background work of the scopes that had nothing to do for a while."""
        with self._lock:
            waiting = tuple(self._waiting)
        due = [scope for scope in waiting if not scope.pause_if_unscraped() and scope.has_background_work]
        with self._lock:
            self._waiting.difference_update(due)
        for scope in due:
            self._continue(scope)
        self._checked_at = self._clock()

    def refresh_completely(self, *, without: Collection[Scope] = ()) -> None:
        """Read everything of every scope once, except of some, and wait for the end."""
        scopes = [scope for scope in self._scopes.values() if scope.scope not in without]
        wait([self._pool.submit(scope.refresh_completely, scope) for scope in scopes])

    def is_responsive(self) -> bool:
        """Whether the refresher still checks what is due, which it also does if AWS does not respond."""
        return self._checked_at is None or self._clock() - self._checked_at < MAX_SILENCE

    def stop(self) -> None:
        """Start no more work. What is running is left to end."""
        self._stop.set()
        self._pool.stop()
        self._idle_pool.stop()
        self._background_pool.stop()

    def _of(self, only: Scope | None) -> tuple[ScopeRefresh, ...]:
        if only is None:
            return tuple(self._scopes.values())
        return (self._scopes[only],) if only in self._scopes else ()

    def _refresh_due(self, scopes: Iterable[ScopeRefresh]) -> tuple[ScrapeRefreshes, bool]:
        """Refresh what is due. Returns the refreshes, and whether any was not running yet."""
        now = self._clock()
        active: set[Future[None]] = set()
        idle: set[Future[None]] = set()
        stalled: list[tuple[ScopeRefresh, Collector, float]] = []
        any_new = False
        with self._lock:
            are_many = len(self._scopes) > MAX_IDLE
            for scope in scopes:
                due = scope.take_due(now)
                new: list[Collector] = []
                for collector in due.collectors:
                    running = self._running.get((scope, collector.name))
                    if running is None:
                        new.append(collector)
                        continue
                    (idle if due.idle else active).add(running.done)
                    if self._is_stalled(running, scope, collector):
                        stalled.append((scope, collector, now - running.requested))
                waited_for, pool = (idle, self._idle_pool) if due.idle else (active, self._pool)
                # Thousands of tasks would take longer than the calls.
                groups = [new] if new and due.idle and are_many else [[one] for one in new]
                waited_for.update(self._submit(scope, group, pool) for group in groups)
                any_new = any_new or bool(new)
        for scope, collector, seconds in stalled:
            scope.record_stall(collector, seconds)
        return ScrapeRefreshes(_all_done(active), _all_done(active | idle)), any_new

    def _submit(self, scope: ScopeRefresh, collectors: Sequence[Collector], pool: WorkerPool) -> Future[None]:
        """Refresh collectors of a scope one after the other."""
        done = pool.submit(partial(self._run, scope, collectors), scope)
        done.add_done_callback(_report_bug)
        now = self._clock()
        for collector in collectors:
            self._running[scope, collector.name] = _RunningRefresh(done, now)
        return done

    def _is_stalled(self, running: _RunningRefresh, scope: ScopeRefresh, collector: Collector) -> bool:
        """Whether the refresh has outlasted too many scrapes and too many seconds.

        A first refresh may be queued for as long as the start takes: nothing is published yet.
        """
        running.scrapes += 1
        if running.started is None and not scope.has_result(collector):
            return False
        return running.scrapes >= STALLED_SCRAPES and running.seconds(self._clock()) >= STALLED_SECONDS

    def _start_new(self, only: Scope | None = None) -> None:
        """Refresh the scopes that are new, and start their background work, unless they are paused."""
        with self._lock:
            new = [
                scope for scope in self._of(only) if scope not in self._backgrounds and not scope.is_paused
            ]
            self._backgrounds |= {scope: scope.background() for scope in new}
        for scope in new:
            first_refreshes, _ = self._refresh_due([scope])
            first_refreshes.all.add_done_callback(partial(self._continue, scope))

    def _run(self, scope: ScopeRefresh, collectors: Sequence[Collector]) -> None:
        left = [collector.name for collector in collectors]
        try:
            for collector in collectors:
                with self._lock:
                    self._running[scope, collector.name].started = self._clock()
                if self._scopes.get(scope.scope) is scope and not self._stop.is_set():
                    scope.refresh(collector)
                with self._lock:
                    del self._running[scope, left.pop(0)]
        finally:
            with self._lock:
                for name in left:
                    del self._running[scope, name]

    def _run_background(self) -> None:
        while not self._stop.wait(CHECK_INTERVAL):
            self.continue_background()

    def _continue(self, scope: ScopeRefresh, _: object = None) -> None:
        if scope.pause_if_unscraped():
            self._wait(scope)
            return
        step = self._background_pool.submit(partial(self._take_step, scope), scope)
        step.add_done_callback(_report_bug)

    def _take_step(self, scope: ScopeRefresh) -> None:
        background = self._backgrounds.get(scope)
        if background is None:
            return
        more = next(background, None)
        if more:
            self._continue(scope)
        elif more is False:
            self._wait(scope)

    def _wait(self, scope: ScopeRefresh) -> None:
        with self._lock:
            if scope in self._backgrounds:
                self._waiting.add(scope)


def _report_bug(done: Future[None]) -> None:
    """Log an unexpected exception, because nothing else reads the future's result."""
    if not done.cancelled() and (error := done.exception()):
        log.error("Unexpected error; please report it as a bug", exc_info=error)


def _all_done(refreshes: Collection[Future[None]]) -> Future[None]:
    """Return a future that is done when all of these are, with or without an exception."""
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()  # a caller that stops waiting cannot cancel it for others
    remaining = count(len(refreshes) - 1, -1)

    def finished(_: Future[None]) -> None:
        if next(remaining) == 0:
            done.set_result(None)

    for refresh in refreshes:
        refresh.add_done_callback(finished)
    if not refreshes:
        done.set_result(None)
    return done
