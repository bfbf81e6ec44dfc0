"""Measures the CPU time that Prometheus needs to evaluate the alert rules.

    python -m bench.rules JOBS RESOURCES [FILE]

Prometheus scrapes an account with these numbers of jobs and resources eleven times, so that the range
selectors of the rules return as many samples as with one scrape per minute. It then stops scraping and only
evaluates the rules. The samples have timestamps, so that Prometheus does not mark their series as stale then.
Set FILE to measure another rule file.
"""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from bench.jobs import ACCOUNT, REGION, WINDOW, active, finished
from bench.measure import tell
from bench.process import free_port, value
from exporter.config.duration import parse
from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger import JobStore, Ledger, Resources
from exporter.model import (
    BACKUP,
    KINDS,
    Health,
    ListedResource,
    Plan,
    PlannedRule,
    Protected,
    RecoveryPoints,
    Scope,
    Vault,
)
from exporter.model.job_kinds import COPY

RULES = Path(__file__).parents[1] / "prometheus" / "rules" / "aws-backup-alerts.yml"
SCRAPES, SCRAPE_INTERVAL = 11, 8.0
EVALUATIONS, EVALUATION_INTERVAL = 5, 4.0
MINUTE = 60.0
ACTIVE = 100
_SAMPLE = re.compile(rb"^[^#\n].*", re.MULTILINE)
COLLECTORS = (*(kind.collector for kind in KINDS), "plans", "resources", "vaults", "recovery_points")
PLAN, RULE = "c963cfe0-afae-4a3b-b909-6a04e7d80068", "e7aa8576-d96e-4adf-a2be-ee31ac8be7d7"
VAULT = f"arn:aws:backup:eu-central-1:{ACCOUNT}:backup-vault:dr"


def main(jobs: int, resources: int, path: str = str(RULES)) -> None:
    """Measure, and print the results."""
    document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    body = _exposition(jobs, resources, time.time())
    with (
        tempfile.TemporaryDirectory() as folder,
        _serving(body) as port,
        _Prometheus(Path(folder), port) as program,
    ):
        program.scrape()
        costs = {interval: program.evaluate(rules) for interval, rules in _by_interval(document).items()}
    tell(
        cpu_seconds_of_all=sum(costs.values()),
        cpu_seconds_per_minute=sum(cost * MINUTE / interval for interval, cost in costs.items()),
    )


def _by_interval(document: Any) -> dict[float, list[Any]]:
    """Return the rules by evaluation interval in seconds; the default is a minute."""
    rules: dict[float, list[Any]] = {}
    for group in document["groups"]:
        rules.setdefault(parse(group.get("interval", "1m")), []).extend(group["rules"])
    return rules


