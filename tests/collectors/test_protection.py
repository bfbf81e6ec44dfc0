"""Selections, settings, restore testing plans, frameworks and vaults: what is published, what fails alone."""

import json
from typing import Any

import pytest

from exporter.config import COLLECTORS, Discovery, Expectation
from exporter.simulator.errors import ApiError
from tests.collectors.facts import (
    DAILY,
    DAY,
    HOUR,
    SLOW,
    VOLUME,
    created_by,
    later,
    put_plan,
    put_point,
    put_vault,
    start,
    vault_arn,
)
from tests.faults.wire import unplugged
from tests.support.harness import REGION, START, Bench, Series, job

TESTING = f"arn:aws:backup:{REGION}:123456789012:restore-testing-plan:weekly"
FRAMEWORK = f"arn:aws:backup:{REGION}:123456789012:framework:audit"
SETS_UP: dict[str, tuple[str, str]] = {
    "vaults": ("ListBackupVaults", "aws_backup_vault_info"),
    "resources": ("ListProtectedResources", "aws_backup_resource_last_recovery_point_timestamp_seconds"),
    "settings": ("DescribeRegionSettings", "aws_backup_region_opt_in"),
    "plans": ("ListBackupPlans", "aws_backup_rule_info"),
    "restore_testing": ("ListRestoreTestingPlans", "aws_backup_restore_testing_plan_interval_seconds"),
    "frameworks": ("ListFrameworks", "aws_backup_framework_info"),
    "recovery_points": (
        "ListRecoveryPointsByBackupVault",
        "aws_backup_resource_newest_recovery_point_timestamp_seconds",
    ),
}


def put_selection(aws: Bench, selection_id: str = "s", plan_id: str = "p", **body: Any) -> None:
    """Put a selection."""
    told = {"SelectionName": selection_id, **body}
    aws.account.selections.put(
        {
            "BackupPlanId": plan_id,
            "SelectionId": selection_id,
            "BackupSelection": told,
            "CreationDate": START - 900 * DAY,
        }
    )


def fill(aws: Bench) -> None:
    """Put one of everything."""
    put_vault(aws.account, "prod", VaultType="BACKUP_VAULT", MinRetentionDays=7, MaxRetentionDays=90)
    put_point(aws.account, "a")
    put_plan(aws.account, ("r", DAILY))
    put_selection(aws, Resources=[VOLUME])
    aws.account.protected.put({"ResourceArn": VOLUME, "ResourceType": "EBS", "LastBackupTime": START - DAY})
    aws.account.restore_testing_plans.put(
        {"RestoreTestingPlanArn": TESTING, "RestoreTestingPlanName": "weekly", "ScheduleExpression": DAILY}
    )
    aws.account.frameworks.put(
        {"FrameworkName": "audit", "FrameworkArn": FRAMEWORK, "DeploymentStatus": "COMPLETED"}
    )


def up(series: Series) -> set[str]:
    """Name the collectors that are up."""
    return {labels["collector"] for labels, value in series.find("aws_backup_up") if value}


@pytest.mark.parametrize("collector", SLOW)
def test_each_collector_fails_alone(aws: Bench, collector: str) -> None:
    """A collector that is denied is down and its series are absent; each other one has its series."""
    operation, _ = SETS_UP[collector]
    fill(aws)
    aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"))
    series = start(aws, *SLOW).scrape()
    needs_vaults = {"recovery_points"} if collector == "vaults" else set()
    assert up(series) == {*SLOW} - {collector} - needs_vaults
    for other, (_, name) in SETS_UP.items():
        assert bool(series.find(name)) is (other not in {collector, *needs_vaults}), other


@pytest.mark.parametrize("collector", SLOW)
def test_what_was_known_stays_while_a_collector_fails(aws: Bench, collector: str) -> None:
    """A collector that is denied later takes nothing away."""
    operation, name = SETS_UP[collector]
    fill(aws)
    watch = start(aws, *SLOW)
    before = watch.scrape().find(name)
    aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"))
    series = later(aws, watch)
    assert collector not in up(series)
    assert [labels for labels, _ in series.find(name)] == [labels for labels, _ in before] != []


