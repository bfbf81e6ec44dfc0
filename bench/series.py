"""Benchmark of the number of series of an account with 500 resources and many finished jobs.

python -m bench.series JOBS
"""

import sys
from collections import Counter

from bench.aws import simulated
from bench.exporters import ours
from bench.measure import tell
from exporter.exposition.exposition import Form

_KINDS = {
    "aws_backup_job_": "of_jobs",
    "aws_backup_jobs": "of_the_fleet",
    "aws_backup_resource_": "of_resources",
}


def main(jobs: int) -> None:
    """Count and print the results."""
    with simulated(jobs, 0) as endpoint_url:
        exporter = ours(endpoint_url, collectors=("backup_jobs", "resources"))
        exporter.refresher.refresh_completely()
        lines = exporter.exposition.write(Form()).decode().splitlines()
        kinds = Counter(_kind(line) for line in lines if line and not line.startswith("#"))
        tell(**kinds, total=sum(kinds.values()))


def _kind(line: str) -> str:
    name = line.partition("{")[0]
    return next((kind for beginning, kind in _KINDS.items() if name.startswith(beginning)), "of_the_exporter")


if __name__ == "__main__":
    main(int(sys.argv[1]))
