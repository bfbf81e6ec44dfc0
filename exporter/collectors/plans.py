"""The backup plans: when each rule runs next, and how far apart its runs are."""

from collections.abc import Callable, Iterable

from exporter.aws import AwsError, BackupApi
from exporter.claims import Claims
from exporter.collectors import PATIENCE
from exporter.collectors.accounts import claim
from exporter.kinds import Answer, account_in_arn, timestamp
from exporter.ledger import Ledger
from exporter.model import Plan, PlannedRule
from exporter.schedule import largest_gap_of, longest_gap, next_run

MOST_RUNS = 10  # that AWS previews


class PlansCollector:
    """Keeps the plans of one scope.

    Args:
        api: asks AWS.
        ledger: takes up what AWS tells.
        claims: tells whether another scope publishes the same account and Region already.
        clock: seconds since 1970.
    """

    name = "plans"

    def __init__(self, api: BackupApi, ledger: Ledger, *, claims: Claims, clock: Callable[[], float]) -> None:
        self._api = api
        self._ledger = ledger
        self._claims = claims
        self._clock = clock

    def refresh(self) -> None:
        """List them all, and read each with its next runs."""
        pages = self._api.pages(
            "ListBackupPlans", "BackupPlansList", leaving=self._api.budget.reserve, patience=PATIENCE
        )
        read_at = self._clock()
        rows = [row for page in pages for row in page if row.get("BackupPlanId")]
        plans = tuple(plan for plan in map(self._read, rows) if plan)
        assumed = self._ledger.account_id
        claim(self._claims, self._ledger.scope, (plan.account_id or assumed or plan.id for plan in plans))
        self._ledger.plans = plans
        with self._ledger.open_resources() as resources:
            resources.set_rules(
                {(plan.id, rule.rule_id): rule.interval for plan in plans for rule in plan.rules},
                unread_plans=(),
                read_at=read_at,
            )

    def _read(self, row: Answer) -> Plan | None:
        plan_id = str(row["BackupPlanId"])
        try:
            answer = self._api.call(
                "GetBackupPlan",
                "BackupPlan",
                leaving=self._api.budget.reserve,
                patience=PATIENCE,
                BackupPlanId=plan_id,
                MaxScheduledRunsPreview=MOST_RUNS,
            )
        except AwsError as error:
            if error.is_about_the_job:
                return None  # deleted since it was listed
            raise
        runs = answer.get("ScheduledRunsPreview") or []
        rules = answer["BackupPlan"].get("Rules") or []
        return Plan(
            id=plan_id,
            name=str(row.get("BackupPlanName") or ""),
            account_id=account_in_arn(str(row.get("BackupPlanArn") or "")),
            last_execution=timestamp(row.get("LastExecutionDate")),
            rules=tuple(self._rule(rule, runs) for rule in rules if rule.get("RuleId")),
        )

    def _rule(self, rule: Answer, runs: Iterable[Answer]) -> PlannedRule:
        """Read a rule.

        AWS previews few runs, maybe of all rules together. So how far apart they are the schedule tells: a
        preview may lack a run that a change of clocks skips, or that others hide. What nobody understands is
        left to the preview.
        """
        now = self._clock()
        rule_id = str(rule["RuleId"])
        expression, timezone = (
            str(rule.get("ScheduleExpression") or ""),
            rule.get("ScheduleExpressionTimezone"),
        )
        previewed = [timestamp(run.get("ExecutionTime")) for run in runs if run.get("RuleId") == rule_id]
        coming = sorted(time for time in previewed if time is not None and time > now)
        return PlannedRule(
            rule_id=rule_id,
            next_run=coming[0] if coming else next_run(expression, timezone, now),
            interval=longest_gap(expression, timezone, now) or largest_gap_of(coming),
        )
