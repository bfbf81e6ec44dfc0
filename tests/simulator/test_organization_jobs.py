"""Lists of the jobs of an organization."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.account import DEFAULT_ACCOUNT, Account
from exporter.simulator.backend import Simulation
from exporter.simulator.job_kinds import KINDS, Kind
from exporter.simulator.jobs import Course, Scripted
from exporter.simulator.organization import Organization
from tests.simulator.conftest import NOW, REGION, Clock, Connect, assume, refusal, using
from tests.simulator.test_lists import ids
from tests.simulator.test_organization import MEMBER, OTHER, STRANGER

LISTS = {
    "backup": "list_backup_jobs",
    "copy": "list_copy_jobs",
    "restore": "list_restore_jobs",
    "scan": "list_scan_jobs",
}


@pytest.fixture
def organization(simulation: Simulation) -> Organization:
    """Give an organization with two members."""
    organization = simulation.create_organization()
    organization.add_account(MEMBER, "shop")
    organization.add_account(OTHER, "wiki")
    return organization


def put(simulation: Simulation, account_id: str, name: str, age: float, **fields: Any) -> None:
    """Put a backup job that was created so many seconds ago."""
    job = {"BackupJobId": name, "State": "COMPLETED", "CreationDate": NOW - age}
    simulation.account(REGION, account_id).put(job | fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.usefixtures("organization")
def test_one_call_lists_all_accounts(connect: Connect, simulation: Simulation, kind: Kind) -> None:
    """With `*` the management account gets the jobs of all accounts, newest first, and whose they are."""
    for age, account_id in enumerate([MEMBER, OTHER, DEFAULT_ACCOUNT, STRANGER, MEMBER]):
        job = {kind.id_key: f"job-{age}", kind.state_key: "RUNNING", "CreationDate": NOW - age}
        simulation.account(REGION, account_id).put(job, kind)
    rows = getattr(connect(), LISTS[kind.name])(ByAccountId="*")[kind.result_key]
    assert [(row[kind.id_key], row["AccountId"]) for row in rows] == [
        ("job-0", MEMBER),
        ("job-1", OTHER),
        ("job-2", DEFAULT_ACCOUNT),
        ("job-4", MEMBER),
    ]


@pytest.mark.usefixtures("organization")
def test_without_a_star_it_lists_its_own(connect: Connect, simulation: Simulation) -> None:
    """Without ByAccountId the management account gets its own jobs; with an account, that account's."""
    put(simulation, MEMBER, "shop", 1)
    put(simulation, OTHER, "wiki", 2)
    put(simulation, DEFAULT_ACCOUNT, "own", 3)
    assert ids(connect().list_backup_jobs()) == ["own"]
    assert ids(connect().list_backup_jobs(ByAccountId=OTHER)) == ["wiki"]
    assert ids(connect().list_backup_jobs(ByAccountId=STRANGER)) == []


def test_others_list_only_their_own(
    connect: Connect, simulation: Simulation, organization: Organization
) -> None:
    """From a member `*` lists its own jobs, unless it is a delegated administrator."""
    put(simulation, MEMBER, "shop", 1)
    put(simulation, OTHER, "wiki", 2)
    client = using(connect, assume(connect, MEMBER))
    assert ids(client.list_backup_jobs(ByAccountId="*")) == ["shop"]
    organization.register_administrator(MEMBER)
    assert ids(client.list_backup_jobs(ByAccountId="*")) == ["shop", "wiki"]


@pytest.mark.usefixtures("organization")
def test_the_jobs_of_others_are_listed_and_not_described(connect: Connect, simulation: Simulation) -> None:
    """Describing a member's job from the management account is a ResourceNotFoundException."""
    put(simulation, MEMBER, "shop", 1)
    client = connect()
    assert ids(client.list_backup_jobs(ByAccountId="*")) == ["shop"]
    assert refusal(client.describe_backup_job, BackupJobId="shop") == "ResourceNotFoundException"


