"""Two targets that turn out to be one account and Region."""

import pytest

from exporter.ledger.ownership import Claims
from exporter.model.records import Scope

FIRST, SECOND = Scope("first", "eu-west-1"), Scope("second", "eu-west-1")
ELSEWHERE = Scope("second", "us-east-1")


@pytest.fixture
def claims() -> Claims:
    """Nothing is claimed yet, and three scopes may."""
    claims = Claims()
    claims.admit_only([FIRST, SECOND, ELSEWHERE])
    return claims


def test_the_first_holds_an_account(claims: Claims) -> None:
    """An account in a Region is the first scope's that shows it, for good."""
    assert claims.holder("123456789012", FIRST) == FIRST
    assert claims.holder("123456789012", SECOND) == FIRST
    assert claims.holder("123456789012", FIRST) == FIRST


def test_accounts_and_regions_are_held_apart(claims: Claims) -> None:
    """Another account, or the same account in another Region, is free."""
    claims.holder("123456789012", FIRST)
    assert claims.holder("210987654321", SECOND) == SECOND
    assert claims.holder("123456789012", ELSEWHERE) == ELSEWHERE


def test_what_a_removed_scope_held_is_free(claims: Claims) -> None:
    """Once a scope may claim no longer, another may hold what it held."""
    claims.holder("123456789012", FIRST)
    claims.admit_only([SECOND])
    assert claims.holder("123456789012", SECOND) == SECOND


def test_a_removed_scope_claims_nothing(claims: Claims) -> None:
    """A call that comes back after its scope was removed takes nothing from those that are left."""
    claims.admit_only([SECOND])
    assert claims.holder("123456789012", FIRST) == FIRST
    assert claims.holder("123456789012", SECOND) == SECOND