@pytest.mark.parametrize("collector", SLOW)
def test_without_a_collector_its_operation_is_never_called(aws: Bench, collector: str) -> None:
    """Each collector can be switched off, and AWS is then not asked for it."""
    fill(aws)
    operation, name = SETS_UP[collector]
    series = start(aws, *(each for each in COLLECTORS if each != collector)).scrape()
    assert series.find(name) == []
    asked = {call.operation for call in aws.account.calls}
    assert operation not in asked or (collector, operation) == ("vaults", "ListBackupVaults")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("member", "collector", "known"),
    [
        ("BackupVaultList", "vaults", "prod"),
        ("RestoreTestingPlans", "restore_testing", TESTING),
        ("Frameworks", "frameworks", "audit"),
        ("RecoveryPoints", "recovery_points", VOLUME),
    ],
)
@pytest.mark.parametrize("row", [None, {}, 7, {"ResourceArn": 3}])
def test_a_row_that_cannot_be_read_costs_no_other(
    aws: Bench, member: str, collector: str, known: str, row: Any
) -> None:
    """Of a list with one malformed row the others are published, and what was known stays."""

    def spoil(body: bytes) -> bytes:
        told = json.loads(body)
        return json.dumps(told | ({member: [row, *told[member]]} if member in told else {})).encode()

    _, name = SETS_UP[collector]
    fill(aws)
    with unplugged(aws.server.endpoint_url) as wire:
        wire.plug_in()
        watch = aws.watch(aws.target(endpoint_url=wire.endpoint_url), collectors=SLOW)
        watch.catch_up()
        before = watch.scrape().find(name)
        assert [known in labels.values() for labels, _ in before] == [True]
        wire.breakage = lambda exchange: exchange.forward(spoil)
        series = later(aws, watch)
    assert [labels for labels, _ in series.find(name)] == [labels for labels, _ in before]
    assert up(series) == {*SLOW}
    assert sum(value for _, value in series.find("aws_backup_exporter_malformed_values_total")) > 0


def test_settings_without_an_account_are_not_published(aws: Bench) -> None:
    """The answer names no account: two such targets would publish the same series."""
    series = start(aws, "settings").scrape()
    assert up(series) == {"settings"}
    assert series.find("aws_backup_region_opt_in") == []


def test_settings_are_published_with_the_account_of_the_vaults(aws: Bench) -> None:
    """Each type is 1 or 0, and a change shows at the next refresh."""
    put_vault(aws.account, "prod")
    watch = start(aws, "vaults", "settings")
    series = watch.scrape()
    assert series.value("aws_backup_region_opt_in", resource_type="EBS", aws_account_id="123456789012") == 1
    aws.account.opt_in["EBS"] = False
    assert later(aws, watch).value("aws_backup_region_opt_in", resource_type="EBS") == 0


def test_a_rule_whose_vault_does_not_exist(aws: Bench) -> None:
    """A rule tells whether its vault exists, once the vaults have been read."""
    put_plan(aws.account, ("r", DAILY))
    put_vault(aws.account, "other")
    series = start(aws, "plans", "vaults").scrape()
    assert series.value("aws_backup_rule_vault_exists", vault_name="prod") == 0
    put_vault(aws.account, "prod")
    assert start(aws, "plans", "vaults").scrape().value("aws_backup_rule_vault_exists") == 1
    assert start(aws, "plans").scrape().find("aws_backup_rule_vault_exists") == []


def test_selections_are_counted_and_read_once(aws: Bench) -> None:
    """A selection never changes: only the list is asked for again, and a new selection is read."""
    fill(aws)
    watch = start(aws, "plans")
    assert watch.scrape().value("aws_backup_plan_selections") == 1
    put_selection(aws, "t", Resources=["*"])
    assert later(aws, watch).value("aws_backup_plan_selections") == 2
    aws.account.selections.remove("s")
    assert later(aws, watch).value("aws_backup_plan_selections") == 1
    calls = (call for call in aws.account.calls if call.operation == "GetBackupSelection")
    read = [call.parameters["SelectionId"] for call in calls]
    assert read == ["s", "t"]


@pytest.mark.parametrize("operation", ["ListBackupSelections", "GetBackupSelection"])
def test_a_selection_that_cannot_be_read_is_no_missing_selection(aws: Bench, operation: str) -> None:
    """Plans whose selections are denied are published without their number; the collector is down."""
    fill(aws)
    aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"))
    watch = start(aws, "plans", "backup_jobs", "recovery_points", "resources")
    series = watch.scrape()
    assert series.find("aws_backup_plan_selections") == []
    assert (series.find("aws_backup_rule_info") != [], "plans" in up(series)) == (True, False)
    aws.account.recover()
    assert later(aws, watch, 301).value("aws_backup_plan_selections") == 1


def test_a_plan_without_a_selection_tells_so(aws: Bench) -> None:
    """A plan that selects nothing has 0 selections."""
    put_plan(aws.account, ("r", DAILY))
    assert start(aws, "plans").scrape().value("aws_backup_plan_selections") == 0


