"""The checks of a target that monitors an organization."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from exporter.assembly import member_targets
from exporter.aws import AwsError, BackupApi, OverBudgetError
from exporter.collectors import EVERY_ACCOUNT, MAX_WAIT, AccountsCollector
from exporter.config import Config, Members, Target
from exporter.doctor.dry_run import actions_of
from exporter.ledger import AccountOwners, Ledger
from exporter.model import KINDS, Account, Kind, Scope

ACCOUNTS = AccountsCollector.name


def organization_dry_runs(config: Config, scope: Scope) -> dict[str, Callable[[BackupApi], None]]:
    """Return, by collector name, a dry run of each collector of an organization. Each may raise AwsError."""
    jobs = {
        kind.collector: partial(_list_jobs, kind)
        for kind in KINDS
        if kind.collector in config.enabled_collectors
    }
    return {**jobs, ACCOUNTS: partial(_list_accounts, scope)}


def organization_actions(config: Config) -> dict[str, list[str]]:
    """Return, by collector name, the actions that monitoring an organization needs, without calling AWS."""
    dry_runs = organization_dry_runs(config, Scope("", ""))
    return {name: actions_of(dry_run) for name, dry_run in dry_runs.items()}


def members_of(target: Target, members: Members, api: BackupApi) -> dict[str, Target]:
    """Return the members of an organization as targets by account ID; empty if they cannot be listed."""
    listed: list[Sequence[Account]] = [()]
    collector = AccountsCollector(
        api,
        Ledger(Scope(target.name, ""), (), max_jobs=0),
        owners=AccountOwners(),
        pace=0.0,
        needs_own_id=True,
        needs_units=bool(members.organizational_units),
        on_accounts=listed.append,
    )
    with suppress(AwsError, OverBudgetError):  # the dry run reports it
        collector.refresh()
    return member_targets(target, members, listed[-1])


def _list_jobs(kind: Kind, api: BackupApi) -> None:
    next(api.pages(kind.list_operation, kind.list_member, max_wait=MAX_WAIT, ByAccountId=EVERY_ACCOUNT))


def _list_accounts(scope: Scope, api: BackupApi) -> None:
    AccountsCollector(
        api,
        Ledger(scope, (), max_jobs=0),
        owners=AccountOwners(),
        pace=0.0,
        needs_own_id=False,
        needs_units=False,
        on_accounts=lambda _: None,
    ).refresh()
