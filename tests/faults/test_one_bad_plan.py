"""One plan that cannot be read among others that can, and lists that are replaced as a whole."""

import json
from typing import Any

import pytest

from exporter.collectors.plans import FAILURE_LIMIT
from exporter.config import Api
from tests.faults.sight import Log, malformed
from tests.faults.wire import Breakage, Exchange, Wire, answers, only, refuses, resets
from tests.support.harness import LOADER, REGION, START, Bench, Series, Watch, job, static_session

HOUR, DAY = 3600.0, 86400.0
BREAKAGES: dict[str, tuple[str, Breakage]] = {
    "denied": ("AccessDeniedException", refuses("AccessDeniedException", 403)),
    "stumbles": ("InternalFailure", refuses("InternalFailure", 500)),
    "throttled": ("ThrottlingException", refuses("ThrottlingException")),
    "refused": ("InvalidParameterValueException", refuses("InvalidParameterValueException")),
    "reset": ("connection", resets),
    "silent": ("timeout", Exchange.hold),
    "a list": ("malformed", answers(200, "[]")),
    "HTML": ("malformed", answers(200, "<html>", "text/html")),
    "no plan": ("malformed", answers(200, '{"BackupPlan": 7}')),
    "no rules": ("malformed", answers(200, '{"BackupPlan": {"BackupPlanName": "bad"}}')),
    "rules that are no list": ("malformed", answers(200, '{"BackupPlan": {"Rules": {"RuleId": "r"}}}')),
}
EACH_BREAKAGE = pytest.mark.parametrize(("code", "breakage"), BREAKAGES.values(), ids=BREAKAGES)


def client(aws: Bench) -> Any:
    """A client that makes plans and vaults in the simulated account."""
    assert LOADER
    session = static_session(None)
    return session.create_client("backup", region_name=REGION, endpoint_url=aws.server.endpoint_url)


def make_plan(aws: Bench, name: str, schedule: str = "cron(0 5 ? * * *)") -> str:
    """Make a plan with one rule; returns its id."""
    rule = {"RuleName": "daily", "TargetBackupVaultName": "prod", "ScheduleExpression": schedule}
    made = client(aws).create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": [rule]})
    return str(made["BackupPlanId"])


def watch(aws: Bench, wire: Wire, collector: str = "plans") -> Watch:
    """Watch AWS over the wire, at first with nothing broken."""
    watched = aws.watch(
        aws.target(endpoint_url=wire.endpoint_url), collectors=(collector,), api=Api(read_timeout=2.0)
    )
    watched.catch_up()
    return watched


def later(watched: Watch, seconds: float = 301) -> Series:
    """Let time pass, and what is due be asked for."""
    watched.clock.advance(seconds)
    watched.catch_up()
    return watched.read()


def intervals(series: Series) -> dict[str, float]:
    """Give the intervals of the rules, by the names of their plans."""
    found = series.find("aws_backup_rule_interval_seconds")
    return {labels["plan_name"]: value for labels, value in found}


@EACH_BREAKAGE
def test_the_others_are_published(aws: Bench, wire: Wire, log: Log, code: str, breakage: Breakage) -> None:
    """While one plan cannot be read the others are, up is 0, and the log names the plan that cannot."""
    plans = {name: make_plan(aws, name) for name in ("a", "bad", "z")}
    wire.breakage = only(f"/backup/plans/{plans['bad']}", breakage)

    series = watch(aws, wire).read()

    assert intervals(series) == {"a": DAY, "z": DAY}
    assert series.value("aws_backup_up", collector="plans") == 0
    assert log.failure["code"] == code
    assert log.failure["reason"].startswith("plan bad: GetBackupPlan")
    assert log.bugs == 0


