"""What needs attention: each condition, what covers what, and the order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from exporter.model import (
    KINDS,
    Attention,
    AttentionKind,
    EndedJob,
    JobFacts,
    Plan,
    PlannedRule,
    RecoveryPoints,
    Resource,
    RuleFacts,
    RuleKey,
    RuleRun,
    Selection,
    Severity,
    plan_attention,
    resource_attention,
)

NOW = 1_790_000_000.0
DAY = 86400.0
ARN, STACK = "arn:aws:rds:eu-west-1:123456789012:db:orders", "arn:aws:cloudformation:eu-west-1::stack/shop"
VAULT = "arn:aws:backup:eu-central-1:123456789012:backup-vault:offsite"
DETAILS = {kind.name: kind.facts.details for kind in KINDS}
SELECTION = Selection("s", "s", None, resources=("*",))
RULE = PlannedRule("r", None, DAY, "nightly", "prod")


def facts(kind: str = "backup", state: str = "COMPLETED", *, key: str = "", **of: Any) -> JobFacts:
    """Facts of a resource that succeeded half a day ago, unless the state of its last job says otherwise."""
    details = tuple(of.pop(label, "") for label in DETAILS[kind])
    ended = EndedJob("j", state, NOW - DAY / 2, details)
    success = ended.ended if state == "COMPLETED" else NOW - 1.5 * DAY
    return replace(JobFacts(kind, key, last_success=success, last_ended=ended, due=NOW + DAY), **of)


def resource(*of: JobFacts, **fields: Any) -> Resource:
    """A resource with those facts."""
    return Resource(ARN, "orders", "RDS", facts=of, **fields)


def kinds(*of: JobFacts, **fields: Any) -> list[AttentionKind]:
    """What needs attention of a resource with those facts."""
    return [one.kind for one in resource_attention(resource(*of, **fields), NOW)]


def only(of: Resource) -> Attention:
    """The one thing that needs attention of a resource."""
    [one] = resource_attention(of, NOW)
    return one


def points(**fields: Any) -> tuple[tuple[str, RecoveryPoints], ...]:
    """The recovery points of a resource in one vault."""
    return (("prod", RecoveryPoints(**fields)),)


def test_a_healthy_resource_needs_none() -> None:
    """Nothing of a resource whose jobs, rules, copies and recovery points are as expected needs attention."""
    rule = RuleFacts("p", "p", "r", "r", "prod", NOW - DAY / 2, DAY, NOW + DAY)
    of = [
        facts(message_category="SUCCESS"),
        facts("copy", key=VAULT),
        facts("restore", validation_status="SUCCESSFUL"),
        facts("scan", scan_result_status="NO_THREATS_FOUND"),
    ]
    kept = points(by_status={"COMPLETED": 7}, newest=NOW - DAY / 2, expiry=NOW + 7 * DAY)
    assert kinds(*of, rules=(rule,), points=kept, last_expiry=NOW + 7 * DAY) == []
    assert kinds() == []


def test_overdue() -> None:
    """A resource whose due time has passed is overdue since then, because of the last job that failed."""
    one = only(resource(facts(state="FAILED", status_message="no access", due=NOW - 60)))
    assert one == Attention(
        AttentionKind.OVERDUE,
        "orders",
        ARN,
        "RDS",
        since=NOW - 60,
        state="FAILED",
        reason="no access",
        last_success=NOW - 1.5 * DAY,
    )
    assert one.severity is Severity.CRITICAL


@pytest.mark.parametrize("due", [NOW, NOW + 1, None])
def test_not_overdue(due: float | None) -> None:
    """Until the due time has passed nothing is overdue, nor while it is not known."""
    assert kinds(facts(due=due)) == []


def test_overdue_without_a_job_that_failed() -> None:
    """A success that is too old is no reason; a job that still runs is told."""
    of = facts(
        due=NOW - 60, last_success=NOW - 3 * DAY, last_ended=EndedJob("j", "COMPLETED", NOW - 3 * DAY, ())
    )
    assert only(resource(of)).state == ""
    assert only(resource(of, last_state="PENDING")).state == "PENDING"


def test_never_backed_up() -> None:
    """A resource that is due and never succeeded was never backed up."""
    of = JobFacts("backup", "", due=NOW - DAY)
    assert only(resource(of)).kind is AttentionKind.NEVER_SUCCEEDED


@pytest.mark.parametrize("state", ["FAILED", "EXPIRED", "ABORTED", "PARTIAL"])
def test_unsuccessful(state: str) -> None:
    """A last job without success is told with its state, its message and its end."""
    one = only(resource(facts(state=state, status_message="why")))
    told = (one.kind, one.severity, one.state, one.reason, one.since)
    assert told == (AttentionKind.UNSUCCESSFUL, Severity.WARNING, state, "why", NOW - DAY / 2)


def test_a_newer_success_ends_it() -> None:
    """A recovery point that completed after the last job failed is a success."""
    assert kinds(facts(state="FAILED", last_success=NOW - 60)) == []


def test_a_part_of_a_composite_is_covered() -> None:
    """The composite stands for failed backups of its parts, not for overdue ones or for copies."""
    failed = [facts(kind, "FAILED") for kind in ("backup", "copy")]
    assert kinds(*failed, parent_arn=STACK) == [AttentionKind.COPY_UNSUCCESSFUL]
    assert kinds(facts(state="FAILED", due=NOW - 1), parent_arn=STACK) == [AttentionKind.OVERDUE]


def test_completed_with_issues() -> None:
    """A message, or a category other than success however it is spelled, is an issue."""
    issues = [
        facts(status_message="VSS failed"),
        facts(message_category="VSS_ERROR"),
        facts(message_category="Success"),
        facts(message_category=""),
    ]
    assert [kinds(one) for one in issues] == [[AttentionKind.WITH_ISSUES]] * 2 + [[]] * 2


def test_a_copy() -> None:
    """A copy is told with its destination: overdue, also when none ever came, or unsuccessful."""
    overdue = facts("copy", key=VAULT, due=NOW - 1)
    never = JobFacts("copy", VAULT, due=NOW - 1)
    failed = facts("copy", "FAILED", key=VAULT, status_message="no")
    found = [only(resource(one)) for one in (overdue, never, failed)]
    assert [one.kind for one in found] == [
        *([AttentionKind.COPY_OVERDUE] * 2),
        AttentionKind.COPY_UNSUCCESSFUL,
    ]
    assert {one.part for one in found} == {VAULT}


def test_a_restore_that_was_not_valid() -> None:
    """A restore job that completed and failed its validation is unsuccessful, and told so."""
    of = facts("restore", validation_status="FAILED", last_success=None)
    one = only(resource(of))
    assert (one.kind, one.state) == (AttentionKind.RESTORE_UNSUCCESSFUL, "COMPLETED")
    assert one.reason == "validation FAILED"


def test_a_restore_that_was_stopped() -> None:
    """Somebody stopped an ABORTED restore job: that is no failure."""
    assert kinds(facts("restore", "ABORTED"), facts("restore", "FAILED", key="plan")) == [
        AttentionKind.RESTORE_UNSUCCESSFUL
    ]


@pytest.mark.parametrize(
    ("of", "stays"),
    [
        (facts(state="FAILED"), True),
        (facts(status_message="VSS failed"), False),
        (facts("copy", "FAILED"), False),
        (facts("restore", "FAILED"), False),
        (facts("scan", "FAILED"), False),
        (facts("scan", scan_result_status="THREATS_FOUND"), True),
    ],
)
def test_what_is_forgotten(of: JobFacts, stays: bool) -> None:
    """Threats and failed backups need attention until a newer job ends, all else for eight days."""
    assert of.last_ended
    for age, is_shown in ((7.9 * DAY, True), (8.1 * DAY, stays)):
        old = replace(of, last_ended=replace(of.last_ended, ended=NOW - age))
        success = NOW - (age if of.last_ended.state == "COMPLETED" else 20 * DAY)
        assert len(kinds(replace(old, last_success=success, due=None, expected_interval=DAY))) == is_shown


@pytest.mark.parametrize(("age", "is_old"), [(1.9, False), (2.1, True), (29.9, True), (30.1, False)])
def test_a_backup_that_nothing_expects(age: float, is_old: bool) -> None:
    """Without an expected interval a backup is old after two days, and abandoned after thirty."""
    last = NOW - age * DAY
    of_jobs = replace(
        facts(due=None), last_success=last, last_ended=EndedJob("j", "COMPLETED", last, ("",) * 3)
    )
    told = [AttentionKind.NOT_RECENT] * is_old
    assert kinds(of_jobs) == kinds(last_recovery_point=last) == told
    assert kinds(of_jobs, parent_arn=STACK) == []
    assert kinds(replace(of_jobs, expected_interval=DAY)) == []


def test_a_scan() -> None:
    """Threats are critical, whatever the state; a scan that did not complete is a warning."""
    found = facts("scan", "COMPLETED_WITH_ISSUES", scan_result_status="THREATS_FOUND", last_success=None)
    assert only(resource(found)).kind is AttentionKind.THREATS_FOUND
    assert only(resource(found)).severity is Severity.CRITICAL
    failed = facts("scan", "FAILED", scan_result_status="UNKNOWN", last_success=None)
    assert kinds(failed) == [AttentionKind.SCAN_UNSUCCESSFUL]
    assert kinds(facts("scan", "CANCELED", last_success=None)) == []
    assert kinds(facts("scan", scan_result_status="NO_THREATS_FOUND", last_success=None)) == []


def test_a_rule() -> None:
    """A rule that is overdue is told although other backups of the resource succeed, and by its name."""
    monthly = RuleFacts("p", "p", "r", "monthly", "prod", NOW - 40 * DAY, 31 * DAY, NOW - 8 * DAY)
    one = only(resource(facts(), rules=(monthly, replace(monthly, due=NOW + 1), replace(monthly, due=None))))
    assert (one.kind, one.part) == (AttentionKind.RULE_OVERDUE, "monthly")
    assert (one.since, one.last_success) == (NOW - 8 * DAY, NOW - 40 * DAY)


def test_an_overdue_resource_stands_for_its_rules() -> None:
    """Where no backup at all comes, its rules are not told one by one."""
    rule = RuleFacts("p", "p", "r", "monthly", "prod", None, 31 * DAY, NOW - 8 * DAY)
    assert kinds(facts(due=NOW - 1), rules=(rule,)) == [AttentionKind.OVERDUE]


@pytest.mark.parametrize(
    ("life", "left", "is_near"),
    [
        (35 * DAY, 2.9 * DAY, True),
        (35 * DAY, 3.1 * DAY, False),
        (7 * DAY, 0.6 * DAY, True),
        (7 * DAY, 0.8 * DAY, False),
        (7 * DAY, -60.0, True),
    ],
)
def test_the_last_recovery_point_expires(life: float, left: float, is_near: bool) -> None:
    """It is told three days before, or a tenth of its life before where that is shorter."""
    of = resource(
        replace(facts(), due=None),
        points=points(newest=NOW + left - life, expiry=NOW + left),
        last_expiry=NOW + left,
    )
    found = list(resource_attention(of, NOW))
    assert [one.kind for one in found] == [AttentionKind.LAST_POINT_EXPIRES] * is_near
    assert [one.expiry for one in found] == [NOW + left] * is_near


def test_a_newer_recovery_point_is_coming() -> None:
    """It is not told while backups come in time, nor of a part, for which the composite stands."""
    soon = {"points": points(newest=NOW - DAY, expiry=NOW + 60), "last_expiry": NOW + 60}
    assert kinds(facts(), **soon) == []
    assert kinds(facts(due=None), **soon, parent_arn=STACK) == []
    assert kinds(facts(due=NOW - 1), **soon) == [AttentionKind.OVERDUE, AttentionKind.LAST_POINT_EXPIRES]


@pytest.mark.parametrize(
    ("by_status", "is_stopped"),
    [
        ({"STOPPED": 1, "COMPLETED": 7}, True),
        ({"STOPPED": 1, "AVAILABLE": 1}, False),
        ({"AVAILABLE": 1}, False),
    ],
)
def test_a_continuous_backup_that_stopped(by_status: Mapping[str, int], is_stopped: bool) -> None:
    """A continuous backup that stopped is told with its vault, unless another one goes on there."""
    found = [
        (one.kind, one.part) for one in resource_attention(resource(points=points(by_status=by_status)), NOW)
    ]
    assert found == [(AttentionKind.CONTINUOUS_STOPPED, "prod")] * is_stopped


def plan(*rules: PlannedRule, **fields: Any) -> Plan:
    """A plan that selects everything."""
    return Plan("p", "plan", "123456789012", None, rules or (RULE,), **{"selections": (SELECTION,), **fields})


def of_plan(
    of: Plan, runs: Mapping[RuleKey, RuleRun] | None = None, vaults: set[str] | None = None
) -> list[tuple[AttentionKind, str, float | None]]:
    """What needs attention of a plan."""
    found = plan_attention(of, runs or {}, vaults, NOW)
    return [(one.kind, one.part, one.since) for one in found if one.name == of.name]


def test_a_healthy_plan_needs_none() -> None:
    """Neither does one whose vaults, selections and runs are not known."""
    assert of_plan(plan(), {("p", "r"): RuleRun(NOW, 1, is_empty=False)}, {"prod"}) == []
    assert of_plan(plan(selections=None), {("p", "r"): RuleRun()}) == []


def test_a_rule_that_ran_empty() -> None:
    """It is told with the time of the run that was empty, not of one that has just begun."""
    empty = {("p", "r"): RuleRun(NOW, 0, is_empty=True, closed_at=NOW - DAY)}
    assert of_plan(plan(), empty) == [(AttentionKind.RAN_EMPTY, "nightly", NOW - DAY)]


def test_what_makes_a_rule_run_empty_is_told_instead() -> None:
    """A plan without selection and a missing vault stand for the rule that runs empty."""
    empty = {("p", "r"): RuleRun(NOW, 0, is_empty=True, closed_at=NOW - DAY)}
    assert of_plan(plan(selections=()), empty) == [(AttentionKind.NO_SELECTION, "", None)]
    assert of_plan(plan(), empty, {"other"}) == [(AttentionKind.VAULT_MISSING, "prod of nightly", None)]


def test_a_type_that_is_not_opted_in() -> None:
    """Each type that the plan asks for in vain is told."""
    found = of_plan(plan(opted_out_types=("EFS", "S3")))
    assert found == [(AttentionKind.OPTED_OUT, name, None) for name in ("EFS", "S3")]


def test_a_new_plan_has_a_day() -> None:
    """Nothing of a plan is told on the first day after it was made or changed."""
    wrong = plan(selections=(), opted_out_types=("EFS",))
    assert of_plan(replace(wrong, changed=NOW - DAY + 1), None, set()) == []
    assert len(of_plan(replace(wrong, changed=NOW - DAY), None, set())) == 3


def test_the_worst_first_then_the_oldest() -> None:
    """Kinds come in the order of the table, critical ones first; of a kind the oldest, unknown times last."""
    ranks = [kind.severity is Severity.WARNING for kind in AttentionKind]
    assert ranks == sorted(ranks)
    ordered = [
        Attention(AttentionKind.THREATS_FOUND, "z", since=NOW),
        Attention(AttentionKind.OVERDUE, "b", since=NOW - 2),
        Attention(AttentionKind.OVERDUE, "a", since=NOW - 1),
        Attention(AttentionKind.OVERDUE, "a"),
        Attention(AttentionKind.UNSUCCESSFUL, "a", since=NOW - DAY),
    ]
    mixed = [ordered[place] for place in (3, 1, 4, 0, 2)]
    assert sorted(mixed, key=lambda one: one.order) == ordered
