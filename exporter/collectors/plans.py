"""Collects the backup plans, with the next run of each rule and the largest gap between its runs."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from exporter.aws import LEFT_OUT, AwsError, BackupApi, OverBudgetError, malformed
from exporter.collectors.duplicate_accounts import check_owner
from exporter.collectors.protocols import MAX_WAIT, PACE, list_all
from exporter.collectors.selections import Selections
from exporter.ledger import AccountOwners, Ledger
from exporter.model import (
    Answer,
    Plan,
    PlannedRule,
    Resource,
    account_in_arn,
    largest_gap_of,
    longest_gap,
    next_run,
    number,
    opted_out_types,
)

MINUTE, DAY = 60.0, 86400.0
MAX_PREVIEWED_RUNS = 10  # the maximum that AWS accepts
FRESH = 240.0  # seconds for which a plan is not read again after a success
FAILURE_LIMIT = 60.0  # seconds after which another plan that cannot be read ends the refresh


class PlansCollector:
    """Collects the plans of one scope.

    Args:
        api: calls AWS.
        ledger: stores the plans.
        owners: decides which scope publishes an account and Region.
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
        self._requested_at: dict[str, float] = {}
        self._read_at: dict[str, float] = {}
        self._selections = Selections(api, clock)
        self._versions: dict[str, tuple[str, float | None]] = {}  # version of each plan, and its start

    def refresh(self) -> None:
        """List all plans, and read each one with its next runs.

        A plan that cannot be read keeps its known rules. When it is retried, plans that were read recently
        are not read again.

        Raises:
            AwsError, OverBudgetError: a call failed.
        """
        started = self._clock()
        try:
            self._refresh(started)
        finally:
            self._ledger.mark_read(self.name, self._clock(), since=started)

    def _refresh(self, started: float) -> None:
        rows = list_all(self._api, "ListBackupPlans", "BackupPlansList")
        listed = {row["BackupPlanId"]: row for row in rows}
        known = {plan.id: plan for plan in self._ledger.inventory.plans}
        self._forget_others(listed, known)
        due = self._due()
        answers, failure = self._read_each(listed)
        without_selections = self._selections.refresh(listed, due)
        failure = failure or without_selections
        plans = {} if rows.complete else dict(known)
        for plan_id, row in listed.items():
            answer = answers.get(plan_id, {})
            if answer is not None:
                plans[plan_id] = self._plan(row, answer, known.get(plan_id))
        self._store(plans.values(), started, complete=rows.complete)
        if failure:
            raise failure

    def _store(self, plans: Collection[Plan], started: float, *, complete: bool) -> None:
        assumed = self._ledger.account_id
        check_owner(
            self._owners, self._ledger.scope, (plan.account_id or assumed or plan.id for plan in plans)
        )
        with self._ledger.open_resources() as resources:
            resources.set_plans(
                plans,
                unread_plans={plan.id for plan in plans} - self._read_at.keys(),
                read_at=min([started, *self._read_at.values()]),
            )
            types = {resource.type for resource in resources.published() if _is_backed_up(resource)}
        opt_in = self._ledger.inventory.opt_in
        plans = [replace(plan, opted_out_types=_opted_out(plan, types, opt_in)) for plan in plans]
        self._ledger.update_inventory(lambda known: known.with_plans(plans, assumed, complete=complete))

    def _read_each(
        self, listed: Mapping[str, Answer]
    ) -> tuple[dict[str, Answer | None], AwsError | OverBudgetError | None]:
        """Read each plan that is due. Returns the responses (None: deleted) and the first failure."""
        answers: dict[str, Answer | None] = {}
        failure: AwsError | OverBudgetError | None = None
        started = self._clock()
        for plan_id in self._due():
            self._requested_at[plan_id] = self._clock()
            try:
                answer = answers[plan_id] = self._read(plan_id)
            except OverBudgetError as error:
                return answers, failure or error
            except AwsError as error:
                failure = failure or _of_plan(listed[plan_id], error)
                if self._clock() > started + FAILURE_LIMIT:
                    return answers, failure
            else:
                if answer and LEFT_OUT not in answer:
                    self._read_at[plan_id] = self._clock()
        return answers, failure

    def _forget_others(self, listed: Collection[str], known: Collection[str]) -> None:
        """Remove plans that are not listed, and the read times of plans that are due again."""
        now = self._clock()
        self._requested_at = {plan_id: self._requested_at.get(plan_id, -math.inf) for plan_id in listed}
        self._read_at = {
            plan_id: at
            for plan_id, at in self._read_at.items()
            if plan_id in listed and plan_id in known and 0 <= now - at < FRESH
        }

    def _due(self) -> list[str]:
        """Return the plans to read, the least recently requested first."""
        due = [plan_id for plan_id in self._requested_at if plan_id not in self._read_at]
        return sorted(due, key=self._requested_at.__getitem__)

    def _read(self, plan_id: str) -> Answer | None:
        """Read one plan; None if it was deleted after it was listed."""
        try:
            answer = self._api.call(
                "GetBackupPlan",
                "BackupPlan",
                reserve=self._api.budget.reserve,
                max_wait=MAX_WAIT,
                BackupPlanId=plan_id,
                MaxScheduledRunsPreview=MAX_PREVIEWED_RUNS,
            )
        except AwsError as error:
            if error.is_unknown_job:
                return None
            raise
        if "Rules" not in answer["BackupPlan"]:
            raise malformed("GetBackupPlan", "the plan has no Rules")
        return answer

    def _plan(self, row: Answer, answer: Answer, known: Plan | None) -> Plan:
        """Combine the row and the response, with known rules in place of malformed ones."""
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
        """Return since when this version of a plan is in force: its creation, or when it was first read."""
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

        The interval comes from the schedule. The preview of AWS contains only a few runs of all rules of the
        plan together, so runs of this rule may be missing. It is used only if the schedule cannot be parsed.
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
    """Return the rules of a plan, with None for each malformed one."""
    rules: list[Answer | None] = answer["BackupPlan"]["Rules"] if answer else []
    return rules


def _times(unit: float, value: object) -> float | None:
    count = number(value)
    return None if count is None else count * unit


def _is_backed_up(resource: Resource) -> bool:
    """Return whether a resource has data from a source other than the inventory."""
    return bool(resource.facts or resource.points or resource.last_recovery_point is not None)


def _opted_out(plan: Plan, types: Collection[str], opt_in: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the resource types that a plan selects and the settings of the Region exclude."""
    selections = plan.selections or ()
    return tuple(sorted({kind for each in selections for kind in opted_out_types(each, types, opt_in)}))


def _of_plan(row: Answer, error: AwsError) -> AwsError:
    plan = row.get("BackupPlanName") or row["BackupPlanId"]
    return error.within(f"plan {plan}")
