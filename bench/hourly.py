"""Counts the AWS API calls per hour for an account with many resources, plans, vaults and recovery points.

    python -m bench.hourly RESOURCES PLANS VAULTS POINTS

It simulates an hour with one scrape per minute. The numbers of series and bytes are from a scrape at the end.
"""

import sys
from collections import Counter
from typing import Any

from bench.measure import tell
from exporter.config import COLLECTORS
from exporter.refresh import ScopeRefresh
from exporter.simulator.history import put_history
from tests.support.harness import REGION, Bench, bench

DAY = 86400.0
ACCOUNT = "123456789012"


def main(resources: int, plans: int, vaults: int, points: int) -> None:
    """Count the calls of an hour and print the results."""
    with bench() as aws:
        _fill(aws, resources, plans, vaults, points)
        watch = aws.watch(collectors=COLLECTORS, limits={"max_jobs": 20_000})
        watch.catch_up()
        [scope] = watch.exporter.refresher._scopes.values()  # noqa: SLF001 - its threads use the real clock
        aws.account.forget_calls()
        for _ in range(60):
            aws.clock.advance(60)
            _refresh(scope, aws.clock())
        calls = Counter(call.operation for call in aws.account.calls)
        text = watch.read().text
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for operation, count in calls.most_common():
            print(f"{count:6} {operation}", file=sys.stderr)
        tell(
            calls=sum(calls.values()),
            series=len(lines),
            series_of_jobs=sum("job_id=" in line and "_resource_" not in line for line in lines),
            bytes=len(text),
        )


def _refresh(scope: ScopeRefresh, now: float) -> None:
    """Run the refreshes of a minute: those of a scrape and those in the background."""
    for collector in scope.take_due(now).collectors:
        scope.refresh(collector)
    for hourly in (False, True):
        for _ in scope._refresh_slow(hourly=hourly):  # noqa: SLF001 - only these
            pass


def _fill(aws: Bench, resources: int, plans: int, vaults: int, points: int) -> None:
    account = aws.account
    backend = aws.server.simulation.backend(REGION, ACCOUNT)
    for number in range(vaults):
        backend.create_backup_vault(f"vault-{number}", {}, "arn:aws:kms:key", "")
    share = max(1, resources // plans)
    for number in range(plans):
        arns = [f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-{number:03}{each:05}" for each in range(share)]
        plan = _plan(number, f"vault-{number % vaults}")
        put_history(account, plan, arns, days=points / resources)
        account.selections.put(
            {
                "SelectionId": f"selection-{number}",
                "BackupPlanId": plan["BackupPlanId"],
                "CreationDate": account.now() - 200 * DAY,
                "BackupSelection": {"SelectionName": "volumes", "Resources": arns},
            }
        )


def _plan(number: int, vault: str) -> dict[str, Any]:
    rule = {
        "RuleId": f"rule-{number}",
        "RuleName": "daily",
        "TargetBackupVaultName": vault,
        "ScheduleExpression": "cron(0 5 ? * * *)",
        "Lifecycle": {"DeleteAfterDays": 365},
    }
    return {
        "BackupPlanId": f"plan-{number}",
        "BackupPlanArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-plan:plan-{number}",
        "VersionId": "1",
        "CreationDate": 1_780_000_000.0,
        "BackupPlan": {"BackupPlanName": f"plan-{number}", "Rules": [rule]},
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
