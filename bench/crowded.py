"""Benchmark of response times while the exporter starts with many roles and AWS responds immediately.

    python -m bench.crowded ROLES SECONDS [LIFETIME [JOBS]]

Each role is watched in two Regions, by all collectors. From the start on the health path is asked ten times a
second, and the metrics are scraped each second with a time-out of ten.
"""

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.measure import tell
from bench.process import exporter, value
from bench.prompt_aws import HOUR, prompt_aws

REGIONS = ("eu-west-1", "us-east-1")
HEALTH_EVERY, SCRAPE_EVERY = 0.1, 1.0
TIMEOUT = 10.0
CPU, MEMORY, THREADS = "process_cpu_seconds_total", "process_resident_memory_bytes", "threads"
UP = "aws_backup_up"


def main(roles: int, seconds: float, lifetime: float = HOUR, jobs: float = 0) -> None:
    """Measure and print the results."""
    accounts = [str(10**11 + number) for number in range(roles)]
    with (
        prompt_aws(lifetime, int(jobs)) as aws,
        exporter(aws.endpoint_url, accounts=accounts, regions=REGIONS, idle_refresh="0s") as running,
    ):
        up_after = running.listens()
        ends = time.monotonic() + seconds
        with ThreadPoolExecutor(2) as pool:
            health = pool.submit(_poll, running.is_healthy, HEALTH_EVERY, ends)
            scrapes = pool.submit(_poll, lambda: running.scrape(timeout=TIMEOUT)[0], SCRAPE_EVERY, ends)
            figures = _told("health", health.result()) | _told("scrape", scrapes.result())
        text = running.scrape(CPU, MEMORY, UP)[1]
        asked = aws.asked()
        tell(
            listens_after_seconds=up_after,
            up=value(text, UP),
            cpu_seconds=value(text, CPU),
            resident_bytes=value(text, MEMORY),
            threads=running.threads(),
            roles_assumed=asked.pop("AssumeRole"),
            lists=asked.total(),
            **figures,
        )


def _poll(ask: Callable[[], float], every: float, ends: float) -> list[float]:
    took = []
    due = time.monotonic()
    while due < ends:
        time.sleep(max(0.0, due - time.monotonic()))
        took.append(ask())
        due = max(due + every, time.monotonic())
    return took


def _told(what: str, took: list[float]) -> dict[str, float]:
    percentiles = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    return {
        f"{what}_asked": len(took),
        f"{what}_p50_seconds": percentiles[49],
        f"{what}_p99_seconds": percentiles[98],
        f"{what}_max_seconds": max(took),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(float, sys.argv[2:]))
