"""Nothing is called otherwise than AWS calls it."""

from functools import partial
from random import Random
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape

from exporter.simulator.account import Account
from exporter.simulator.backend import Simulation
from exporter.simulator.company import fill
from exporter.simulator.company_resources import SITES
from exporter.simulator.job_kinds import KINDS, Kind
from exporter.simulator.recovery_points import FILTERS
from exporter.simulator.request_control import AWS_QUOTAS
from tests.simulator.conftest import REGION, Clock

MODEL = botocore.session.get_session().get_service_model("backup")
TAGGING = botocore.session.get_session().get_service_model("resourcegroupstaggingapi")


def strangers(answer: Any, shape: Shape | None, path: str = "") -> list[str]:
    """Name the fields that a shape of the service model does not have, and values of another type."""
    if isinstance(shape, StructureShape):
        members = shape.members
        unknown = [f"{path}.{name}" for name in answer if name not in members]
        return unknown + [
            found
            for name in answer
            if name in members
            for found in strangers(answer[name], members[name], f"{path}.{name}")
        ]
    if isinstance(shape, ListShape):
        return [found for item in answer for found in strangers(item, shape.member, f"{path}[]")]
    assert shape is not None, path
    types: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "long": (int,),
        "integer": (int,),
        "boolean": (bool,),
        "timestamp": (int, float),
        "map": (dict,),
    }
    return [] if isinstance(answer, types[shape.type_name]) else [f"{path}: {answer!r}"]


@pytest.fixture
def simulation(clock: Clock) -> Simulation:
    """Give the demo's company, a while into its life."""
    simulation = Simulation(partial(Account, clock=clock))
    fill(simulation, clock(), Random(1))
    clock.advance(600)
    return simulation


@pytest.mark.parametrize("region", [site.region for site in SITES])
def test_answers_have_aws_fields(simulation: Simulation, region: str) -> None:
    """Every field of every answer is in botocore's service model, with a value of its type."""
    account = simulation.account(region)
    parameters = {"ByAccountId": "*"}
    for operation in ("ListBackupJobs", "ListCopyJobs", "ListRestoreJobs", "ListProtectedResources"):
        answer = account.call(operation, parameters if "Jobs" in operation else {})
        assert strangers(answer, MODEL.operation_model(operation).output_shape) == []
    described = MODEL.operation_model("DescribeBackupJob").output_shape
    for job in account.jobs():
        assert strangers(account.describe(job["BackupJobId"]), described) == []


@pytest.mark.parametrize("region", [site.region for site in SITES])
def test_rows_of_protection_have_aws_fields(simulation: Simulation, region: str) -> None:
    """So has every answer about recovery points, plans, selections, settings, tests and frameworks."""
    account = simulation.account(region)
    simulation.deliver_copies(account)
    plans = account.plans.over(())
    selections = account.selections.over(())
    calls: list[tuple[str, dict[str, Any]]] = [
        ("DescribeRegionSettings", {}),
        ("ListRestoreTestingPlans", {}),
        ("ListFrameworks", {}),
        ("ListScanJobs", {}),
        *(("ListBackupSelections", {"BackupPlanId": plan["BackupPlanId"]}) for plan in plans),
        *(("GetBackupSelection", selection) for selection in selections),
        *(
            ("ListRecoveryPointsByBackupVault", {"BackupVaultName": name})
            for name in {point["BackupVaultName"] for point in account.points()}
        ),
    ]
    for operation, parameters in calls:
        answer = account.call(operation, parameters)
        assert strangers(answer, MODEL.operation_model(operation).output_shape) == []
    for plan in plans:
        assert strangers(plan, MODEL.operation_model("GetBackupPlan").output_shape) == []
    assert len(calls) > 8
    tagging = TAGGING.operation_model("GetResources")
    assert strangers(account.call("GetResources", {}), tagging.output_shape) == []


def test_points_filters_are_the_service_models() -> None:
    """ListRecoveryPointsByBackupVault has all of AWS's filters, and no other."""
    shape = MODEL.operation_model("ListRecoveryPointsByBackupVault").input_shape
    assert shape is not None
    assert set(FILTERS) == {name for name in shape.members if name.startswith("By")}


def test_settings_are_of_types_that_exist(clock: Clock) -> None:
    """Both preferences are maps from types to booleans, and managed types are among those opted in."""
    account = Account("123456789012", REGION, clock)
    answer = account.call("DescribeRegionSettings", {})
    values = {value for preference in answer.values() for value in preference.values()}
    assert values == {True}
    assert set(account.management) <= set(account.opt_in)


def test_starting_and_stopping_answer_with_aws_fields(clock: Clock) -> None:
    """StartBackupJob answers with the fields of the service model, StopBackupJob with none."""
    account = Account("123456789012", REGION, clock)
    parameters = {"BackupVaultName": "daily", "ResourceArn": "arn:aws:s3:::one", "IamRoleArn": "role"}
    started = account.call("StartBackupJob", parameters)
    assert strangers(started, MODEL.operation_model("StartBackupJob").output_shape) == []
    assert account.call("StopBackupJob", {"BackupJobId": started["BackupJobId"]}) == {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_table_of_kinds_is_the_service_models(kind: Kind) -> None:
    """Operations, keys and filters of each kind are AWS's, and no filter of AWS's is missing."""
    listing = MODEL.operation_model(kind.list_operation)
    assert listing.input_shape is not None
    assert listing.output_shape is not None
    filters = {name for name in listing.input_shape.members if name.startswith("By")}
    assert set(kind.filters) | {"ByAccountId"} == filters
    rows = listing.output_shape.members[kind.result_key]
    assert isinstance(rows, ListShape)
    assert isinstance(rows.member, StructureShape)
    row = rows.member
    assert {kind.id_key, kind.state_key} <= set(row.members)
    described: Shape | None = MODEL.operation_model(kind.describe_operation).output_shape
    assert isinstance(described, StructureShape)
    if kind.described_under:
        described = described.members[kind.described_under]
    assert isinstance(described, StructureShape)
    assert set(described.members) - set(row.members) == kind.described_only


def test_quotas_are_of_operations_that_exist() -> None:
    """Every quota is of one of AWS's operations."""
    assert set(AWS_QUOTAS) - {None} <= set(MODEL.operation_names)