@pytest.mark.usefixtures("organization")
def test_regions_are_apart(connect: Connect, simulation: Simulation) -> None:
    """`*` is for all accounts in one Region."""
    put(simulation, MEMBER, "shop", 1)
    assert ids(connect(region="us-east-1").list_backup_jobs(ByAccountId="*")) == []


def test_it_follows_the_organization(
    connect: Connect, simulation: Simulation, organization: Organization
) -> None:
    """An account that joins is listed with all its jobs, one that leaves is not listed any more."""
    put(simulation, MEMBER, "shop", 1)
    put(simulation, STRANGER, "new", 2)
    assert ids(connect().list_backup_jobs(ByAccountId="*")) == ["shop"]
    organization.add_account(STRANGER, "new")
    organization.remove_account(MEMBER)
    assert ids(connect().list_backup_jobs(ByAccountId="*")) == ["new"]


@pytest.mark.usefixtures("organization")
def test_it_follows_the_jobs(connect: Connect, simulation: Simulation, clock: Clock) -> None:
    """Jobs arrive, change their state and are forgotten in the accounts, and the list shows it."""
    member = simulation.account(REGION, MEMBER)
    client = connect()
    assert ids(client.list_backup_jobs(ByAccountId="*")) == []
    course = Course(pends=0, runs=0, ends=50)
    member.schedule(iter([Scripted("later", NOW + 10, course, fields={})]), kept=100)
    clock.advance(20)
    running = {"ByAccountId": "*", "ByState": "RUNNING"}
    assert ids(client.list_backup_jobs(**running)) == ["later"]
    clock.advance(50)
    assert ids(client.list_backup_jobs(**running)) == []
    [job] = client.list_backup_jobs(ByAccountId="*")["BackupJobs"]
    assert job["State"] == "COMPLETED"
    clock.advance(50)
    assert ids(client.list_backup_jobs(ByAccountId="*")) == []


@pytest.mark.usefixtures("organization")
def test_filters_are_the_same(connect: Connect, simulation: Simulation) -> None:
    """The filters of a list narrow that of an organization too; children come by their parent."""
    put(simulation, MEMBER, "parent", 10, IsParent=True)
    put(simulation, MEMBER, "child", 9, ParentJobId="parent")
    put(simulation, OTHER, "failed", 8, State="FAILED")
    client = connect()
    everything = {"ByAccountId": "*"}
    assert ids(client.list_backup_jobs(**everything, ByState="FAILED")) == ["failed"]
    assert ids(client.list_backup_jobs(**everything, ByParentJobId="parent")) == ["child"]
    assert ids(client.list_backup_jobs(**everything)) == ["failed", "child", "parent"]
    simulation.account(REGION).list_children = False
    assert ids(client.list_backup_jobs(**everything)) == ["failed", "parent"]


@given(
    st.lists(
        st.tuples(st.sampled_from([MEMBER, OTHER, DEFAULT_ACCOUNT]), st.integers(0, 4), st.integers(0, 5)),
        max_size=40,
        unique=True,
    ),
    st.integers(1, 7),
)
def test_pages_have_every_job_once(jobs: list[tuple[str, int, int]], size: int) -> None:
    """Following NextToken gives every job once, even if accounts have jobs of the same ID and time."""
    clock = Clock()
    simulation = Simulation(lambda account_id, region: Account(account_id, region, clock))
    organization = simulation.create_organization()
    for account_id in (MEMBER, OTHER):
        organization.add_account(account_id, "member")
    for account_id, name, age in jobs:
        put(simulation, account_id, f"{name}-{age}", age)
    caller = simulation.account(REGION)
    seen: list[tuple[str, str]] = []
    parameters: dict[str, Any] = {"ByAccountId": "*", "MaxResults": size}
    while True:
        answer = simulation.call(caller, "ListBackupJobs", parameters)
        assert len(answer["BackupJobs"]) <= size
        seen += [(row["AccountId"], row["BackupJobId"]) for row in answer["BackupJobs"]]
        if "NextToken" not in answer:
            break
        parameters["NextToken"] = answer["NextToken"]
    assert sorted(seen) == sorted((account_id, f"{name}-{age}") for account_id, name, age in jobs)
