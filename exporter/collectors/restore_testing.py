"""Collects the restore testing plans, with the last and the next run of each."""

from collections.abc import Callable

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, RestoreTestingPlan, account_in_arn, longest_gap, next_run, number


class RestoreTestingCollector:
    """Collects the restore testing plans of one scope.

    Args:
        api: calls AWS.
        ledger: stores the restore testing plans.
        owners: decides which scope publishes an account and Region.
        clock: seconds since 1970.
    """

    name = "restore_testing"
    pace = PACE

    def __init__(
        self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners
        self._clock = clock

    def refresh(self) -> None:
        """List all restore testing plans. If a row is malformed, no known plan is removed."""
        rows = list_all(self._api, "ListRestoreTestingPlans", "RestoreTestingPlans")
        plans = [self._plan(row) for row in rows]
        check_owner(self._owners, self._ledger.scope, (plan.account_id or plan.arn for plan in plans))
        self._ledger.update_inventory(
            lambda known: known.with_testing_plans((*(() if rows.complete else known.testing_plans), *plans))
        )

    def _plan(self, row: Answer) -> RestoreTestingPlan:
        now = self._clock()
        arn = str(row["RestoreTestingPlanArn"])
        expression, timezone = row.get("ScheduleExpression") or "", row.get("ScheduleExpressionTimezone")
        return RestoreTestingPlan(
            arn=arn,
            name=str(row.get("RestoreTestingPlanName") or ""),
            account_id=account_in_arn(arn),
            last_execution=number(row.get("LastExecutionTime")),
            next_run=next_run(expression, timezone, now),
            interval=longest_gap(expression, timezone, now),
        )
