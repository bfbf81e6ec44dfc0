"""Benchmark of the AWS API calls and CPU time of one exporter with many accounts, few of which are active.

    python -m bench.idle ACCOUNTS ACTIVE IDLE_REFRESH

Each account is a target with a role of its own; ACTIVE of them have a job that runs. AWS responds at once.
The exporter is scraped every fifteen seconds for two minutes; CPU time includes what it does in between.
"""

import statistics
import sys
import time
from itertools import pairwise

from bench.measure import tell
from bench.process import Running, exporter, value
from bench.prompt_aws import HOUR, prompt_aws

PATIENCE = 600.0  # seconds until all accounts must have been read
PAUSE = 5.0  # seconds between two looks at that
SCRAPES, INTERVAL = 8, 15.0
UP, CPU = "aws_backup_up", "process_cpu_seconds_total"
CALLS = "aws_backup_exporter_api_requests_total"
COLLECTORS = 6


def main(count: int, active: int, idle_refresh: str) -> None:
    """Measure and print the results."""
    accounts = [str(10**11 + number) for number in range(count)]
    with (
        prompt_aws(HOUR, active=active) as aws,
        exporter(aws.endpoint_url, accounts=accounts, idle_refresh=idle_refresh) as running,
    ):
        running.first_answer()
        _wait_until_read(running, count)
        took, cpu, calls = zip(*(_scrape(running) for _ in range(SCRAPES + 1)), strict=True)
        minutes = SCRAPES * INTERVAL / 60
        tell(
            calls_per_minute=(calls[-1] - calls[0]) / minutes,
            most_calls_per_scrape=max(after - before for before, after in pairwise(calls)),
            cpu_seconds_per_minute=(cpu[-1] - cpu[0]) / minutes,
            scrape_p50_seconds=statistics.median(took),
            scrape_max_seconds=max(took),
        )


def _wait_until_read(running: Running, accounts: int) -> None:
    ends = time.monotonic() + PATIENCE
    while value(running.scrape(UP)[1], UP) < COLLECTORS * accounts and time.monotonic() < ends:
        time.sleep(PAUSE)


def _scrape(running: Running) -> tuple[float, float, float]:
    """Scrape and wait for the next one; return the seconds it took, and CPU time and calls so far."""
    due = time.monotonic() + INTERVAL
    took, text = running.scrape(timeout=INTERVAL)
    time.sleep(max(0.0, due - time.monotonic()))
    return took, value(text, CPU), value(text, CALLS)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