class _Prometheus:
    """A Prometheus process that first scrapes, and later evaluates rules."""

    def __init__(self, folder: Path, port: int) -> None:
        program = shutil.which("prometheus")
        if program is None:
            raise SystemExit("prometheus is not installed")
        self._folder, self._scraped = folder, port
        self._address = f"127.0.0.1:{free_port()}"
        self._configure([], SCRAPE_INTERVAL)
        self._child = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self._address}",
                "--query.lookback-delta=30m",
                "--log.level=error",
            ]
        )

    def __enter__(self) -> "_Prometheus":
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait()

    def scrape(self) -> None:
        """Scrape a few times, then stop scraping."""
        time.sleep(SCRAPES * SCRAPE_INTERVAL)
        self._reload([])

    def evaluate(self, rules: list[Any]) -> float:
        """Evaluate rules a few times. Return the CPU seconds of one evaluation."""
        self._reload(rules)
        before = self._until_evaluated(1)
        after = self._until_evaluated(1 + EVALUATIONS)
        return (after[0] - before[0]) / (after[1] - before[1])

    def _until_evaluated(self, times: int) -> tuple[float, float]:
        """Wait for a number of evaluations. Return the CPU seconds and the number of evaluations."""
        while True:
            text = self._metrics()
            count = value(text, "prometheus_rule_group_duration_seconds_count") - self._evaluated
            if count >= times:
                return value(text, "process_cpu_seconds_total"), count
            time.sleep(0.05)

    def _reload(self, rules: list[Any]) -> None:
        self._configure(rules, 86400)
        self._child.send_signal(signal.SIGHUP)
        time.sleep(EVALUATION_INTERVAL)
        self._evaluated = value(self._metrics(), "prometheus_rule_group_duration_seconds_count")

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://{self._address}/metrics") as answer:
            text: str = answer.read().decode()
        return text

    def _configure(self, rules: list[Any], scrape_interval: float) -> None:
        groups = [{"name": "bench", "rules": rules}] if rules else []
        (self._folder / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
        config = {
            "global": {
                "scrape_interval": f"{scrape_interval:g}s",
                "evaluation_interval": f"{EVALUATION_INTERVAL:g}s",
            },
            "rule_files": [str(self._folder / "rules.yml")],
            "scrape_configs": [
                {"job_name": "bench", "static_configs": [{"targets": [f"127.0.0.1:{self._scraped}"]}]}
            ],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")


@contextmanager
def _serving(body: bytes) -> Iterator[int]:
    """Serve an exposition, with the present time as timestamps, until the block ends. Yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(_SAMPLE.sub(b"\\g<0> %d" % (time.time() * 1000), body))

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def _exposition(jobs: int, resources: int, now: float) -> bytes:
    """Return the metrics of an account. Each resource has a rule, a copy and recovery points."""
    stores = [JobStore(kind, window=WINDOW, since=lambda: now) for kind in KINDS]
    ledger = Ledger(
        Scope("bench", REGION),
        stores,
        max_jobs=10**6,
        collectors=COLLECTORS,
        account_id=ACCOUNT,
        resources=Resources({}, lambda _: 6 * 3600.0, ACCOUNT),
    )
    arns = [f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-{number:017x}" for number in range(resources)]
    rule = PlannedRule(
        RULE, now + 3600, 6 * 3600.0, "daily", "prod-daily", "cron(0 */6 * * ? *)", destinations=(VAULT,)
    )
    plan = Plan(PLAN, "production", ACCOUNT, now - 3600, (rule,), changed=now - 90 * 86400, selections=())
    with ledger.open_resources() as known:
        known.set_plans([plan], unread_plans=(), read_at=now)
    ledger.update_inventory(
        lambda inventory: inventory.with_plans([plan], ACCOUNT).with_vaults(
            [Vault("prod-daily", ACCOUNT, 30 * resources, locked=True)], ACCOUNT
        )
    )
    _fill_with_jobs(ledger, jobs, arns, now)
    with ledger.open_resources() as known:
        known.set_protected(
            [Protected(arn, f"service-{number}", "EBS", now - 3600) for number, arn in enumerate(arns)],
            now=now,
            lookback=7 * 86400,
        )
        known.set_recovery_points("prod-daily", {arn: _points(now) for arn in arns})
        known.set_listed(ListedResource(arn, "", "EBS", ACCOUNT, is_selected=True) for arn in arns)
    for collector in COLLECTORS:
        ledger.mark_read(collector, now, since=now - 7 * 86400)
        ledger.set_health(collector, Health(up=True, last_success=now + 300))
    series = [ScopeSeries(ledger, lambda: now)]
    return Exposition(lambda: series, Telemetry()).write(Form())


def _fill_with_jobs(ledger: Ledger, jobs: int, arns: list[str], now: float) -> None:
    """Add one copy job per resource, and backup jobs, of which one in a hundred has failed."""
    backups = jobs - len(arns)
    answers = [*active(ACTIVE, now, 40.0), *finished(backups - ACTIVE, now)]
    for number, answer in enumerate(answers):
        arn = arns[number % len(arns)]
        answer |= {"ResourceArn": arn, "ResourceName": f"service-{number % len(arns)}"}
        if answer["State"] == "FAILED" and number % 5:
            answer |= {"State": "COMPLETED", "StatusMessage": "", "MessageCategory": "SUCCESS"}
    copies = [
        {**answer, "CopyJobId": f"copy-{answer['BackupJobId']}", "State": "COMPLETED"}
        | {"DestinationBackupVaultArn": VAULT, "SourceBackupVaultArn": answer["BackupVaultArn"]}
        for answer in answers[-len(arns) :]
    ]
    for kind, rows in ((BACKUP, answers), (COPY, copies)):
        ledger.update_jobs(kind, (kind.read(row) for row in rows), now, described=True)


def _points(now: float) -> RecoveryPoints:
    return RecoveryPoints(
        account_id=ACCOUNT,
        by_status={"COMPLETED": 30},
        warm_size=1 << 34,
        newest=now - 3600,
        oldest=now - 30 * 86400,
        expiry=now + 30 * 86400,
        newest_backup=now - 3600,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
