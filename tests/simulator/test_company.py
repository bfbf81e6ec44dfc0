"""What the demo's company promises to whoever watches it."""

from collections import Counter
from typing import Any

import pytest

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from tests.simulator.companies import Companies, new_company
from tests.simulator.conftest import NOW, REGION, Clock, Connect

DAY = 86400.0
MINUTE = 60
SEED = 1
MOMENTS = [10, 60, 600, 3600, 26 * 3600]


@pytest.fixture
def simulation(clock: Clock) -> Simulation:
    """Give the company's accounts."""
    return new_company(clock, SEED)


@pytest.fixture(scope="module")
def companies() -> Companies:
    """Give companies that the tests share."""
    return Companies(SEED)


def jobs(account: Account, since: float = DAY) -> dict[str, dict[str, Any]]:
    """List the jobs created in the last day."""
    found: dict[str, dict[str, Any]] = {}
    parameters: dict[str, Any] = {"ByCreatedAfter": account.now() - since}
    while True:
        answer = account.list(**parameters)
        found |= {job["BackupJobId"]: job for job in answer["BackupJobs"]}
        if "NextToken" not in answer:
            return found
        parameters["NextToken"] = answer["NextToken"]


def running_parents(account: Account) -> list[dict[str, Any]]:
    """Describe the parents that run."""
    rows = account.list(ByState="RUNNING")["BackupJobs"]
    return [dict(account.describe(row["BackupJobId"])) for row in rows if row["IsParent"]]


@pytest.mark.parametrize("region", [REGION, "us-east-1"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_six_states_at_any_moment(companies: Companies, region: str, moment: float) -> None:
    """At any moment the jobs of the last 24 hours are in six states or more."""
    account = companies.aged(moment).simulation.account(region)
    states = Counter(job["State"] for job in jobs(account).values())
    assert len(states) >= 6
    assert states["COMPLETED"] > sum(states.values()) / 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_progress_moves(companies: Companies, moment: float) -> None:
    """Between two looks a few seconds apart running jobs get on."""
    simulation, clock = companies.aged(moment)
    account = simulation.account(REGION)
    before = jobs(account)
    clock.advance(3)
    after = jobs(account)
    moved = [
        job_id
        for job_id, job in after.items()
        if job["State"] == "RUNNING"
        and float(job["PercentDone"]) > float(before.get(job_id, job)["PercentDone"])
    ]
    assert len(moved) >= 3


@pytest.mark.parametrize("region", [REGION, "us-east-1"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_parent_runs(companies: Companies, region: str, moment: float) -> None:
    """At any moment a parent runs, with its children counted by state."""
    parents = running_parents(companies.aged(moment).simulation.account(region))
    assert parents
    assert all(sum(job["ChildJobsInState"].values()) == job["NumberOfChildJobs"] == 4 for job in parents)


@pytest.mark.parametrize("moment", [0, *MOMENTS])
def test_jobs_start_run_and_end_within_a_minute(companies: Companies, moment: float) -> None:
    """Who watches for a minute sees jobs begin, run, and end, well and badly."""
    simulation, clock = companies.aged(moment)
    account = simulation.account(REGION)
    before = jobs(account)
    seen: dict[str, list[str]] = {}
    for _ in range(MINUTE // 2):
        clock.advance(2)
        for job_id, job in jobs(account, 10 * MINUTE).items():
            if job_id not in before and job["State"] not in seen.setdefault(job_id, []):
                seen[job_id].append(job["State"])
    whole = [story for story in seen.values() if story[0] in ("CREATED", "PENDING") and "RUNNING" in story]
    assert {"COMPLETED", "FAILED"} <= {story[-1] for story in whole}


def test_a_week_lies_behind_it(account: Account) -> None:
    """There are hundreds of jobs of seven days, from every kind of resource."""
    week = jobs(account, 7 * DAY).values()
    assert len(week) > 300
    assert min(job["CreationDate"] for job in week) < NOW - 6 * DAY
    types = {"EC2", "EBS", "RDS", "Aurora", "DynamoDB", "EFS", "S3", "FSx", "CloudFormation"}
    assert {job["ResourceType"] for job in week} == types
    assert all(job["ResourceName"] for job in week)


def test_no_day_lacks_its_troubles(account: Account) -> None:
    """Among the last day's jobs is each way to fail, and one that completed with issues."""
    day = jobs(account).values()
    messages = {job["State"]: job["StatusMessage"] for job in day if "StatusMessage" in job}
    assert set(messages) == {"FAILED", "EXPIRED", "PARTIAL", "ABORTED", "COMPLETED"}
    assert messages["EXPIRED"] == "Backup job expired before completion"
    assert "VSS" in messages["COMPLETED"]


def test_creators_are_plans_that_exist(connect: Connect, simulation: Simulation) -> None:
    """A job's CreatedBy names a plan and a rule of GetBackupPlan, its vault is one of ListBackupVaults."""
    client = connect()
    vaults = {vault["BackupVaultName"] for vault in client.list_backup_vaults()["BackupVaultList"]}
    rules = {
        (plan["BackupPlanId"], rule["RuleId"], rule["ScheduleExpression"])
        for plan in client.list_backup_plans()["BackupPlansList"]
        for rule in client.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"]
    }
    found = jobs(simulation.account(REGION)).values()
    creators = [job["CreatedBy"] for job in found if "CreatedBy" in job]
    assert {(by["BackupPlanId"], by["BackupRuleId"], by["BackupRuleCron"]) for by in creators} <= rules
    assert {job["BackupVaultName"] for job in found} <= vaults


def test_plans_preview_their_runs(connect: Connect, simulation: Simulation) -> None:
    """GetBackupPlan previews the next runs of all the plan's rules together, the next one first."""
    client = connect()
    plan_id = client.list_backup_plans()["BackupPlansList"][0]["BackupPlanId"]
    plan = client.get_backup_plan(BackupPlanId=plan_id, MaxScheduledRunsPreview=10)
    times = [run["ExecutionTime"].timestamp() for run in plan["ScheduledRunsPreview"]]
    assert len(times) == 10
    assert times == sorted(times)
    assert times[0] > simulation.account(REGION).now()
    assert {run["RuleId"] for run in plan["ScheduledRunsPreview"]} <= {
        rule["RuleId"] for rule in plan["BackupPlan"]["Rules"]
    }


def test_the_same_seed_makes_the_same_company() -> None:
    """Jobs follow from the seed and the clock alone."""
    one, again, other = (jobs(new_company(Clock(), seed).account(REGION)) for seed in (1, 1, 2))
    assert one == again
    assert one != other
