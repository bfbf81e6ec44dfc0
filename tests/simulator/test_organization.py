"""AWS Organizations: who belongs to an organization, who may ask, and what changes while it runs."""

import re
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from exporter.simulator.account import DEFAULT_ACCOUNT
from exporter.simulator.backend import Simulation
from exporter.simulator.errors import ApiError
from exporter.simulator.organization import Organization
from exporter.simulator.organizations_api import OrganizationsApi
from exporter.simulator.server import serve
from tests.simulator.conftest import NOW, Clock, Connect, assume, make_client, refusal, using
from tests.simulator.test_field_names import strangers

MODEL = botocore.session.get_session().get_service_model("organizations")
MEMBER, OTHER, STRANGER = "111111111111", "222222222222", "333333333333"


@pytest.fixture
def organization(simulation: Simulation) -> Organization:
    """Give an organization with two members in two units, one below the other."""
    organization = simulation.create_organization()
    workloads = organization.add_unit("Workloads")
    production = organization.add_unit("Production", workloads)
    organization.add_account(MEMBER, "shop", production)
    organization.add_account(OTHER, "wiki", workloads)
    return organization


@pytest.fixture
def organizations(connect: Connect, organization: Organization) -> Any:  # noqa: ARG001 - a fixture
    """Give a client of AWS Organizations in the management account."""
    return connect(service="organizations", region="us-east-1")


def unit_named(organization: Organization, name: str) -> str:
    """Give the ID of a unit."""
    [unit] = [unit for unit in organization.units() if unit.name == name]
    return unit.unit_id


def within(connect: Connect, account_id: str) -> Any:
    """Give a client of AWS Organizations with a role's credentials in an account."""
    return using(connect, assume(connect, account_id), service="organizations", region="us-east-1")


def test_accounts_are_listed(organizations: Any, organization: Organization) -> None:
    """ListAccounts tells all members, the management account among them, with name, state and path."""
    rows = organizations.list_accounts()["Accounts"]
    assert [(row["Id"], row["Name"], row["State"], row["Status"]) for row in rows] == [
        (MEMBER, "shop", "ACTIVE", "ACTIVE"),
        (DEFAULT_ACCOUNT, "management", "ACTIVE", "ACTIVE"),
        (OTHER, "wiki", "ACTIVE", "ACTIVE"),
    ]
    workloads, production = (unit_named(organization, name) for name in ("Workloads", "Production"))
    assert rows[0]["Paths"] == [f"o-simulated00/r-root/{workloads}/{production}/{MEMBER}/"]
    assert rows[0]["JoinedTimestamp"].timestamp() == NOW


def test_the_tree_can_be_walked(organizations: Any) -> None:
    """From ListRoots down, each unit tells its units and its own accounts, and not those further below."""
    [root] = organizations.list_roots()["Roots"]
    found = {}
    left = [(root["Id"], root["Name"])]
    while left:
        parent, name = left.pop()
        rows = organizations.list_accounts_for_parent(ParentId=parent)["Accounts"]
        found[name] = [row["Name"] for row in rows]
        units = organizations.list_organizational_units_for_parent(ParentId=parent)["OrganizationalUnits"]
        left += [(unit["Id"], unit["Name"]) for unit in units]
    assert found == {"Root": ["management"], "Workloads": ["wiki"], "Production": ["shop"]}


