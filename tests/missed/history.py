"""What the exporter publishes in ten weeks, scrape by scrape, as OpenMetrics with timestamps."""

from collections.abc import Iterator

from tests.missed.cast import CAST, EXPECTATIONS, LAST_DAYS, Backup, backups_of
from tests.missed.rules import BEGIN, DAY, END, HOUR, MINUTE
from tests.support.harness import TEXT, Bench, Clock, bench

LONGEST_STEP = 2 * HOUR  # seconds between two scrapes; only the hourly rules need more of them
NAMES = (b"aws_backup_resource_", b"aws_backup_up{")


def scrape_times() -> Iterator[float]:
    """Tell when to scrape, in seconds since 1970."""
    now = BEGIN
    while now < END:
        yield now
        now += LONGEST_STEP if now < LAST_DAYS else 15 * MINUTE


def history() -> Iterator[bytes]:
    """Give the samples of all scrapes, line by line."""
    with bench(Clock(BEGIN)) as aws:
        waiting = sorted(
            (backup for resource in CAST for backup in backups_of(resource)), key=lambda it: it.created
        )
        running: list[Backup] = []
        watch = aws.watch(collectors=("backup_jobs", "resources"), expectations=EXPECTATIONS)
        for now in scrape_times():
            aws.clock.now = now
            while waiting and waiting[0].created <= now:
                running.append(waiting.pop(0))
            running = _tell(aws, running, now)
            if (now - BEGIN) % DAY == 0:
                watch.catch_up()  # brings the list of protected resources up to date
            watch.refresh()
            at = b" %.3f\n" % aws.clock.now
            for line in watch.exporter.exposition.write(TEXT).splitlines():
                if line.startswith(NAMES):
                    yield line + at
    yield b"# EOF\n"


def _tell(aws: Bench, backups: list[Backup], now: float) -> list[Backup]:
    """Let AWS tell how these backups are; returns those that still run."""
    for backup in backups:
        aws.account.put(backup.told(now))
    return [backup for backup in backups if backup.completed > now]
