"""The backup plans: when each rule runs next, and how far apart its runs are."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from exporter.aws import LEFT_OUT, AwsError, BackupApi, OverBudgetError, malformed
from exporter.collectors.duplicate_accounts import claim
from exporter.collectors.protocols import PACE, PATIENCE, list_all
from exporter.collectors.selections import Selections
from exporter.ledger import AccountOwners, Ledger
from exporter.model import (
    Answer,
    Plan,
    PlannedRule,
    account_in_arn,
    largest_gap_of,
    longest_gap,
    next_run,
    number,
    opted_out_types,
)

MINUTE, DAY = 60.0, 86400.0
MOST_RUNS = 10  # that AWS previews
FRESH = 240.0  # seconds for which a plan that was read is not read again
LONGEST_TRIAL = 60.0  # seconds after which one more plan that cannot be read ends the refresh


class PlansCollector:
    """Keeps the plans of one scope.

    Args:
        api: asks AWS.
        ledger: takes up what AWS tells.
        owners: tells whether another scope publishes the same account and Region already.
        clock: seconds since 1970.
    """

    name = "plans"
    pace = PACE

    def __init__(
        self, api: BackupApi, ledger: Ledger, *, owners: AccountOwners, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._owners = owners
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._read_at: dict[str, float] = {}
        self._selections = Selections(api, clock)
        self._versions: dict[str, tuple[str, float | None]] = {}  # version of each plan, since when

    def refresh(self) -> None:
        """List them all, and read each with its next runs.

        A plan that cannot be read keeps the rules that were known. While it is tried again, those that were
        read a short while ago are not asked for.

        Raises:
            AwsError, OverBudgetError: the list or one of the plans could not be read.
        """
        began = self._clock()
        try:
            self._refresh(began)
        finally:
            self._ledger.mark_read(self.name, self._clock(), since=began)

    def _refresh(self, began: float) -> None:
        rows = list_all(self._api, "ListBackupPlans", "BackupPlansList")
        listed = {row["BackupPlanId"]: row for row in rows}
        known = {plan.id: plan for plan in self._ledger.inventory.plans}
        self._forget_all_but(listed, known)
        answers, failure = self._read_each(listed)
        failure = self._selections.refresh(listed) or failure
        plans = {} if rows.complete else dict(known)
        for plan_id, row in listed.items():
            answer = answers.get(plan_id, {})
            if answer is not None:
                plans[plan_id] = self._plan(row, answer, known.get(plan_id))
        self._enter(plans.values(), began)
        if failure:
            raise failure

    def _enter(self, plans: Collection[Plan], began: float) -> None:
        assumed = self._ledger.account_id
        claim(self._owners, self._ledger.scope, (plan.account_id or assumed or plan.id for plan in plans))
        with self._ledger.open_resources() as resources:
            resources.set_plans(
                plans,
                unread_plans={plan.id for plan in plans} - self._read_at.keys(),
                read_at=min([began, *self._read_at.values()]),
            )
            types = {resource.type for resource in resources.published()}
        opt_in = self._ledger.inventory.opt_in
        plans = [replace(plan, opted_out_types=_opted_out(plan, types, opt_in)) for plan in plans]
        self._ledger.update_inventory(lambda known: known.with_plans(plans, assumed))

    def _read_each(
        self, listed: Mapping[str, Answer]
    ) -> tuple[dict[str, Answer | None], AwsError | OverBudgetError | None]:
        """Ask for each plan that is due; gives the answers, None for one that is gone, and a failure."""
        answers: dict[str, Answer | None] = {}
        failure: AwsError | OverBudgetError | None = None
        began = self._clock()
        for plan_id in self._due():
            self._asked_at[plan_id] = self._clock()
            try:
                answer = answers[plan_id] = self._ask(plan_id)
            except OverBudgetError as error:
                return answers, failure or error
            except AwsError as error:
                failure = failure or _of_plan(listed[plan_id], error)
                if self._clock() > began + LONGEST_TRIAL:
                    return answers, failure
            else:
                if answer and LEFT_OUT not in answer:
                    self._read_at[plan_id] = self._clock()
        return answers, failure

    def _forget_all_but(self, listed: Collection[str], known: Collection[str]) -> None:
        """Keep when each plan was asked for, and when it was read if that was a short while ago."""
        now = self._clock()
        self._asked_at = {plan_id: self._asked_at.get(plan_id, -math.inf) for plan_id in listed}
        self._read_at = {
            plan_id: at
            for plan_id, at in self._read_at.items()
            if plan_id in listed and plan_id in known and 0 <= now - at < FRESH
        }

    def _due(self) -> list[str]:
        """Give the plans to ask for, the longest not asked first."""
        due = [plan_id for plan_id in self._asked_at if plan_id not in self._read_at]
        return sorted(due, key=self._asked_at.__getitem__)

    def _ask(self, plan_id: str) -> Answer | None:
        """Read one plan; None when it was deleted since it was listed."""
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
            if error.is_unknown_job:
                return None
            raise
        if "Rules" not in answer["BackupPlan"]:
            raise malformed("GetBackupPlan", "a plan without Rules")
        return answer

    def _plan(self, row: Answer, answer: Answer, known: Plan | None) -> Plan:
        """Put together what AWS just told of a plan, and what was known of rules that it did not tell."""
        runs = [run for run in answer.get("ScheduledRunsPreview") or () if run]
        rules = {rule["RuleId"]: self._rule(rule, runs) for rule in _rules(answer) if rule}
        if known and not (answer and all(_rules(answer))):
            rules = {rule.rule_id: rule for rule in known.rules} | rules
        return Plan(
            id=row["BackupPlanId"],
            name=row.get("BackupPlanName") or "",
            account_id=account_in_arn(row.get("BackupPlanArn") or ""),
            last_execution=number(row.get("LastExecutionDate")),
            rules=tuple(rules.values()),
            changed=self._changed_at(row, answer, known),
            selections=self._selections[row["BackupPlanId"]],
        )

    def _changed_at(self, row: Answer, answer: Answer, known: Plan | None) -> float | None:
        """Tell since when this version of a plan is in force: since it was created, or was first seen."""
        plan_id, version = row["BackupPlanId"], str(answer.get("VersionId") or row.get("VersionId") or "")
        before = self._versions.get(plan_id)
        if before is None or not known:
            changed = number(answer.get("CreationDate", row.get("CreationDate")))
        elif before[0] == version:
            changed = before[1]
        else:
            changed = self._clock()
        self._versions[plan_id] = version, changed
        return changed

    def _rule(self, rule: Answer, runs: Iterable[Answer]) -> PlannedRule:
        """Read a rule.

        AWS previews few runs, maybe of all rules together. So how far apart they are the schedule tells: a
        preview may lack a run that a change of clocks skips, or that others hide. What nobody understands is
        left to the preview.
        """
        now = self._clock()
        rule_id = rule["RuleId"]
        expression, timezone = rule.get("ScheduleExpression") or "", rule.get("ScheduleExpressionTimezone")
        previewed = [number(run.get("ExecutionTime")) for run in runs if run["RuleId"] == rule_id]
        coming = sorted(time for time in previewed if time is not None and time > now)
        return PlannedRule(
            rule_id=rule_id,
            next_run=coming[0] if coming else next_run(expression, timezone, now),
            interval=longest_gap(expression, timezone, now) or largest_gap_of(coming),
            name=rule.get("RuleName") or "",
            vault_name=rule.get("TargetBackupVaultName") or "",
            schedule=expression,
            timezone=timezone or "",
            start_window=_times(MINUTE, rule.get("StartWindowMinutes")),
            destinations=tuple(
                action["DestinationBackupVaultArn"]
                for action in rule.get("CopyActions") or ()
                if action and action.get("DestinationBackupVaultArn")
            ),
            retention=_times(DAY, (rule.get("Lifecycle") or {}).get("DeleteAfterDays")),
            continuous=rule.get("EnableContinuousBackup") is True,
        )


def _rules(answer: Answer) -> list[Answer | None]:
    """Give the rules of a plan, None for each that could not be read."""
    rules: list[Answer | None] = answer["BackupPlan"]["Rules"] if answer else []
    return rules


def _times(unit: float, value: object) -> float | None:
    count = number(value)
    return None if count is None else count * unit


def _opted_out(plan: Plan, types: Collection[str], opt_in: Mapping[str, bool]) -> tuple[str, ...]:
    """Give the resource types that a plan asks for and the Region's settings leave out."""
    selections = plan.selections or ()
    return tuple(sorted({kind for each in selections for kind in opted_out_types(each, types, opt_in)}))


def _of_plan(row: Answer, error: AwsError) -> AwsError:
    plan = row.get("BackupPlanName") or row["BackupPlanId"]
    return error.within(f"plan {plan}")
