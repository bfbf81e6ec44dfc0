"""Measurements, and their output as one JSON object on standard output."""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path


def cpu_of(work: Callable[[], object], times: int, before: Callable[[int], object] = lambda _: None) -> float:
    """Return the median CPU seconds of the whole process for one run of `work`; `before` is not counted."""
    costs: list[float] = []
    for number in range(times):
        before(number)
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return statistics.median(costs)


def resident() -> int:
    """Return the bytes of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def peak() -> int:
    """Return the most bytes of memory that the process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tell(**figures: float) -> None:
    """Print the results of a case."""
    json.dump(figures | {"peak_bytes": peak()}, sys.stdout)
