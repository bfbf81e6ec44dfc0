"""Benchmark of startup: time to the first response, and until all jobs of the look-back are read.

    python -m bench.start FINISHED REQUESTS_PER_SECOND [all|unsuccessful|none]

The last argument says which finished jobs have series.

The exporter is a process of its own; its memory is what it tells of itself. The least that quota and paging
allow: a call for every thousand jobs, at that rate, the first calls at once out of a full bucket.
Nothing but these calls is in it: no other collector, and none of the scrapes that watch how it goes.
"""

import math
import sys
import time

from bench.aws import simulated
from bench.measure import tell
from bench.process import Running, exporter, value
from exporter.aws import Budget
from exporter.aws.services import AWS_BACKUP

FIGURES = (
    "aws_backup_exporter_jobs",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "aws_backup_exporter_api_requests_total",
)
FINISHED = "aws_backup_exporter_jobs", 'phase="finished"'
SCRAPES = 5  # whole ones
PATIENCE = 300.0  # seconds in which all must be in
SOON, LATER = 0.5, 5.0  # seconds between two scrapes: each takes three calls from the same budget


def main(ended: int, rate: float, finished_jobs: str) -> None:
    """Measure and print the results."""
    with simulated(ended, 0) as endpoint_url:
        began = time.monotonic()
        with exporter(
            endpoint_url, requests_per_second=rate, finished_jobs=finished_jobs, max_jobs=10**6
        ) as running:
            running.first_answer()
            first = time.monotonic() - began
            allowed = _allowed(ended, rate)
            time.sleep(max(0.0, allowed - first))  # nothing can be complete sooner: no scrape is in the way
            complete, figures = _watch(running, began, ended)
            before = running.scrape(*FIGURES)[1]
            for _ in range(SCRAPES):
                seconds, everything = running.scrape()
            text = running.scrape(*FIGURES)[1]
            start_cpu, cpu = (value(each, "process_cpu_seconds_total") for each in (before, text))
            tell(
                jobs=value(figures, *FINISHED),
                first_answer_seconds=first,
                complete_seconds=complete,
                allowed_seconds=allowed,
                calls=value(figures, "aws_backup_exporter_api_requests_total"),
                start_cpu_seconds=start_cpu,
                scrape_cpu_seconds=(cpu - start_cpu) / SCRAPES,
                scrape_seconds=seconds,
                scrape_bytes=len(everything),
                resident_bytes=value(text, "process_resident_memory_bytes"),
            )


def _watch(running: Running, began: float, jobs: int) -> tuple[float, str]:
    """Scrape until all jobs are in; return the seconds that took, and what the last scrape told."""
    while True:
        figures = running.scrape(*FIGURES)[1]
        passed, known = time.monotonic() - began, value(figures, *FINISHED)
        if known >= jobs or passed > PATIENCE:
            return passed, figures
        rest = passed * (jobs - known) / max(known, 1.0)
        time.sleep(min(max(SOON, rest / 2), LATER))


def _allowed(jobs: int, rate: float) -> float:
    budget = Budget(rate, time.monotonic)
    return max(0.0, math.ceil(jobs / AWS_BACKUP.largest_page) - budget.burst) / budget.rate


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *(sys.argv[3:] or ["all"]))
