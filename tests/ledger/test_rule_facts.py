"""What is known of each rule that backs a resource up, and by when its next backup is due."""

from typing import Any

import pytest

from exporter.ledger.limits import MOST_KEYS
from exporter.model import PointsOfRule, Resource, Selection
from exporter.model.job_kinds import BACKUP
from exporter.model.selection import Condition
from tests.ledger.facts import DAY, STACK, VOLUME, Known, by, plan, points, rule
from tests.support.makers import HOUR, NOW

GRACE = DAY


def dues(known: Known) -> dict[str, float | None]:
    """Give when the next backup of each rule is due."""
    return {rule_id: facts.due for rule_id, facts in known.rules().items()}


def test_a_daily_success_does_not_hide_the_stopped_monthly_rule() -> None:
    """Each rule has its own success and its own time at which the next one is due."""
    known = Known(read_at=NOW - 40 * DAY)
    known.plans(plan(rule("daily"), rule("monthly")), at=NOW)
    known.backup("m", "COMPLETED", NOW - 40 * DAY, "monthly")
    for day in range(40):
        known.backup(f"d{day}", "COMPLETED", NOW - day * DAY)
    rules = known.rules()
    assert (rules["daily"].last_success, rules["daily"].due) == (NOW + HOUR, NOW + HOUR + 2 * DAY)
    monthly = rules["monthly"]
    assert (monthly.last_success, monthly.expected_interval) == (NOW - 40 * DAY + HOUR, 31 * DAY)
    assert monthly.due == NOW - 8 * DAY + HOUR
    assert known.backups().due == NOW + HOUR + 2 * DAY


def test_the_grace_is_the_interval_but_at_most_a_day() -> None:
    """An hourly backup may be an hour late, a quarterly one a day."""
    known = Known()
    for name in ("hourly", "quarterly"):
        known.backup(name, "COMPLETED", NOW, name)
    assert dues(known) == {"hourly": NOW + 3 * HOUR, "quarterly": NOW + HOUR + 93 * DAY}


def test_names_come_from_the_plans_and_otherwise_from_the_job() -> None:
    """A rule has the names and the vault that its plan has now; without plans those of its newest job."""
    known = Known()
    known.backup("a", "COMPLETED", NOW - DAY, BackupVaultName="before", **by("daily"))
    facts = known.rules()["daily"]
    assert (facts.plan_name, facts.rule_name, facts.vault_name) == ("P", "DAILY", "before")
    known.plans(plan(rule("daily"), plan_id="p"))
    facts = known.rules()["daily"]
    assert (facts.plan_name, facts.rule_name, facts.vault_name) == ("P", "DAILY", "prod")


def test_a_rule_and_a_plan_that_are_gone_have_no_facts() -> None:
    """A rule that is no longer in its plan, or whose plan was deleted, has no facts; the interval stays."""
    known = Known(read_at=NOW - DAY)
    known.backup("d", "COMPLETED", NOW - DAY)
    known.backup("w", "COMPLETED", NOW - DAY, "weekly")
    known.plans(plan(rule("daily"), rule("weekly")))
    assert set(known.rules()) == {"daily", "weekly"}
    known.plans(plan(rule("weekly")))
    assert (set(known.rules()), known.backups().expected_interval) == ({"weekly"}, 7 * DAY)
    known.plans()
    assert (known.rules(), known.backups().expected_interval) == ({}, 7 * DAY)
    assert known.backups().due == NOW + HOUR + 7 * DAY


def test_a_plan_that_cannot_be_read_keeps_its_rules() -> None:
    """What is known of a plan stays while AWS denies it."""
    known = Known()
    known.backup("d", "COMPLETED", NOW - DAY)
    known.plans(plan(rule("daily")))
    before = known.rules()
    known.plans(plan(), unread=["p"])
    assert known.rules() == before


