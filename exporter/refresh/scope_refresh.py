"""The refreshes of one scope: each collector on its own, what failed, and what is due when."""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from exporter.aws import AwsError, OverBudgetError
from exporter.collectors import Collector, SlowCollector
from exporter.ledger import Ledger
from exporter.model import Fault, Health
from exporter.refresh.credential_faults import CredentialFaults
from exporter.refresh.idle_schedule import IdleSchedule
from exporter.runtime import own_interval

log = logging.getLogger(__name__)

HOUR = 3600.0
SLOW_RETRY_INTERVAL = 55.0  # seconds until a slow collector that failed is retried, less than a minute
FIRST_PAUSE = 5.0  # seconds before catching up is retried after a failure; doubles up to LONGEST_PAUSE
LONGEST_PAUSE = 60.0
UNSCRAPED_AFTER = 600.0  # seconds without a scrape after which a scope is not refreshed any more, on demand
REMEDY_FOR_STALL = (
    "check the network path to AWS and to the source of credentials, and that the exporter gets CPU time"
)


class Due(NamedTuple):
    """What to refresh on a scrape.

    Attributes:
        collectors: which collectors.
        idle: whether nothing happens in the scope: no job is active, and all collectors succeeded before; or
            whether it is a new one of many.
    """

    collectors: Sequence[Collector]
    idle: bool


