"""What is known of resources: ties, child jobs, rules that are gone, and no more than the limit."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.limits import COUNTED_BEYOND, MOST_RESOURCES
from exporter.ledger.resources import Resources
from exporter.model import BACKUP, Job, ListedResource, Plan, PlannedRule, Protected, Resource, Rule
from tests.support.makers import HOUR, NOW, job

DAY = 24 * HOUR
VOLUME, STACK = (f"arn:aws:x:eu-west-1:123456789012:{name}" for name in ("volume", "stack"))
INTERVALS = {"hourly": HOUR, "daily": DAY, "weekly": 7 * DAY}


def made(expected: dict[str, float] | None = None) -> Resources:
    """Resources of which nothing is known; the schedule of a rule is its name."""
    return Resources(expected or {}, lambda rule: INTERVALS.get(rule.schedule))


def of(arn: str, job_id: str, state: str = "COMPLETED", rule: str = "", **fields: Any) -> Job:
    """A backup job of a resource, made by a rule of the plan `p` or `q` if one is named."""
    plan, _, name = rule.rpartition("/")
    by = Rule(plan or "p", name, name) if rule else None
    return replace(job(job_id, state, **fields), resource_arn=arn, rule=by)


def told(jobs: Iterable[Job], arn: str = VOLUME, resources: Resources | None = None) -> Resource:
    """Tell of jobs, and give what is known of a resource then."""
    known = resources or made()
    for each in jobs:
        known.record(BACKUP, each)
    known.drain()
    return next(resource for resource in known.published() if resource.arn == arn)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_of_jobs_of_the_same_moment_always_the_same_is_the_newest(order: Sequence[int]) -> None:
    """Which of jobs with equal dates is the newest, or the newest success, is the same in any order."""
    jobs = [
        replace(of(VOLUME, "a", completed=NOW + 5), size=1),
        replace(of(VOLUME, "b", completed=NOW + 5), size=2, resource_name="b"),
        of(VOLUME, "c", "FAILED", completed=NOW + 5),
    ]
    found = told(jobs[place] for place in order)
    assert (found.last_state, found.last_success_size) == ("FAILED", 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_jobs_of_the_same_moment_always_the_same_tells_the_schedule(order: Sequence[int]) -> None:
    """Two jobs of a rule with equal dates that tell two schedules: the same one counts in either order."""
    jobs = [
        replace(of(VOLUME, "a"), rule=Rule("p", "r", "hourly")),
        replace(of(VOLUME, "b"), rule=Rule("p", "r", "daily")),
    ]
    assert told(jobs[place] for place in order).facts_of("backup").expected_interval == DAY


CHILD: dict[str, Any] = {"parent": "parent"}
PARENT: dict[str, Any] = {"is_parent": True}


def test_a_child_counts_for_its_own_resource() -> None:
    """A volume that is backed up only as a part of a stack has facts by its child jobs."""
    child = of(VOLUME, "child", rule="daily", completed=NOW + 60, **CHILD)
    found = told([of(STACK, "parent", "PARTIAL", "daily", **PARENT), child])
    assert (found.facts_of("backup").last_success, found.last_state) == (NOW + 60, "COMPLETED")
    assert (found.facts_of("backup").expected_interval, found.parent_arn) == (DAY, STACK)


@pytest.mark.parametrize("order", [*permutations(range(4))])
def test_a_child_does_not_stand_for_its_parent(order: Sequence[int]) -> None:
    """Where a child job has the ARN of the composite, the parent's word counts, whichever comes first."""
    jobs = [
        of(STACK, "parent", "FAILED", **PARENT),
        of(STACK, "child", completed=NOW + 60, created=NOW + 1, **CHILD),
        of(STACK, "before", "COMPLETED", created=NOW - DAY, completed=NOW - DAY + 5, **PARENT),
        of(STACK, "child-before", created=NOW - DAY, completed=NOW - DAY + 9, parent="before"),
    ]
    found = told((jobs[place] for place in order), STACK)
    assert (found.facts_of("backup").last_success, found.last_state, found.parent_arn) == (
        NOW - DAY + 5,
        "FAILED",
        "",
    )