@pytest.mark.parametrize("schedule", ["daily", ""])
def test_a_rule_that_is_back_counts_for_all_its_resources(schedule: str) -> None:
    """A rule that was gone and makes a job again counts for the other resources that it backs up, too."""
    known = Known(read_at=NOW - 9 * DAY)
    for arn in (VOLUME, STACK):
        known.backup(arn, "COMPLETED", NOW - 2 * DAY, arn=arn)
    known.plans(at=NOW - DAY)
    assert known.rules() == {}
    told_by = by("daily")["CreatedBy"] | {"BackupRuleCron": schedule}
    known.backup("back", "COMPLETED", NOW, arn=STACK, CreatedBy=told_by)
    assert set(known.rules()) == {"daily"}
    assert known.resource() == fresh(known)


def fresh(known: Known) -> Resource:
    """Work out anew what is known of the volume."""
    return known.resources._facts_of(VOLUME)


@pytest.mark.parametrize("state", ["FAILED", "RUNNING"])
def test_a_rule_that_never_succeeded_is_due_from_its_first_job(state: str) -> None:
    """Without any success, the rule has its interval and grace from its first known job on."""
    known = Known()
    known.backup("a", state, NOW - 2 * DAY)
    known.backup("b", "FAILED", NOW - DAY)
    assert dues(known) == {"daily": NOW}


# Rules that another one has replaced.


def test_a_resource_that_moved_to_another_plan_is_not_missed_by_the_old_one() -> None:
    """A rule is due no more when another with the same interval began after its last job."""
    known = Known(read_at=NOW - 9 * DAY)
    for day in range(9, 5, -1):
        known.backup(f"old{day}", "COMPLETED", NOW - day * DAY, "daily-old")
    for day in range(5):
        known.backup(f"new{day}", "COMPLETED", NOW - day * DAY, "daily-new")
    known.plans(plan(rule("daily-old"), rule("daily-new")))
    assert dues(known) == {"daily-old": None, "daily-new": NOW + HOUR + 2 * DAY}


def test_a_rule_with_another_interval_replaces_none() -> None:
    """A weekly rule that began later does not stand for a daily one."""
    known = Known(read_at=NOW - 9 * DAY)
    known.backup("d", "COMPLETED", NOW - 5 * DAY)
    known.backup("w", "COMPLETED", NOW - 2 * DAY, "weekly")
    assert dues(known)["daily"] == NOW - 3 * DAY + HOUR


def test_two_rules_with_the_same_interval_do_not_replace_each_other_after_a_restart() -> None:
    """A weekly rule on Thursdays, known by its last job only, has not replaced that on Mondays."""
    known = Known(read_at=NOW)
    known.plans(plan(rule("weekly-mon", retention=7 * DAY), rule("weekly-thu", retention=7 * DAY)))
    known.backup("mon", "COMPLETED", NOW - 6 * DAY, "weekly-mon")
    known.backup("thu", "COMPLETED", NOW - 3 * DAY, "weekly-thu")
    assert dues(known)["weekly-mon"] == NOW - 6 * DAY + HOUR + 8 * DAY


def test_recovery_points_tell_that_a_rule_did_not_just_begin() -> None:
    """A monthly rule whose older points are there has not replaced another that last ran before its job."""
    known = Known(read_at=NOW)
    known.plans(plan(rule("monthly-1"), rule("monthly-15")))
    known.resources.set_recovery_points(
        "prod",
        {
            VOLUME: points(
                ("monthly-1", NOW - 80 * DAY, NOW - 19 * DAY), ("monthly-15", NOW - 65 * DAY, NOW - DAY)
            )
        },
    )
    known.backup("15", "COMPLETED", NOW - DAY - HOUR, "monthly-15")
    assert dues(known) == {"monthly-1": NOW + 13 * DAY, "monthly-15": NOW + 31 * DAY}


# Rules of a selection that names the resource.


def test_a_resource_that_a_selection_names_is_expected_without_a_job() -> None:
    """It is due an interval and a grace after the selection, or the version of the plan, came to be."""
    known = Known()
    known.plans(plan(rule("daily"), names=[VOLUME], changed=NOW - HOUR))
    assert dues(known) == {"daily": NOW - HOUR + 2 * DAY}
    assert (known.backups().due, known.backups().expected_interval) == (NOW - HOUR + 2 * DAY, DAY)
    assert known.resource().name == "vol-1"


