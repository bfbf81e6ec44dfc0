"""What a scrape refreshes: scopes in which something happens, and its share of the others."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.records import Fault, Scope
from exporter.refresh.idle_schedule import JITTER, IdleSchedule
from tests.e2e.process import until
from tests.refresh.fakes import DENIED, MINUTE, PATIENCE, Start, counted
from tests.support.harness import START

FLEET = tuple(f"account-{number}" for number in range(200))
SCRAPE = 15.0


@pytest.mark.parametrize(("idle_refresh", "interval"), [(60.0, 15.0), (60.0, 30.0), (300.0, 30.0)])
def test_each_idle_scope_is_refreshed_once_per_interval(
    start: Start, idle_refresh: float, interval: float
) -> None:
    """In any period of idle_refresh, each idle scope is refreshed once, and no scrape carries a peak."""
    fleet = start(*FLEET, idle_refresh=idle_refresh)
    per_period = round(idle_refresh / interval)
    fleet.scrapes(1 + per_period, interval)

    scrapes = fleet.scrapes(3 * per_period, interval)

    for first in range(2 * per_period):
        assert counted(scrapes[first : first + per_period]) == dict.fromkeys(FLEET, 1)
    sizes = [len(refreshed) for refreshed in scrapes]
    assert max(sizes) <= mean(sizes) + 3 * mean(sizes) ** 0.5


@given(
    target=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    idle_refresh=st.floats(5.0, 300.0),
    interval=st.floats(2.0, 400.0),
    offsets=st.lists(st.floats(-JITTER / 2, JITTER / 2), min_size=20, max_size=60),
)
def test_an_idle_scope_is_never_left_out_for_long(
    target: str, idle_refresh: float, interval: float, offsets: list[float]
) -> None:
    """Whatever the interval of the scrapes, the next one after idle_refresh refreshes it at the latest."""
    schedule = IdleSchedule(Scope(target, "eu-west-1"), idle_refresh)
    refreshed, due = 0.0, schedule.next(0.0)
    for number, offset in enumerate(offsets, 1):
        now = number * interval + offset
        if now >= due:
            assert now - refreshed < idle_refresh + interval + JITTER
            refreshed, due = now, schedule.next(now)
    assert now - refreshed < idle_refresh + interval + JITTER


@pytest.mark.parametrize("interval", [60.0, 120.0])
def test_rare_scrapes_refresh_everything(start: Start, interval: float) -> None:
    """If scrapes are not more frequent than idle_refresh, each one refreshes all."""
    fleet = start(*FLEET)
    fleet.scrape()
    assert [len(refreshed) for refreshed in fleet.scrapes(4, interval)] == [len(FLEET)] * 4


@pytest.mark.parametrize("phase", range(60))
def test_a_scrape_that_comes_a_little_early_refreshes_too(phase: int) -> None:
    """Whatever the phase of a scope: a scrape half a second before idle_refresh has passed is late enough."""
    schedule = IdleSchedule(Scope("a", "eu-west-1"), 60.0)
    assert schedule.next(START + phase) <= START + phase + 59.5


def test_all_are_spread_again_after_a_pause(start: Start) -> None:
    """After a gap in the scrapes, one refreshes everything and the next ones their share."""
    fleet = start(*FLEET)
    fleet.scrape()
    assert len(fleet.scrape(after=600)) == len(FLEET)
    assert [len(refreshed) < len(FLEET) / 2 for refreshed in fleet.scrapes(8, SCRAPE)] == [True] * 8


def test_without_an_interval_each_scrape_refreshes_everything(start: Start) -> None:
    """With an idle_refresh of 0s nothing is left out."""
    fleet = start(*FLEET, idle_refresh=0.0)
    assert [len(refreshed) for refreshed in fleet.scrapes(3, 1.0)] == [len(FLEET)] * 3


def test_a_scope_with_an_active_job_is_refreshed_on_each_scrape(start: Start) -> None:
    """As long as one of its collectors has jobs to follow, all are refreshed; then it is idle again."""
    fleet = start("a", idle_refresh=300.0)
    fleet.copies["a"].is_active = True
    fleet.scrape()
    assert fleet.scrapes(5, SCRAPE) == [["a"]] * 5
    fleet.copies["a"].is_active = False
    assert fleet.scrape(after=SCRAPE) == ["a"]
    assert counted(fleet.scrapes(20, SCRAPE)) == {"a": 1}
    fleet.copies["a"].is_active = True
    assert counted(fleet.scrapes(20, SCRAPE))["a"] > 1
    assert fleet.scrapes(5, SCRAPE) == [["a"]] * 5


def test_collectors_of_an_idle_scope_are_refreshed_when_they_are_due(start: Start) -> None:
    """A collector that has nothing to ask is left out, until it has, it failed, or the scope is active."""
    fleet = start("a", idle_refresh=0.0)
    backups, copies = fleet.backups["a"], fleet.copies["a"]
    copies.is_due = False
    fleet.scrapes(3, SCRAPE)
    assert (len(backups.refreshed), len(copies.refreshed)) == (3, 1)
    copies.is_due = True
    fleet.scrape(after=SCRAPE)
    assert (len(backups.refreshed), len(copies.refreshed)) == (4, 2)
    copies.is_due, copies.fault = False, DENIED
    backups.is_active = True
    fleet.scrapes(2, SCRAPE)
    assert (len(backups.refreshed), len(copies.refreshed)) == (6, 3)
    backups.is_active = False
    fleet.scrapes(2, SCRAPE)
    copies.fault = None
    fleet.scrapes(2, SCRAPE)
    assert (len(backups.refreshed), len(copies.refreshed)) == (10, 6)


def test_a_collector_that_failed_is_retried_on_each_scrape(start: Start) -> None:
    """It is retried until it succeeds; the others of the scope, which succeeded, wait for their time."""
    fleet = start("a", idle_refresh=300.0)
    fleet.copies["a"].fault = DENIED
    fleet.scrape()
    fleet.scrapes(10, SCRAPE)
    assert len(fleet.copies["a"].refreshed) == 11
    assert len(fleet.backups["a"].refreshed) <= 2
    fleet.copies["a"].fault = None
    fleet.scrape(after=SCRAPE)
    refreshed = len(fleet.copies["a"].refreshed)
    fleet.scrapes(20, SCRAPE)
    assert len(fleet.copies["a"].refreshed) == refreshed + 1


def test_a_first_refresh_that_fails_is_retried_on_each_scrape(start: Start) -> None:
    """A scope that has never been refreshed successfully is not idle."""
    fleet = start("a", "b", idle_refresh=300.0)
    fleet.backups["a"].fault = DENIED
    fleet.scrape()
    scrapes = fleet.scrapes(5, SCRAPE)
    assert counted(scrapes)["a"] == 5
    assert counted(scrapes)["b"] <= 1


def test_health_is_that_of_the_last_refresh(start: Start) -> None:
    """Leaving an idle scope out neither changes whether it is up nor when it was last refreshed."""
    fleet = start("a", idle_refresh=300.0)
    fleet.scrape()
    scrapes = fleet.scrapes(25, SCRAPE)
    health = fleet.ledgers["a"].health()["backup_jobs"]
    assert counted(scrapes)["a"] < 3
    assert (health.up, health.last_success) == (True, fleet.backups["a"].refreshed[-1])


def test_a_job_found_while_catching_up_makes_a_scope_active(start: Start) -> None:
    """An active job that only the history of a scope shows is followed on each scrape."""
    fleet = start("a", idle_refresh=300.0)
    fleet.scrape()
    collector = fleet.backups["a"]
    collector.left, collector.finds_active = 1, True
    for more in fleet.scopes["a"].background():
        if not more:
            break
    assert collector.steps == 1
    assert fleet.scrapes(5, SCRAPE) == [["a"]] * 5


def test_a_refresh_that_discards_the_history_is_followed_by_catching_up(start: Start) -> None:
    """A scope that has caught up has background work again once a refresh has begun its history anew."""
    fleet = start("a")
    fleet.backups["a"].left = 1
    fleet.scrape()
    scope = fleet.scopes["a"]
    for more in scope.background():
        if not more:
            break
    assert not scope.has_background_work
    fleet.backups["a"].left = 1
    fleet.scrape(after=MINUTE)
    assert scope.has_background_work


def test_probes_follow_the_same_rule(start: Start) -> None:
    """A probe of one scope refreshes it if it is due, and never another one."""
    fleet = start("a", "b")
    fleet.scrape()
    probes = [fleet.scrape("a", after=SCRAPE) for _ in range(16)]
    assert counted(probes) == {"a": 4}
    assert len(fleet.backups["b"].refreshed) == 1


def test_a_reload_keeps_the_pace_of_what_is_unchanged(start: Start) -> None:
    """Targets that a reload leaves alone are not refreshed because of it; new ones are on the next scrape."""
    fleet = start("a", idle_refresh=300.0)
    fleet.scrape()
    fleet.set_targets("a", "new")
    assert fleet.scrape(after=1.0) == ["new"]
    assert counted(fleet.scrapes(20, SCRAPE)) == {"a": 1, "new": 1}


def test_a_refresh_in_progress_is_waited_for(start: Start) -> None:
    """A scrape waits for a refresh that still runs, though the scope is idle and not due again."""
    fleet = start("a", idle_refresh=300.0)
    fleet.scrape()
    fleet.clock.advance(300)
    fleet.backups["a"].answers.clear()
    scrapes = [fleet.begin_scrape()]
    fleet.clock.advance(SCRAPE)
    scrapes.append(fleet.begin_scrape())
    assert [scrape.done() for scrape in scrapes] == [False, False]
    fleet.backups["a"].answers.set()
    assert [scrape.result(PATIENCE) for scrape in scrapes] == [None, None]
    assert len(fleet.backups["a"].refreshed) == 2


def test_a_refresh_of_an_idle_scope_that_does_not_end_is_told(start: Start) -> None:
    """When the refresh of an idle scope outlasts three scrapes, its collector is not up."""
    fleet = start("a", idle_refresh=300.0)
    fleet.scrape()
    fleet.clock.advance(300)
    fleet.backups["a"].answers.clear()
    fleet.begin_scrape()
    until(lambda: len(fleet.backups["a"].refreshed) == 2)
    for _ in range(3):
        fleet.clock.advance(SCRAPE)
        fleet.begin_scrape()
    health = fleet.ledgers["a"].health()["backup_jobs"]
    assert health.fault is not None
    assert health.fault.code == "stalled"


def test_a_first_refresh_that_is_queued_has_not_failed(start: Start) -> None:
    """When thousands of scopes start, those whose turn has not come are not told to be stalled."""
    fleet = start(*FLEET, is_busy=True)
    for collector in (*fleet.backups.values(), *fleet.copies.values()):
        collector.answers.clear()
    fleet.begin_scrape()
    until(lambda: sum(len(one.refreshed) for one in (*fleet.backups.values(), *fleet.copies.values())) == 64)
    for _ in range(4):
        fleet.clock.advance(60)
        fleet.begin_scrape()
    stalled = [ledger.health()["backup_jobs"].fault is not None for ledger in fleet.ledgers.values()]
    assert stalled == [bool(one.refreshed) for one in fleet.backups.values()]


def test_idle_scopes_do_not_hold_up_those_in_which_something_happens(start: Start) -> None:
    """While AWS does not answer for any idle scope, the refreshes of a scope with an active job end."""
    fleet = start(*FLEET, "active")
    fleet.copies["active"].is_active = True
    fleet.scrape()
    fleet.clock.advance(MINUTE)
    for target in FLEET:
        fleet.backups[target].answers.clear()
    for expected in (2, 3):
        refreshes = fleet.refresher.refresh()
        refreshes.active.result(PATIENCE)
        assert not refreshes.all.done()
        assert len(fleet.backups["active"].refreshed) == expected
        fleet.clock.advance(SCRAPE)


@pytest.mark.parametrize("fault", [None, DENIED], ids=["first", "failed"])
def test_scopes_without_a_successful_refresh_are_waited_for(start: Start, fault: Fault | None) -> None:
    """A scrape waits for the first refresh of a scope, and for one after a failure, as for an active one."""
    fleet = start("a", idle_refresh=300.0)
    if fault:
        fleet.backups["a"].fault = fault
        fleet.scrape()
    fleet.backups["a"].answers.clear()
    assert not fleet.refresher.refresh().active.done()


def test_the_first_refresh_of_a_member_is_not_waited_for(start: Start) -> None:
    """A scrape waits for a member when a job is active or a refresh has failed, but not for its first one."""
    fleet = start("a", "b", "c", is_member=True, idle_refresh=0.0)
    fleet.backups["a"].is_active = True
    fleet.backups["b"].fault = DENIED
    for collector in fleet.backups.values():
        collector.answers.clear()
    first = fleet.refresher.refresh()
    first.active.result(PATIENCE)
    assert not first.all.done()

    fleet.backups["c"].answers.set()
    for name in "ab":
        fleet.backups[name].answers.set()
        first = fleet.refresher.refresh()
    first.all.result(PATIENCE)
    for name in "ab":
        fleet.backups[name].answers.clear()
        assert not fleet.refresher.refresh().active.done()
        fleet.backups[name].answers.set()
        fleet.refresher.refresh().all.result(PATIENCE)


@pytest.mark.parametrize(("targets", "at_once"), [(FLEET, False), (FLEET[:10], True)])
def test_many_idle_scopes_refresh_one_collector_at_a_time(
    start: Start, targets: tuple[str, ...], at_once: bool
) -> None:
    """The collectors of an idle scope run at the same time, unless there are many scopes."""
    fleet = start(*targets, idle_refresh=0.0)
    fleet.scrape()
    fleet.clock.advance(SCRAPE)
    fleet.backups["account-0"].answers.clear()
    before = len(fleet.copies["account-0"].refreshed)
    refreshes = fleet.refresher.refresh()

    def others_ended() -> bool:
        return all(len(fleet.copies[name].refreshed) > before for name in targets if name != "account-0")

    until(others_ended)
    if at_once:
        until(lambda: len(fleet.copies["account-0"].refreshed) > before)
    assert (len(fleet.copies["account-0"].refreshed) > before) is at_once
    fleet.backups["account-0"].answers.set()
    refreshes.all.result(PATIENCE)
    assert len(fleet.copies["account-0"].refreshed) > before


def test_an_unexpected_error_leaves_no_refresh_behind(start: Start) -> None:
    """If one collector of many idle scopes breaks, it and those after it are refreshed on the next scrape."""
    fleet = start(*FLEET, idle_refresh=0.0)
    fleet.scrape()
    broken = fleet.backups["account-0"]
    broken.breaks = True
    fleet.scrape(after=SCRAPE)
    broken.breaks = False
    refreshed = len(fleet.copies["account-0"].refreshed)
    fleet.scrape(after=SCRAPE)
    assert len(fleet.copies["account-0"].refreshed) == refreshed + 1
