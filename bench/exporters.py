"""The exporter as the benchmarks run it, and a naive implementation for comparison."""

import gzip
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config as ClientConfig
from botocore.session import Session
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bench.jobs import REGION
from exporter.assembly import Assembler, Dependencies, Exporter
from exporter.aws import default_session, shared_loader
from exporter.config import Api, Collector, Config, Target
from exporter.exposition.self_metrics import Telemetry


def ours(
    endpoint_url: str,
    *,
    requests_per_second: float = 10.0,
    collectors: tuple[Collector, ...] = ("backup_jobs",),
) -> Exporter:
    """Assemble the exporter with real clocks on a simulated account."""
    config = Config(
        targets=(Target(name="bench", regions=(REGION,), endpoint_url=endpoint_url),),
        collectors=collectors,
        api=Api(requests_per_second=requests_per_second),
    )
    return Assembler(Telemetry(), Dependencies(open_session=_session)).assemble(config)


def refresh(exporter: Exporter) -> None:
    """Refresh everything and wait for it."""
    exporter.refresher.refresh().all.result()


def calls(exporter: Exporter) -> Mapping[tuple[str, str], int]:
    """Return the calls made so far, by operation and outcome."""
    return exporter.ledgers[0].calls()


_READ: Mapping[str, Callable[[Any], float]] = {
    "progress": lambda job: float(job["PercentDone"]) / 100,
    "transferred_bytes": lambda job: job["BytesTransferred"],
    "size_bytes": lambda job: job["BackupSizeInBytes"],
    "created": lambda job: job["CreationDate"].timestamp(),
}


class Literal:
    """The naive implementation: list and describe all jobs on each scrape, with prometheus-client gauges."""

    def __init__(self, endpoint_url: str) -> None:
        self._client = boto3.client(
            "backup",
            region_name=REGION,
            endpoint_url=endpoint_url,
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
            config=ClientConfig(max_pool_connections=16),
        )
        self._registry = CollectorRegistry()
        labels = ("job_id", "state", "resource_arn", "resource_type", "vault_name")
        self._gauges = {
            name: Gauge(f"literal_job_{name}", name, labels, registry=self._registry) for name in _READ
        }
        self.calls = 0

    def scrape(self, states: tuple[str, ...] = ()) -> bytes:
        """List, describe each job (only those in `states`, when given), and write."""
        for gauge in self._gauges.values():
            gauge.clear()
        for page in self._client.get_paginator("list_backup_jobs").paginate():
            self.calls += 1
            for row in page["BackupJobs"]:
                if not states or row["State"] in states:
                    self._set(self._client.describe_backup_job(BackupJobId=row["BackupJobId"]))
                    self.calls += 1
        return gzip.compress(generate_latest(self._registry))

    def _set(self, job: dict[str, Any]) -> None:
        labels = [
            job["BackupJobId"],
            job["State"],
            job["ResourceArn"],
            job["ResourceType"],
            job["BackupVaultName"],
        ]
        for name, read in _READ.items():
            self._gauges[name].labels(*labels).set(read(job))


def _session(profile: str | None) -> Session:
    session = default_session(profile, shared_loader())
    session.set_credentials("bench", "bench")
    return session