def test_a_plan_that_asks_for_a_type_that_is_opted_out(aws: Bench) -> None:
    """A selection of everything asks for the types of the known resources; those that are off are told."""
    fill(aws)
    put_selection(aws, Resources=["*"])
    aws.account.opt_in["EBS"] = False
    found = start(aws).scrape().find("aws_backup_plan_opted_out_type_info")
    assert [labels["resource_type"] for labels, _ in found] == ["EBS"]


def test_a_resource_that_a_selection_names_is_expected(aws: Bench) -> None:
    """It is known from the selection on, without any job, and overdue where the plan is old."""
    put_vault(aws.account, "prod")
    put_plan(aws.account, ("r", DAILY))
    put_selection(aws, Resources=[VOLUME])
    series = start(aws).scrape()
    due = series.value("aws_backup_resource_due_timestamp_seconds", resource_arn=VOLUME)
    assert due == series.value("aws_backup_resource_rule_due_timestamp_seconds", rule_id="r") < START
    aws.account.selections.remove("s")
    watch = start(aws)
    assert watch.scrape().find("aws_backup_resource_due_timestamp_seconds") == []


def test_filters_make_no_wrong_alarm(aws: Bench) -> None:
    """With jobs of some types only, no rule ran empty and no copy is missed."""
    put_vault(aws.account, "prod")
    put_plan(aws.account, ("r", DAILY), copies=vault_arn("remote", region="us-east-1"))
    fields = {"ResourceArn": VOLUME, "CreatedBy": created_by("r", DAILY), "CompletionDate": START - HOUR}
    aws.account.put(job("a", "COMPLETED", created=START - 2 * HOUR, **fields))
    names = ("aws_backup_rule_ran_empty", "aws_backup_resource_copy_due_timestamp_seconds")
    unfiltered = start(aws).scrape()
    assert all(unfiltered.find(name) for name in names)
    filtered = start(aws, discovery=Discovery(resource_types=("EBS",))).scrape()
    assert [filtered.find(name) for name in names] == [[], []]


def test_without_discovery_no_rule_ran_empty(aws: Bench) -> None:
    """If only configured jobs are followed, it is unknown whether a rule created any."""
    put_vault(aws.account, "prod")
    put_plan(aws.account, ("r", DAILY))
    aws.account.put(job("a", "COMPLETED", created=START - 2 * HOUR))
    name = "aws_backup_rule_ran_empty"
    assert start(aws).scrape().find(name)
    watch = aws.watch(aws.target(job_ids=("a",)), collectors=COLLECTORS, discovery=Discovery(enabled=False))
    watch.catch_up()
    assert watch.scrape().find(name) == []


@pytest.mark.parametrize("operation", ["ListBackupJobs", "ListRecoveryPointsByBackupVault"])
def test_an_expectation_is_not_due_before_the_history_was_read(aws: Bench, operation: str) -> None:
    """While jobs cannot be read nothing is due; while recovery points cannot be, only what is sure."""
    put_vault(aws.account, "prod")
    aws.account.fail(operation, ApiError("AccessDeniedException", 403, "no"))
    wanted = (Expectation(resource_arn=VOLUME, within=31 * DAY),)
    series = start(aws, expectations=wanted).scrape()
    found = [value for _, value in series.find("aws_backup_resource_due_timestamp_seconds")]
    assert found == ([] if operation == "ListBackupJobs" else [START - 7 * DAY + 32 * DAY])


def test_jobs_that_can_be_read_later_are_read_then(aws: Bench) -> None:
    """When listing jobs fails at the start, what is due and which run was empty is told once it works."""
    fill(aws)
    aws.account.fail("ListBackupJobs", ApiError("ServiceUnavailableException", 500, "no"))
    watch = start(aws)
    names = ("aws_backup_rule_ran_empty", "aws_backup_resource_due_timestamp_seconds")
    assert [watch.scrape().find(name) for name in names] == [[], []]
    aws.account.recover()
    series = later(aws, watch, 60)
    assert all(series.find(name) for name in names)


def test_resources_of_another_account_are_that_accounts(aws: Bench) -> None:
    """AWS lists the resources whose copies a vault holds: the account that owns them tells of them."""
    fill(aws)
    foreign = VOLUME.replace("123456789012", "222222222222")
    for number in range(3):
        told = {"ResourceArn": f"{foreign}-{number}", "ResourceType": "EBS", "LastBackupTime": START}
        aws.account.protected.put(told)
    series = start(aws, *SLOW).scrape()
    name = "aws_backup_resource_last_recovery_point_timestamp_seconds"
    assert [labels["resource_arn"] for labels, _ in series.find(name)] == [VOLUME]
    assert up(series) == {*SLOW}
