"""Writing one gzip scrape of many finished and 100 active jobs: ours, prometheus-client's, and the floor.

    python -m bench.write {ours,client,floor} FINISHED

All three write the same samples of the same jobs. Between two scrapes each active job moves on. CPU is
that of the whole process for one scrape, asking AWS not counted: the median of several.
"""

import gzip
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from zlib_ng import zlib_ng

from bench.jobs import REGION, WINDOW, active, finished
from bench.measure import cpu_of, tell
from exporter.book import Book
from exporter.exposition import Exposition, Form
from exporter.kinds import BACKUP
from exporter.ledger import Ledger
from exporter.lines import render
from exporter.metrics import job_families, job_group
from exporter.model import Job, Scope
from exporter.page import Page
from exporter.sealed import RAW_DEFLATE
from exporter.telemetry import Telemetry

ACTIVE = 100
GZIP = Form(gzip=True)


def main(way: str, count: int) -> None:
    """Measure one way and tell it."""
    now = time.time()
    ledger = _ledger(now)
    measure = {"ours": _ours, "client": _client, "floor": _floor}[way]
    cpu, size = measure(ledger, now, count)
    tell(cpu_seconds=cpu, bytes=size)


def _ledger(now: float) -> Ledger:
    return Ledger(Scope("bench", REGION), [Book(BACKUP, window=WINDOW, since=now)], max_jobs=10**6)


def _ours(ledger: Ledger, now: float, count: int) -> tuple[float, int]:
    page = Page(ledger, lambda: now)
    exposition = Exposition([page], Telemetry())
    for number, answer in enumerate(finished(count, now)):
        with ledger.open(BACKUP) as book:
            book.enter(BACKUP.read(answer), now, described=False)
        if number % 1000 == 999:
            page.update()

    def move_on(turn: int) -> None:
        with ledger.open(BACKUP) as book:
            for answer in active(ACTIVE, now, turn % 100):
                book.enter(BACKUP.read(answer), now, described=True)

    move_on(0)
    size = len(exposition.write(GZIP))
    return cpu_of(lambda: exposition.write(GZIP), 30, move_on), size


class _JobsCollector(Collector):
    """How one would write it with prometheus-client: a gauge family a metric, filled on each scrape."""

    def __init__(self, jobs: Callable[[], Iterable[Job]], ledger: Ledger) -> None:
        self._jobs = jobs
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for family in job_families(BACKUP):
            families[family.name] = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        for job in self._jobs():
            group = job_group(BACKUP, job, self._ledger)
            shared = [value for _, value in group.labels]
            for sample in group.samples:
                families[sample.family].add_metric(
                    shared + [value for _, value in sample.labels], sample.value
                )
        yield from families.values()


def _client(ledger: Ledger, now: float, count: int) -> tuple[float, int]:
    ended = [BACKUP.read(answer) for answer in finished(count, now)]
    running: list[Job] = []

    def move_on(turn: int) -> None:
        running[:] = [BACKUP.read(answer) for answer in active(ACTIVE, now, turn % 100)]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_JobsCollector(lambda: [*ended, *running], ledger))
    move_on(0)
    size = len(gzip.compress(generate_latest(registry)))
    return cpu_of(lambda: gzip.compress(generate_latest(registry)), 3, move_on), size


def _floor(ledger: Ledger, now: float, count: int) -> tuple[float, int]:
    """Copy what did not change, deflated long ago, and deflate the lines that did, rendered long ago."""
    lines = defaultdict(list)
    for answer in finished(count, now):
        for family, text in render(job_group(BACKUP, BACKUP.read(answer), ledger)).items():
            lines[family].append(text)
    unchanged = [zlib_ng.compress(b"".join(texts), 6, RAW_DEFLATE) for texts in lines.values()]
    fresh = b"".join(
        text
        for answer in active(ACTIVE, now, 50)
        for text in render(job_group(BACKUP, BACKUP.read(answer), ledger)).values()
    )

    def write() -> bytes:
        return b"".join([zlib_ng.compress(fresh, 1, RAW_DEFLATE), *unchanged])

    return cpu_of(write, 30, lambda turn: list(active(ACTIVE, now, turn))), len(write())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
