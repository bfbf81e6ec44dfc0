"""Benchmark of memory over thousands of scrapes while jobs are created and expire.

    python -m bench.churn SCRAPES

The clock is the benchmark's own and moves a minute a scrape, so that the window passes many times over. Each
minute three jobs are created, and each runs for an hour. AWS is a few lines here that forget what is older
than the window, so that only the exporter's memory counts: what the process held after a third of the
scrapes, when the window was full, and after the last.
"""

import sys
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from random import Random
from typing import Any, cast

from bench.jobs import REGION, WINDOW, active
from bench.measure import resident, tell
from exporter.aws import BackupApi, Budget, Rows
from exporter.collectors.jobs import JobsCollector
from exporter.config import Discovery
from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger.account_owners import AccountOwners
from exporter.ledger.configured_job_ids import ConfiguredIds
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Scope
from exporter.runtime.clock import Clock
from exporter.runtime.worker_pool import WorkerPool

MINUTE = 60.0
JOBS_A_MINUTE = 3
RUNS_FOR = 3600.0


class _PassingJobs:
    """An AWS whose jobs are created and expire with the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.budget = Budget(10, lambda: self.now)
        self._jobs: deque[dict[str, Any]] = deque()
        self._like = next(active(1, 0.0, 0.0))
        self._ids = Random(1)

    def pass_a_minute(self) -> None:
        self.now += MINUTE
        for _ in range(JOBS_A_MINUTE):
            self._jobs.append(
                self._like | {"BackupJobId": f"{self._ids.getrandbits(128):032x}", "CreationDate": self.now}
            )
        while self._jobs[0]["CreationDate"] < self.now - WINDOW:
            self._jobs.popleft()

    def pages(self, *_: object, **asked: Any) -> Iterator[Rows]:
        running_since = self.now - RUNS_FOR if asked.get("ByState") == "RUNNING" else 0.0
        after = max(float(asked.get("ByCreatedAfter", 0)), running_since)
        newest = takewhile(lambda job: job["CreationDate"] > after, reversed(self._jobs))
        rows = Rows() if asked.get("ByState", "RUNNING") != "RUNNING" else Rows(map(self._told, newest))
        rows.is_last = True
        yield rows

    def call(self, *_: object, **asked: Any) -> dict[str, Any]:
        return next(self._told(job) for job in self._jobs if job["BackupJobId"] == asked["BackupJobId"])

    def _told(self, job: dict[str, Any]) -> dict[str, Any]:
        age = self.now - job["CreationDate"]
        state = "COMPLETED" if age > RUNS_FOR else "RUNNING"
        return job | {"State": state, "PercentDone": f"{min(100, age / 36):.2f}"}


def main(scrapes: int) -> None:
    """Measure and print the results."""
    aws = _PassingJobs()
    ledger = Ledger(
        Scope("bench", REGION),
        [JobStore(BACKUP, window=WINDOW, since=lambda: 0.0)],
        max_jobs=20_000,
        collectors=[BACKUP.collector],
    )
    collector = JobsCollector(
        BACKUP,
        cast(BackupApi, aws),
        ledger,
        discovery=Discovery(),
        lookback=WINDOW,
        configured=ConfiguredIds(),
        owners=AccountOwners(),
        clock=Clock(lambda: aws.now, lambda: aws.now),
        steady=lambda: aws.now,
        calls=WorkerPool("call", 8, lambda: aws.now),
        render=lambda: None,
    )
    series = [ScopeSeries(ledger, lambda: aws.now)]
    exposition = Exposition(lambda: series, Telemetry())
    held = []
    for scrape in range(scrapes):
        aws.pass_a_minute()
        collector.refresh()
        exposition.write(Form(gzip=True))
        if scrape in (scrapes // 3, scrapes - 1):
            held.append(resident())
    tell(scrapes=scrapes, resident_at_a_third=held[0], resident_at_the_end=held[-1])


if __name__ == "__main__":
    main(int(sys.argv[1]))
