"""An account in virtual time: plans whose rules succeed all the time, and plans with one incident each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from exporter.simulator.history import put_history
from exporter.simulator.job_kinds import BACKUP
from exporter.simulator.jobs import Course, Scripted
from tests.support.harness import REGION
from tests.support.staged_account import (
    DAY,
    HERE,
    HOUR,
    MINUTE,
    OFFSITE,
    Fields,
    StagedAccount,
    database,
    rule,
)

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"  # clocks change on 25 October and on 1 November
COPY = {"CopyActions": [{"DestinationBackupVaultArn": OFFSITE}]}
LATE = 20 * MINUTE  # until a run is in the account, with its copies
TABLE = f"arn:aws:dynamodb:{HERE}:table/carts"
SESSIONS = f"arn:aws:dynamodb:{HERE}:table/sessions"
VOLUME = f"arn:aws:ec2:{HERE}:volume/vol-office"
PROOF, DRILL = (f"arn:aws:backup:{HERE}:restore-testing-plan:{name}" for name in ("proof", "drill"))

NO_TAGS: Mapping[str, str] = MappingProxyType({})


def on(month: int, day: int, hour: float = 0) -> float:
    """Return a time of 2026 in UTC, in seconds since 1970."""
    return datetime(2026, month, day, tzinfo=UTC).timestamp() + hour * HOUR


BEGIN, END = on(10, 11), on(11, 10)


def zoned(zone: str, name: str, schedule: str, **more: Any) -> Fields:
    """Return a rule with a time zone."""
    return rule(name, schedule, ScheduleExpressionTimezone=zone, **more)


def kept(days: int) -> Fields:
    """Return the lifecycle of a rule."""
    return {"Lifecycle": {"DeleteAfterDays": days}}


@dataclass(frozen=True)
class Runs:
    """Resources that some rules of a plan back up successfully.

    Attributes:
        plan, rules: names.
        arns: the resources.
        pauses: periods without backups.
        uncopied: a period without copies.
        starts: when it begins, in seconds since 1970.
    """

    plan: str
    rules: tuple[str, ...]
    arns: tuple[str, ...]
    pauses: tuple[tuple[float, float], ...] = ()
    uncopied: tuple[float, float] = (0.0, 0.0)
    starts: float = 0.0

    def go_on(self, now: float) -> bool:
        """Whether the rules make backups now."""
        return now >= self.starts and not any(start <= now < end for start, end in self.pauses)


@dataclass(frozen=True)
class Event:
    """A change of the account at some time."""

    at: float
    change: Callable[["World"], None]


class World:
    """The account, which goes on step by step.

    Args:
        staged: the account; the clock stands at BEGIN.
        events: what happens, in any order.
        runs: what the rules do.
    """

    def __init__(self, staged: StagedAccount, events: Iterable[Event], runs: Sequence[Runs]) -> None:
        self.staged = staged
        self.account = staged.account
        self._events = sorted(events, key=lambda event: event.at)
        self._runs = runs
        self._until = BEGIN - 200 * DAY
        self.advance(BEGIN)

    def plan(self, name: str) -> Fields:
        """Return a plan."""
        plan = self.account.plans.get(f"{name}-plan")
        assert plan, name
        return plan

    def advance(self, now: float) -> None:
        """Let everything happen until now, which is what the clock of the account says."""
        self.staged.now = now
        while self._events and self._events[0].at <= now:
            self._events.pop(0).change(self)
        for runs in self._runs:
            if runs.go_on(now):
                self._back_up(runs, now)
        self._until = now

    def _back_up(self, runs: Runs, now: float) -> None:
        plan = self.account.plans.get(f"{runs.plan}-plan")
        if plan is None:
            return
        copies: Fields = {"CopyActions": []} if runs.uncopied[0] <= now < runs.uncopied[1] else {}
        rules = [{**rule, **copies} for rule in plan["BackupPlan"]["Rules"] if rule["RuleName"] in runs.rules]
        some = {**plan, "BackupPlan": {**plan["BackupPlan"], "Rules": rules}}
        since = max(self._until, plan["CreationDate"]) - LATE
        put_history(self.account, some, runs.arns, days=(now - since) / DAY)


def put_plan(
    name: str,
    *rules: Fields,
    created: float = BEGIN - 200 * DAY,
    select: Sequence[str] = (),
    tags: Mapping[str, str] = NO_TAGS,
) -> Event:
    """Create a plan that selects resources by patterns of ARNs, or by tags."""

    def change(world: World) -> None:
        plan = world.staged.add_plan(name, *rules, age=world.staged.now - created)
        if select or tags:
            world.staged.select(plan, *select, **tags)

    return Event(created, change)


def put_daily_tests(plan_arn: str, *pauses: tuple[float, float]) -> list[Event]:
    """Create a restore testing plan that tests a database each day at four, except in some periods."""
    name = plan_arn.rpartition(":")[2]
    row = {
        "RestoreTestingPlanArn": plan_arn,
        "RestoreTestingPlanName": name,
        "CreationTime": BEGIN - 100 * DAY,
        "ScheduleExpression": "cron(0 4 ? * * *)",
        "ScheduleExpressionTimezone": "Etc/UTC",
        "StartWindowHours": 1,
    }
    days = (BEGIN + day * DAY + 4.5 * HOUR for day in range(-3, int((END - BEGIN) / DAY)))
    return [
        Event(BEGIN - 100 * DAY, lambda world: world.account.restore_testing_plans.put(row)),
        *(
            Event(at, lambda world: world.staged.put_restore_test(database("shop"), plan_arn, age=MINUTE))
            for at in days
            if not any(start <= at < end for start, end in pauses)
        ),
    ]


def put_long_job(at: float) -> Event:
    """Let a first backup of a big volume run for nine hours, as AWS expected."""

    def change(world: World) -> None:
        fields = {
            "AccountId": world.account.account_id,
            "ResourceArn": VOLUME,
            "ResourceName": "vol-office",
            "ResourceType": "EBS",
            "BackupVaultName": "prod",
            "BackupVaultArn": f"arn:aws:backup:{REGION}:{world.account.account_id}:backup-vault:prod",
            "ExpectedCompletionDate": at + 9 * HOUR,
        }
        made = {"RecoveryPointArn": f"arn:aws:ec2:{REGION}::snapshot/snap-{at:.0f}"}
        course = Course(pends=MINUTE, runs=10 * MINUTE, ends=9 * HOUR)
        world.account.add(Scripted(f"long-{at:.0f}", at, course, fields, made=made), kind=BACKUP)

    return Event(at, change)


def _tag(arn: str, tags: Mapping[str, str], world: World) -> None:
    world.account.tag(arn, tags)


HEALTHY_EVENTS = [
    put_plan(
        "shop",
        rule("hourly", "cron(0 * ? * * *)", **kept(2)),
        zoned(BERLIN, "nightly", "cron(30 2 ? * * *)"),
        zoned(BERLIN, "monthly", "cron(0 4 1 * ? *)", **kept(400), **COPY),
        select=[database("shop")],
    ),
    put_plan(
        "office",
        zoned(NEW_YORK, "weekdays", "cron(0 18 ? * MON-FRI *)"),
        zoned(NEW_YORK, "weekly", "cron(30 1 ? * SUN *)", **kept(90), **COPY),
        select=["arn:aws:ec2:*:*:volume/*"],
    ),
    put_plan(
        "archive",
        rule("month-end", "cron(0 5 28 * ? *)", **kept(400)),
        rule("quarterly", "cron(0 6 1 2,5,8,11 ? *)", **kept(800)),
        select=[database("archive")],
    ),
    put_plan(
        "brief",
        rule("sundays", "cron(0 2 ? * SUN *)", **kept(7)),  # kept only until the next backup
        select=[database("brief")],
    ),
    put_plan(
        "fresh",
        zoned(BERLIN, "fresh-nightly", "cron(0 23 ? * * *)"),
        created=on(10, 27, 12),
        select=[database("fresh")],
    ),
    *put_daily_tests(PROOF),
    *map(put_long_job, (on(10, 14, 3), on(10, 28, 3))),
    *(
        Event(
            BEGIN + day * DAY + 5 * HOUR,
            lambda world: world.staged.put_scan(database("shop"), "NO_THREATS_FOUND", age=MINUTE),
        )
        for day in range(-2, 34)
    ),
]
HEALTHY_EVENTS += [
    Event(BEGIN - DAY, partial(_tag, arn, tags))
    for arn, tags in {
        database("shop"): {"team": "shop"},
        database("tagged"): {"backup": "nightly"},
        VOLUME: {"team": "office"},
    }.items()
]
HEALTHY_RUNS = [
    Runs("shop", ("hourly", "nightly", "monthly"), (database("shop"),)),
    Runs("shop", ("nightly",), (database("joined"),), starts=on(11, 2, 12)),
    Runs("office", ("weekdays", "weekly"), (VOLUME,)),
    Runs("archive", ("month-end", "quarterly"), (database("archive"),)),
    Runs("brief", ("sundays",), (database("brief"),)),
    Runs("fresh", ("fresh-nightly",), (database("fresh"),)),
]
