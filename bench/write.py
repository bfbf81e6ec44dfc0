"""Benchmark of writing a gzip scrape: the exporter, prometheus-client, and the theoretical minimum.

    python -m bench.write {ours,client,floor} FINISHED

All write the same samples of the same jobs. Between two scrapes each active job moves on, and the calls of a
refresh are counted and timed. CPU is that of the whole process for one scrape, asking AWS not counted: the
median of many.

The floor writes the very text that ours wrote, as valid gzip: it deflates the lines that are not those of the
scrape before, copies all others, which were deflated long ago, and combines the checksums. No writer of this
text whose answers are deflated can do less; what to write is given to it.
"""

import gzip
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import groupby

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from zlib_ng import zlib_ng

from bench.jobs import REGION, WINDOW, active, finished
from bench.measure import cpu_of, tell
from exporter.exposition.compression import FASTEST, Run, deflate
from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.job_metrics import job_families, job_group
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger.job_store import JobStore
from exporter.ledger.ledger import Ledger
from exporter.model.job_kinds import BACKUP
from exporter.model.records import Health, Job, Scope

ACTIVE = 100
CALLS = 5  # of a refresh: what is new, and the active jobs by state
GZIP = Form(gzip=True)
SCRAPES = 100
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_LAST_BLOCK = b"\x03\0"
SHORT = 1000  # bytes that are deflated sooner than a piece is ended before them and begun behind them


def main(way: str, count: int) -> None:
    """Measure one implementation and print the results."""
    measure = {"ours": _ours, "client": _client, "floor": _floor}[way]
    cpu, size = measure(time.time(), count)
    tell(cpu_seconds=cpu, bytes=size)


def _ledger(now: float) -> Ledger:
    store = JobStore(BACKUP, window=WINDOW, since=lambda: now)
    return Ledger(Scope("bench", REGION), [store], max_jobs=10**6, collectors=[BACKUP.collector])


class _Exporter:
    """All of ours but what asks AWS."""

    def __init__(self, now: float, count: int) -> None:
        self._now = now
        self._ledger = _ledger(now)
        self._telemetry = Telemetry()
        page = ScopeSeries(self._ledger, lambda: now)
        self._exposition = Exposition(lambda: [page], self._telemetry)
        for number, answer in enumerate(finished(count, now)):
            with self._ledger.open(BACKUP) as store:
                store.update(BACKUP.read(answer), now, described=False)
            if number % 1000 == 999:
                page.update()
        self.move_on(0)

    def move_on(self, turn: int) -> None:
        """Take up what a refresh learns."""
        with self._ledger.open(BACKUP) as store:
            for answer in active(ACTIVE, self._now, turn % 100):
                store.update(BACKUP.read(answer), self._now, described=True)
        for _ in range(CALLS):
            self._ledger.count_call(BACKUP.list_operation, "ok")
            self._telemetry.observe_request(BACKUP.list_operation, 0.1)
        self._telemetry.observe_refresh(0.5)
        self._ledger.set_health(BACKUP.collector, Health(up=True, last_success=self._now + turn))

    def write(self) -> bytes:
        return self._exposition.write(GZIP)


def _ours(now: float, count: int) -> tuple[float, int]:
    exporter = _Exporter(now, count)
    size = len(exporter.write())
    return cpu_of(exporter.write, SCRAPES, exporter.move_on), size


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


def _client(now: float, count: int) -> tuple[float, int]:
    ended = [BACKUP.read(answer) for answer in finished(count, now)]
    running: list[Job] = []

    def move_on(turn: int) -> None:
        running[:] = [BACKUP.read(answer) for answer in active(ACTIVE, now, turn % 100)]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_JobsCollector(lambda: [*ended, *running], _ledger(now)))
    move_on(0)
    size = len(gzip.compress(generate_latest(registry)))
    return cpu_of(lambda: gzip.compress(generate_latest(registry)), 3, move_on), size


def _floor(now: float, count: int) -> tuple[float, int]:
    exporter = _Exporter(now, count)
    before = gzip.decompress(exporter.write())
    exporter.move_on(1)
    after = gzip.decompress(exporter.write())
    kept = [text if changed else deflate(text) for changed, text in _stretches(before, after)]

    def write() -> bytes:
        out, crc, length = [_GZIP_HEADER], 0, 0
        for piece in kept:
            run = piece if isinstance(piece, Run) else deflate(piece, FASTEST)
            out += run.parts
            crc = zlib_ng.crc32_combine(crc, run.crc, run.length)
            length += run.length
        return b"".join([*out, _LAST_BLOCK, struct.pack("<II", crc, length & 0xFFFFFFFF)])

    assert gzip.decompress(write()) == after
    return cpu_of(write, SCRAPES, exporter.move_on), len(write())


def _stretches(before: bytes, after: bytes) -> Iterator[tuple[bool, bytes]]:
    """Part a text into what changed and what did not, line by line."""
    lines = zip(BytesIO(before), BytesIO(after), strict=True)
    stretches = (
        (changed, b"".join(line for _, line in some))
        for changed, some in groupby(lines, lambda pair: pair[0] != pair[1])
    )
    for changed, some in groupby(stretches, lambda stretch: stretch[0] or len(stretch[1]) < SHORT):
        yield changed, b"".join(text for _, text in some)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
