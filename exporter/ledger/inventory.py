"""What is known of an account's vaults, plans, settings, restore testing plans and frameworks. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from exporter.ledger.limits import MOST_PLANS, MOST_RULES, MOST_TYPES, MOST_VAULTS
from exporter.model import Framework, Plan, RestoreTestingPlan, Vault

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is known of one account in one Region. Each thing is there once, however often AWS lists it.

    Attributes:
        vaults: None while they have not been read.
        plans: with their rules.
        has_all_plans: whether all plans of the account are among them.
        opt_in: whether AWS Backup is used for a resource type.
        testing_plans, frameworks: likewise.
        left_out: how many vaults, plans and rules are not known because there are too many.
    """

    vaults: tuple[Vault, ...] | None = None
    plans: tuple[Plan, ...] = ()
    has_all_plans: bool = False
    opt_in: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    testing_plans: tuple[RestoreTestingPlan, ...] = ()
    frameworks: tuple[Framework, ...] = ()
    left_out: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"vaults": 0, "plans": 0, "rules": 0})
    )

    @property
    def account_id(self) -> str:
        """The account, as its vaults and plans tell; empty when they do not."""
        accounts = (thing.account_id for things in (self.vaults or (), self.plans) for thing in things)
        return next(filter(None, accounts), "")

    def with_vaults(self, listed: Iterable[Vault], account_id: str) -> "Inventory":
        """Replace the vaults; what AWS told last of one counts."""
        by_name = {(vault.account_id or account_id, vault.name): vault for vault in listed}
        vaults = _first(by_name, MOST_VAULTS)
        left_out = {**self.left_out, "vaults": len(by_name) - len(vaults)}
        return replace(self, vaults=vaults, left_out=left_out)

    def with_plans(self, listed: Iterable[Plan], account_id: str, *, complete: bool = True) -> "Inventory":
        """Replace the plans, likewise.

        Args:
            listed: the plans.
            account_id: the account to assume for those that name none.
            complete: whether these are all plans of the account.
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
        """Replace the restore testing plans, likewise."""
        by_arn = {("", plan.arn): plan for plan in listed}
        return replace(self, testing_plans=_first(by_arn, MOST_PLANS))

    def with_frameworks(self, listed: Iterable[Framework]) -> "Inventory":
        """Replace the frameworks, likewise."""
        by_name = {("", framework.name): framework for framework in listed}
        return replace(self, frameworks=_first(by_name, MOST_PLANS))

    def with_opt_in(self, opt_in: Mapping[str, bool]) -> "Inventory":
        """Replace the settings of the Region."""
        return replace(self, opt_in={name: opt_in[name] for name in sorted(opt_in)[:MOST_TYPES]})


def _first(things: Mapping[tuple[str, str], _T], most: int) -> tuple[_T, ...]:
    """Give so many things at most; where there are more, always the same: the first by their keys."""
    keys = things if len(things) <= most else sorted(things)[:most]
    return tuple(things[key] for key in keys)
