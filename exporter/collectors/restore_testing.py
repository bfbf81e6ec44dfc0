"""The restore testing plans: when each ran last and runs next."""

from collections.abc import Callable

from exporter.aws import BackupApi
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import PACE, list_all
from exporter.ledger import AccountOwners, Ledger
from exporter.model import Answer, RestoreTestingPlan, account_in_arn, longest_gap, next_run, number


class RestoreTestingCollector:
    """Keeps the restore testing plans of one scope.

    Args:
        api: asks AWS.
        ledger: takes in what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
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
        """List them all. While a row cannot be read, plans that are not listed stay as they were."""
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
