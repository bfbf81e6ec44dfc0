"""What is known of the copies of a resource in each destination vault, and by when the next one is due."""

from collections.abc import Iterable

import pytest

from exporter.ledger.limits import MOST_KEYS
from exporter.model import Protected
from tests.ledger.facts import DAY, REMOTE, STACK, VOLUME, Known, by, plan, rule
from tests.support.makers import HOUR, NOW

OTHER = REMOTE + "-2"


def copying(*destinations: str, started: float = NOW - 5 * DAY, **settings: Iterable[str]) -> Known:
    """Make a volume with a daily backup of an old plan, whose rule copies it to some vaults."""
    known = Known(**settings)  # type: ignore[arg-type] # of several types
    known.plans(plan(rule("daily", *destinations)))
    for day in range(int((NOW - started) / DAY) + 1):
        known.backup(f"b{day}", "COMPLETED", NOW - day * DAY)
    return known


def test_a_copy_that_is_made_has_its_facts() -> None:
    """Each destination has its last success, its last ended job, its interval and when one is due."""
    known = copying(REMOTE, OTHER)
    known.copy("ok", "COMPLETED", NOW - DAY)
    known.copy("bad", "FAILED", NOW, StatusMessage="no key", MessageCategory="AccessDenied")
    known.copy("other", "COMPLETED", NOW, OTHER)
    facts = known.copies()
    assert (facts.last_success, facts.expected_interval) == (NOW - DAY + HOUR, DAY)
    assert facts.due == NOW - DAY + HOUR + 2 * DAY
    assert facts.last_ended is not None
    assert (facts.last_ended.job_id, facts.last_ended.details) == ("bad", ("AccessDenied", "no key"))
    assert known.copies(OTHER).last_success == NOW + HOUR


def test_a_copy_that_was_never_made_is_due_from_what_has_been_read() -> None:
    """With backups to copy, it is due an interval and a grace after the look-back's start."""
    assert copying(REMOTE).copies().due == NOW - 7 * DAY + 2 * DAY


def test_no_backup_no_copy() -> None:
    """While no backup succeeded that should have been copied, no copy is due: the backup's alert tells."""
    known = Known()
    known.plans(plan(rule("daily", REMOTE)))
    known.backup("a", "FAILED", NOW)
    assert (known.copies().due, known.copies().expected_interval) == (None, DAY)


def test_a_copy_action_that_was_just_added_has_its_time() -> None:
    """Backups of before the plan was changed are not copied: the first copy is due after the change."""
    known = copying()
    known.plans(plan(rule("daily", REMOTE), changed=NOW - HOUR), at=NOW)
    assert known.copies().due == NOW - HOUR + 2 * DAY


def test_a_copy_action_that_is_back_has_its_time() -> None:
    """A copy of long ago does not make an action overdue that was just added."""
    known = copying()
    known.copy("old", "COMPLETED", NOW - 100 * DAY)
    known.plans(plan(rule("daily", REMOTE), changed=NOW - HOUR), at=NOW)
    assert known.copies().due == NOW + 2 * DAY
    known.plans(plan(rule("daily", REMOTE), changed=NOW + HOUR), at=NOW + 2 * HOUR)
    assert known.copies().due == NOW + 2 * DAY


def test_a_change_of_the_plan_does_not_postpone_a_copy() -> None:
    """A plan that is changed every day is no reason to wait longer for a copy that stopped."""
    known = copying(REMOTE)
    known.copy("last", "COMPLETED", NOW - 5 * DAY)
    for day in range(4, -1, -1):
        known.plans(plan(rule(f"daily-{day}", REMOTE), changed=NOW - day * DAY), at=NOW - day * DAY)
        known.backup(f"n{day}", "COMPLETED", NOW - day * DAY, f"daily-{day}")
    assert known.copies().due == NOW - 5 * DAY + HOUR + 2 * DAY


def test_a_copy_action_that_is_gone_expects_nothing() -> None:
    """Without a copy action, the last success stays and nothing is due."""
    known = copying(REMOTE)
    known.copy("a", "COMPLETED", NOW - DAY)
    known.plans(plan(rule("daily")))
    facts = known.copies()
    assert (facts.last_success, facts.expected_interval, facts.due) == (NOW - DAY + HOUR, None, None)


def test_the_shortest_rule_with_the_action_counts() -> None:
    """A daily rule without copies does not make a weekly copy daily."""
    known = Known()
    known.plans(plan(rule("daily"), rule("weekly", REMOTE), rule("monthly", REMOTE)))
    for name in ("daily", "weekly", "monthly"):
        known.backup(name, "COMPLETED", NOW, name)
    assert known.copies().expected_interval == 7 * DAY


