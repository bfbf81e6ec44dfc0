"""From the start to the first answer, and until everything is in: so many jobs in the look-back.

    python -m bench.start FINISHED

The exporter is a process of its own; its memory is what it tells of itself. The least that quota and paging
allow: a call for every thousand jobs, at the default rate, the first calls at once out of a full bucket.
Nothing but these calls is in it: no other collector, and none of the scrapes that watch how it goes.
"""

import math
import sys
import time

from bench.aws import simulated
from bench.measure import tell
from bench.process import exporter, value
from exporter.aws import Budget
from exporter.aws.api import PAGE_SIZE
from exporter.config import Api

FIGURES = (
    "aws_backup_exporter_jobs",
    "process_resident_memory_bytes",
    "aws_backup_exporter_api_requests_total",
)
PATIENCE = 300.0  # seconds in which all must be in
SOON = 0.5  # seconds between two scrapes at least; each takes three calls from the same budget


def main(ended: int) -> None:
    """Measure and tell."""
    with simulated(ended, 0) as endpoint_url:
        began = time.monotonic()
        with exporter(endpoint_url, max_jobs=10**6) as running:
            running.first_answer()
            first = time.monotonic() - began
            allowed = _allowed(ended)
            time.sleep(max(0.0, allowed - first))  # nothing can be complete sooner: no scrape is in the way
            known, complete = 0.0, 0.0
            while known < ended and complete < PATIENCE:
                text = running.scrape(*FIGURES)[1]
                complete = time.monotonic() - began
                known = value(text, "aws_backup_exporter_jobs", 'phase="finished"')
                calls = value(text, "aws_backup_exporter_api_requests_total")
                time.sleep(max(SOON, (ended / known - 1) * complete / 2))  # half of what the rest should take
            for _ in range(5):
                seconds, everything = running.scrape()
            text = running.scrape(*FIGURES)[1]
            tell(
                jobs=known,
                first_answer_seconds=first,
                complete_seconds=complete,
                allowed_seconds=allowed,
                calls=calls,
                scrape_seconds=seconds,
                scrape_bytes=len(everything),
                resident_bytes=value(text, "process_resident_memory_bytes"),
            )


def _allowed(jobs: int) -> float:
    budget = Budget(Api().requests_per_second, time.monotonic)
    return max(0.0, math.ceil(jobs / PAGE_SIZE) - budget.burst) / budget.rate


if __name__ == "__main__":
    main(int(sys.argv[1]))
