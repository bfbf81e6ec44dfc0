"""What an exporter publishes in a month of virtual time, as OpenMetrics with timestamps."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from exporter.config import COLLECTORS, ResourceInventory
from tests.month.account import BEGIN, END, Event, Runs, World, on
from tests.support.harness import TEXT, Bench, Watch
from tests.support.staged_account import DAY, HOUR, MINUTE, StagedAccount

SCRAPES = 2 * HOUR  # seconds between two scrapes
TIMES = [BEGIN + 20 * MINUTE + number * SCRAPES for number in range(int((END - BEGIN) / SCRAPES))]
FULL, FULL_AT_REST = 3, 12
"""One scrape in so many reads all collectors: while there are incidents with plans, and otherwise."""

INCIDENTS_BEGIN, INCIDENTS_END = on(10, 15), on(10, 29)
RESTARTS = 8  # at random
OLD_BACKUPS = TIMES[0] + 16.5 * DAY
"""One more restart, on 27 October: a monthly backup is 29 days old, a quarterly one more than 80."""

KEPT = (
    "last_success_timestamp_seconds",
    "rule_last_success_timestamp_seconds",
    "expected_interval_seconds",
    "rule_expected_interval_seconds",
    "due_timestamp_seconds",
    "rule_due_timestamp_seconds",
    "last_success_size_bytes",
    "recovery_points",
    "newest_recovery_point_timestamp_seconds",
    "last_recovery_point_expiry_timestamp_seconds",
)
"""Facts of a resource that are the same before and after a restart, without `aws_backup_resource_`."""


@dataclass
class Month:
    """Runs an exporter for a month, and restarts it at times.

    Args:
        events, runs: what happens in the account.
        metrics: those to keep.
        seed: chooses the restarts.

    Attributes:
        facts: what the exporter published before and after each restart, by its time.
    """

    events: list[Event]
    runs: list[Runs]
    metrics: frozenset[str]
    seed: int = 1
    facts: dict[float, tuple[frozenset[bytes], frozenset[bytes]]] = field(default_factory=dict)

    def samples(self, aws: Bench) -> Iterator[bytes]:
        """Give the samples of all scrapes, line by line. The clock of the account must stand at BEGIN."""
        restarts = {OLD_BACKUPS, *Random(self.seed).sample(TIMES[1:], RESTARTS)}
        world = World(StagedAccount(aws.account, BEGIN), self.events, self.runs)
        watch = self._start(aws)
        for number, now in enumerate(TIMES):
            aws.clock.now = now
            world.advance(now)
            full = FULL if INCIDENTS_BEGIN <= now < INCIDENTS_END else FULL_AT_REST
            if number % full == 0 or now in restarts:
                watch.catch_up()
            else:
                watch.refresh()
            if now in restarts:
                before = self._facts(watch)
                watch.exporter.stop()
                watch = self._start(aws)
                self.facts[now] = before, self._facts(watch)
            at = b" %.3f\n" % now
            for line in watch.exporter.exposition.write(TEXT).splitlines():
                if line.partition(b"{")[0].decode() in self.metrics:
                    yield line + at
        yield b"# EOF\n"

    def _start(self, aws: Bench) -> Watch:
        watch = aws.watch(collectors=COLLECTORS, inventory=ResourceInventory(enabled=True))
        watch.catch_up()
        return watch

    def _facts(self, watch: Watch) -> frozenset[bytes]:
        names = tuple(f"aws_backup_resource_{name}{{".encode() for name in KEPT)
        return frozenset(
            line for line in watch.exporter.exposition.write(TEXT).splitlines() if line.startswith(names)
        )
