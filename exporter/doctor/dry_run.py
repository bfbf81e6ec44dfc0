"""Lets the collectors ask AWS once, for as little as can be, and takes note of what came of it.

So the collectors themselves tell which permissions are needed, not a list beside them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from exporter.aws import AwsError, BackupApi, OverBudgetError, Rows
from exporter.collectors import PATIENCE, PlansCollector, ResourcesCollector, VaultsCollector
from exporter.config import Config
from exporter.ledger import AccountOwners, Ledger
from exporter.model import BACKUP, KINDS, Answer, Fault, Kind, Scope

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that looks like one, and is that of nothing."""

_OVER_BUDGET = Fault("budget", "the request budget was spent", "raise api.requests_per_second")


class _Nothing(Mapping[str, Any]):
    """A row that is about nothing: each of its fields holds NOBODY's id."""

    def __getitem__(self, key: str) -> str:
        return NOBODY

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class DryRun(BackupApi):
    """AWS Backup, of which each list is asked for one row.

    A list that is empty or refused gives a row about nothing, so that what comes after it is asked too.
    That AWS does not know what is asked for is as good as an answer: it decides first who may ask.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.outcomes: dict[str, AwsError | None] = {}
        """Each operation, in the order of asking, and what stood in its way."""
        self.in_vain: set[str] = set()
        """The operations that were asked for nothing, since no list told of something."""

    def call(
        self, operation: str, member: str, *, leaving: float = 0.0, patience: float = 0.0, **asked: Any
    ) -> Answer:
        """Make one call, as `BackupApi` does; also a spent budget is an AwsError."""
        if NOBODY in asked.values():
            self.in_vain.add(operation)
        try:
            answer = super().call(operation, member, leaving=leaving, patience=patience, **asked)
        except AwsError as error:
            self.outcomes[operation] = None if error.is_about_the_job else error
            raise
        except OverBudgetError as error:
            self.outcomes[operation] = AwsError(_OVER_BUDGET)
            raise AwsError(_OVER_BUDGET) from error
        self.outcomes[operation] = None
        return answer

    def pages(
        self, operation: str, member: str, *, leaving: float = 0.0, patience: float = 0.0, **asked: Any
    ) -> Iterator[Rows]:
        """Give one page with one row."""
        rows = Rows()
        try:
            answer = self.call(operation, member, leaving=leaving, patience=patience, MaxResults=1, **asked)
            rows = Rows.of(answer[member][:1])
        except AwsError as error:
            self.outcomes[operation] = error
        yield rows or Rows([_Nothing()])


def dry_runs(
    config: Config, scope: Scope, clock: Callable[[], float]
) -> dict[str, Callable[[BackupApi], None]]:
    """Give what each collector that is switched on does, by its name. Each may raise AwsError."""
    discovery = config.discovery
    ledger = Ledger(scope, (), max_jobs=0)  # nobody reads what is entered
    owners = AccountOwners()
    each: dict[str, Callable[[BackupApi], None]] = {
        ResourcesCollector.name: lambda api: ResourcesCollector(
            api, ledger, owners=owners, discovery=discovery, clock=clock
        ).refresh(),
        VaultsCollector.name: lambda api: VaultsCollector(api, ledger, owners=owners).refresh(),
        PlansCollector.name: lambda api: PlansCollector(api, ledger, owners=owners, clock=clock).refresh(),
    }
    for kind in KINDS:
        each[kind.collector] = partial(_ask_for_jobs, kind, discovery.enabled)
    return {name: each[name] for name in config.collectors}


def _ask_for_jobs(kind: Kind, discovering: bool, api: BackupApi) -> None:
    """Ask what a jobs collector asks: for a list, and for a job."""
    if discovering:
        [row] = next(api.pages(kind.list_operation, kind.list_member, patience=PATIENCE))
        describe(kind, api, str(row.get(kind.id_member) or NOBODY))
    elif kind is BACKUP:  # then only the configured ids are followed, and they are those of backup jobs
        describe(kind, api, NOBODY)


def describe(kind: Kind, api: BackupApi, job_id: str) -> Answer:
    """Ask for one job.

    Raises:
        AwsError: AWS does not know it, or did not get to answer.
    """
    member = kind.describe_member or kind.id_member
    parameter: dict[str, Any] = {kind.id_member: job_id}
    return api.call(kind.describe_operation, member, patience=PATIENCE, **parameter)
