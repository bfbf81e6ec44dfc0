"""By when the next success of a resource must have come, in every situation."""

from typing import Any

import pytest

from exporter.model import KINDS, Protected
from tests.ledger.facts import AWAITED, DAY, REMOTE, STACK, VOLUME, Known, listed, plan, points, rule
from tests.support.makers import HOUR, NOW


def test_the_last_success_the_interval_and_a_grace() -> None:
    """The next success is due when an interval and a grace have passed since the last one ended."""
    known = Known()
    known.backup("a", "COMPLETED", NOW - DAY)
    known.backup("b", "FAILED", NOW)
    assert known.backups().due == NOW - DAY + HOUR + 2 * DAY


def test_a_resource_that_never_succeeded_is_due_since_its_first_end() -> None:
    """When its first job has failed, a resource is unprotected from then on."""
    known = Known()
    for day in (3, 2, 1):
        known.backup(f"{day}", "FAILED", NOW - day * DAY)
    assert known.backups().due == NOW - 3 * DAY + HOUR


def test_a_first_job_that_goes_on_has_its_time() -> None:
    """While the first job runs, the resource is due an interval and a grace after it began."""
    known = Known()
    known.backup("a", "RUNNING", NOW)
    assert known.backups().due == NOW + 2 * DAY


def test_a_first_job_that_succeeds_is_no_failure() -> None:
    """A success after a first failure counts from its end."""
    known = Known()
    known.backup("a", "FAILED", NOW - DAY)
    known.backup("b", "COMPLETED", NOW)
    assert known.backups().due == NOW + HOUR + 2 * DAY


def test_what_is_only_expected_is_due_when_the_history_has_been_read() -> None:
    """A resource of which nothing is known but the expectation is overdue as soon as that is sure."""
    known = Known(within={VOLUME: 26 * HOUR}, awaited=["plans"])
    assert known.backups().due is None
    known.resources.mark_read("plans", NOW + 5, since=NOW)
    assert known.backups().due == NOW + 5


def test_the_expectation_counts_before_rules() -> None:
    """A configured interval makes the time, whatever the rules say."""
    known = Known(within={VOLUME: 2 * HOUR})
    known.backup("a", "COMPLETED", NOW)
    assert known.backups().due == NOW + HOUR + 4 * HOUR


@pytest.mark.parametrize("settings", [{}, {"within": {VOLUME: 31 * DAY}}])
def test_a_success_may_be_older_than_what_can_be_read(settings: dict[str, Any]) -> None:
    """Without recovery points, a failed job after a restart does not tell that there was no success."""
    known = Known(unreadable=["recovery_points"], **settings)
    known.backup("a", "FAILED", NOW - DAY, "monthly")
    assert known.backups().due == NOW - 7 * DAY + 32 * DAY


def test_a_short_interval_is_sure_without_recovery_points() -> None:
    """A daily backup that failed all the time that was read is overdue, with or without recovery points."""
    known = Known(unreadable=["recovery_points"])
    known.backup("a", "FAILED", NOW - DAY)
    assert known.backups().due == NOW - DAY + HOUR


def test_nothing_is_due_where_nothing_is_expected() -> None:
    """A resource that was backed up by hand, and restores and scans, are never due."""
    known = Known()
    known.backup("a", "COMPLETED", NOW, CreatedBy=None)
    known.restore("r", "FAILED", NOW)
    facts = known.resource().facts
    assert {(each.kind, each.key, each.due) for each in facts} == {
        ("backup", "", None),
        ("restore", "arn:tests", None),
    }


@pytest.mark.parametrize("collector", ["backup_jobs", "plans", "recovery_points"])
def test_nothing_is_due_before_the_history_was_read(collector: str) -> None:
    """While one of the collectors has not read what there was, nothing is due; then it is at once."""
    known = Known(awaited=[collector])
    known.backup("a", "COMPLETED", NOW)
    known.plans(plan(rule("daily"), names=[STACK]))
    assert [known.backups().due, *(facts.due for facts in known.rules().values())] == [None, None]
    known.resources.mark_read(collector, NOW)
    assert known.backups().due == NOW + HOUR + 2 * DAY
    assert known.rules()["daily"].due == NOW + HOUR + 2 * DAY


def test_a_collector_that_fails_later_changes_nothing_that_is_sure() -> None:
    """When recovery points cannot be read any more, what is due by a success stays as it was."""
    known = Known()
    known.backup("a", "COMPLETED", NOW)
    before = known.resource()
    for since in (None, NOW):
        known.resources.mark_read("recovery_points", NOW + HOUR, since=since)
        assert known.resource() == before


def test_what_another_kind_awaits_holds_up_no_backup() -> None:
    """Restores and copies that have not been read do not keep backups from being due."""
    known = Known(awaited=set(AWAITED) - {"backup_jobs", "plans", "recovery_points"})
    known.backup("a", "COMPLETED", NOW)
    assert known.backups().due == NOW + HOUR + 2 * DAY


# Composites.


