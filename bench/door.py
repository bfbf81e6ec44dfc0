"""Benchmark of scrape duration with hundreds of slow and thousands of idle clients.

    python -m bench.door JOBS SECONDS

The exporter is a process of its own. Five hundred clients are slow, each in one of four ways: a byte of the
headers a second, headers or a body without an end, answers that are never read. Two thousand are idle. Who is
closed comes back within a second. Meanwhile it is scraped as Prometheus does, and asked whether it is
healthy, again and again.
"""

import math
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from urllib.request import urlopen

from bench.aws import simulated
from bench.measure import tell
from bench.process import Running, exporter, value
from exporter.command.main import MEMORY_INTERVAL
from tests.web.load import IDLE, SLOW, Load

EACH_SLOW, EACH_IDLE = 125, 1000
PAUSE = 0.1  # seconds between two questions
ALL_THERE = 0.9  # of the clients, until the clock starts
OF_ITSELF = ("process_resident_memory_bytes", "process_open_fds")


def main(jobs: int, seconds: float) -> None:
    """Measure and print the results."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    with simulated(jobs, 0) as endpoint_url, exporter(endpoint_url) as running:
        running.first_answer()
        while value(running.scrape("aws_backup_exporter_jobs")[1], "aws_backup_exporter_jobs") < jobs:
            time.sleep(0.5)
        calm, _ = _ask(running, seconds / 4)
        before = _of_itself(running)
        with _tracker(running):
            scrapes, health = _ask(running, seconds)
            meanwhile = _of_itself(running)
        time.sleep(MEMORY_INTERVAL + 2)
        after = _of_itself(running)
        tell(
            clients=len(SLOW) * EACH_SLOW + len(IDLE) * EACH_IDLE,
            seconds=seconds,
            calm_p99_seconds=_p99(calm),
            scrapes=len(scrapes),
            p50_seconds=statistics.median(scrapes),
            p99_seconds=_p99(scrapes),
            longest_seconds=max(scrapes),
            health_p99_seconds=_p99(health),
            **{
                f"{what}_{when}": figure
                for when, figures in (("before", before), ("meanwhile", meanwhile), ("after", after))
                for what, figure in figures.items()
            },
        )


@contextmanager
def _tracker(running: Running) -> Iterator[None]:
    counts = dict.fromkeys(SLOW, EACH_SLOW) | dict.fromkeys(IDLE, EACH_IDLE)
    with Load(running.address, counts) as load:
        while sum(load.held().values()) < ALL_THERE * sum(counts.values()):
            time.sleep(0.1)
        yield


def _ask(running: Running, seconds: float) -> tuple[list[float], list[float]]:
    """Alternate requests; a missing response fails the benchmark."""
    took: tuple[list[float], list[float]] = ([], [])
    asks: tuple[Callable[[], float], ...] = (lambda: running.scrape()[0], lambda: _healthy(running))
    until = time.monotonic() + seconds
    for times, ask in cycle(zip(took, asks, strict=True)):
        if time.monotonic() > until:
            break
        times.append(ask())
        time.sleep(PAUSE)
    return took


def _healthy(running: Running) -> float:
    began = time.monotonic()
    with urlopen("http://{}:{}/-/healthy".format(*running.address), timeout=10) as answer:
        answer.read()
    return time.monotonic() - began


def _of_itself(running: Running) -> dict[str, float]:
    text = running.scrape(*OF_ITSELF)[1]
    return {name.removeprefix("process_"): value(text, name) for name in OF_ITSELF}


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
