"""Benchmark of querying AWS for active jobs: the exporter, and describing each job.

    python -m bench.ask {ours,literal} FINISHED ACTIVE REQUESTS_PER_SECOND

CPU is that of the whole process for one refresh, nothing written: the median of several. Calls are those of
the last refresh. AWS is simulated in another process.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3

from bench.aws import simulated
from bench.exporters import calls, ours, refresh
from bench.jobs import REGION
from bench.measure import cpu_of, tell

PAUSE = 2.5  # seconds between two refreshes: the bucket is full again


def main(way: str, ended: int, running: int, rate: float) -> None:
    """Measure one implementation and print the results."""
    with simulated(ended, running) as endpoint_url:
        if way == "ours":
            _ours(endpoint_url, rate)
        else:
            _literal(endpoint_url)


def _ours(endpoint_url: str, rate: float) -> None:
    exporter = ours(endpoint_url, requests_per_second=rate)
    exporter.refresher.refresh_completely()
    before: list[int] = []

    def pause(_: int) -> None:
        time.sleep(PAUSE)
        before.append(sum(calls(exporter).values()))

    cpu = cpu_of(lambda: refresh(exporter), 9, pause)
    tell(cpu_seconds=cpu, calls=sum(calls(exporter).values()) - before[-1])


def _literal(endpoint_url: str) -> None:
    client = boto3.client(
        "backup",
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )
    listed = client.list_backup_jobs(ByState="RUNNING")["BackupJobs"]
    job_ids = [row["BackupJobId"] for row in listed]
    side_by_side = ThreadPoolExecutor(8)

    def describe_each() -> None:
        list(side_by_side.map(lambda job_id: client.describe_backup_job(BackupJobId=job_id), job_ids))

    describe_each()
    tell(cpu_seconds=cpu_of(describe_each, 9), calls=len(job_ids))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
