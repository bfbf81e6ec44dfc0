"""The refreshes of one scope: each collector on its own, what failed, and when the slow ones are due."""

import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain

from exporter.aws import AwsError, OverBudgetError
from exporter.collectors import Collector, SlowCollector
from exporter.ledger import Ledger
from exporter.model import Fault, Health

log = logging.getLogger(__name__)

SLOW_INTERVAL = 300.0  # seconds between two refreshes of a slow collector
SLOW_RETRY_INTERVAL = 55.0  # seconds until a slow collector that failed is retried, less than a minute
FIRST_PAUSE = 5.0  # seconds before catching up is retried after a failure; doubles up to LONGEST_PAUSE
LONGEST_PAUSE = 60.0
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
        render: called while catching up, so that what was learned can be rendered and let go.
    """

    def __init__(
        self,
        ledger: Ledger,
        collectors: Sequence[Collector],
        slow: Sequence[SlowCollector] = (),
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        render: Callable[[], None],
    ) -> None:
        self.scope = ledger.scope
        self._ledger = ledger
        self._collectors = collectors
        self._slow = slow
        self._due = dict.fromkeys((collector.name for collector in slow), -math.inf)
        self._clock = clock
        self._steady = steady
        self._render = render
        self._logged: set[str] = set()
        self._catch_up_faults: dict[str, Fault] = {}
        self._lock = threading.Lock()

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """Those to run on each scrape; side by side, so that one which fails or hangs holds up no other."""
        return tuple(self._collectors)

    def refresh(self, collector: Collector) -> None:
        """Run one collector once."""
        self._record(collector.name, self._run(collector.refresh, collector.name))

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

    def record_stall(self, collector: Collector, seconds: float) -> None:
        """Take note that a refresh is under way for so long that what is published is stale."""
        message = f"a refresh is under way for {seconds:.0f} s; what is published is as old as that"
        self._record(collector.name, Fault("stalled", message, REMEDY_FOR_STALL))

    @property
    def _behind(self) -> list[Collector]:
        """The collectors that have not taken in what was there before the start."""
        return [collector for collector in self._collectors if not collector.caught_up]

    def _refresh_slow(self) -> Iterator[None]:
        """Run each slow collector that is due."""
        for collector in self._slow:
            if self._steady() >= self._due[collector.name]:
                fault = self._run(collector.refresh, collector.name)
                self._record(collector.name, fault)
                self._due[collector.name] = self._steady() + (SLOW_RETRY_INTERVAL if fault else SLOW_INTERVAL)
                self._render()
                yield

    def _catch_up(self) -> Iterator[None]:
        """Let each collector that is behind take step after step, until it has caught up or fails."""
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
        self._catch_up_faults.pop(collector.name, None)
        self._render()

    def _run(self, work: Callable[[], None], collector: str) -> Fault | None:
        try:
            work()
        except AwsError as error:
            return error.fault
        except OverBudgetError:
            return Fault("budget", "the request budget was spent", "raise api.requests_per_second")
        except Exception as error:
            log.exception("the exporter has a bug", extra=self._log_fields(collector))
            return Fault("bug", f"{type(error).__name__}: {error}", "please report it with the log")
        return None

    def _record(self, collector: str, fault: Fault | None) -> None:
        """Keep the health; say it in the log once, when it changes."""
        with self._lock:
            before = self._ledger.health()
            succeeded = before[collector].last_success if fault else self._clock()
            # A refresh got through, but what came before the start cannot be read: not all is well.
            fault = fault or self._catch_up_faults.get(collector)
            if fault:
                known = {(said.fault.code, said.fault.remedy) for said in before.values() if said.fault}
                if (fault.code, fault.remedy) not in known:
                    self._log_fault(collector, fault)
            self._ledger.set_health(collector, Health(fault is None, succeeded, fault))
            if not fault and collector in self._logged:
                self._logged.remove(collector)
                log.info("refreshing works again", extra=self._log_fields(collector))

    def _log_fault(self, collector: str, fault: Fault) -> None:
        """Say it once for all collectors that need the same remedy."""
        self._logged.add(collector)
        details = {"code": fault.code, "reason": fault.message, "remedy": fault.remedy}
        log.error("cannot refresh", extra=self._log_fields(collector) | details)

    def _log_fields(self, collector: str) -> dict[str, str]:
        return {"target": self.scope.target, "aws_region": self.scope.region, "collector": collector}
