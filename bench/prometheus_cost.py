"""Measures what Prometheus needs for an organization: series, new series per hour, memory, time of a scrape.

    python -m bench.prometheus_cost ACCOUNTS JOBS FINISHED_JOBS [MINUTES]

Each account makes so many JOBS a day in each of two Regions. FINISHED_JOBS is the value of
`discovery.finished_jobs`. Prometheus scrapes the exporter for so many MINUTES after all jobs were read. Set
PROMETHEUS_3 to the folder of another version.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.measure import tell
from bench.organization import JOBS, REGIONS, organization_exporter, watch
from bench.organization_aws import organization_aws
from bench.process import free_port, value

RUN = 600.0  # seconds for which each job runs
INTERVAL = 15  # seconds between two scrapes
HEAD, CREATED = "prometheus_tsdb_head_series", "prometheus_tsdb_head_series_created_total"
MEMORY, HEAP = "process_resident_memory_bytes", "go_memstats_heap_inuse_bytes"


def main(accounts: int, jobs: float, finished_jobs: str, minutes: float = 4.0) -> None:
    """Measure, and print the results."""
    with (
        organization_aws(accounts, jobs, RUN, 0.0) as aws,
        organization_exporter(aws.endpoint_url, "view", finished_jobs) as running,
    ):
        running.first_answer()
        watch(running, time.monotonic(), len(REGIONS) * len(JOBS))
        with _prometheus(running.address) as address:
            time.sleep(4 * INTERVAL)
            before, began = _metrics(address), time.monotonic()
            time.sleep(60 * minutes)
            after, seconds = _metrics(address), time.monotonic() - began
            tell(
                series=value(after, HEAD),
                new_series_per_hour=(value(after, CREATED) - value(before, CREATED)) / seconds * 3600,
                resident_bytes=value(after, MEMORY),
                heap_bytes=value(after, HEAP),
                scrape_seconds=_scrape_seconds(address),
                exporter_resident_bytes=value(running.scrape(MEMORY)[1], MEMORY),
            )


@contextmanager
def _prometheus(target: tuple[str, int]) -> Iterator[str]:
    """Run Prometheus until the block ends. Gives its address."""
    program = Path(os.environ.get("PROMETHEUS_3", ""), "prometheus")
    config = {
        "global": {"scrape_interval": f"{INTERVAL}s"},
        "scrape_configs": [
            {"job_name": "backup", "static_configs": [{"targets": ["{}:{}".format(*target)]}]},
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        options = (
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
            "--log.level=error",
        )
        with subprocess.Popen([program, *options]) as child:
            try:
                yield address
            finally:
                child.terminate()


def _metrics(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        return str(answer.read().decode())


def _scrape_seconds(address: str) -> float:
    query = urllib.parse.urlencode({"query": "max(scrape_duration_seconds)"})
    with urllib.request.urlopen(f"http://{address}/api/v1/query?{query}") as answer:
        return float(yaml.safe_load(answer.read())["data"]["result"][0]["value"][1])


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], *map(float, sys.argv[4:]))
