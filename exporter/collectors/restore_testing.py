"""The restore testing plans, with the last and the next run of each."""

from collections.abc import Callable

from exporter.collectors.list_collector import Listing
from exporter.model import Answer, RestoreTestingPlan, account_in_arn, longest_gap, next_run, number


def restore_testing_plans(clock: Callable[[], float]) -> Listing[RestoreTestingPlan]:
    """Return the list of restore testing plans; the clock gives seconds since 1970."""
    return Listing(
        collector="restore_testing",
        operation="ListRestoreTestingPlans",
        member="RestoreTestingPlans",
        parse=lambda row: _plan(row, clock()),
        name_of=lambda plan: plan.arn,
        known=lambda inventory: inventory.testing_plans,
        replace=lambda inventory, plans, _: inventory.with_testing_plans(plans),
    )


def _plan(row: Answer, now: float) -> RestoreTestingPlan:
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
