"""What the demo's company promises beside its backups: copies, restores, vaults, plans and resources."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.company import KEPT
from exporter.simulator.company_resources import (
    LOCKED_VAULT,
    RENAMED,
    SITES,
    Resource,
)
from exporter.simulator.job_kinds import COPY, KINDS, RESTORE, Kind
from tests.simulator.companies import Companies, new_company
from tests.simulator.conftest import NOW, REGION, Clock, Connect
from tests.simulator.test_field_names import strangers

DAY = 86400.0
SEED = 20
MODEL = botocore.session.get_session().get_service_model("backup")


@pytest.fixture
def simulation(clock: Clock) -> Simulation:
    """Give the company's accounts."""
    return new_company(clock, SEED)


@pytest.fixture(scope="module")
def companies() -> Companies:
    """Give companies that the tests share."""
    return Companies(SEED)


def of(account: Account, resource: Resource) -> list[Mapping[str, Any]]:
    """Give the backup jobs of a resource, newest first."""
    return [job for job in account.jobs() if job["ResourceArn"] == resource.arn(REGION, "123456789012")]


def rules(client: Any) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Give the plan's name and the rule, by the rule's id."""
    plans = [
        client.get_backup_plan(BackupPlanId=row["BackupPlanId"])["BackupPlan"]
        for row in client.list_backup_plans()["BackupPlansList"]
    ]
    return {rule["RuleId"]: (plan["BackupPlanName"], rule) for plan in plans for rule in plan["Rules"]}


def test_each_backup_by_a_copying_rule_is_copied(client: Any, account: Account, clock: Clock) -> None:
    """A backup job of a rule with a copy action has one copy job once it COMPLETED, and none otherwise."""
    clock.advance(3600)
    by_rule = (job for job in account.jobs(COPY) if "CreatedBy" in job and "ParentJobId" not in job)
    copied = Counter(job["CreatedByBackupJobId"] for job in by_rule)
    copying = {rule_id for rule_id, (_, rule) in rules(client).items() if "CopyActions" in rule}
    backups = [
        job["BackupJobId"]
        for job in account.jobs()
        if job["State"] == "COMPLETED"
        and job.get("CreatedBy", {}).get("BackupRuleId") in copying
        and "ParentJobId" not in job
        and account.now() - KEPT + 60 < job["CompletionDate"] < account.now() - 3
    ]
    assert len(backups) > 50
    assert all(copied[job_id] == 1 for job_id in backups)
    done = {job["BackupJobId"] for job in account.jobs() if job["State"] == "COMPLETED"}
    assert copied.keys() <= done


def test_copies_go_where_their_rule_says(client: Any, account: Account) -> None:
    """A copy job's destination is that of its rule's copy action, its source the backup's vault."""
    known = rules(client)
    jobs = {job["BackupJobId"]: job for job in account.jobs()}
    for copy in (job for job in account.jobs(COPY) if "CreatedBy" in job):
        _, rule = known[copy["CreatedBy"]["BackupRuleId"]]
        assert copy["DestinationBackupVaultArn"] == rule["CopyActions"][0]["DestinationBackupVaultArn"]
        assert copy["SourceBackupVaultArn"] == jobs[copy["CreatedByBackupJobId"]]["BackupVaultArn"]


def test_most_copies_complete(account: Account, clock: Clock) -> None:
    """Most copy jobs are COMPLETED, some FAILED with a message, and a parent counts its children."""
    clock.advance(3600)
    copies = account.jobs(COPY)
    states = Counter(copy["State"] for copy in copies)
    assert states["COMPLETED"] > len(copies) / 2
    assert states["FAILED"] > 0
    assert all(copy["StatusMessage"] for copy in copies if copy["State"] == "FAILED")
    parents = [copy for copy in copies if copy["IsParent"]]
    assert parents
    assert all(sum(copy["ChildJobsInState"].values()) == 4 for copy in parents)


