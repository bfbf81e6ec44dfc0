"""Two targets that turn out to be one account and Region."""

import pytest

from exporter.ledger.account_owners import AccountOwners
from exporter.model.records import Scope

FIRST, SECOND = Scope("first", "eu-west-1"), Scope("second", "eu-west-1")
ELSEWHERE = Scope("second", "us-east-1")


@pytest.fixture
def owners() -> AccountOwners:
    """Nothing is claimed yet, and three scopes may."""
    owners = AccountOwners()
    owners.set_scopes([FIRST, SECOND, ELSEWHERE])
    return owners


def test_the_first_holds_an_account(owners: AccountOwners) -> None:
    """An account in a Region is the first scope's that shows it, for good."""
    assert owners.owner("123456789012", FIRST) == FIRST
    assert owners.owner("123456789012", SECOND) == FIRST
    assert owners.owner("123456789012", FIRST) == FIRST


def test_accounts_and_regions_are_held_apart(owners: AccountOwners) -> None:
    """Another account, or the same account in another Region, is free."""
    owners.owner("123456789012", FIRST)
    assert owners.owner("210987654321", SECOND) == SECOND
    assert owners.owner("123456789012", ELSEWHERE) == ELSEWHERE


def test_what_a_removed_scope_held_is_free(owners: AccountOwners) -> None:
    """Once a scope may claim no longer, another may hold what it held."""
    owners.owner("123456789012", FIRST)
    owners.set_scopes([SECOND])
    assert owners.owner("123456789012", SECOND) == SECOND


def test_a_removed_scope_claims_nothing(owners: AccountOwners) -> None:
    """A call that comes back after its scope was removed takes nothing from those that are left."""
    owners.set_scopes([SECOND])
    assert owners.owner("123456789012", FIRST) == FIRST
    assert owners.owner("123456789012", SECOND) == SECOND
