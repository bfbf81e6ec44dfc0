"""Benchmark of writing a gzip scrape of many accounts in two Regions, of which few have news.

    python -m bench.scopes ACCOUNTS JOBS

Each account has so many finished jobs in each Region. Between two scrapes, nothing changes, or two percent of
the scopes have another finished job, or all scopes are refreshed and have no news. AWS is not called.
"""

import sys
import time
from collections.abc import Callable

from bench.jobs import WINDOW, finished
from bench.measure import cpu_of, resident, tell
from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger import JobStore, Ledger, Resources
from exporter.model import BACKUP, KINDS, Health, Scope

REGIONS = ("eu-west-1", "us-east-1")
COLLECTORS = (*(kind.collector for kind in KINDS), "resources", "vaults", "plans", "settings")
ONE_IN = 50
SCRAPES = 10
GZIP = Form(gzip=True)


def main(accounts: int, jobs: int) -> None:
    """Measure and print the results."""
    now = time.time()
    before, began = resident(), time.process_time()
    scopes = [_Scope(10**11 + number, region, now) for number in range(accounts) for region in REGIONS]
    series = [scope.series for scope in scopes]
    exposition = Exposition(lambda: series, Telemetry())
    made = time.process_time() - began
    exposition.parts(GZIP)
    idle = resident() - before
    for scope in scopes:
        scope.enter(jobs, jobs)
    size = sum(map(len, exposition.parts(GZIP)))

    def write() -> None:
        exposition.parts(GZIP)

    def cost(change: Callable[[int], None]) -> float:
        return cpu_of(write, SCRAPES, change)

    def some_change(turn: int) -> None:
        for scope in scopes[turn % ONE_IN :: ONE_IN]:
            scope.enter(1, 10**6 + turn)

    def all_are_refreshed(turn: int) -> None:
        for scope in scopes:
            scope.refresh(turn)

    tell(
        scopes=len(scopes),
        cpu_seconds_unchanged=cost(lambda _: None),
        cpu_seconds_some_changed=cost(some_change),
        cpu_seconds_all_refreshed=cost(all_are_refreshed),
        make_cpu_seconds_per_scope=made / len(scopes),
        idle_bytes_per_scope=idle / len(scopes),
        bytes=size,
    )


class _Scope:
    """One account in one Region."""

    def __init__(self, account: int, region: str, now: float) -> None:
        self._now = now
        self._account_id = str(account)
        self._ledger = Ledger(
            Scope(self._account_id, region),
            [JobStore(kind, window=WINDOW, since=lambda: now) for kind in KINDS],
            max_jobs=10**6,
            collectors=COLLECTORS,
            account_id=self._account_id,
            resources=Resources({}, lambda _: None),
        )
        self.series = ScopeSeries(self._ledger, lambda: now)

    def enter(self, count: int, seed: int) -> None:
        """Take up so many finished jobs, the first of a list."""
        answers = finished(seed, self._now, self._account_id)
        jobs = [BACKUP.read(answer) for answer, _ in zip(answers, range(count), strict=False)]
        self._ledger.update_jobs(BACKUP, jobs, self._now, described=True)
        self.refresh(seed)

    def refresh(self, turn: int) -> None:
        """Take up what a refresh without news tells."""
        for kind in KINDS:
            self._ledger.expire(kind, self._now)
            self._ledger.count_call(kind.list_operation, "ok")
            self._ledger.set_health(kind.collector, Health(up=True, last_success=self._now + turn))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
