"""Benchmark of one exporter with many accounts: duration of the start, and cost of a scrape.

    python -m bench.targets ACCOUNTS JOBS

Each account is a target with a role of its own, and so many finished jobs; all six collectors run. AWS is
simulated in one process, which answers some hundred calls a second: it is what everything here waits for.
So CPU tells more than time.
"""

import sys
import time

from bench.aws import simulated
from bench.measure import tell
from bench.process import Running, exporter, value

PATIENCE = 600.0  # seconds until all must be in
PAUSE = 5.0  # seconds between two scrapes
COLLECTORS = 6
CPU, MEMORY = "process_cpu_seconds_total", "process_resident_memory_bytes"
UP, CALLS = "aws_backup_up", "aws_backup_exporter_api_requests_total"
SCRAPES = 3


def main(count: int, jobs: int) -> None:
    """Measure and print the results."""
    accounts = [str(10**11 + number) for number in range(count)]
    with simulated(jobs, 0, accounts=accounts) as endpoint_url:
        began = time.monotonic()
        with exporter(endpoint_url, accounts=accounts, idle_refresh="0s") as running:
            running.first_answer()
            first = time.monotonic() - began
            start = _watch(running, began, count, jobs)
            complete = time.monotonic() - began
            took = [running.scrape()[0] for _ in range(SCRAPES)]
            end = running.scrape(CPU, MEMORY, CALLS)[1]
            tell(
                first_answer_seconds=first,
                complete_seconds=complete,
                start_cpu_seconds=value(start, CPU),
                start_calls=value(start, CALLS),
                scrape_seconds=min(took),
                scrape_cpu_seconds=(value(end, CPU) - value(start, CPU)) / (SCRAPES + 1),
                scrape_calls=(value(end, CALLS) - value(start, CALLS)) / (SCRAPES + 1),
                resident_bytes=value(end, MEMORY),
            )


def _watch(running: Running, began: float, accounts: int, jobs: int) -> str:
    """Scrape until all is in; return what the last scrape told."""
    while True:
        text = running.scrape(UP, CPU, CALLS, "aws_backup_exporter_jobs")[1]
        all_up = value(text, UP) == COLLECTORS * accounts
        if (all_up and value(text, "aws_backup_exporter_jobs") == accounts * jobs) or (
            time.monotonic() - began > PATIENCE
        ):
            return text
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
