"""How long a real Prometheus takes to evaluate the alert rules once.

    python -m bench.rules JOBS RESOURCES [FILE]

Prometheus scrapes an account with so many jobs and resources a few times. The range selectors of the rules then
have as many samples as with one scrape each minute. The time is what Prometheus reports for all groups: the
median of several evaluations. FILE names other rules, to compare with; no rule of a group waits for longer.
"""

import gzip
import json
import shutil
import statistics
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
from bench.process import free_port
from exporter.exposition.exposition import Exposition, Form
from exporter.exposition.scope_series import ScopeSeries
from exporter.exposition.self_metrics import Telemetry
from exporter.ledger import JobStore, Ledger, Resources
from exporter.model import BACKUP, KINDS, Health, Plan, PlannedRule, Protected, RecoveryPoints, Scope, Vault
from exporter.model.job_kinds import COPY

RULES = Path(__file__).parents[1] / "prometheus" / "rules" / "aws-backup-alerts.yml"
SCRAPES, SCRAPE_INTERVAL = 11, 6.0
EVALUATIONS, EVALUATION_INTERVAL = 7, 8.0
ACTIVE = 100
COLLECTORS = (*(kind.collector for kind in KINDS), "plans", "resources", "vaults", "recovery_points")
PLAN, RULE = "c963cfe0-afae-4a3b-b909-6a04e7d80068", "e7aa8576-d96e-4adf-a2be-ee31ac8be7d7"
VAULT = f"arn:aws:backup:eu-central-1:{ACCOUNT}:backup-vault:dr"


def main(jobs: int, resources: int, path: str = str(RULES)) -> None:
    """Measure and tell."""
    now = time.time()
    with tempfile.TemporaryDirectory() as folder, _serving(_exposition(jobs, resources, now)) as port:
        rules = _all_at_once(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        Path(folder, "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
        with _prometheus(Path(folder), port) as address:
            time.sleep(SCRAPES * SCRAPE_INTERVAL)
            times = [sum(_evaluation_times(address)) for _ in range(EVALUATIONS)]
    tell(evaluation_seconds=statistics.median(times))


def _all_at_once(rules: Any) -> Any:
    for group in rules["groups"]:
        group.pop("interval", None)
    return rules


def _evaluation_times(address: str) -> list[float]:
    """Wait for the next evaluation of each group; gives the seconds that each took."""
    time.sleep(EVALUATION_INTERVAL)
    with urllib.request.urlopen(f"http://{address}/api/v1/rules") as answer:
        groups = json.load(answer)["data"]["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert rule["health"] == "ok", rule
    return [group["evaluationTime"] for group in groups]


@contextmanager
def _prometheus(folder: Path, port: int) -> Iterator[str]:
    program, own_port = shutil.which("prometheus"), free_port()
    if program is None:
        raise SystemExit("prometheus is not installed")
    config = {
        "global": {
            "scrape_interval": f"{SCRAPE_INTERVAL:g}s",
            "evaluation_interval": f"{EVALUATION_INTERVAL:g}s",
        },
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [
            {"job_name": "aws-backup", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{own_port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as child:
        try:
            yield f"127.0.0.1:{own_port}"
        finally:
            child.terminate()


@contextmanager
def _serving(body: bytes) -> Iterator[int]:
    """Answer every request with a compressed exposition until the block ends; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def _exposition(jobs: int, resources: int, now: float) -> bytes:
    """Write the metrics of an account: each resource has a rule, a copy and recovery points."""
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
        known.set_selected(dict.fromkeys(arns, True))
    for collector in COLLECTORS:
        ledger.mark_read(collector, now, since=now - 7 * 86400)
        ledger.set_health(collector, Health(up=True, last_success=now + 300))
    return Exposition([ScopeSeries(ledger, lambda: now)], Telemetry()).write(Form(gzip=True))


def _fill_with_jobs(ledger: Ledger, jobs: int, arns: list[str], now: float) -> None:
    """Each resource has one copy job; all others are backup jobs, of which one in a hundred failed."""
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
