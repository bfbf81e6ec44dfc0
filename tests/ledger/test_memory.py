"""What comes and goes for years leaves nothing behind."""

import gc
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from exporter.ledger.rule_runs import RuleRuns
from exporter.model import Health, Protected
from exporter.model.job_kinds import BACKUP
from tests.ledger.facts import DAY, REMOTE, STACK, VOLUME, Known, by, listed, plan, points, rule, told
from tests.support.makers import HOUR, NOW, WINDOW, job, store

CYCLES = 1000
Cycle = Callable[[Known, int, float], None]


def size(root: object) -> int:
    """Count the objects that something holds, without classes, modules and functions."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type | ModuleType) or callable(each):
            continue
        seen.add(id(each))
        waiting += gc.get_referents(each)
    return len(seen)


def replaced_plans(known: Known, number: int, now: float) -> None:
    """A plan is deleted and made anew under another id, and backs the volume up."""
    known.plans(plan(rule("daily", REMOTE), plan_id=f"p{number}", names=[VOLUME], changed=now), at=now)
    known.job(BACKUP, f"b{number}", "COMPLETED", now, **by("daily", f"p{number}"))


def replaced_resources(known: Known, number: int, now: float) -> None:
    """A resource is made, backed up, copied and deleted."""
    arn = f"{VOLUME}-{number}"
    known.backup(f"b{number}", "COMPLETED", now, arn=arn)
    known.copy(f"c{number}", "COMPLETED", now, arn=arn)
    known.resources.record_copies(REMOTE, {arn: now})


def replaced_vaults(known: Known, number: int, now: float) -> None:
    """A vault is made, holds a point of the volume, and is deleted."""
    known.resources.set_recovery_points(f"v{number}", {VOLUME: points(("daily", now, now))})
    known.resources.keep_vaults({f"v{number}"})


def replaced_parts(known: Known, number: int, now: float) -> None:
    """A stack is backed up whose one part is replaced each time."""
    known.backup(f"p{number}", "COMPLETED", now, arn=STACK, IsParent=True)
    known.backup(f"c{number}", "COMPLETED", now, arn=f"{VOLUME}-{number}", ParentJobId=f"p{number}")


def replaced_stacks(known: Known, number: int, now: float) -> None:
    """A stack with one part is made, backed up and deleted."""
    known.backup(f"p{number}", "COMPLETED", now, arn=f"{STACK}-{number}", IsParent=True)
    known.backup(f"c{number}", "COMPLETED", now, arn=f"{VOLUME}-{number}", ParentJobId=f"p{number}")


def replaced_copies(known: Known, number: int, now: float) -> None:
    """The inventory, and copies in another scope, tell of a resource that is gone then."""
    known.resources.set_listed([listed(f"{VOLUME}-{number}")])
    known.resources.record_copies(f"{REMOTE}-{number}", {f"{VOLUME}-{number}": now})


@pytest.mark.parametrize(
    "cycle",
    [
        replaced_plans,
        replaced_resources,
        replaced_vaults,
        replaced_parts,
        replaced_stacks,
        replaced_copies,
    ],
)
def test_no_growth(cycle: Cycle) -> None:
    """After a thousand cycles as much is held as after two hundred."""
    known = Known()
    sizes = []
    for number in range(CYCLES):
        now = NOW + number * DAY
        cycle(known, number, now)
        known.resources.set_protected(
            [Protected(arn, "", "", now) for arn in (VOLUME, STACK)], now=now, lookback=7 * DAY
        )
        known.resources.drain()
        if number in (CYCLES // 5, CYCLES - 1):
            sizes.append(size(known.resources))
    assert sizes[1] <= sizes[0] * 1.02


def test_a_rule_that_is_gone_is_forgotten_after_a_month() -> None:
    """Of a plan that is replaced each day, the rules of the last month are kept, for one may come back."""
    known = Known()
    for number in range(80):
        replaced_plans(known, number, NOW + number * DAY)
    assert len(known.resources._known[VOLUME].rules) == 31


def test_a_finished_job_without_series_leaves_its_id() -> None:
    """Of finished jobs that have no series one object each is held, and none once they left the window."""
    made = store(finished_jobs="none", since=NOW - HOUR)
    empty = size(made)
    for number in range(CYCLES):
        told = job(f"j{number}", "COMPLETED", created=NOW - number, is_parent=number % 2 == 0)
        made.update(replace(told, state="RUNNING", finished=False), NOW, described=True)
        made.update(told, NOW, described=False)
    made.drain()
    held = size(made)
    assert CYCLES <= held - empty <= CYCLES + 50
    made.expire(NOW + WINDOW + 2 * HOUR)
    made.drain()
    assert size(made) - empty < 50


@pytest.mark.parametrize("are_read", [True, False])
def test_runs_of_rules_do_not_grow(are_read: bool) -> None:
    """Jobs of rules that are gone are forgotten, also when the plans can never be read."""
    runs = RuleRuns()
    runs.mark_read("backup_jobs", NOW)
    sizes = []
    for number in range(CYCLES):
        now = NOW + number * DAY
        runs.record(told(BACKUP, f"b{number}", "COMPLETED", now, **by("daily", f"p{number}")))
        plans: list[Any] = [plan(rule("daily"), plan_id=f"p{number}")] if are_read else []
        runs.at(now + HOUR, plans, {"backup_jobs": Health(up=True, last_success=now + HOUR)})
        if number in (CYCLES // 5, CYCLES - 1):
            sizes.append(size(runs))
    assert sizes[1] <= sizes[0] * 1.02
