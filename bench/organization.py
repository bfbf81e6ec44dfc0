"""Benchmark of one exporter with an organization: the start, and the cost of a scrape.

    python -m bench.organization view|members|both ACCOUNTS JOBS RUN [INTERVAL [SCRAPES [DELAY]]]

Each account makes so many JOBS a day in each of two Regions, each of which runs for RUN seconds. After all of
the window has been read, the exporter is scraped so many times, INTERVAL seconds apart.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import tell
from bench.organization_aws import organization_aws
from bench.process import Running, exporter, value

REGIONS = ("eu-west-1", "us-east-1")
PATIENCE = 600.0  # seconds until all must be in
PAUSE = 5.0  # seconds between two scrapes during the start
CPU, MEMORY = "process_cpu_seconds_total", "process_resident_memory_bytes"
UP, CALLS = "aws_backup_up", "aws_backup_exporter_api_requests_total"
JOBS = ("backup_jobs", "copy_jobs", "restore_jobs", "scan_jobs")
COLLECTORS = (*JOBS, "resources", "vaults", "plans", "settings", "restore_testing", "frameworks")
QUIET = 20  # calls in PAUSE seconds, beyond those of a scrape, while earlier jobs are still being read

_TARGET = """
targets:
  - name: company
    regions: [{regions}]
    endpoint_url: {endpoint_url}
    organization: {organization}
discovery: {{finished_jobs: {finished_jobs}, lookback: 24h}}
collectors: [{collectors}]
"""
_ORGANIZATION = {
    "view": "{jobs: true}",
    "members": "{jobs: false, members: {role_name: bench}}",
    "both": "{jobs: true, members: {role_name: bench}}",
}


@contextmanager
def organization_exporter(
    endpoint_url: str, mode: str, finished_jobs: str = "unsuccessful"
) -> Iterator[Running]:
    """Run the exporter on an organization until the block ends."""
    text = _TARGET.format(
        regions=", ".join(REGIONS),
        endpoint_url=endpoint_url,
        organization=_ORGANIZATION[mode],
        finished_jobs=finished_jobs,
        collectors=", ".join(COLLECTORS),
    )
    environment = {"AWS_ENDPOINT_URL_STS": endpoint_url, "AWS_ENDPOINT_URL_ORGANIZATIONS": endpoint_url}
    with exporter(endpoint_url, configuration=text, environment=environment) as running:
        yield running


def main(
    mode: str,
    accounts: int,
    jobs: float,
    run: float,
    interval: float = 15.0,
    scrapes: float = 12,
    delay: float = 0.08,
) -> None:
    """Measure and print the results."""
    with organization_aws(accounts, jobs, run, delay) as aws:
        began = time.monotonic()
        with organization_exporter(aws.endpoint_url, mode) as running:
            running.first_answer()
            first = time.monotonic() - began
            expected = len(REGIONS) * (len(JOBS) if mode == "view" else accounts * len(COLLECTORS))
            slowest = watch(running, began, expected)
            complete = time.monotonic() - began
            start = running.scrape(CPU, CALLS)[1]
            took, cpu, calls = _scrape(running, int(scrapes), interval)
            size, whole = running.scrape()
            memory = value(running.scrape(MEMORY)[1], MEMORY)
            tell(
                first_answer_seconds=first,
                complete_seconds=complete,
                slowest_scrape_of_start_seconds=slowest,
                start_cpu_seconds=value(start, CPU),
                start_calls=value(start, CALLS),
                scrape_p50_seconds=statistics.median(took),
                scrape_max_seconds=max(took),
                scrape_cpu_seconds=statistics.mean(cpu),
                scrape_cpu_max_seconds=max(cpu),
                scrape_calls=statistics.mean(calls),
                scrape_calls_max=max(calls),
                resident_bytes=memory,
                threads=running.threads(),
                connections=running.connections(),
                series=sum(not line.startswith("#") for line in whole.splitlines()),
                last_scrape_seconds=size,
            )


def watch(running: Running, began: float, expected: int) -> float:
    """Scrape until all collectors are up; return the seconds of the slowest scrape."""
    slowest, before = 0.0, 0.0
    while time.monotonic() - began < PATIENCE:
        took, text = running.scrape(UP, CALLS)
        slowest = max(slowest, took)
        calls = value(text, CALLS)
        if value(text, UP) >= expected and calls - before <= QUIET + expected // 10:
            break
        before = calls
        time.sleep(PAUSE)
    return slowest


def _scrape(running: Running, scrapes: int, interval: float) -> tuple[list[float], list[float], list[float]]:
    """Scrape at intervals; return the seconds of each, and the CPU seconds and calls from one to the next.

    Nothing else is scraped meanwhile: each scrape asks AWS.
    """
    took, cpu, calls = [], [], []
    text = running.scrape()[1]
    for _ in range(scrapes):
        before_cpu, before_calls = value(text, CPU), value(text, CALLS)
        time.sleep(interval)
        seconds, text = running.scrape()
        took.append(seconds)
        cpu.append(value(text, CPU) - before_cpu)
        calls.append(value(text, CALLS) - before_calls)
    return took, cpu, calls


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))
