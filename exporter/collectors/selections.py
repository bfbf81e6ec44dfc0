"""Reads the resource selections of backup plans. A selection cannot change, so each one is read once."""

from collections.abc import Callable, Collection, Iterable, Mapping

from exporter.aws import LEFT_OUT, AwsError, BackupApi, OverBudgetError
from exporter.collectors.protocols import MAX_WAIT, list_all
from exporter.model import Answer, Selection

FAILURE_LIMIT = 60.0  # seconds after which another plan that cannot be read ends the refresh

_UNREADABLE = Selection("", "", None, unreadable=("BackupSelection",))
"""Replaces selections with malformed rows."""


class Selections:
    """The selections of the plans of one scope.

    Args:
        api: calls AWS.
        clock: seconds since 1970.
    """

    def __init__(self, api: BackupApi, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._of_plans: dict[str, tuple[Selection, ...]] = {}

    def __getitem__(self, plan_id: str) -> tuple[Selection, ...] | None:
        """Return the selections of a plan; None if they could not be read."""
        return self._of_plans.get(plan_id)

    def refresh(self, plan_ids: Collection[str], due: Iterable[str]) -> AwsError | OverBudgetError | None:
        """Read the selections of plans. If a plan cannot be read, its known selections are kept.

        Args:
            plan_ids: all plans; the selections of other plans are forgotten.
            due: the plans to read.

        Returns:
            The first failure; None if there was none.
        """
        self._of_plans = {
            plan_id: self._of_plans[plan_id] for plan_id in plan_ids if plan_id in self._of_plans
        }
        failure: AwsError | OverBudgetError | None = None
        began = self._clock()
        for plan_id in due:
            try:
                self._of_plans[plan_id] = self._read(plan_id)
            except OverBudgetError as error:
                return failure or error
            except AwsError as error:
                if error.is_unknown_job:
                    continue
                failure = failure or error.within(f"selections of plan {plan_id}")
                if not error.is_temporary or self._clock() > began + FAILURE_LIMIT:
                    return failure
        return failure

    def _read(self, plan_id: str) -> tuple[Selection, ...]:
        known = {selection.id: selection for selection in self._of_plans.get(plan_id, ())}
        rows = list_all(self._api, "ListBackupSelections", "BackupSelectionsList", BackupPlanId=plan_id)
        read = (self._selection(plan_id, row, known) for row in rows)
        return (*read, *(() if rows.complete else (_UNREADABLE,)))

    def _selection(self, plan_id: str, row: Answer, known: Mapping[str, Selection]) -> Selection:
        selection_id = str(row["SelectionId"])
        if selection_id in known:
            return known[selection_id]
        answer = self._api.call(
            "GetBackupSelection",
            "BackupSelection",
            reserve=self._api.budget.reserve,
            max_wait=MAX_WAIT,
            BackupPlanId=plan_id,
            SelectionId=selection_id,
        )
        return Selection.of(answer, [left_out.place for left_out in answer.get(LEFT_OUT, ())])