def test_an_old_plan_that_never_backed_a_named_resource_up_is_overdue() -> None:
    """Where recovery points are kept forever, a rule without one has not succeeded since the selection."""
    known = Known()
    known.plans(plan(rule("monthly"), names=[VOLUME], changed=NOW - 300 * DAY))
    assert dues(known) == {"monthly": NOW - 268 * DAY}


def test_points_that_are_kept_shorter_than_the_interval_may_be_gone() -> None:
    """A quarterly backup kept for 30 days may have succeeded: it is due from when one would be known."""
    known = Known()
    known.plans(plan(rule("quarterly", retention=30 * DAY), names=[VOLUME], changed=NOW - 300 * DAY))
    assert dues(known) == {"quarterly": NOW - 30 * DAY + 93 * DAY}


def test_jobs_tell_of_a_success_whose_point_is_gone() -> None:
    """Points that are kept for a day are no reason to wait longer than the jobs that were read tell."""
    known = Known()
    known.plans(plan(rule("daily", retention=DAY), names=[VOLUME], changed=NOW - 300 * DAY))
    assert dues(known) == {"daily": NOW - 7 * DAY + 2 * DAY}


def test_without_recovery_points_the_jobs_tell_since_when() -> None:
    """Where recovery points cannot be read, a rule is due from the start of the look-back."""
    known = Known(unreadable=["recovery_points"])
    known.plans(plan(rule("monthly"), names=[VOLUME], changed=NOW - 300 * DAY))
    assert dues(known) == {"monthly": NOW - 7 * DAY + 32 * DAY}


def test_where_nothing_can_be_read_nothing_is_due() -> None:
    """With jobs of some vaults only, and no recovery points, nobody can tell whether a rule is overdue."""
    known = Known(unreadable=["recovery_points", "backup_jobs"])
    known.plans(plan(rule("daily"), names=[VOLUME], changed=NOW - 300 * DAY))
    assert (dues(known), known.backups().due) == ({"daily": None}, None)


def test_a_new_plan_for_a_resource_with_an_old_backup_has_its_time() -> None:
    """An old backup of another rule, or by hand, does not make a new plan overdue at once."""
    known = Known()
    known.resources.set_recovery_points(
        "prod", {VOLUME: points(("weekly", NOW - 400 * DAY, NOW - 400 * DAY))}
    )
    known.plans(plan(rule("daily"), names=[VOLUME], changed=NOW - HOUR))
    assert known.backups().due == NOW - HOUR + 2 * DAY


NARROWED: list[dict[str, Any]] = [
    {"tags": (("backup", "daily"),)},
    {"conditions": (Condition("StringEquals", "backup", "daily"),)},
    {"not_resources": (VOLUME,)},
    {"not_resources": ("arn:aws:ec2:*:*:volume/*",)},
    {"unreadable": ("NotResources[0]",)},
]


@pytest.mark.parametrize("narrowed", NARROWED)
def test_a_selection_that_may_leave_the_resource_out_expects_nothing(narrowed: dict[str, Any]) -> None:
    """A resource that tags, conditions or NotResources can exclude is not known by its ARN alone."""
    known = Known()
    selection = Selection("s", "s", NOW, resources=(VOLUME,), **narrowed)
    plan_of = plan(rule("daily"))
    known.plans(type(plan_of)("p", "P", "", None, plan_of.rules, NOW, (selection,)))
    assert known.find() is None


def test_patterns_name_nothing() -> None:
    """A selection by patterns, or of everything, names no resource."""
    known = Known()
    known.plans(plan(rule("daily"), names=["*", "arn:aws:ec2:*:*:volume/*"]))
    assert known.resources.drain() == {}


# After a restart.