@EACH_BREAKAGE
def test_what_was_known_stays(aws: Bench, wire: Wire, log: Log, code: str, breakage: Breakage) -> None:
    """A plan that can no longer be read keeps its rules, the others change, and it is tried in a minute."""
    plans = {name: make_plan(aws, name) for name in ("bad", "good")}
    watched = watch(aws, wire)
    wire.breakage = only(f"/backup/plans/{plans['bad']}", breakage)
    for name, plan_id in plans.items():
        rules = [{"RuleId": "r", "ScheduleExpression": "cron(0 * ? * * *)"}]
        plan = {"BackupPlanName": name, "Rules": rules}
        aws.account.plans.put({"BackupPlanId": plan_id, "BackupPlan": plan})

    series = later(watched)

    assert intervals(series) == {"bad": DAY, "good": HOUR}
    assert series.value("aws_backup_up", collector="plans") == 0
    wire.mend()
    series = later(watched, 60)
    assert intervals(series) == {"bad": HOUR, "good": HOUR}
    assert series.value("aws_backup_up", collector="plans") == 1
    assert [failure["code"] for failure in log.failures] == [code]


@pytest.mark.parametrize("answer", ["[]", '{"BackupPlan": {"Rules": [null]}}'])
def test_the_rules_of_a_plan_that_cannot_be_read_still_count(aws: Bench, wire: Wire, answer: str) -> None:
    """A rule is not taken to be gone because its plan, or the rule itself, cannot be read."""
    schedules = {"daily": "cron(0 5 ? * * *)", "bad": "cron(0 * ? * * *)"}
    plans = {name: make_plan(aws, name, schedule) for name, schedule in schedules.items()}
    for number, (name, plan_id) in enumerate(plans.items()):
        [rule] = client(aws).get_backup_plan(BackupPlanId=plan_id)["BackupPlan"]["Rules"]
        made_by = {
            "BackupPlanId": plan_id,
            "BackupRuleId": rule["RuleId"],
            "BackupRuleCron": schedules[name],
        }
        aws.account.put(
            job(
                name,
                "COMPLETED",
                created=START - 60 * number,
                ResourceArn="arn:aws:s3:::b",
                CreatedBy=made_by,
            )
        )
    wire.breakage = only(f"/backup/plans/{plans['bad']}", answers(200, answer))
    watched = aws.watch(
        aws.target(endpoint_url=wire.endpoint_url), collectors=("backup_jobs", "resources", "plans")
    )
    watched.catch_up()

    series = later(watched)

    assert series.value("aws_backup_resource_expected_interval_seconds") == HOUR


def test_what_was_read_is_not_read_again_at_once(aws: Bench, wire: Wire) -> None:
    """While one plan is tried again each minute, the others are read every five minutes as ever."""
    plans = {name: make_plan(aws, name) for name in ("bad", "good")}
    wire.breakage = only(f"/backup/plans/{plans['bad']}", refuses("AccessDeniedException", 403))
    watched = watch(aws, wire)
    for _ in range(10):
        later(watched, 60)

    asked = [path for path, _ in wire.requests if "/selections" not in path]
    assert sum(plans["bad"] in path for path in asked) == 11
    assert sum(plans["good"] in path for path in asked) == 3


def test_plans_that_hang_leave_the_rest_for_later(aws: Bench, wire: Wire) -> None:
    """When plans take a minute to fail the rest wait for the next refresh, which begins with them."""
    plans = [make_plan(aws, name) for name in ("bad-1", "bad-2", "good")]

    def hang(exchange: Exchange) -> None:
        aws.clock.advance(FAILURE_LIMIT + 1)
        refuses("InternalFailure", 500)(exchange)

    bad = plans[:2]
    wire.breakage = lambda exchange: (
        hang(exchange) if any(plan in exchange.path for plan in bad) else exchange.forward()
    )
    watched = watch(aws, wire)
    for _ in plans:
        series = later(watched, 60)
    asked = [path for path, _ in wire.requests if "/backup/plans/?" not in path]

    assert intervals(series) == {"good": DAY}
    assert sum(plans[2] in path for path in asked) >= 1