def test_a_composite_in_a_composite_counts_for_itself() -> None:
    """A cluster that is a part of a stack has the facts of its parent job, not of that job's children."""
    cluster = "arn:cluster"
    jobs = [
        of(STACK, "p", "PARTIAL", **PARENT),
        of(cluster, "c", "FAILED", created=NOW + 1, parent="p", **PARENT),
        of(cluster, "cc", "COMPLETED", created=NOW + 2, completed=NOW + 3, parent="c"),
    ]
    for order in permutations(jobs):
        found = told(order, cluster)
        assert (found.last_state, found.facts_of("backup").last_success, found.parent_arn) == (
            "FAILED",
            None,
            STACK,
        )


def test_the_newer_of_a_job_of_its_own_and_a_child_counts() -> None:
    """A volume that is backed up for itself, too, has the facts of whichever job is the newest."""
    own = of(VOLUME, "own", created=NOW - HOUR, completed=NOW - HOUR)
    child = of(VOLUME, "child", "FAILED", created=NOW, **CHILD)
    later = of(VOLUME, "later", "RUNNING", created=NOW + HOUR)
    parent = of(STACK, "parent", **PARENT)
    as_part, for_itself = told([parent, own, child]), told([parent, own, child, later])
    assert (as_part.last_state, as_part.facts_of("backup").last_success, as_part.parent_arn) == (
        "FAILED",
        NOW - HOUR,
        STACK,
    )
    assert (for_itself.last_state, for_itself.parent_arn) == ("RUNNING", "")


def test_a_parent_that_comes_later_is_named() -> None:
    """When the parent of a child job turns up, the child's resource is told anew, with its composite."""
    resources = made()
    assert told([of(VOLUME, "child", **CHILD)], resources=resources).parent_arn == ""
    assert told([of(STACK, "parent", **PARENT)], resources=resources).parent_arn == STACK


def test_parents_are_let_go() -> None:
    """A parent job that is older than the look-back is kept while it is a newest job's parent, no longer."""
    resources = made()
    resources.record(BACKUP, of(STACK, "parent", created=NOW - 9 * DAY, **PARENT))
    resources.record(BACKUP, of(VOLUME, "child", created=NOW - 9 * DAY, **CHILD))
    listing = [Protected(arn, "", "", None) for arn in (STACK, VOLUME)]
    resources.set_protected(listing, now=NOW, lookback=7 * DAY)
    assert told(
        [of(VOLUME, "child", "FAILED", created=NOW - 9 * DAY, **CHILD)], resources=resources
    ).parent_arn
    resources.record(BACKUP, of(VOLUME, "own", created=NOW))
    resources.set_protected(listing, now=NOW, lookback=7 * DAY)
    assert resources._composites.is_empty


@given(st.permutations(range(6)))
def test_any_order_of_jobs_gives_the_same(order: Sequence[int]) -> None:
    """Whatever the order of jobs of their own, parents and children, each resource's facts are the same."""
    jobs = [
        of(STACK, "p1", "PARTIAL", "daily", created=NOW - DAY, **PARENT),
        of(VOLUME, "c1", "FAILED", "daily", created=NOW - DAY, parent="p1"),
        of(STACK, "s1", "COMPLETED", "daily", created=NOW - DAY, completed=NOW, parent="p1"),
        of(VOLUME, "own", "COMPLETED", "weekly", created=NOW - 2 * DAY, completed=NOW - DAY),
        of(STACK, "p2", "RUNNING", "daily", **PARENT),
        of(VOLUME, "c2", "RUNNING", "daily", parent="p2"),
    ]

    def outcome(places: Iterable[int]) -> dict[str, Resource | None]:
        resources = made()
        for place in places:
            resources.record(BACKUP, jobs[place])
        return resources.drain()

    assert outcome(order) == outcome(range(6))


# Rules that are gone.

HOURLY, DAILY, WEEKLY = ("p", "hourly"), ("p", "daily"), ("q", "weekly")
JOBS = [
    of(VOLUME, "h", rule="hourly", created=NOW - 3 * HOUR),
    of(VOLUME, "d", rule="daily", created=NOW - 2 * HOUR),
    of(VOLUME, "w", rule="q/weekly", created=NOW - 2 * DAY),
]


def backed_up() -> Resources:
    """A volume that three rules of two plans have backed up."""
    resources = made()
    for each in JOBS:
        resources.record(BACKUP, each)
    return resources


