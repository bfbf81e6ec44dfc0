"""The member accounts of an organization as targets."""

from collections.abc import Iterable

from exporter.config import Members, Target
from exporter.model import Account

DEFAULT_PARTITION = "aws"


def member_targets(target: Target, members: Members, accounts: Iterable[Account]) -> dict[str, Target]:
    """Return a target for each selected account by its ID; the targets are named `TARGET/ACCOUNT_ID`.

    The account of the target's own credentials needs no role.

    Args:
        target: the target of the organization.
        members: which accounts to enter, and how.
        accounts: all accounts of the organization.
    """
    selected = sorted(
        (account for account in accounts if _is_selected(account, members)), key=lambda account: account.id
    )
    return {account.id: _member_target(target, members, account) for account in selected}


def _member_target(target: Target, members: Members, account: Account) -> Target:
    role_arn = f"arn:{_partition(account)}:iam::{account.id}:role/{members.role_name}"
    return target.model_copy(
        update={
            "name": f"{target.name}/{account.id}",
            "role_arn": None if account.is_own else role_arn,
            "external_id": None if account.is_own else members.external_id,
            "organization": None,
            "job_ids": (),
        }
    )


def _is_selected(account: Account, members: Members) -> bool:
    if not account.is_active or account.id in members.exclude_accounts:
        return False
    units = frozenset(members.organizational_units)
    selects_all = not (members.accounts or units)
    return selects_all or account.id in members.accounts or not units.isdisjoint(account.unit_ids)


def _partition(account: Account) -> str:
    """Return the partition in the ARN of the account, such as `aws-cn`."""
    parts = account.arn.split(":")
    return parts[1] if len(parts) > 1 else DEFAULT_PARTITION
