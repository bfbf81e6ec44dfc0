"""Two targets that turn out to be one account and Region."""

from exporter.claims import Claims
from exporter.model import Scope

FIRST, SECOND = Scope("first", "eu-west-1"), Scope("second", "eu-west-1")


def test_the_first_holds_an_account() -> None:
    """An account in a Region is the first scope's that shows it, for good."""
    claims = Claims()
    assert claims.holder("123456789012", FIRST) == FIRST
    assert claims.holder("123456789012", SECOND) == FIRST
    assert claims.holder("123456789012", FIRST) == FIRST


def test_accounts_and_regions_are_held_apart() -> None:
    """Another account, or the same account in another Region, is free."""
    claims = Claims()
    elsewhere = Scope("second", "us-east-1")
    claims.holder("123456789012", FIRST)
    assert claims.holder("210987654321", SECOND) == SECOND
    assert claims.holder("123456789012", elsewhere) == elsewhere
