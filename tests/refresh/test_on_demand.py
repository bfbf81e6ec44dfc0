"""On demand: a scope is refreshed only while somebody scrapes it."""

import logging
from collections.abc import Callable

import pytest

from tests.e2e.process import until
from tests.refresh.fakes import MINUTE, Scrapes, Start

PAUSED = "Refresh paused: not scraped for 10 minutes"


@pytest.fixture
def fleet(start: Start, caplog: pytest.LogCaptureFixture) -> Scrapes:
    """Two scopes on demand; the refresher has been started."""
    caplog.set_level(logging.INFO)
    made = start("a", "b", on_demand=True)
    made.refresher.start()
    return made


def scraped(fleet: Scrapes) -> Scrapes:
    """Scrape `a` and wait for its background work."""
    fleet.scrape("a")
    until(lambda: fleet.slow["a"].refreshed)
    return fleet


def pauses(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Name the targets whose pause was logged."""
    return [record.__dict__["target"] for record in caplog.records if record.getMessage() == PAUSED]


def continue_until(fleet: Scrapes, what: Callable[[], bool]) -> None:
    """Continue all background work until something is so."""

    def is_so() -> bool:
        fleet.refresher.continue_background()
        return what()

    until(is_so)


def test_nothing_is_read_before_the_first_scrape(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """At the start all scopes are paused, which is nothing to log; a scrape starts only what it asks for."""
    fleet.refresher.continue_background()
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [True, True]
    assert fleet.scrape("a") == ["a"]
    until(lambda: fleet.slow["a"].refreshed)
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [False, True]
    assert (fleet.backups["b"].refreshed, fleet.slow["b"].refreshed) == ([], 0)
    assert pauses(caplog) == []


def test_the_first_scrape_waits_for_the_first_refresh(fleet: Scrapes) -> None:
    """It is done when AWS has answered, not before."""
    fleet.backups["a"].answers.clear()
    scrape = fleet.begin_scrape("a")
    assert not scrape.done()
    fleet.backups["a"].answers.set()
    scrape.result(30)
    assert fleet.ledgers["a"].health()["backup_jobs"].up


def test_a_scrape_of_everything_counts_for_every_scope(fleet: Scrapes) -> None:
    """/metrics asks for all scopes."""
    assert fleet.scrape() == ["a", "b"]
    until(lambda: fleet.slow["a"].refreshed and fleet.slow["b"].refreshed)


def test_a_scope_that_nobody_scrapes_is_paused(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """After ten minutes without a scrape its background work rests, which the log says once."""
    fleet.scrape()
    until(lambda: fleet.slow["a"].refreshed and fleet.slow["b"].refreshed)
    fleet.scrape("b", after=9 * MINUTE)
    continue_until(fleet, lambda: fleet.slow["a"].refreshed == 2)
    continue_until(fleet, lambda: fleet.slow["b"].refreshed == 2)
    fleet.scrape("b", after=MINUTE)
    fleet.clock.advance(5 * MINUTE)
    continue_until(fleet, lambda: fleet.slow["b"].refreshed == 3)
    assert fleet.slow["a"].refreshed == 2
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [True, False]
    assert pauses(caplog) == ["a"]


def test_catching_up_stops_with_the_scrapes(fleet: Scrapes) -> None:
    """A scope that still reads its history does not go on when nobody has scraped it for ten minutes."""
    fleet.backups["a"].left = 10**9
    fleet.scrape("a")
    until(lambda: fleet.backups["a"].steps)
    fleet.clock.advance(10 * MINUTE)
    until(lambda: fleet.ledgers["a"].is_paused)
    steps = fleet.backups["a"].steps
    fleet.refresher.continue_background()
    fleet.scrape("b")
    until(lambda: fleet.slow["b"].refreshed)
    assert fleet.backups["a"].steps <= steps + 1


def test_the_next_scrape_resumes_a_scope(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """A scrape refreshes a paused scope at once, and its background work goes on; it may pause again."""
    scraped(fleet)
    fleet.clock.advance(60 * MINUTE)
    continue_until(fleet, lambda: fleet.ledgers["a"].is_paused)
    assert fleet.scrape("a") == ["a"]
    assert not fleet.ledgers["a"].is_paused
    continue_until(fleet, lambda: fleet.slow["a"].refreshed == 2)
    fleet.clock.advance(60 * MINUTE)
    continue_until(fleet, lambda: fleet.ledgers["a"].is_paused)
    assert pauses(caplog) == ["a", "a"]


def test_a_reload_resumes_nothing(fleet: Scrapes) -> None:
    """Targets that a reload adds wait for a scrape; those that were scraped before go on."""
    scraped(fleet)
    fleet.set_targets("a", "b", "new")
    assert {name: ledger.is_paused for name, ledger in fleet.ledgers.items()} == {
        "a": False,
        "b": True,
        "new": True,
    }
    assert fleet.backups["new"].refreshed == []
    assert fleet.scrape("new") == ["new"]


def test_everything_can_be_read_at_once(start: Start) -> None:
    """With --once there is no scrape to wait for."""
    fleet = start("a", on_demand=True)
    fleet.refresher.refresh_completely()
    assert fleet.ledgers["a"].health()["vaults"].up
    assert not fleet.ledgers["a"].is_paused


def test_without_it_no_scope_is_ever_paused(start: Start) -> None:
    """By default everything is read from the start on, whoever scrapes."""
    fleet = start("a")
    fleet.refresher.start()
    until(lambda: fleet.slow["a"].refreshed)
    fleet.clock.advance(60 * MINUTE)
    continue_until(fleet, lambda: fleet.slow["a"].refreshed == 2)
    assert not fleet.ledgers["a"].is_paused