@pytest.mark.parametrize(("name", "days"), [("monthly", 29), ("quarterly", 80)])
def test_recovery_points_tell_what_jobs_did(name: str, days: int) -> None:
    """A rule has the same facts by its recovery point as by its job, however old, with and without plans."""
    at = NOW - days * DAY
    for plans in ([plan(rule(name))], []):
        seen, restarted = Known(read_at=at), Known(read_at=NOW)
        seen.backup("a", "COMPLETED", at, name)
        of_points = points((name, at + HOUR, at + HOUR))
        for known in (seen, restarted):
            known.resources.set_recovery_points("prod", {VOLUME: of_points})
            known.plans(plan(rule(name)))
            known.plans(*plans)
        assert restarted.rules() == seen.rules()
        for facts in ("last_success", "expected_interval", "due"):
            assert getattr(restarted.backups(), facts) == getattr(seen.backups(), facts) is not None, facts
        assert restarted.resource().account_id == seen.resource().account_id


def test_after_a_restart_points_tell_of_a_plan_that_is_gone() -> None:
    """A process that finds the plan gone takes the interval that the newest recovery point tells."""
    known = Known()
    known.resources.set_recovery_points("prod", {VOLUME: points(("monthly", NOW - 80 * DAY, NOW - 40 * DAY))})
    known.plans()
    assert (known.backups().expected_interval, known.backups().due) == (31 * DAY, NOW - 8 * DAY)


def test_when_the_last_rules_go_the_shortest_interval_of_points_stays() -> None:
    """Rules that recovery points tell of leave their interval behind as those of jobs do."""
    known = Known()
    of_points = points(("weekly", NOW - 40 * DAY, NOW - 9 * DAY), ("monthly", NOW - 40 * DAY, NOW - DAY))
    known.resources.set_recovery_points("prod", {VOLUME: of_points})
    known.plans(plan(rule("weekly"), rule("monthly")))
    known.plans()
    assert (known.backups().expected_interval, known.backups().due) == (7 * DAY, NOW + 7 * DAY)


def test_a_bucket_keeps_its_account_after_a_restart() -> None:
    """A resource whose ARN names no account has that of the vault with its backups, as of its jobs."""
    known = Known()
    known.resources.set_recovery_points("prod", {"arn:aws:s3:::b": points(("monthly", NOW - DAY, NOW - DAY))})
    assert known.resource("arn:aws:s3:::b").account_id == "123456789012"


# Bounds.


def test_a_resource_has_so_many_rules_at_most() -> None:
    """Beyond the limit further rules are counted and not kept."""
    known = Known()
    for number in range(MOST_KEYS + 5):
        known.backup(f"{number}", "COMPLETED", NOW, f"daily-{number}")
    assert (len(known.rules()), known.resources.facts_left_out) == (MOST_KEYS, 5)


def test_a_rule_of_a_plan_that_was_replaced_makes_room() -> None:
    """When plans are replaced again and again, the rules that are gone yield to the new one."""
    known = Known(read_at=NOW)
    for number in range(3 * MOST_KEYS):
        at = NOW + number * HOUR
        known.plans(plan(rule("daily"), plan_id=f"p{number}"), at=at)
        known.job(BACKUP, f"{number}", "COMPLETED", at + 60, **by("daily", f"p{number}"))
    assert {each.plan_id for each in known.resource().rules} == {f"p{3 * MOST_KEYS - 1}"}
    assert known.resources.facts_left_out == 0


def test_rules_of_recovery_points_have_a_bound() -> None:
    """However many rules points and selections name, a resource has facts of so many."""
    known = Known()
    for vault in ("one", "two"):
        rules = (PointsOfRule(of.rule, NOW, NOW) for of in points(*many(vault)).rules)
        known.resources.set_recovery_points(vault, {VOLUME: points(rules=tuple(rules))})
    assert len(known.rules()) == MOST_KEYS


def many(vault: str) -> list[tuple[str, float, float]]:
    """Name as many rules as a resource may have."""
    return [(f"daily-{vault}{number}", NOW, NOW) for number in range(MOST_KEYS)]
