"""Incidents of the month: what happens when, and the alerts that must fire."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from tests.month.account import (
    BEGIN,
    COPY,
    DRILL,
    SESSIONS,
    TABLE,
    VOLUME,
    Event,
    Runs,
    World,
    kept,
    on,
    put_daily_tests,
    put_plan,
)
from tests.month.history import FULL, SCRAPES
from tests.support.staged_account import DAY, HERE, HOUR, MINUTE, OFFSITE, Fields, database, rule

FAST = SCRAPES + 20 * MINUTE  # seconds by which an alert about jobs can be late here
SLOW = FULL * SCRAPES + 20 * MINUTE  # likewise, about plans, settings and recovery points
NIGHT = "cron(0 2 ? * * *)"


@dataclass(frozen=True)
class Expected:
    """An alert that must fire once.

    Attributes:
        alert: its name.
        labels: labels that identify it.
        start: the earliest time at which it may fire, in seconds since 1970.
        end: when its cause ends, likewise.
        late: seconds by which it may start and end later.
    """

    alert: str
    labels: Mapping[str, str]
    start: float
    end: float
    late: float = FAST


@dataclass(frozen=True)
class Incident:
    """What happens, and the alerts that must fire because of it and no others."""

    events: list[Event]
    runs: list[Runs]
    alerts: list[Expected]


def nightly(name: str, **more: object) -> Fields:
    """Return a rule that runs each night at two."""
    return rule(f"nightly-{name}", NIGHT, **more)


def of(name: str, **more: str) -> dict[str, str]:
    """Return the labels of a database."""
    return {"resource_arn": database(name), **more}


def monthly_rule_stops() -> Incident:
    """A monthly rule makes no backup of one of its two databases in time; the nightly one goes on."""
    monthly = rule("monthly-ledger", "cron(0 2 13 * ? *)", **kept(400))
    both, mended = (database("ledger"), database("books")), on(10, 20, 12)

    def succeed(world: World) -> None:
        world.staged.put_backup(world.plan("ledger"), database("ledger"), age=MINUTE)

    return Incident(
        [put_plan("ledger", monthly, nightly("ledger"), select=both), Event(mended, succeed)],
        [
            Runs("ledger", ("nightly-ledger",), both),
            Runs("ledger", ("monthly-ledger",), both[1:]),
            Runs("ledger", ("monthly-ledger",), both[:1], pauses=((on(10, 12), on(10, 20)),)),
        ],
        [
            Expected(
                "AwsBackupRuleMissed",
                of("ledger", rule_name="monthly-ledger"),
                on(10, 15, 2) + 10 * MINUTE + HOUR,
                mended,
            )
        ],
    )


def copies_stop() -> Incident:
    """No copy jobs are made for two weeks; backups go on."""
    return Incident(
        [put_plan("invoices", nightly("invoices", **COPY), select=[database("invoices")])],
        [
            Runs(
                "invoices",
                ("nightly-invoices",),
                (database("invoices"),),
                uncopied=(on(10, 20, 12), on(11, 5, 12)),
            )
        ],
        [
            Expected(
                "AwsBackupCopyMissing",
                of("invoices", destination_vault_arn=OFFSITE),
                on(10, 22, 2) + 20 * MINUTE + HOUR,
                on(11, 6, 2),
            )
        ],
    )


def tag_is_renamed() -> Incident:
    """A rule selects nothing in one night."""
    return Incident(
        [put_plan("renamed", nightly("renamed"), select=["arn:aws:rds:*:*:db:ren*"])],
        [
            Runs(
                "renamed",
                ("nightly-renamed",),
                (database("renamed"),),
                pauses=((on(10, 21, 12), on(10, 22, 12)),),
            )
        ],
        [
            Expected(
                "AwsBackupRuleRanEmpty",
                {"plan_name": "renamed"},
                on(10, 22, 3) + 15 * MINUTE,
                on(10, 23, 2),
            )
        ],
    )


def type_is_opted_out() -> Incident:
    """A type is opted out for 32 hours; of the two resources of the plan, one is of this type.

    The plan that selects by tags gets the alert, too: nobody can tell whether it selects such a resource.
    """
    out, back = on(10, 23, 12), on(10, 24, 20)

    def opt_in(is_in: bool) -> Event:
        return Event(back if is_in else out, lambda world: world.account.opt_in.update(DynamoDB=is_in))

    return Incident(
        [
            put_plan("shared", nightly("shared"), select=["arn:aws:dynamodb:*", database("shared")]),
            opt_in(False),
            opt_in(True),
        ],
        [
            Runs("shared", ("nightly-shared",), (database("shared"),)),
            Runs("shared", ("nightly-shared",), (TABLE,), pauses=((out, back),)),
        ],
        [
            Expected(
                "AwsBackupTypeOptedOut",
                {"plan_name": plan, "resource_type": "DynamoDB"},
                out + DAY,
                back,
                SLOW,
            )
            for plan in ("shared", "by-tag")
        ],
    )


def vault_does_not_exist() -> Incident:
    """A new plan has a rule with a vault that is created four days later."""
    created, mended = on(10, 20, 12), on(10, 24, 12)
    return Incident(
        [
            put_plan(
                "policy",
                nightly("policy", TargetBackupVaultName="central"),
                created=created,
                select=["arn:aws:rds:*:*:db:pol*"],
            ),
            Event(mended, lambda world: world.staged.add_vault("central")),
        ],
        [Runs("policy", ("nightly-policy",), (database("policy"),), starts=mended)],
        [
            Expected(
                "AwsBackupRuleVaultMissing",
                {"plan_name": "policy", "vault_name": "central"},
                created + DAY,
                mended,
                SLOW,
            ),
            Expected(
                "AwsBackupRuleRanEmpty", {"plan_name": "policy"}, on(10, 22, 3) + 15 * MINUTE, on(10, 25, 2)
            ),
        ],
    )


def last_recovery_point_goes() -> Incident:
    """Backups fail for two weeks, which is as long as recovery points are kept."""
    arn, mended = database("failing"), on(10, 27, 14)

    def fail(world: World) -> None:
        plan = world.plan("failing")
        world.staged.put_backup(plan, arn, age=MINUTE, state="FAILED", StatusMessage="Key disabled")

    def succeed(world: World) -> None:
        world.staged.put_backup(world.plan("failing"), arn, age=MINUTE)

    last = on(10, 14, 2) + 10 * MINUTE
    expiry = on(10, 28, 2)
    missed = last + 2 * DAY + HOUR
    return Incident(
        [
            put_plan("failing", nightly("failing", **kept(14)), select=[arn]),
            *(Event(on(10, day, 2.25), fail) for day in range(15, 28)),
            Event(mended, succeed),
        ],
        [Runs("failing", ("nightly-failing",), (arn,), pauses=((on(10, 14, 12), on(10, 27, 14)),))],
        [
            Expected("AwsBackupJobFailed", of("failing"), on(10, 15, 2.25), mended),
            Expected("AwsBackupMissed", of("failing"), missed, mended),
            Expected("AwsBackupRuleMissed", of("failing"), missed, mended),
            Expected(
                "AwsBackupLastRecoveryPointExpiring",
                of("failing"),
                expiry - 0.1 * (expiry - last) + HOUR,
                mended,
                SLOW,
            ),
        ],
    )


def continuous_backup_stops() -> Incident:
    """Point-in-time recovery is stopped for two days."""
    stopped, mended = on(10, 19, 12), on(10, 21, 12)
    states = ((BEGIN - DAY, "AVAILABLE"), (stopped, "STOPPED"), (mended, "AVAILABLE"))
    return Incident(
        [
            put_plan("sessions", nightly("sessions"), select=[SESSIONS]),
            *(Event(at, partial(_put_continuous, status)) for at, status in states),
        ],
        [Runs("sessions", ("nightly-sessions",), (SESSIONS,))],
        [
            Expected(
                "AwsBackupContinuousBackupStopped",
                {"resource_arn": SESSIONS, "vault_name": "prod"},
                stopped + HOUR,
                mended,
                SLOW,
            )
        ],
    )


def _put_continuous(status: str, world: World) -> None:
    world.staged.put_point(SESSIONS, status)


def scan_finds_threats() -> Incident:
    """A malware scan finds threats, one two days later does not."""
    arn, found, clean = database("uploads"), on(10, 20, 12), on(10, 22, 12)
    return Incident(
        [
            put_plan("uploads", nightly("uploads"), select=[arn]),
            Event(found, lambda world: world.staged.put_scan(arn, "THREATS_FOUND", age=MINUTE)),
            Event(clean, lambda world: world.staged.put_scan(arn, "NO_THREATS_FOUND", age=MINUTE)),
        ],
        [Runs("uploads", ("nightly-uploads",), (arn,))],
        [Expected("AwsBackupThreatsFound", of("uploads"), found + MINUTE, clean)],
    )


def restore_tests_stop() -> Incident:
    """A restore testing plan makes no tests for five days."""
    return Incident(
        put_daily_tests(DRILL, (on(10, 25), on(10, 30))),
        [],
        [
            Expected(
                "AwsBackupRestoreTestOverdue",
                {"restore_testing_plan_name": "drill"},
                on(10, 26, 4.5) - MINUTE + HOUR,
                on(10, 30, 4.5),
            )
        ],
    )


def plan_without_selection() -> Incident:
    """The selection of a plan is gone for a day and a half."""
    gone, back = on(10, 18, 12), on(10, 20)

    def remove(world: World) -> None:
        world.account.selections.remove("spare-plan-selection")

    def restore(world: World) -> None:
        world.staged.select(world.plan("spare"), "arn:aws:rds:*:*:db:spa*")

    return Incident(
        [
            put_plan("spare", nightly("spare"), select=["arn:aws:rds:*:*:db:spa*"]),
            Event(gone, remove),
            Event(back, restore),
        ],
        [Runs("spare", ("nightly-spare",), (database("spare"),), pauses=((gone, back),))],
        [
            Expected("AwsBackupPlanWithoutSelection", {"plan_name": "spare"}, gone + DAY, back, SLOW),
            Expected(
                "AwsBackupRuleRanEmpty", {"plan_name": "spare"}, on(10, 19, 3) + 15 * MINUTE, on(10, 20, 2)
            ),
        ],
    )


def recovery_point_is_not_deleted() -> Incident:
    """AWS cannot delete a recovery point for two days."""
    arn, expired, deleted = database("kept"), on(10, 16, 12), on(10, 18, 12)
    point = f"arn:aws:backup:{HERE}:recovery-point:kept"
    return Incident(
        [
            put_plan("kept", nightly("kept"), select=[arn]),
            Event(expired, lambda world: world.staged.put_point(arn, "EXPIRED")),
            Event(deleted, lambda world: world.account.recovery_points.remove(point)),
        ],
        [Runs("kept", ("nightly-kept",), (arn,))],
        [Expected("AwsBackupRecoveryPointNotDeleted", of("kept"), expired + HOUR, deleted, SLOW + SCRAPES)],
    )


def resource_is_not_selected() -> Incident:
    """A new database lacks the tag of the plan for three days."""
    arn, created, mended = database("untagged"), on(10, 21, 12), on(10, 24, 12)
    return Incident(
        [
            put_plan("by-tag", nightly("by-tag"), tags={"backup": "nightly"}),
            Event(created, lambda world: world.account.tag(arn, {"team": "web"})),
            Event(mended, lambda world: world.account.tag(arn, {"team": "web", "backup": "nightly"})),
        ],
        [
            Runs("by-tag", ("nightly-by-tag",), (database("tagged"),)),
            Runs("by-tag", ("nightly-by-tag",), (arn,), starts=mended),
        ],
        [
            Expected(
                "AwsBackupResourceUnselected",
                {"resource_type": "RDS"},
                created + DAY + 15 * MINUTE,
                mended,
                SLOW + SCRAPES,
            )
        ],
    )


def backup_hangs() -> Incident:
    """A backup that should take an hour stops at 40 % and ends after two days."""
    begun, ended = on(10, 24, 12), on(10, 26, 12)

    def tell(at: float, state: str, **fields: object) -> Event:
        row = {
            "BackupJobId": "hanging",
            "State": state,
            "ResourceArn": VOLUME,
            "ResourceName": "vol-office",
            "ResourceType": "EBS",
            "BackupVaultName": "prod",
            "CreationDate": begun,
            "ExpectedCompletionDate": begun + HOUR,
            "PercentDone": "40.0",
        }

        def change(world: World) -> None:
            world.account.put({"AccountId": world.account.account_id, **row, **fields})

        return Event(at, change)

    labels = {
        "resource_arn": VOLUME,
        "resource_name": "vol-office",
        "job_id": "hanging",
        "vault_name": "prod",
    }
    return Incident(
        [tell(begun, "RUNNING"), tell(ended, "COMPLETED", CompletionDate=ended)],
        [],
        [
            Expected("AwsBackupJobOverdue", labels, begun + 2.5 * HOUR + 15 * MINUTE, ended),
            Expected("AwsBackupJobStalled", labels, begun + 6 * HOUR + 15 * MINUTE, ended),
        ],
    )


INCIDENTS = {
    made.__name__.replace("_", " "): made()
    for made in (
        monthly_rule_stops,
        copies_stop,
        tag_is_renamed,
        type_is_opted_out,
        vault_does_not_exist,
        last_recovery_point_goes,
        continuous_backup_stops,
        scan_finds_threats,
        restore_tests_stop,
        plan_without_selection,
        recovery_point_is_not_deleted,
        resource_is_not_selected,
        backup_hangs,
    )
}