def read(resources: Resources, *rules: tuple[str, str], unread: Iterable[str] = (), at: float = NOW) -> None:
    """Read the plans, which have these rules."""
    plans = [planned(rule, INTERVALS[rule[1]]) for rule in rules]
    resources.set_plans(plans, unread_plans={*unread}, read_at=at)


def planned(rule: tuple[str, str], interval: float | None) -> Plan:
    """A plan with one rule."""
    return Plan(rule[0], rule[0], "123456789012", None, (PlannedRule(rule[1], None, interval),))


def expected(resources: Resources) -> float | None:
    """Give the expected interval of the volume, as it is told when anything of the resource is."""
    resources.drain()
    volume = next(resource for resource in resources.published() if resource.arn == VOLUME)
    return volume.facts_of("backup").expected_interval


def test_a_rule_that_is_gone_counts_no_longer() -> None:
    """An hourly rule that was removed leaves the daily one, and that change is told."""
    resources = backed_up()
    read(resources, HOURLY, DAILY, WEEKLY)
    resources.drain()
    read(resources, DAILY, WEEKLY)
    told_of = resources.drain()[VOLUME]
    assert told_of
    assert told_of.facts_of("backup").expected_interval == DAY


def test_the_last_known_interval_stays() -> None:
    """When the last rule is gone, the interval is the one that was known last, however long ago that was."""
    resources = backed_up()
    for left in ((HOURLY, DAILY, WEEKLY), (DAILY, WEEKLY), (WEEKLY,), (), ()):
        read(resources, *left)
    assert expected(resources) == 7 * DAY


def test_rules_that_go_together_leave_the_shortest() -> None:
    """When a whole plan is removed that was the only one, the interval stays as it was."""
    resources = backed_up()
    read(resources, HOURLY, DAILY)
    read(resources)
    assert expected(resources) == HOUR


def test_a_rule_that_comes_back_counts() -> None:
    """A rule that was gone and is there again counts again."""
    resources = backed_up()
    for rules in ((HOURLY, WEEKLY), (WEEKLY,), (HOURLY, WEEKLY)):
        read(resources, *rules)
    assert expected(resources) == HOUR


def test_without_plans_nothing_is_gone() -> None:
    """As long as the plans were never read, every rule that made a job counts."""
    assert expected(backed_up()) == HOUR


def test_rules_of_a_plan_that_cannot_be_read_count() -> None:
    """What is not told of a plan that AWS denies is not gone: its rules stay as they were."""
    resources = backed_up()
    read(resources, HOURLY, DAILY, WEEKLY)
    read(resources, WEEKLY, unread=["p"])
    assert expected(resources) == HOUR
    read(resources, WEEKLY)
    assert expected(resources) == 7 * DAY


def test_after_a_restart_the_newest_job_tells() -> None:
    """A process that finds no rule left takes the interval of the one that made the newest job."""
    resources = made()
    read(resources)
    for each in JOBS:
        resources.record(BACKUP, each)
    assert expected(resources) == DAY


def test_a_rule_that_is_newer_than_the_plans_counts() -> None:
    """A rule that made a job after the plans were read is new, not gone."""
    resources = backed_up()
    read(resources, WEEKLY, at=NOW - 2.5 * HOUR)
    assert expected(resources) == DAY


def test_a_rule_of_which_nobody_can_tell_the_interval_is_there() -> None:
    """A rule whose schedule in the plan is not understood counts with what its jobs told."""
    resources = backed_up()
    plans = [planned(HOURLY, None), planned(WEEKLY, 7 * DAY)]
    resources.set_plans(plans, unread_plans=(), read_at=NOW)
    assert expected(resources) == HOUR


def test_what_is_configured_counts_before_rules() -> None:
    """An expectation counts whatever becomes of the rules."""
    resources = made({VOLUME: 5.0})
    resources.record(BACKUP, JOBS[0])
    read(resources)
    assert expected(resources) == 5.0


# No more than the limit.


@pytest.mark.slow
def test_resources_have_a_bound() -> None:
    """Beyond the limit further resources are counted and not kept, but for those that are configured."""
    resources = made({"configured": DAY})
    for number in range(MOST_RESOURCES + 7):
        resources.record(BACKUP, of(f"arn:{number}", "a"))
        resources.record(BACKUP, of(f"arn:{number}", "b"))
    resources.record(BACKUP, of("configured", "a"))
    assert (len(resources.drain()), resources.left_out) == (MOST_RESOURCES + 1, 7)
    resources.set_protected(
        (Protected(f"arn:{number}", "", "", None) for number in range(MOST_RESOURCES + 9)),
        now=NOW,
        lookback=DAY,
    )
    assert resources.left_out == 9