@pytest.mark.parametrize("kind", [COPY, RESTORE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("moment", [0, 600, 3600, 26 * 3600])
def test_copies_and_restores_run_while_one_watches(companies: Companies, kind: Kind, moment: float) -> None:
    """Who watches for five minutes sees copy jobs and restore jobs begin, run and end."""
    simulation, clock = companies.aged(moment)
    account = simulation.account(REGION)
    before = {job[kind.id_key] for job in account.jobs(kind)}
    seen: dict[str, set[str]] = {}
    for _ in range(60):
        clock.advance(5)
        for job in account.jobs(kind):
            if job[kind.id_key] not in before:
                seen.setdefault(job[kind.id_key], set()).add(job[kind.state_key])
    assert sum({"RUNNING", "COMPLETED"} <= story for story in seen.values()) >= 2


def test_restores_are_asked_for_or_tests(account: Account, clock: Clock) -> None:
    """Restore jobs are on demand or tests; tests are validated, well and badly; some jobs fail."""
    clock.advance(3 * 3600)
    restores = account.jobs(RESTORE)
    tests = [job for job in restores if "CreatedBy" in job]
    assert {job["Status"] for job in restores} >= {"COMPLETED", "FAILED"}
    assert len(tests) < len(restores)
    assert {job.get("ValidationStatus") for job in tests} >= {"SUCCESSFUL", "FAILED"}
    assert all("ValidationStatus" not in job for job in restores if "CreatedBy" not in job)
    points = {job.get("RecoveryPointArn") for job in account.jobs()}
    assert {job["RecoveryPointArn"] for job in restores} <= points


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_no_day_lacks_what_follows_badly(hour: int) -> None:
    """At any hour a day has a copy and a restore that failed, and a restore test that found a fault."""
    now = NOW + 3600 * hour
    account = new_company(Clock(now), SEED).account(REGION)
    copies = [job for job in account.jobs(COPY) if "ParentJobId" not in job]
    restores = account.jobs(RESTORE)
    assert "FAILED" in {job["State"] for job in copies if job["CreationDate"] > now - DAY}
    assert "FAILED" in {job["Status"] for job in restores if job["CreationDate"] > now - DAY}
    assert "FAILED" in {job.get("ValidationStatus") for job in restores if job["CreationDate"] > now - DAY}


def test_vaults_grow(connect: Connect, clock: Clock) -> None:
    """The recovery points of vaults grow as jobs complete, those of another Region's copies too."""
    here, there = connect(), connect(region="us-east-1")

    def points() -> dict[str, int]:
        rows = [*here.list_backup_vaults()["BackupVaultList"], *there.list_backup_vaults()["BackupVaultList"]]
        return {row["BackupVaultArn"]: row["NumberOfRecoveryPoints"] for row in rows}

    before = points()
    clock.advance(1800)
    grown = {arn.rpartition(":")[2] for arn, number in points().items() if number > before[arn]}
    assert {"prod-daily", "copies"} <= grown


def test_a_vault_is_locked(client: Any, account: Account) -> None:
    """The compliance vault is locked, and no other; it has recovery points."""
    assert account.jobs()
    vaults = {row["BackupVaultName"]: row for row in client.list_backup_vaults()["BackupVaultList"]}
    assert [name for name, row in vaults.items() if row["Locked"]] == [LOCKED_VAULT]
    assert vaults[LOCKED_VAULT]["NumberOfRecoveryPoints"] > 0


def test_a_plan_has_rules_of_each_length(client: Any, account: Account) -> None:
    """A plan has an hourly, a daily, a weekly and a monthly rule, and each has made a job."""
    wanted = {"hourly", "nightly", "sundays", "monthly"}
    found = {rule["RuleName"] for plan, rule in rules(client).values() if plan == "accounting"}
    made = {job["CreatedBy"]["BackupRuleName"] for job in account.jobs() if "CreatedBy" in job}
    assert found == wanted
    assert wanted <= made


def test_a_jobs_creator_tells_the_schedule(client: Any, account: Account) -> None:
    """CreatedBy has the schedule and the time zone of the rule, as GetBackupPlan has them."""
    known = rules(client)
    zones = set()
    for job in account.jobs():
        if creator := job.get("CreatedBy"):
            _, rule = known[creator["BackupRuleId"]]
            assert creator["BackupRuleCron"] == rule["ScheduleExpression"]
            assert creator["BackupRuleTimezone"] == rule["ScheduleExpressionTimezone"]
            zones.add(creator["BackupRuleTimezone"])
    assert zones == {"Etc/UTC", "Europe/Berlin"}


def test_a_resource_that_was_renamed(client: Any, account: Account) -> None:
    """The older jobs of a renamed resource have its old name, ListProtectedResources has the new one."""
    assert {job["ResourceName"] for job in of(account, RENAMED)} == {"crm-old", "crm"}
    (row,) = [
        row
        for row in client.list_protected_resources()["Results"]
        if row["ResourceArn"] == RENAMED.arn(REGION, "123456789012")
    ]
    assert row["ResourceName"] == "crm"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("region", [site.region for site in SITES])
def test_described_jobs_have_aws_fields(
    simulation: Simulation, clock: Clock, region: str, kind: Kind
) -> None:
    """Every field of every described job is in botocore's service model, with a value of its type."""
    clock.advance(600)
    account = simulation.account(region)
    shape = MODEL.operation_model(kind.describe_operation).output_shape
    for job in account.jobs(kind):
        answer = account.call(kind.describe_operation, {kind.id_key: job[kind.id_key]})
        assert strangers(answer, shape) == []