def test_a_rule_that_was_replaced_expects_no_copies() -> None:
    """After a resource moved to a plan without copies, the old plan's copies are not missed."""
    known = Known(read_at=NOW - 9 * DAY)
    known.plans(plan(rule("daily-old", REMOTE)), plan(rule("daily-new"), plan_id="q"))
    for day in range(9, 5, -1):
        known.backup(f"old{day}", "COMPLETED", NOW - day * DAY, "daily-old")
        known.copy(f"c{day}", "COMPLETED", NOW - day * DAY)
    for day in range(5):
        known.backup(f"new{day}", "COMPLETED", NOW - day * DAY, **by("daily-new", "q"))
    assert (known.copies().expected_interval, known.copies().due) == (None, None)


@pytest.mark.parametrize("collector", ["copy_jobs", "backup_jobs", "plans", "recovery_points"])
def test_nothing_is_due_before_the_history_was_read(collector: str) -> None:
    """While one of the collectors has not read what there was, no copy is due."""
    known = copying(REMOTE, awaited=[collector])
    assert known.copies().due is None
    known.resources.mark_read(collector, NOW, since=NOW - 7 * DAY)
    assert known.copies().due == NOW - 5 * DAY


def test_copies_that_cannot_be_read_are_not_due() -> None:
    """Where copy jobs are denied, or only some are looked for, a copy that is not known is not missed."""
    assert copying(REMOTE, unreadable=["copy_jobs"]).copies().due is None


def test_recovery_points_of_another_scope_tell_of_copies() -> None:
    """A copy that is older than the look-back is known by its recovery point, and the newer one counts."""
    known = copying(REMOTE)
    known.resources.record_copies(REMOTE, {VOLUME: NOW - 20 * DAY})
    assert known.copies().due == NOW - 18 * DAY
    known.copy("a", "COMPLETED", NOW - 2 * DAY)
    known.resources.record_copies(REMOTE, {VOLUME: NOW - 30 * DAY})
    assert known.copies().last_success == NOW - 2 * DAY + HOUR


def test_copies_of_a_resource_that_is_gone_do_not_bring_it_back() -> None:
    """Copies are kept for years: a resource that AWS no longer knows here has no series by them."""
    known = Known()
    known.resources.record_copies(REMOTE, {VOLUME: NOW - DAY})
    assert known.find() is None
    known.backup("a", "COMPLETED", NOW)
    assert known.copies().last_success == NOW - DAY
    known.resources.set_protected([Protected(STACK, "", "", NOW)], now=NOW + 99 * DAY, lookback=DAY)
    known.resources.record_copies(REMOTE, {VOLUME: NOW})
    assert known.find() is None


def test_a_copy_is_known_whichever_is_read_first() -> None:
    """Copies that another scope tells of before the resource is known count when it is."""
    first, last = Known(), Known()
    first.resources.record_copies(REMOTE, {VOLUME: NOW - DAY})
    first.resources.set_protected([Protected(VOLUME, "", "", NOW)], now=NOW, lookback=DAY)
    last.resources.set_protected([Protected(VOLUME, "", "", NOW)], now=NOW, lookback=DAY)
    last.resources.record_copies(REMOTE, {VOLUME: NOW - DAY})
    assert first.resource() == last.resource()


def test_a_part_of_a_composite_is_copied_with_it() -> None:
    """For a part whose composite's alerts stand for it, no copy is expected unless it had one."""
    known = Known()
    known.plans(plan(rule("daily", REMOTE)))
    known.backup("parent", "COMPLETED", NOW - HOUR, arn=STACK, IsParent=True)
    known.backup("child", "COMPLETED", NOW - HOUR, ParentJobId="parent")
    assert known.copies().expected_interval is None
    known.copy("a", "COMPLETED", NOW)
    assert known.copies().expected_interval == DAY


def test_destinations_have_a_bound() -> None:
    """Beyond the limit further destinations, of jobs and of recovery points, are counted and not kept."""
    known = Known()
    for number in range(MOST_KEYS + 3):
        known.copy(f"{number}", "COMPLETED", NOW, f"{REMOTE}-{number}")
        known.resources.record_copies(f"{REMOTE}-{number}", {VOLUME: NOW, STACK: NOW})
    known.backup("b", "COMPLETED", NOW)
    facts = known.resource().facts
    assert sum(each.kind == "copy" for each in facts) == MOST_KEYS
    assert known.backups().last_success == NOW + HOUR
    assert known.resources.facts_left_out == 2 * 3
