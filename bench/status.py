"""Measures the CPU time to build the status page for many resources, some of which need attention.

    python -m bench.status RESOURCES SCOPES OVERDUE

The first scope has the number of resources and of overdue resources in the arguments. Each other scope has a
hundred resources. Each resource has a rule, a copy and recovery points. Each scope has twenty plans; the
monthly rule of each plan created no jobs.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

from bench.jobs import ACCOUNT, REGION
from bench.measure import cpu_of, tell
from exporter.config import Config
from exporter.ledger import ConfiguredIds, JobStore, Ledger, Resources
from exporter.model import (
    BACKUP,
    KINDS,
    Health,
    Plan,
    PlannedRule,
    RecoveryPoints,
    Reload,
    Scope,
    Selection,
    Vault,
)
from exporter.runtime import Secrets
from exporter.web.status import Status, status_of, status_page

DAY = 86400.0
FEW = 100
PLANS = 20
TIMES = 30
COPIES = f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:copies"
COLLECTORS = (*(kind.collector for kind in KINDS), "plans", "recovery_points")
SELECTION = Selection("selection", "all", 0.0, resources=("*",))


def main(count: int, scopes: int, overdue: int) -> None:
    """Measure, and print the results."""
    now = time.time()
    ledgers = [
        _ledger(number, FEW if number else count, 0 if number else overdue, now) for number in range(scopes)
    ]
    reload, secrets, config = Reload(True, now), Secrets(["a-secret-of-somebody"]), Config()

    def build() -> tuple[Status, str]:
        status = status_of(
            ledgers, now=now, started=now, version="1", reload=reload, config=config, secrets=secrets
        )
        return status, status_page(status)

    status, html = build()
    tell(
        cpu_seconds=cpu_of(build, TIMES),
        attention=status.attention.total,
        rows=len(status.attention.rows),
        bytes=len(html.encode()),
    )


def _ledger(number: int, count: int, overdue: int, now: float) -> Ledger:
    resources = Resources({}, lambda _: DAY, ACCOUNT)
    stores = [JobStore(kind, window=DAY, since=lambda: now) for kind in KINDS]
    ledger = Ledger(
        Scope(f"target-{number}", REGION),
        stores,
        max_jobs=10**6,
        collectors=COLLECTORS,
        resources=resources,
        configured=ConfiguredIds(),
    )
    for name in COLLECTORS:
        ledger.set_health(name, Health(up=True, last_success=now))
    ledger.update_inventory(
        lambda known: known.with_vaults([Vault("prod", ACCOUNT, 7, locked=False)], ACCOUNT)
    )
    plans = [_plan(plan) for plan in range(PLANS)]
    ledger.update_inventory(lambda known: known.with_plans(plans, ACCOUNT))
    for collector in COLLECTORS:
        ledger.mark_read(collector, now, since=now - 30 * DAY)
    ledger.update_jobs(BACKUP, (BACKUP.read(job) for job in _jobs(count, overdue, now)), now, described=True)
    with ledger.open_resources() as known:
        known.set_plans(plans, unread_plans=(), read_at=now)
        known.set_recovery_points(
            "prod", {_arn(one): _points(now - _age(one, overdue)) for one in range(count)}
        )
        known.record_copies(COPIES, {_arn(one): now - DAY / 4 for one in range(count)})
    return ledger


def _arn(number: int) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-{number:017x}"


def _age(number: int, overdue: int) -> float:
    """Return the age of the last backup of a resource, in seconds."""
    return 5 * DAY if number < overdue else DAY / 3


def _jobs(count: int, overdue: int, now: float) -> Iterator[dict[str, Any]]:
    """Yield a completed job for each resource, and a failed job for each overdue resource."""
    for number in range(count):
        completed = now - _age(number, overdue)
        yield _job(f"done-{number}", number, "COMPLETED", completed)
        if number < overdue:
            yield _job(f"failed-{number}", number, "FAILED", now - DAY / 3)


def _job(job_id: str, number: int, state: str, completed: float) -> dict[str, Any]:
    return {
        "BackupJobId": job_id,
        "State": state,
        "ResourceArn": _arn(number),
        "ResourceName": f"service-{number}-data",
        "ResourceType": "EBS",
        "BackupVaultName": "prod",
        "CreationDate": completed - 900,
        "CompletionDate": completed,
        "StatusMessage": "" if state == "COMPLETED" else "Access denied when calling the service",
        "CreatedBy": {"BackupPlanId": f"plan-{number % PLANS}", "BackupRuleId": "daily"},
    }


def _points(completed: float) -> RecoveryPoints:
    return RecoveryPoints(
        by_status={"COMPLETED": 7},
        newest=completed,
        oldest=completed - 6 * DAY,
        expiry=completed + 35 * DAY,
        newest_backup=completed,
    )


def _plan(number: int) -> Plan:
    rules = (
        PlannedRule("daily", None, DAY, "daily", "prod", "cron(0 5 ? * * *)", destinations=(COPIES,)),
        PlannedRule("monthly", None, 31 * DAY, "monthly", "prod", "cron(0 5 1 * ? *)"),
    )
    return Plan(f"plan-{number}", f"plan-{number}", ACCOUNT, None, rules, selections=(SELECTION,))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
