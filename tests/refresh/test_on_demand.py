"""On demand: a scope is refreshed only while somebody scrapes it."""

import logging

import pytest

from tests.e2e.process import until
from tests.refresh.fakes import MINUTE, PATIENCE, Scrapes, Start

PAUSED = "Refresh paused: not scraped for 10 minutes"


@pytest.fixture
def fleet(start: Start, caplog: pytest.LogCaptureFixture) -> Scrapes:
    """Two scopes on demand; the refresher has been started."""
    caplog.set_level(logging.INFO)
    made = start("a", "b", on_demand=True)
    made.refresher.start()
    return made


def pauses(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Name the targets whose pause was logged."""
    return [record.__dict__["target"] for record in caplog.records if record.getMessage() == PAUSED]


def rest(fleet: Scrapes) -> None:
    """Wait until no scope has background work to do."""
    until(lambda: fleet.refresher._waiting == fleet.refresher._backgrounds.keys())


def work(fleet: Scrapes) -> None:
    """Let all scopes do the background work that is due, and wait for it."""
    rest(fleet)
    fleet.refresher.continue_background()
    rest(fleet)


def test_nothing_is_read_before_the_first_scrape(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """At the start all scopes are paused, which is nothing to log; a scrape starts only what it asks for."""
    work(fleet)
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [True, True]
    assert fleet.scrape("a") == ["a"]
    rest(fleet)
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [False, True]
    assert (len(fleet.backups["a"].refreshed), fleet.slow["a"].refreshed) == (1, 1)
    assert (len(fleet.backups["b"].refreshed), fleet.slow["b"].refreshed) == (0, 0)
    assert pauses(caplog) == []


def test_the_first_scrape_waits_for_the_first_refresh(fleet: Scrapes) -> None:
    """It is done when AWS has answered, not before."""
    fleet.backups["a"].answers.clear()
    scrape = fleet.begin_scrape("a")
    assert not scrape.done()
    fleet.backups["a"].answers.set()
    scrape.result(PATIENCE)
    assert fleet.ledgers["a"].health()["backup_jobs"].up


def test_a_scrape_of_everything_counts_for_every_scope(fleet: Scrapes) -> None:
    """/metrics asks for all scopes."""
    assert fleet.scrape() == ["a", "b"]
    rest(fleet)
    assert [slow.refreshed for slow in fleet.slow.values()] == [1, 1]


def test_a_scope_that_nobody_scrapes_is_paused(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """After ten minutes without a scrape its background work pauses, which the log says once."""
    fleet.scrape()
    rest(fleet)
    fleet.scrape("b", after=9 * MINUTE)
    work(fleet)
    assert [slow.refreshed for slow in fleet.slow.values()] == [2, 2]
    for _ in range(2):
        fleet.clock.advance(5 * MINUTE)
        fleet.scrape("b")
        work(fleet)
    assert [slow.refreshed for slow in fleet.slow.values()] == [2, 4]
    assert [ledger.is_paused for ledger in fleet.ledgers.values()] == [True, False]
    assert pauses(caplog) == ["a"]


def test_catching_up_stops_with_the_scrapes(fleet: Scrapes) -> None:
    """A scope that still reads its history stops when nobody has scraped it for ten minutes, until it is."""
    fleet.backups["a"].left = 10**9
    fleet.scrape("a")
    until(lambda: fleet.backups["a"].steps)
    fleet.clock.advance(10 * MINUTE)
    rest(fleet)
    steps = fleet.backups["a"].steps
    work(fleet)
    assert fleet.backups["a"].steps == steps
    fleet.scrape("a")
    fleet.refresher.continue_background()
    until(lambda: fleet.backups["a"].steps > steps)


def test_the_next_scrape_resumes_a_scope(fleet: Scrapes, caplog: pytest.LogCaptureFixture) -> None:
    """A scrape refreshes a paused scope at once, and its background work goes on; it may pause again."""
    fleet.scrape("a")
    rest(fleet)
    for times in (1, 2):
        fleet.clock.advance(60 * MINUTE)
        work(fleet)
        assert fleet.ledgers["a"].is_paused
        assert pauses(caplog) == ["a"] * times
        assert fleet.scrape("a") == ["a"]
        assert not fleet.ledgers["a"].is_paused
        work(fleet)
        assert fleet.slow["a"].refreshed == 1 + times


def test_a_reload_resumes_nothing(fleet: Scrapes) -> None:
    """Targets that a reload adds wait for a scrape; those that were scraped before go on."""
    fleet.scrape("a")
    fleet.set_targets("a", "b", "new")
    paused = {name: ledger.is_paused for name, ledger in fleet.ledgers.items()}
    assert paused == {"a": False, "b": True, "new": True}
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
    rest(fleet)
    fleet.clock.advance(60 * MINUTE)
    work(fleet)
    assert fleet.slow["a"].refreshed == 2
    assert not fleet.ledgers["a"].is_paused
