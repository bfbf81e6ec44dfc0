"""What the demo's company says is protected, and what is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from exporter.simulator.backend import Simulation
from exporter.simulator.company_resources import INFECTED, LOCKED_VAULT, SITES, Site
from exporter.simulator.job_kinds import SCAN
from exporter.simulator.server import serve
from tests.simulator.companies import new_company
from tests.simulator.conftest import NOW, REGION, Clock, Connect

DAY = 86400.0


@pytest.fixture
def simulation(clock: Clock) -> Simulation:
    """Give the company's accounts."""
    return new_company(clock, 20)


@pytest.fixture
def connect(simulation: Simulation, session: Any) -> Iterator[Connect]:
    """Give boto3 clients over HTTP."""

    def client(service: str = "backup", region: str = REGION) -> Any:
        return session.client(
            service,
            region_name=region,
            endpoint_url=server.endpoint_url,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
        )

    with serve(simulation) as server:
        yield client


def selections(client: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the selections of each plan, by the plan's name."""
    found = {}
    for plan in client.list_backup_plans()["BackupPlansList"]:
        plan_id = plan["BackupPlanId"]
        rows = client.list_backup_selections(BackupPlanId=plan_id)["BackupSelectionsList"]
        found[plan["BackupPlanName"]] = [
            client.get_backup_selection(BackupPlanId=plan_id, SelectionId=row["SelectionId"])[
                "BackupSelection"
            ]
            for row in rows
        ]
    return found


def selected(found: dict[str, list[dict[str, Any]]], arn: str, tags: dict[str, str]) -> list[str]:
    """Return the plans that select a resource, by its ARN or by its tags."""
    return [
        plan
        for plan, rows in found.items()
        if any(
            arn in row["Resources"]
            or any(tags.get(tag["ConditionKey"]) == tag["ConditionValue"] for tag in row["ListOfTags"])
            for row in rows
        )
    ]


def tags(tagging: Any) -> dict[str, dict[str, str]]:
    """Return the tags of all resources, by their ARNs."""
    pages = tagging.get_paginator("get_resources").paginate()
    return {
        row["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in row["Tags"]}
        for page in pages
        for row in page["ResourceTagMappingList"]
    }


@pytest.mark.parametrize(("region", "number"), [(REGION, 2), ("us-east-1", 0)])
def test_two_resources_are_not_selected(connect: Connect, region: str, number: int) -> None:
    """Of the resources with tags, plans select all but two, by ARN or by tag."""
    found = selections(connect(region=region))
    owners = {
        own["Name"]: selected(found, arn, own)
        for arn, own in tags(connect(service="resourcegroupstaggingapi", region=region)).items()
    }
    unselected = sorted(name for name, plans in owners.items() if not plans)
    assert unselected == ["analytics", "retired-wiki"][:number]
    assert any(row["Resources"] for rows in found.values() for row in rows)
    assert any(row["ListOfTags"] for rows in found.values() for row in rows)


@pytest.mark.parametrize("region", [site.region for site in SITES])
def test_plans_back_up_what_they_select(simulation: Simulation, connect: Connect, region: str) -> None:
    """A resource is selected by each plan that makes its newest job; only the retired wiki is not."""
    found = selections(connect(region=region))
    own_tags = tags(connect(service="resourcegroupstaggingapi", region=region))
    strays = {
        (job["ResourceName"], job["CreatedBy"]["BackupPlanName"])
        for job in simulation.account(region).jobs()
        if "CreatedBy" in job and "ParentJobId" not in job
        if job["CreatedBy"]["BackupPlanName"]
        not in selected(found, job["ResourceArn"], own_tags.get(job["ResourceArn"], {}))
    }
    assert {name for name, _ in strays} <= {"retired-wiki"}


def test_the_compliance_vault_is_locked(connect: Connect) -> None:
    """One vault is locked for good: it has a minimum and a maximum retention, and a LockDate in the past."""
    vaults = {vault["BackupVaultName"]: vault for vault in connect().list_backup_vaults()["BackupVaultList"]}
    locked = vaults[LOCKED_VAULT]
    assert (locked["Locked"], locked["MinRetentionDays"], locked["MaxRetentionDays"]) == (True, 30, 3650)
    assert locked["LockDate"].timestamp() < NOW
    assert [name for name, vault in vaults.items() if vault["Locked"]] == [LOCKED_VAULT]
    assert {vault["EncryptionKeyType"] for vault in vaults.values()} == {"CUSTOMER_MANAGED_KMS_KEY"}


def test_the_locked_vault_takes_the_lifecycles(connect: Connect) -> None:
    """No rule keeps points in the locked vault for less than its minimum retention."""
    client = connect()
    for plan in client.list_backup_plans()["BackupPlansList"]:
        for rule in client.get_backup_plan(BackupPlanId=plan["BackupPlanId"])["BackupPlan"]["Rules"]:
            days = rule["Lifecycle"]["DeleteAfterDays"]
            cold = rule["Lifecycle"].get("MoveToColdStorageAfterDays")
            assert cold is None or days >= cold + 90
            if rule["TargetBackupVaultName"] == LOCKED_VAULT or "CopyActions" in rule:
                assert days >= 30


def test_some_types_are_off(simulation: Simulation, connect: Connect) -> None:
    """Some resource types are not opted in, none of them one that the company backs up."""
    answer = connect().describe_region_settings()["ResourceTypeOptInPreference"]
    off = {name for name, on in answer.items() if not on}
    assert "Timestream" in off
    assert not off & {job["ResourceType"] for job in simulation.account(REGION).jobs()}


def test_a_restore_testing_plan_runs(connect: Connect, clock: Clock) -> None:
    """The restore testing plan was last run within the hour, at first and hours later."""
    for _ in range(2):
        (plan,) = connect().list_restore_testing_plans()["RestoreTestingPlans"]
        assert clock() - 3600 < plan["LastExecutionTime"].timestamp() <= clock()
        clock.advance(5 * 3600)


def test_there_is_a_framework(connect: Connect) -> None:
    """Audit Manager has one framework."""
    (framework,) = connect().list_frameworks()["Frameworks"]
    assert framework["DeploymentStatus"] == "COMPLETED"


def test_scans_find_one_threat(simulation: Simulation, clock: Clock) -> None:
    """Most scans are clean; those of one resource find a threat, the first of them within the last hour."""
    account = simulation.account(REGION)
    first, failed = sorted(account.jobs(SCAN), key=lambda job: float(job["CreationDate"]))
    assert first["ScanResult"]["ScanResultStatus"] == "THREATS_FOUND"
    assert failed["State"] == "FAILED"
    assert first["CreationDate"] > NOW - 3600
    clock.advance(5 * 3600)
    results: dict[str, set[str]] = {}
    for job in account.jobs(SCAN):
        if "ScanResult" in job:
            results.setdefault(job["ScanResult"]["ScanResultStatus"], set()).add(job["ResourceName"])
    assert results["THREATS_FOUND"] == {INFECTED.name}
    assert len(results["NO_THREATS_FOUND"]) >= 3


def test_points_reach_back_months(connect: Connect, simulation: Simulation) -> None:
    """There are points of a year and some in cold storage; every vault's points are counted as listed."""
    points = simulation.account(REGION).points()
    ages = [(NOW - point["CreationDate"]) / DAY for point in points]
    assert max(ages) > 300
    lifecycles = [point.get("CalculatedLifecycle", {}) for point in points]
    assert any(dates.get("MoveToColdStorageAt", NOW) < NOW for dates in lifecycles)
    client = connect()
    for vault in client.list_backup_vaults()["BackupVaultList"]:
        pages = client.get_paginator("list_recovery_points_by_backup_vault").paginate(
            BackupVaultName=vault["BackupVaultName"]
        )
        assert sum(len(page["RecoveryPoints"]) for page in pages) == vault["NumberOfRecoveryPoints"]


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.region)
def test_rules_back_up_what_their_plan_selects(site: Site) -> None:
    """Each resource that a plan selects by its ARN is backed up by every rule of the plan."""
    for plan in site.plans:
        named = {resource for selection in plan.selections for resource in selection.resources}
        for rule in plan.rules:
            assert named <= {*rule.resources}, (plan.name, rule.name)


def test_some_recovery_points_need_attention(simulation: Simulation) -> None:
    """One continuous backup has stopped, one point was not deleted, and one is a resource's last one."""
    points = simulation.account(REGION).points()
    by_status = {
        status: [point["ResourceName"] for point in points if point["Status"] == status]
        for status in ("STOPPED", "EXPIRED")
    }
    last = [point for point in points if point["ResourceName"] == "intranet"]
    assert by_status == {"STOPPED": ["billing"], "EXPIRED": ["retired-wiki"]}
    assert [point["CalculatedLifecycle"]["DeleteAt"] - NOW < 2 * DAY for point in last] == [True]
