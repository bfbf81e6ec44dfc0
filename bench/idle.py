"""Benchmark of the AWS API calls and CPU time of a scrape of many accounts, few of which have an active job.

    python -m bench.idle ACCOUNTS ACTIVE IDLE_REFRESH

Each account is a target with a role of its own; ACTIVE of them have a job that runs. AWS answers at once, in
another process. The exporter's clock advances by fifteen seconds between two scrapes, however long they take.
"""

import os
import statistics
import sys
import time
from functools import partial

from bench.jobs import REGION
from bench.measure import tell
from bench.prompt_aws import FIRST, HOUR, prompt_aws
from exporter.assembly import Assembler, Dependencies, Exporter
from exporter.aws import default_session, shared_loader
from exporter.config import Api, Config, Discovery, Target
from exporter.exposition.exposition import Form
from exporter.exposition.self_metrics import Telemetry
from exporter.runtime.clock import Clock as TrueClock
from tests.support.harness import Clock

SCRAPES, INTERVAL = 4, 15.0
COLLECTORS = ("backup_jobs", "copy_jobs", "restore_jobs")
GZIP = Form(gzip=True)


def main(count: int, active: int, idle_refresh: float) -> None:
    """Measure and print the results."""
    clock = Clock(time.time())
    with prompt_aws(HOUR, active=active) as aws:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_ENDPOINT_URL_STS": aws.endpoint_url,
        }
        exporter = _assembled(count, aws.endpoint_url, idle_refresh, clock)
        exporter.refresher.refresh().all.result()
        calls, refresh_cpu, write_cpu = [], [], []
        for _ in range(SCRAPES):
            clock.advance(INTERVAL)
            before, began = _calls(exporter), time.process_time()
            exporter.refresher.refresh().all.result()
            refreshed = time.process_time()
            exporter.exposition.write(GZIP)
            calls.append(_calls(exporter) - before)
            refresh_cpu.append(refreshed - began)
            write_cpu.append(time.process_time() - refreshed)
        exporter.stop()
    tell(
        calls_per_scrape=statistics.mean(calls),
        most_calls_per_scrape=max(calls),
        refresh_cpu_seconds=statistics.mean(refresh_cpu),
        write_cpu_seconds=statistics.mean(write_cpu),
    )


def _assembled(count: int, endpoint_url: str, idle_refresh: float, clock: Clock) -> Exporter:
    targets = tuple(
        Target(
            name=f"a{FIRST + number}",
            regions=(REGION,),
            endpoint_url=endpoint_url,
            role_arn=f"arn:aws:iam::{FIRST + number}:role/bench",
        )
        for number in range(count)
    )
    dependencies = Dependencies(
        open_session=partial(default_session, loader=shared_loader()),
        clock=TrueClock(clock, clock),
        steady=clock,
        sleep=clock.advance,
    )
    api = Api(idle_refresh=idle_refresh, connect_timeout=60.0, read_timeout=60.0)
    discovery = Discovery(window=HOUR, lookback=HOUR)  # so that one call reads all jobs of a kind
    config = Config(targets=targets, collectors=COLLECTORS, api=api, discovery=discovery)
    return Assembler(Telemetry(), dependencies).assemble(config)


def _calls(exporter: Exporter) -> int:
    return sum(sum(ledger.calls().values()) for ledger in exporter.ledgers)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