def test_a_rule_that_cannot_be_read_keeps_what_was_known(aws: Bench, wire: Wire, log: Log) -> None:
    """One bad rule costs no other rule of its plan, keeps what was known of it, and is no failure."""
    plan_id = make_plan(aws, "nightly")
    rules = [{"RuleId": rule, "ScheduleExpression": "cron(0 5 ? * * *)"} for rule in ("a", "b")]
    plan = {"BackupPlanId": plan_id, "BackupPlan": {"BackupPlanName": "nightly", "Rules": rules}}
    aws.account.plans.put(plan)
    watched = watch(aws, wire)
    told = {"BackupPlan": {"Rules": [{"RuleId": "a", "ScheduleExpression": "cron(0 * ? * * *)"}, None]}}
    wire.breakage = only(f"/backup/plans/{plan_id}/?", answers(200, json.dumps(told)))

    series = later(watched)

    found = series.find("aws_backup_rule_interval_seconds")
    assert {labels["rule_id"]: value for labels, value in found} == {"a": HOUR, "b": DAY}
    assert series.value("aws_backup_up", collector="plans") == 1
    assert log.omissions == [("BackupPlan.Rules[1]", "", "expected an object, got null")]


@pytest.mark.parametrize("row", [None, 7, {"VaultType": "BACKUP_VAULT"}])
def test_vaults_stay_while_a_row_cannot_be_read(aws: Bench, wire: Wire, row: Any) -> None:
    """A vault whose row can no longer be read keeps its series; it goes when the whole list is without it."""
    for name in ("bad", "good"):
        client(aws).create_backup_vault(BackupVaultName=name)
    watched = watch(aws, wire, "vaults")
    told = {"BackupVaultList": [row, {"BackupVaultName": "good", "NumberOfRecoveryPoints": 5}]}
    wire.breakage = answers(200, json.dumps(told))

    series = later(watched)

    points = series.find("aws_backup_vault_recovery_points")
    assert {labels["vault_name"]: value for labels, value in points} == {"bad": 0, "good": 5}
    assert series.value("aws_backup_up", collector="vaults") == 1
    assert malformed(series, "ListBackupVaults") == 1
    wire.breakage = answers(200, json.dumps({"BackupVaultList": told["BackupVaultList"][1:]}))
    assert len(later(watched).find("aws_backup_vault_recovery_points")) == 1


def test_plans_stay_while_a_row_cannot_be_read(aws: Bench, wire: Wire) -> None:
    """A plan whose row can no longer be read keeps its series."""
    for name in ("bad", "good"):
        make_plan(aws, name)
    watched = watch(aws, wire)
    rows = [
        None,
        *(
            row
            for row in client(aws).list_backup_plans()["BackupPlansList"]
            if row["BackupPlanName"] == "good"
        ),
    ]
    wire.breakage = only("/backup/plans/?", answers(200, json.dumps({"BackupPlansList": rows}, default=str)))

    assert intervals(later(watched)) == {"bad": DAY, "good": DAY}


def test_resources_stay_while_a_row_cannot_be_read(aws: Bench, wire: Wire) -> None:
    """A resource whose row can no longer be read keeps its series, until a whole list is without it."""
    rows: list[Any] = [
        {"ResourceArn": f"arn:aws:s3:::{name}", "LastBackupTime": START} for name in ("bad", "good")
    ]
    for row in rows:
        aws.account.protected.put(row)
    watched = watch(aws, wire, "resources")
    name = "aws_backup_resource_last_recovery_point_timestamp_seconds"
    wire.breakage = answers(200, json.dumps({"Results": [None, rows[1]]}))
    assert len(later(watched).find(name)) == 2
    wire.breakage = answers(200, json.dumps({"Results": [rows[1]]}))
    assert len(later(watched).find(name)) == 1


@pytest.mark.parametrize(
    ("collector", "told"),
    [
        ("vaults", {"BackupVaultList": ["a", 7]}),
        ("plans", {"BackupPlansList": [{"PlanId": "renamed"}]}),
        ("resources", {"Results": [[]]}),
    ],
)
def test_a_list_of_which_nothing_can_be_read(
    aws: Bench, wire: Wire, log: Log, collector: str, told: dict[str, Any]
) -> None:
    """A list that has rows, none of which can be read, is malformed: it may well not be AWS that answers."""
    wire.breakage = answers(200, json.dumps(told))

    series = watch(aws, wire, collector).read()

    assert series.value("aws_backup_up", collector=collector) == 0
    assert log.failure["code"] == "malformed"