@pytest.mark.slow
def test_counting_has_a_bound() -> None:
    """What is left out is counted as far as it takes little memory."""
    resources = made()
    everything = ((COUNTED_BEYOND + 1) * MOST_RESOURCES) + 5
    listing = (Protected(f"{number}", "", "", None) for number in range(everything))
    resources.set_protected(listing, now=NOW, lookback=DAY)
    assert resources.left_out == COUNTED_BEYOND * MOST_RESOURCES


@pytest.mark.slow
def test_room_that_is_left_is_taken() -> None:
    """When resources are gone, others that had no room become known."""
    resources = made()
    listing = [Protected(f"{number}", "", "", None) for number in range(MOST_RESOURCES + 1)]
    resources.set_protected(listing, now=NOW, lookback=DAY)
    resources.drain()
    resources.set_protected(listing[1:], now=NOW, lookback=DAY)
    changed = resources.drain()
    assert (changed["0"], changed[f"{MOST_RESOURCES}"] is not None) == (None, True)
    assert resources.left_out == 0


def test_a_list_without_news_is_no_change() -> None:
    """A resource that stays although it is not listed is not computed again; a removed one is news."""
    resources = made()
    resources.record(BACKUP, of(VOLUME, "a", created=NOW - HOUR))
    resources.drain()
    before = resources.version
    resources.set_protected((), now=NOW, lookback=DAY)
    assert resources.version == before
    resources.set_protected((), now=NOW + 2 * DAY, lookback=DAY)
    assert resources.version > before
    assert resources.drain() == {VOLUME: None}


def test_a_resource_is_kept_for_ten_intervals() -> None:
    """A resource whose weekly backups stopped is known for ten weeks, however short the look-back."""
    resources = made()
    resources.record(BACKUP, of(VOLUME, "a", rule="weekly"))
    for days, is_known in ((69, True), (71, False)):
        resources.set_protected((), now=NOW + days * DAY, lookback=DAY)
        assert bool(resources.published()) == is_known


def test_what_is_published_is_up_to_date() -> None:
    """All resources are given as they are now, and what changed is still news for those who drain."""
    resources = made()
    resources.record(BACKUP, of(VOLUME, "a"))
    assert [resource.last_state for resource in resources.published()] == ["COMPLETED"]
    resources.record(BACKUP, of(VOLUME, "b", "RUNNING", created=NOW + 1))
    assert [resource.last_state for resource in resources.published()] == ["RUNNING"]
    assert resources.drain() == {VOLUME: next(iter(resources.published()))}
    assert resources.drain() == {}


def test_the_history_is_read_once_all_that_tell_of_it_are() -> None:
    """Jobs, plans and recovery points tell of the past; other collectors need not be waited for."""
    resources = Resources({}, lambda _: None, awaited=["backup_jobs", "plans", "vaults"])
    resources.mark_read("backup_jobs", NOW, since=NOW - DAY)
    assert not resources.is_history_read
    resources.mark_read("plans", NOW)
    assert resources.is_history_read


def listed(number: int, *, is_selected: bool) -> ListedResource:
    """A resource of the inventory."""
    return ListedResource(f"arn:{number}", "", "EBS", "", is_selected)


@pytest.mark.slow
def test_a_large_inventory_leaves_room() -> None:
    """It takes at most half of the room, first for what no plan selects; what it lists no longer is gone."""
    resources = made()
    resources.record(BACKUP, of(VOLUME, "a"))
    inventory = [listed(number, is_selected=number != MOST_RESOURCES) for number in range(MOST_RESOURCES + 1)]
    resources.set_listed([*inventory, ListedResource(VOLUME, "", "EBS", "", True)])
    changed = resources.drain()
    assert (len(changed), resources.left_out) == (MOST_RESOURCES // 2, MOST_RESOURCES // 2 + 2)
    unselected = changed[f"arn:{MOST_RESOURCES}"]
    assert unselected is not None
    assert unselected.is_selected is False
    resources.set_listed([])
    kept = [resource for resource in resources.drain().values() if resource]
    assert [(resource.arn, resource.is_selected) for resource in kept] == [(VOLUME, None)]
    assert resources.left_out == 0