def composite(state: str = "COMPLETED", *, part_at: float = NOW) -> Known:
    """Make a stack whose newest backup was made now, and a part of it."""
    known = Known()
    known.backup("before", "COMPLETED", NOW - 2 * DAY, arn=STACK, IsParent=True)
    known.backup("parent", state, NOW, arn=STACK, IsParent=True)
    of = "parent" if part_at == NOW else "before"
    known.backup("child", "FAILED", part_at, ParentJobId=of)
    return known


@pytest.mark.parametrize("state", ["COMPLETED", "PARTIAL", "RUNNING"])
def test_a_part_is_not_due_where_its_composite_is(state: str) -> None:
    """The composite's alerts stand for a part that is in its newest backup."""
    known = composite(state)
    assert (known.resource().parent_arn, known.backups().due) == (STACK, None)
    assert {facts.due for facts in known.resource().rules} == {None}
    assert known.backups(STACK).due is not None


def test_a_part_that_was_left_out_of_a_complete_backup_has_alerts_of_its_own() -> None:
    """Nobody else tells of a volume that is in the stack's backups no more."""
    known = composite(part_at=NOW - 2 * DAY)
    assert (known.resource().parent_arn, known.backups().due) == ("", NOW - 2 * DAY + HOUR)


def test_a_part_that_is_missing_from_a_failed_backup_is_the_composites_concern() -> None:
    """While the composite's newest job did not complete, its own alert stands for the parts."""
    assert composite("FAILED", part_at=NOW - 2 * DAY).resource().parent_arn == STACK


def test_a_part_that_is_expected_more_often_is_due() -> None:
    """A part with an hourly rule of its own is missed before its daily composite is."""
    known = composite()
    known.backup("own", "COMPLETED", NOW - DAY, "hourly")
    assert known.resource().parent_arn == STACK
    assert known.backups().due == NOW - DAY + HOUR + 2 * HOUR


def test_a_part_is_told_when_its_composite_changes() -> None:
    """When a complete backup without the part follows, the part's facts change without a job of its own."""
    known = composite()
    assert known.backups().due is None
    known.backup("next", "COMPLETED", NOW + DAY, arn=STACK, IsParent=True)
    assert known.backups().due == NOW + HOUR


# Leaving.


def test_a_resource_goes_with_all_its_facts() -> None:
    """A resource that AWS no longer lists, without a recent job or a point, is published no more."""
    known = Known()
    known.plans(plan(rule("daily", REMOTE)))
    known.backup("a", "COMPLETED", NOW)
    known.copy("c", "COMPLETED", NOW)
    assert len(known.resource().facts) == 2
    known.resources.set_protected([], now=NOW + 11 * DAY, lookback=7 * DAY)
    assert known.resources.drain() == {VOLUME: None}


@pytest.mark.parametrize("keeps", ["points", "named", "inventory"])
def test_what_still_tells_of_a_resource_keeps_it(keeps: str) -> None:
    """Recovery points, a selection that names it and the inventory keep a resource that AWS does not list."""
    known = Known()
    if keeps == "points":
        known.resources.set_recovery_points("prod", {VOLUME: points(("daily", NOW, NOW))})
    elif keeps == "named":
        known.plans(plan(rule("daily"), names=[VOLUME]))
    else:
        known.resources.set_listed([listed(VOLUME)])
    before = known.resource()
    for _ in range(2):
        known.resources.set_protected([], now=NOW + 99 * DAY, lookback=7 * DAY)
        assert known.find() == before
    known.resources.set_recovery_points("prod", {})
    known.plans()
    known.resources.set_listed([])
    known.resources.set_protected([], now=NOW + 99 * DAY, lookback=7 * DAY)
    assert known.find() is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_without_a_row_of_the_table_there_are_no_facts_of_that_kind(kind: Any) -> None:
    """Facts of one kind of job do not hang on another: only those of the kind that is missing are."""

    def facts(kinds: tuple[Any, ...]) -> set[Any]:
        known = Known(kinds=kinds)
        for each in kinds:
            known.job(each, each.name, "COMPLETED", NOW)
        known.resources.set_protected([Protected(VOLUME, "n", "EBS", NOW)], now=NOW, lookback=DAY)
        return set(known.resource().facts)

    without = facts(tuple(each for each in KINDS if each is not kind))
    assert without == {each for each in facts(KINDS) if each.kind != kind.name}
    assert len(without) == len(KINDS) - 1


@pytest.mark.parametrize(("status", "is_due"), [("AVAILABLE", False), ("STOPPED", True)])
def test_a_continuous_backup_needs_no_job_at_each_run(status: str, is_due: bool) -> None:
    """While point-in-time recovery goes on, neither the resource nor the rule is due, however old its job."""
    known = Known()
    known.backup("a", "COMPLETED", NOW - 9 * DAY)
    known.plans(plan(rule("daily", continuous=True)))
    known.resources.set_recovery_points("prod", {VOLUME: points(by_status={status: 1})})
    dues = known.backups().due, known.rules()["daily"].due
    assert [due is not None for due in dues] == [is_due, is_due]
