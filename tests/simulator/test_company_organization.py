"""What the company with many accounts promises to whoever watches it."""

from collections import Counter
from functools import partial
from random import Random
from typing import Any

import boto3
import botocore.session
import pytest

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.backend import Simulation
from exporter.simulator.company_organization import (
    ACCOUNTS,
    BACKUP,
    CENTRAL,
    PRODUCTION,
    REFUSING,
    SUSPENDED,
    found_organization,
)
from exporter.simulator.company_resources import SITES
from exporter.simulator.job_kinds import KINDS, Kind
from exporter.simulator.server import serve
from tests.simulator.conftest import NOW, REGION, Clock, Connect, assume, make_client, refusal, using
from tests.simulator.test_field_names import strangers

DAY = 86400.0
REGIONS = [site.region for site in SITES]
MODEL = botocore.session.get_session().get_service_model("backup")


def founded(clock: Clock) -> Simulation:
    """Give the company's accounts, on a clock."""
    simulation = Simulation(partial(Account, clock=clock))
    found_organization(simulation, clock(), Random(20))
    return simulation


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """Give the company's accounts, which no test changes."""
    return founded(Clock(NOW))


@pytest.fixture(scope="module")
def day_later() -> Simulation:
    """Give the company's accounts at the end of the first day."""
    clock = Clock(NOW)
    simulation = founded(clock)
    clock.advance(DAY)
    return simulation


def listed(simulation: Simulation, region: str = REGION, kind: Kind = KINDS[0]) -> list[dict[str, Any]]:
    """List the jobs of all accounts, from the management account."""
    found: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"ByAccountId": "*"}
    while True:
        answer = simulation.call(simulation.account(region), kind.list_operation, parameters)
        found += answer[kind.result_key]
        if "NextToken" not in answer:
            return found
        parameters["NextToken"] = answer["NextToken"]


def test_twelve_accounts_in_organizational_units(connect: Connect) -> None:
    """The default credentials manage twelve accounts, one of them suspended, in units of two levels."""
    client = connect(service="organizations", region="us-east-1")
    rows = client.list_accounts()["Accounts"]
    assert len(rows) == 12
    assert {row["Id"] for row in rows if row["State"] != "ACTIVE"} == {SUSPENDED}
    assert {row["JoinedTimestamp"].timestamp() < NOW - 365 * DAY for row in rows} == {True}
    depths = {row["Paths"][0].count("/ou-") for row in rows}
    assert depths == {0, 1, 2}
    assert client.describe_organization()["Organization"]["MasterAccountId"] == DEFAULT_ACCOUNT


def test_one_account_is_large_and_the_others_are_small(simulation: Simulation) -> None:
    """Every account has jobs of the last week, most a few dozen, and one more than all others together."""
    counts = Counter(job["AccountId"] for region in REGIONS for job in listed(simulation, region))
    assert counts.keys() == ACCOUNTS.keys()
    large = counts.pop(PRODUCTION)
    assert large > sum(counts.values())
    assert max(counts.values()) < 150


@pytest.mark.slow
def test_jobs_go_on_in_every_active_account(day_later: Simulation) -> None:
    """Within a day every account makes new jobs, except the suspended one; some fail outside production."""
    jobs = [job for region in REGIONS for job in listed(day_later, region)]
    new = [job for job in jobs if job["CreationDate"] > NOW]
    assert {job["AccountId"] for job in new} == ACCOUNTS.keys() - {SUSPENDED}
    assert "FAILED" in {job["State"] for job in new if job["AccountId"] != PRODUCTION}


def test_the_suspended_account_made_jobs_until_it_was(simulation: Simulation) -> None:
    """The suspended account has jobs of the time before, and none of the last days."""
    ages = [NOW - job["CreationDate"] for job in listed(simulation) if job["AccountId"] == SUSPENDED]
    assert 5 * DAY <= min(ages) < 7 * DAY


def test_roles_can_be_assumed_but_two(connect: Connect) -> None:
    """The role can be assumed in all accounts except the sandbox and the suspended one."""
    refused = {account for account in ACCOUNTS if not lets_in(connect, account)}
    assert refused == {REFUSING, SUSPENDED}


def lets_in(connect: Connect, account_id: str) -> bool:
    """Tell whether a role can be assumed and used in an account."""
    if account_id in (REFUSING, SUSPENDED):
        return refusal(assume, connect=connect, account_id=account_id) != "AccessDenied"
    return bool(using(connect, assume(connect, account_id)).list_backup_vaults()["BackupVaultList"])


@pytest.mark.slow
def test_the_accounts_copy_to_a_central_vault(day_later: Simulation, session: boto3.Session) -> None:
    """The backup account's central vault has recovery points of the resources of other accounts."""
    with serve(day_later) as server:
        connect = partial(make_client, session, server.endpoint_url)
        client = using(connect, assume(connect, BACKUP))
        answer = client.list_recovery_points_by_backup_vault(BackupVaultName=CENTRAL.vault)
    points = answer["RecoveryPoints"]
    owners = {point["ResourceArn"].split(":")[4] for point in points} - {""}
    assert len(owners - {BACKUP}) >= 5
    assert {point["RecoveryPointArn"].split(":")[4] for point in points} == {"", BACKUP}


def test_resources_are_selected_by_their_tags(connect: Connect) -> None:
    """In a small account the plan selects the resources by a tag, which they have."""
    keys = assume(connect, "777788889999")
    client, tagging = using(connect, keys), using(connect, keys, service="resourcegroupstaggingapi")
    [plan] = client.list_backup_plans()["BackupPlansList"]
    [row] = client.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"]
    selection = client.get_backup_selection(
        BackupPlanId=plan["BackupPlanId"], SelectionId=row["SelectionId"]
    )["BackupSelection"]
    [tag] = selection["ListOfTags"]
    wanted = {"Key": tag["ConditionKey"], "Value": tag["ConditionValue"]}
    resources = tagging.get_resources()["ResourceTagMappingList"]
    assert len(resources) == 4
    assert all(wanted in resource["Tags"] for resource in resources)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_rows_have_aws_fields(simulation: Simulation, kind: Kind) -> None:
    """Every field of every row is in botocore's service model, with a value of its type."""
    rows = listed(simulation, kind=kind)
    assert rows
    shape = MODEL.operation_model(kind.list_operation).output_shape
    assert strangers({kind.result_key: rows}, shape) == []


def test_resources_have_arns_of_their_own(simulation: Simulation) -> None:
    """No two resources of a small account have the same ARN."""
    for region in REGIONS:
        names: dict[str, set[str]] = {}
        for job in listed(simulation, region):
            if job["AccountId"] != PRODUCTION:
                names.setdefault(job["ResourceArn"], set()).add(job["ResourceName"])
        assert {len(own) for own in names.values()} == {1}


def test_arns_are_those_of_the_account(simulation: Simulation) -> None:
    """The ARNs in a job name the account of the job."""
    for job in (job for region in REGIONS for job in listed(simulation, region)):
        assert job["BackupVaultArn"].split(":")[4] == job["AccountId"]
        assert job["IamRoleArn"].split(":")[4] == job["AccountId"]
        assert job["ResourceArn"].split(":")[4] in ("", job["AccountId"])


def test_the_same_seed_makes_the_same_company(simulation: Simulation) -> None:
    """Jobs follow from the seed and the clock alone."""
    again = Simulation(partial(Account, clock=Clock()))
    found_organization(again, NOW, Random(20))
    assert listed(again) == listed(simulation)
