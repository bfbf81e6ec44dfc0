"""Runs each collector once with minimal requests and records the outcome of each operation.

So the collectors themselves define which permissions are needed; there is no separate list to maintain.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from exporter.aws import AwsError, BackupApi, OverBudgetError, Rows
from exporter.collectors import MAX_WAIT, PlansCollector, ResourcesCollector, VaultsCollector
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
    too. An error that the object does not exist counts as success: AWS checks permissions first.
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
        try:
            answer = self.call(operation, member, reserve=reserve, max_wait=max_wait, MaxResults=1, **asked)
            rows = Rows.of(answer[member][:1])
        except AwsError as error:
            self.outcomes[operation] = error
        yield rows or Rows([_PlaceholderRow()])


def dry_runs(
    config: Config, scope: Scope, clock: Callable[[], float]
) -> dict[str, Callable[[BackupApi], None]]:
    """Return, by collector name, a dry run of each enabled collector. Each may raise AwsError."""
    discovery = config.discovery
    ledger = Ledger(scope, (), max_jobs=0)  # required by the collectors; never read
    owners = AccountOwners()
    runs: dict[str, Callable[[BackupApi], None]] = {
        ResourcesCollector.name: lambda api: ResourcesCollector(
            api, ledger, owners=owners, discovery=discovery, clock=clock
        ).refresh(),
        VaultsCollector.name: lambda api: VaultsCollector(api, ledger, owners=owners).refresh(),
        PlansCollector.name: lambda api: PlansCollector(api, ledger, owners=owners, clock=clock).refresh(),
    }
    for kind in KINDS:
        runs[kind.collector] = partial(_run_jobs_collector, kind, discovery.enabled)
    return {name: runs[name] for name in config.collectors}


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
