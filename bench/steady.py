"""Benchmark of continuous scraping while AWS is slow and enforces its quotas.

    python -m bench.steady FINISHED ACTIVE DELAY SECONDS INTERVAL

The first minute is not counted in the scrape times; throttled calls are told for it and for the rest.
"""

import statistics
import sys
import time

from bench.aws import simulated
from bench.measure import tell
from bench.process import Running, exporter, value

FIRST = 60.0


def main(ended: int, running_jobs: int, delay: float, seconds: float, interval: float) -> None:
    """Measure and print the results."""
    with (
        simulated(ended, running_jobs, delay=delay, quotas=True) as endpoint_url,
        exporter(endpoint_url) as running,
    ):
        running.first_answer()
        _scrape_for(running, FIRST, interval)
        calls_before, throttled_before = _calls(running)
        took = _scrape_for(running, seconds, interval)
        calls, throttled = _calls(running)
        tell(
            scrapes=len(took),
            p50_seconds=statistics.median(took),
            p99_seconds=sorted(took)[int(len(took) * 0.99)],
            calls_per_scrape=(calls - calls_before) / len(took),
            throttled_in_first_minute=throttled_before,
            throttled_afterwards=throttled - throttled_before,
        )


def _scrape_for(running: Running, seconds: float, interval: float) -> list[float]:
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        took.append(running.scrape()[0])
        time.sleep(max(0.0, interval - took[-1]))
    return took


def _calls(running: Running) -> tuple[float, float]:
    name = "aws_backup_exporter_api_requests_total"
    text = running.scrape(name)[1]
    return value(text, name), value(text, name, 'code="ThrottlingException"')


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:6]))
