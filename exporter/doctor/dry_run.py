"""Runs each collector once with minimal requests and records the outcome of each operation.

So the collectors themselves define which permissions are needed; there is no separate list to maintain.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from exporter.aws import AwsError, BackupApi, Budget, OverBudgetError, Rows, action_of, service_of
from exporter.collectors import MAX_WAIT, slow_collectors
from exporter.config import Config
from exporter.ledger import AccountOwners, Ledger
from exporter.model import BACKUP, KINDS, Answer, Fault, Kind, Scope

PLACEHOLDER_ID = "00000000-0000-0000-0000-000000000000"
"""A well-formed id of an object that does not exist."""

_OVER_BUDGET = Fault("budget", "the request budget is exhausted", "raise api.requests_per_second")


class _PlaceholderRow(Mapping[str, Any]):
    """A row of a list in which each field is PLACEHOLDER_ID."""

    def __getitem__(self, key: str) -> str:
        return PLACEHOLDER_ID

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class DryRun(BackupApi):
    """A client of AWS Backup that requests one row of each list.

    An empty or denied list yields a placeholder row, so that the calls that depend on the list are checked
    too, but only the first time: organizational units are listed until one contains no others. An error
    that the object does not exist counts as success: AWS checks permissions first.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.outcomes: dict[str, AwsError | None] = {}
        """The error of each operation, or None, in the order of the calls."""
        self.placeholder_calls: set[str] = set()
        """The operations called with PLACEHOLDER_ID because a list returned no rows."""

    def call(
        self, operation: str, member: str, *, reserve: float = 0.0, max_wait: float = 0.0, **asked: Any
    ) -> Answer:
        """Make one call as `BackupApi` does; raise AwsError also when the request budget is exhausted."""
        if PLACEHOLDER_ID in asked.values():
            self.placeholder_calls.add(operation)
        try:
            answer = super().call(operation, member, reserve=reserve, max_wait=max_wait, **asked)
        except AwsError as error:
            self.outcomes[operation] = None if error.is_about_the_job else error
            raise
        except OverBudgetError as error:
            self.outcomes[operation] = AwsError(_OVER_BUDGET)
            raise AwsError(_OVER_BUDGET) from error
        self.outcomes[operation] = None
        return answer

    def pages(
        self, operation: str, member: str, *, reserve: float = 0.0, max_wait: float = 0.0, **asked: Any
    ) -> Iterator[Rows]:
        """Yield one page with one row."""
        rows = Rows()
        repeated = operation in self.outcomes
        if repeated and PLACEHOLDER_ID in asked.values():
            yield rows
            return
        asked[service_of(operation).page_size] = 1
        try:
            answer = self.call(operation, member, reserve=reserve, max_wait=max_wait, **asked)
            rows = Rows.of(answer[member][:1])
        except AwsError as error:
            if operation not in self.placeholder_calls:
                self.outcomes[operation] = error
        yield rows if rows or repeated else Rows([_PlaceholderRow()])


def dry_runs(
    config: Config, scope: Scope, clock: Callable[[], float]
) -> dict[str, Callable[[BackupApi], None]]:
    """Return, by collector name, a dry run of each enabled collector. Each may raise AwsError."""
    jobs = {kind.collector: kind for kind in KINDS}
    return {
        name: partial(_run_jobs_collector, jobs[name], config.discovery.enabled)
        if name in jobs
        else partial(_run_slow_collector, name, config, scope, clock)
        for name in config.enabled_collectors
    }


def _run_slow_collector(
    name: str, config: Config, scope: Scope, clock: Callable[[], float], api: BackupApi
) -> None:
    """Refresh one of the slow collectors, with a ledger that is never read."""
    collectors = slow_collectors(
        api,
        Ledger(scope, (), max_jobs=0),
        discovery=config.discovery,
        inventory=config.inventory,
        owners=AccountOwners(),
        ledger_of=lambda _account_id, _region: None,
        clock=clock,
    )
    next(collector for collector in collectors if collector.name == name).refresh()


def _run_jobs_collector(kind: Kind, discovery_enabled: bool, api: BackupApi) -> None:
    """Make the calls of a jobs collector: list jobs and describe one."""
    if discovery_enabled:
        [row] = next(api.pages(kind.list_operation, kind.list_member, max_wait=MAX_WAIT))
        describe(kind, api, str(row.get(kind.id_member) or PLACEHOLDER_ID))
    elif kind is BACKUP:  # without discovery only job_ids are described, and those are ids of backup jobs
        describe(kind, api, PLACEHOLDER_ID)


def describe(kind: Kind, api: BackupApi, job_id: str) -> Answer:
    """Describe one job.

    Raises:
        AwsError: AWS does not know the job, or the call failed.
    """
    member = kind.describe_member or kind.id_member
    parameter: dict[str, Any] = {kind.id_member: job_id}
    return api.call(kind.describe_operation, member, max_wait=MAX_WAIT, **parameter)


def actions(config: Config) -> dict[str, list[str]]:
    """Return the actions that each enabled collector needs (`backup:ListBackupJobs`), without calling AWS."""
    dry = dry_runs(config, Scope("", ""), lambda: 0.0)
    return {name: actions_of(dry_run) for name, dry_run in dry.items()}


def actions_of(dry_run: Callable[[BackupApi], None]) -> list[str]:
    """Return the actions that a dry run needs, in the order of its calls, without calling AWS."""
    api = DryRun(
        _EmptyAccount(),
        "",
        budget=Budget(1e6, lambda: 0.0),
        meter=lambda _operation, _code, _seconds: None,
        omissions=lambda _operation, _left_out: None,
        clock=lambda: 0.0,
        sleep=lambda _: None,
    )
    with suppress(AwsError):
        dry_run(api)
    return [action_of(operation) for operation in api.outcomes]


class _EmptyAccount:
    """Responds to each call that the object does not exist."""

    def call(self, _region: str, operation: str, **_parameters: Any) -> Answer:
        raise AwsError(Fault("ResourceNotFoundException", operation, ""), status=400)