class ScopeRefresh:
    """Refreshes one scope.

    Args:
        ledger: stores the data and the health of the collectors.
        collectors: the collectors to run on scrapes, in parallel: a failure of one does not delay the others.
        slow: the collectors to run in the background, at an interval of their own.
        idle_refresh: seconds between two refreshes on scrapes while nothing happens; 0: on each scrape.
        pace_factor: multiplies the interval of slow collectors that run more often than once an hour.
        is_member: whether the scope is one of many, those of the members of an organization. Scrapes do not
            wait for its first refresh.
        on_demand: whether to refresh only while the scope is scraped; it is paused until the first scrape.
        credential_faults: shared by the scopes of a target, so that each is logged once.
        clock: seconds since 1970.
        steady: seconds on a monotonic clock.
        render: called while catching up, so that new data is rendered and need not be stored.
    """

    def __init__(
        self,
        ledger: Ledger,
        collectors: Sequence[Collector],
        slow: Sequence[SlowCollector] = (),
        *,
        idle_refresh: float,
        pace_factor: float = 1.0,
        is_member: bool = False,
        on_demand: bool = False,
        credential_faults: CredentialFaults | None = None,
        clock: Callable[[], float],
        steady: Callable[[], float],
        render: Callable[[], None],
    ) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._collectors = tuple(collectors)
        self._slow = slow
        self._idle_schedule = IdleSchedule(ledger.scope, idle_refresh)
        self._idle_until = -math.inf
        self._unsettled = {collector.name for collector in collectors}  # the last refresh has not succeeded
        self._active: set[str] = set()  # collectors with jobs to follow
        self._is_behind = True  # some collectors have not caught up
        # No jobs to follow, and every collector had succeeded before its last refresh.
        self._is_idle = is_member
        self._pace_factor = pace_factor
        self._on_demand = on_demand
        self._credential_faults = credential_faults or CredentialFaults()
        self._scraped_at = -math.inf
        ledger.is_paused = on_demand
        self._due = dict.fromkeys((collector.name for collector in slow), -math.inf)
        self._next_due = min(self._due.values(), default=math.inf)
        self._clock = clock
        self._steady = steady
        self._render = render
        self._logged: set[str] = set()
        self._catch_up_faults: dict[str, Fault] = {}
        self._lock = threading.Lock()

    @property
    def is_paused(self) -> bool:
        """Whether the scope is not refreshed because nobody scrapes it."""
        return self._ledger.is_paused

    def resume(self, now: float) -> None:
        """Record a scrape; `now` is the monotonic time in seconds."""
        if self._on_demand:
            with self._lock:
                self._scraped_at = now
                self._ledger.is_paused = False

    def pause_if_unscraped(self) -> bool:
        """Pause if the last scrape was too long ago. Returns whether the scope is paused."""
        if not self._on_demand:
            return False
        with self._lock:
            unscraped = self._steady() - self._scraped_at >= UNSCRAPED_AFTER
            is_new = unscraped and not self._ledger.is_paused
            self._ledger.is_paused = unscraped
        if is_new:
            log.info(
                f"Refresh paused: not scraped for {UNSCRAPED_AFTER / 60:.0f} minutes",
                extra={"target": self.scope.target, "aws_region": self.scope.region},
            )
        return unscraped

    def take_due(self, now: float) -> Due:
        """Return the collectors to refresh on a scrape; the caller refreshes them, or has not finished yet.

        All are due while any of them has jobs to follow; otherwise, once per interval, those that would call
        AWS. A collector whose last refresh has not succeeded is due on each scrape.

        Args:
            now: seconds on the monotonic clock.
        """
        if not self._active and now < self._idle_until:
            return Due(self._still_unsettled(), self._is_idle)
        self._idle_until = self._idle_schedule.next(now)
        self._is_idle = not self._active and (self._is_idle or not self._unsettled)
        if self._is_idle:
            self._unsettled.update(collector.name for collector in self._collectors if collector.is_due)
        else:
            self._unsettled.update(collector.name for collector in self._collectors)
        return Due(self._still_unsettled(), self._is_idle)

    def _still_unsettled(self) -> list[Collector]:
        return [collector for collector in self._collectors if collector.name in self._unsettled]

    def refresh(self, collector: Collector) -> None:
        """Run one collector once."""
        fault = self._run(collector.refresh, collector.name)
        self._check_activity(collector)
        self._check_behind()
        self._record(collector.name, fault)

    def refresh_completely(self) -> None:
        """Read everything once, without retries."""
        self.resume(self._steady())
        for collector in self._collectors:
            self.refresh(collector)
        for _ in chain(self._refresh_slow(), self._catch_up(), self._refresh_slow(hourly=True)):
            pass
        if not self._behind:
            for collector in self._collectors:
                self.refresh(collector)

    def background(self) -> Iterator[bool]:
        """Read the data from before the start, and run the slow collectors when they are due, in steps.

        Yields True if there is more to do at once, and False if there is nothing to do for a while. A
        collector that fails to catch up is retried, and does not delay the others.
        """
        retry_at, pause = -math.inf, FIRST_PAUSE
        while True:
            for _ in self._refresh_slow():
                yield True
            if not self._behind:
                retry_at, pause = -math.inf, FIRST_PAUSE
            elif self._steady() >= retry_at:
                for _ in self._catch_up():
                    yield True
                retry_at = self._steady() + pause
                pause = min(LONGEST_PAUSE, 2 * pause)
            for _ in self._refresh_slow(hourly=True):
                yield True
            self._check_behind()
            yield False

    @property
    def has_background_work(self) -> bool:
        """Whether there is something to do in the background now."""
        return self._is_behind or self._steady() >= self._next_due

    def has_result(self, collector: Collector) -> bool:
        """Whether a refresh of the collector has succeeded or failed before."""
        health = self._ledger.health()[collector.name]
        return health.last_success is not None or health.fault is not None

    def record_stall(self, collector: Collector, seconds: float) -> None:
        """Record that a refresh has been running for so long that the published data is stale."""
        message = f"a refresh has been running for {seconds:.0f} s; the published data is as old as that"
        self._record(collector.name, Fault("stalled", message, REMEDY_FOR_STALL))

    @property
    def _behind(self) -> list[Collector]:
        """The collectors that have not read all data from before the start."""
        return [collector for collector in self._collectors if not collector.caught_up]

    def _refresh_slow(self, *, hourly: bool = False) -> Iterator[None]:
        """Run each slow collector that is due; those with much to read, once an hour, on their own."""
        due = [
            collector
            for collector in self._slow
            if (collector.pace >= HOUR) is hourly and self._steady() >= self._due[collector.name]
        ]
        for collector in due:
            fault = self._run(collector.refresh, collector.name)
            self._record(collector.name, fault)
            self._due[collector.name] = self._steady() + (
                SLOW_RETRY_INTERVAL if fault else self._pace_of(collector)
            )
            self._next_due = min(self._due.values())
            if collector is due[-1]:
                self._render()
            yield

    def _pace_of(self, collector: SlowCollector) -> float:
        factor = 1.0 if collector.pace >= HOUR else self._pace_factor
        return own_interval(
            factor * collector.pace, f"{self.scope.target}/{self.scope.region}/{collector.name}"
        )

    def _catch_up(self) -> Iterator[None]:
        """Let each collector that is behind read on, step by step, until it has caught up or fails."""
        for collector in self._behind:
            fault = None
            while not (collector.caught_up or fault):
                fault = self._run(partial(self._take_step, collector), collector.name)
                yield
            if fault:
                self._catch_up_faults[collector.name] = fault
                self._record(collector.name, fault)

    def _take_step(self, collector: Collector) -> None:
        collector.catch_up()
        if collector.name not in self._active:
            self._check_activity(collector)
        self._catch_up_faults.pop(collector.name, None)
        self._render()

    def _check_activity(self, collector: Collector) -> None:
        with self._lock:
            if collector.is_active:
                self._active.add(collector.name)
            else:
                self._active.discard(collector.name)

    def _check_behind(self) -> None:
        with self._lock:
            self._is_behind = bool(self._behind)

    def _run(self, work: Callable[[], None], collector: str) -> Fault | None:
        try:
            work()
        except AwsError as error:
            return error.fault
        except OverBudgetError:
            return Fault("budget", "the request budget is exhausted", "raise api.requests_per_second")
        except Exception as error:
            log.exception("Unexpected error; please report it as a bug", extra=self._log_fields(collector))
            return Fault("bug", f"{type(error).__name__}: {error}", "please report it with the log")
        return None

    def _record(self, collector: str, fault: Fault | None) -> None:
        """Record the health of a collector, and log it when it changes."""
        with self._lock:
            before = self._ledger.health()
            succeeded = before[collector].last_success if fault else self._clock()
            # The refresh succeeded, but the data from before the start cannot be read: still unhealthy.
            fault = fault or self._catch_up_faults.get(collector)
            if fault:
                known = {(one.fault.code, one.fault.remedy) for one in before.values() if one.fault}
                is_new = (fault.code, fault.remedy) not in known
                if is_new and self._credential_faults.begin(self.scope, fault):
                    self._log_fault(collector, fault)
            else:
                self._credential_faults.end(self.scope)
            self._ledger.set_health(collector, Health(fault is None, succeeded, fault))
            if fault:
                self._unsettled.add(collector)
                self._is_idle = False
            else:
                self._unsettled.discard(collector)
            if not fault and collector in self._logged:
                self._logged.remove(collector)
                log.info("Refresh succeeded again", extra=self._log_fields(collector))

    def _log_fault(self, collector: str, fault: Fault) -> None:
        """Log a fault, once for all collectors that need the same remedy."""
        self._logged.add(collector)
        details = {"code": fault.code, "reason": fault.message, "remedy": fault.remedy}
        log.error("Refresh failed", extra=self._log_fields(collector) | details)

    def _log_fields(self, collector: str) -> dict[str, str]:
        return {"target": self.scope.target, "aws_region": self.scope.region, "collector": collector}