def test_single_things_can_be_described(organizations: Any, organization: Organization) -> None:
    """Accounts, units and parents can be asked for one by one."""
    production = unit_named(organization, "Production")
    described = organizations.describe_organizational_unit(OrganizationalUnitId=production)
    assert described["OrganizationalUnit"]["Name"] == "Production"
    assert organizations.describe_account(AccountId=MEMBER)["Account"]["Name"] == "shop"
    assert organizations.list_parents(ChildId=MEMBER)["Parents"] == [
        {"Id": production, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert organizations.list_parents(ChildId=DEFAULT_ACCOUNT)["Parents"][0]["Type"] == "ROOT"
    told = organizations.describe_organization()["Organization"]
    assert told["MasterAccountId"] == DEFAULT_ACCOUNT


def test_what_does_not_exist(organizations: Any) -> None:
    """An account, a unit or a parent that does not exist is an error of its own."""
    nowhere = "ou-root-00000099"
    codes = [
        refusal(organizations.describe_account, AccountId=STRANGER),
        refusal(organizations.describe_organizational_unit, OrganizationalUnitId=nowhere),
        refusal(organizations.list_accounts_for_parent, ParentId=nowhere),
        refusal(organizations.list_parents, ChildId=STRANGER),
    ]
    assert codes == [
        "AccountNotFoundException",
        "OrganizationalUnitNotFoundException",
        "ParentNotFoundException",
        "ChildNotFoundException",
    ]


def test_twenty_accounts_a_page(organizations: Any, organization: Organization) -> None:
    """ListAccounts and ListAccountsForParent have at most 20 accounts a page; more cannot be asked for."""
    crowd = organization.add_unit("Crowd")
    for number in range(42):
        organization.add_account(f"{number:012}", f"account {number}", crowd)
    pages = [*organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=crowd)]
    assert [len(page["Accounts"]) for page in pages] == [20, 20, 2]
    pages = [*organizations.get_paginator("list_accounts").paginate()]
    assert [len(page["Accounts"]) for page in pages] == [20, 20, 5]
    assert len({row["Id"] for page in pages for row in page["Accounts"]}) == 45
    with pytest.raises(ClientError, match="MaxResults must be from 1 to 20"):
        organizations.list_accounts(MaxResults=21)


def test_short_and_empty_pages(organizations: Any, organization: Organization) -> None:
    """A page can be short or empty and still have a NextToken."""
    organization.pager.shorten("ListAccounts", [0, 2])
    pages = [*organizations.get_paginator("list_accounts").paginate()]
    assert [len(page["Accounts"]) for page in pages] == [0, 2, 1]


def test_an_organization_changes(organizations: Any, organization: Organization, clock: Clock) -> None:
    """Accounts join, leave, are renamed, moved and suspended, and units are renamed, while it runs."""
    clock.advance(60)
    organization.add_account(STRANGER, "new", unit_named(organization, "Production"))
    organization.remove_account(OTHER)
    organization.rename_account(MEMBER, "store")
    organization.move_account(MEMBER, unit_named(organization, "Workloads"))
    organization.set_state(MEMBER, "SUSPENDED")
    organization.rename_unit(unit_named(organization, "Production"), "Live")
    rows = {row["Id"]: row for row in organizations.list_accounts()["Accounts"]}
    assert rows.keys() == {DEFAULT_ACCOUNT, MEMBER, STRANGER}
    assert rows[STRANGER]["JoinedTimestamp"].timestamp() == NOW + 60
    assert (rows[MEMBER]["Name"], rows[MEMBER]["State"]) == ("store", "SUSPENDED")
    parents = organizations.list_parents(ChildId=MEMBER)["Parents"]
    assert parents[0]["Id"] == unit_named(organization, "Workloads")
    units = organizations.list_organizational_units_for_parent(ParentId=parents[0]["Id"])
    assert [unit["Name"] for unit in units["OrganizationalUnits"]] == ["Live"]


def test_status_can_be_gone(organizations: Any, organization: Organization) -> None:
    """Accounts can be without the field Status, as AWS has announced."""
    organization.has_status = False
    assert all("Status" not in row for row in organizations.list_accounts()["Accounts"])


def test_a_closed_account_has_an_old_status(organizations: Any, organization: Organization) -> None:
    """State tells more than Status: a closed account is SUSPENDED there."""
    organization.set_state(MEMBER, "CLOSED")
    row = organizations.describe_account(AccountId=MEMBER)["Account"]
    assert (row["State"], row["Status"]) == ("CLOSED", "SUSPENDED")


def test_who_may_ask(connect: Connect, organization: Organization) -> None:
    """Members may only describe the organization; a delegated administrator may list its accounts."""
    member = within(connect, MEMBER)
    assert member.describe_organization()["Organization"]["MasterAccountId"] == DEFAULT_ACCOUNT
    assert refusal(member.list_accounts) == "AccessDeniedException"
    organization.register_administrator(MEMBER)
    assert len(member.list_accounts()["Accounts"]) == 3
    organization.deregister_administrator(MEMBER)
    assert refusal(member.list_accounts) == "AccessDeniedException"


def test_administrators_are_listed(organizations: Any, organization: Organization) -> None:
    """ListDelegatedAdministrators tells who is one, and since when."""
    organization.register_administrator(OTHER)
    [row] = organizations.list_delegated_administrators()["DelegatedAdministrators"]
    assert (row["Id"], row["DelegationEnabledDate"].timestamp()) == (OTHER, NOW)


@pytest.mark.usefixtures("organization")
def test_an_account_outside_has_no_organization(connect: Connect) -> None:
    """An account that is not a member gets AWSOrganizationsNotInUseException."""
    assert refusal(within(connect, STRANGER).list_accounts) == "AWSOrganizationsNotInUseException"


def test_there_may_be_no_organization(connect: Connect) -> None:
    """Without an organization every account gets AWSOrganizationsNotInUseException."""
    client = connect(service="organizations", region="us-east-1")
    assert refusal(client.describe_organization) == "AWSOrganizationsNotInUseException"


def test_calls_and_failures(organizations: Any, organization: Organization, clock: Clock) -> None:
    """Calls are on record, and an operation fails as often as was said."""
    throttled = ApiError("TooManyRequestsException", 400, "AWS Organizations can't complete your request")
    organization.requests.fail("ListAccounts", throttled, times=1)
    assert refusal(organizations.list_accounts) == "TooManyRequestsException"
    assert len(organizations.list_roots()["Roots"]) == 1
    clock.advance(5)
    assert len(organizations.list_accounts(MaxResults=1)["Accounts"]) == 1
    assert organization.requests.calls == [
        (NOW, "ListAccounts", {}),
        (NOW, "ListRoots", {}),
        (NOW + 5, "ListAccounts", {"MaxResults": 1}),
    ]


def test_a_connection_can_be_closed(simulation: Simulation, organization: Organization, session: Any) -> None:
    """A call can end without a response, as when the network fails."""
    with serve(simulation) as server:
        client = make_client(session, server.endpoint_url, service="organizations", region="us-east-1")
        organization.requests.fail("ListAccounts", ConnectionResetError(), times=1)
        with pytest.raises(ConnectionClosedError):
            client.list_accounts()
        assert len(client.list_accounts()["Accounts"]) == 3


def test_answers_have_aws_fields(organization: Organization) -> None:
    """Every field of every answer is in botocore's service model, with a value of its type."""
    organization.register_administrator(MEMBER)
    api = OrganizationsApi(organization)
    parameters = {"ParentId": organization.root_id, "ChildId": MEMBER, "AccountId": MEMBER}
    parameters["OrganizationalUnitId"] = unit_named(organization, "Production")
    for operation in api.operations:
        answer = api.call(operation, parameters, DEFAULT_ACCOUNT)
        assert strangers(answer, MODEL.operation_model(operation).output_shape) == []
        assert all(answer.values()), operation


def test_patterns(organization: Organization) -> None:
    """IDs and paths have the form that AWS's have."""
    api = OrganizationsApi(organization)
    account = api.call("DescribeAccount", {"AccountId": MEMBER}, DEFAULT_ACCOUNT)["Account"]
    unit_id = unit_named(organization, "Production")
    unit = api.call("DescribeOrganizationalUnit", {"OrganizationalUnitId": unit_id}, DEFAULT_ACCOUNT)
    texts = {
        "OrganizationId": organization.organization_id,
        "RootId": organization.root_id,
        "OrganizationalUnitId": unit_id,
        "AccountArn": account["Arn"],
        "OrganizationalUnitArn": unit["OrganizationalUnit"]["Arn"],
    }
    for shape, text in texts.items():
        assert re.search(MODEL.shape_for(shape).metadata["pattern"], text), shape
    for path in (account["Paths"][0], unit["OrganizationalUnit"]["Path"]):
        assert re.search(MODEL.shape_for("Path").metadata["pattern"], path)
