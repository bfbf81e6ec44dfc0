"""The vaults, plans, settings, restore testing plans and frameworks of one account. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from exporter.ledger.limits import MOST_ACCOUNTS, MOST_PLANS, MOST_RULES, MOST_TYPES, MOST_VAULTS
from exporter.model import Account, Framework, Plan, RestoreTestingPlan, Vault

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The vaults, plans and settings of one account in one Region, without duplicates.

    Attributes:
        vaults: the vaults; None if they have not been read yet.
        plans: the backup plans, with their rules.
        has_all_plans: whether `plans` contains all plans of the account.
        opt_in: whether AWS Backup is enabled for each resource type.
        testing_plans, frameworks: the restore testing plans and frameworks.
        accounts: the accounts of the organization, if the target is one.
        left_out: number of vaults, plans and rules beyond the limits.
    """

    vaults: tuple[Vault, ...] | None = None
    plans: tuple[Plan, ...] = ()
    has_all_plans: bool = False
    opt_in: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    testing_plans: tuple[RestoreTestingPlan, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    accounts: tuple[Account, ...] = ()
    left_out: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"vaults": 0, "plans": 0, "rules": 0})
    )

    @property
    def account_id(self) -> str:
        """The account ID from the vaults and plans; empty if it is unknown."""
        accounts = (thing.account_id for things in (self.vaults or (), self.plans) for thing in things)
        return next(filter(None, accounts), "")

    def with_vaults(self, listed: Iterable[Vault], account_id: str) -> "Inventory":
        """Return a copy with other vaults. If a vault is listed twice, the last row counts."""
        by_name = {(vault.account_id or account_id, vault.name): vault for vault in listed}
        vaults = _first(by_name, MOST_VAULTS)
        left_out = {**self.left_out, "vaults": len(by_name) - len(vaults)}
        return replace(self, vaults=vaults, left_out=left_out)

    def with_plans(self, listed: Iterable[Plan], account_id: str, *, complete: bool = True) -> "Inventory":
        """Return a copy with other plans.

        Args:
            listed: the plans.
            account_id: the account of plans that do not contain one.
            complete: whether the list contains all plans of the account.
        """
        by_id = {(plan.account_id or account_id, plan.id): plan for plan in listed}
        plans, rules, room = [], 0, MOST_RULES
        for plan in _first(by_id, MOST_PLANS):
            once = tuple({rule.rule_id: rule for rule in plan.rules}.values())
            plans.append(replace(plan, rules=once[:room]))
            rules += len(once)
            room -= len(plans[-1].rules)
        left_out = {**self.left_out, "plans": len(by_id) - len(plans), "rules": rules - MOST_RULES + room}
        return replace(
            self,
            plans=tuple(plans),
            has_all_plans=complete and len(plans) == len(by_id),
            left_out=left_out,
        )

    def with_testing_plans(self, listed: Iterable[RestoreTestingPlan]) -> "Inventory":
        """Return a copy with other restore testing plans."""
        by_arn = {("", plan.arn): plan for plan in listed}
        return replace(self, testing_plans=_first(by_arn, MOST_PLANS))

    def with_frameworks(self, listed: Iterable[Framework]) -> "Inventory":
        """Return a copy with other frameworks."""
        by_name = {("", framework.name): framework for framework in listed}
        return replace(self, frameworks=_first(by_name, MOST_PLANS))

    def with_accounts(self, listed: Iterable[Account]) -> "Inventory":
        """Return a copy with other accounts."""
        by_id = {("", account.id): account for account in listed}
        return replace(self, accounts=_first(by_id, MOST_ACCOUNTS))

    def with_opt_in(self, opt_in: Mapping[str, bool]) -> "Inventory":
        """Return a copy with other Region settings."""
        return replace(self, opt_in={name: opt_in[name] for name in sorted(opt_in)[:MOST_TYPES]})


def _first(things: Mapping[tuple[str, str], _T], most: int) -> tuple[_T, ...]:
    """Return at most `most` items: the first ones by key, so that the result is always the same."""
    keys = things if len(things) <= most else sorted(things)[:most]
    return tuple(things[key] for key in keys)
