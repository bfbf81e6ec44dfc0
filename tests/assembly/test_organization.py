"""An organization and its members: who is a target, whatever happens to accounts and calls."""

from typing import Any

import pytest

from exporter.simulator.errors import access_denied, throttled
from exporter.simulator.organization import Organization as SimulatedOrganization
from exporter.simulator.sts import into_account
from tests.assembly.company import HOUR, LATE, MINUTE, OWN, SHOP, WIKI, Start, put, target, up
from tests.support.harness import REGION, Bench


def test_each_account_is_a_target(aws: Bench, start: Start) -> None:
    """The accounts of the organization become targets, the account of the credentials among them."""
    company = start(target(aws))
    company.settle()
    assert company.targets == [f"company/{account_id}" for account_id in (SHOP, OWN, WIKI)]


def test_members_are_read_with_their_role(aws: Bench, start: Start) -> None:
    """The jobs and vaults of a member are those of its account."""
    put(aws, SHOP, "of-shop")
    series = start(target(aws)).settle()
    assert series.labels("aws_backup_job_info", job_id="of-shop")["aws_account_id"] == SHOP
    assert up(series, SHOP) == up(series, SHOP, "vaults") == 1


def test_the_own_account_is_read_without_a_role(aws: Bench, start: Start) -> None:
    """For the account of the credentials, no role is assumed."""
    series = start(target(aws)).settle()
    assert up(series, OWN) == 1
    assumed = [
        call.parameters["RoleArn"]
        for call in aws.server.simulation.sts_requests.calls
        if "RoleArn" in call.parameters
    ]
    assert not any(OWN in arn for arn in assumed)


def test_accounts_have_their_names(aws: Bench, start: Start) -> None:
    """The name, the status and the organizational unit of each account are published once."""
    series = start(target(aws)).settle()
    labels = series.labels("aws_backup_account_info", aws_account_id=SHOP)
    assert labels == {
        "aws_account_id": SHOP,
        "account_name": "shop",
        "account_status": "ACTIVE",
        "organizational_unit": "Workloads",
    }


def test_an_account_that_joins_becomes_a_target(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """A new account is a target after the next list of accounts; the others go on undisturbed."""
    company = start(target(aws))
    company.settle()
    before = {ledger.scope: ledger for ledger in company.exporter.ledgers}
    organization.add_account(LATE, "late")
    aws.clock.advance(HOUR)
    company.settle()
    assert f"company/{LATE}" in company.targets
    assert all(before.get(ledger.scope, ledger) is ledger for ledger in company.exporter.ledgers)


def test_an_account_that_leaves_is_gone(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """An account that has left has no target and no series after the next list of accounts."""
    put(aws, SHOP, "of-shop")
    company = start(target(aws, jobs=True))
    assert company.settle().find("aws_backup_job_info", job_id="of-shop")
    organization.remove_account(SHOP)
    aws.clock.advance(HOUR)
    series = company.settle()
    assert f"company/{SHOP}" not in company.targets
    assert SHOP not in series.text


def test_a_suspended_account_is_no_target(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """A suspended account is left out, but its status is known."""
    company = start(target(aws))
    company.settle()
    organization.set_state(SHOP, "SUSPENDED")
    aws.clock.advance(HOUR)
    series = company.settle()
    assert f"company/{SHOP}" not in company.targets
    assert series.labels("aws_backup_account_info", aws_account_id=SHOP)["account_status"] == "SUSPENDED"


def test_the_view_leaves_out_suspended_accounts(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """The jobs of an account that is suspended are not published: it makes no more backups."""
    put(aws, SHOP, "of-shop")
    organization.set_state(SHOP, "SUSPENDED")
    series = start(target(aws, jobs=True)).settle()
    assert not series.find("aws_backup_job_info", job_id="of-shop")


def test_a_suspended_account_comes_back(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """An account that is active again is a target again."""
    organization.set_state(SHOP, "SUSPENDED")
    company = start(target(aws))
    company.settle()
    organization.set_state(SHOP, "ACTIVE")
    aws.clock.advance(HOUR)
    series = company.settle()
    assert up(series, SHOP) == 1


def test_one_refusing_account_harms_no_other(
    aws: Bench, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """A member whose role is refused is down, and logged once; all others are read."""
    refused = access_denied("not authorized to perform sts:AssumeRole")
    aws.server.simulation.sts_requests.fail("AssumeRole", refused, condition=into_account(SHOP))
    regions = (REGION, "us-east-1")
    company = start(target(aws).model_copy(update={"regions": regions}))
    series = company.settle()
    company.scrape()
    ups = [
        series.value("aws_backup_up", target=f"company/{account_id}", collector="vaults", aws_region=region)
        for account_id in (SHOP, WIKI, OWN)
        for region in regions
    ]
    assert ups == [0, 0, 1, 1, 1, 1]
    failures = [one for one in caplog.records if one.message == "Refresh failed"]
    assert [vars(one)["target"] for one in failures] == [f"company/{SHOP}"]


def test_a_refusing_account_that_lets_in_again_is_read(aws: Bench, start: Start) -> None:
    """As soon as the role can be assumed, the member is up."""
    requests = aws.server.simulation.sts_requests
    requests.fail("AssumeRole", access_denied("no"), condition=into_account(SHOP))
    company = start(target(aws))
    company.settle()
    requests.recover()
    aws.clock.advance(MINUTE)
    assert up(company.settle(), SHOP) == 1


def test_units_select_members_whatever_their_names(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """Members are selected by the ID of a unit, so a new name of the unit changes only the label."""
    [unit] = organization.units()
    company = start(target(aws, members={"organizational_units": (unit.unit_id,)}))
    company.settle()
    organization.rename_unit(unit.unit_id, "Products")
    aws.clock.advance(HOUR)
    series = company.settle()
    assert company.targets == [f"company/{SHOP}", f"company/{WIKI}"]
    assert series.labels("aws_backup_account_info", aws_account_id=SHOP)["organizational_unit"] == "Products"


@pytest.mark.parametrize("error", [throttled(), access_denied("no"), ConnectionError()])
def test_without_organizations_at_the_start_the_view_works(
    aws: Bench, start: Start, organization: SimulatedOrganization, error: Any
) -> None:
    """While the accounts cannot be listed, there are no members; the jobs of all accounts are published."""
    put(aws, SHOP, "of-shop")
    organization.requests.fail(None, error)
    company = start(target(aws, jobs=True))
    series = company.settle()
    assert company.targets == []
    assert series.state("of-shop") == "RUNNING"
    assert series.value("aws_backup_up", target="company", collector="accounts") == 0
    organization.requests.recover()
    aws.clock.advance(MINUTE)
    assert up(company.settle(), SHOP) == 1


@pytest.mark.parametrize("error", [throttled(), access_denied("no"), ConnectionError()])
def test_without_organizations_later_members_stay(
    aws: Bench, start: Start, organization: SimulatedOrganization, error: Any
) -> None:
    """While the accounts cannot be listed any more, the known ones stay targets."""
    company = start(target(aws))
    company.settle()
    organization.requests.fail(None, error)
    aws.clock.advance(HOUR)
    series = company.settle()
    assert len(company.targets) == 3
    assert series.value("aws_backup_up", target="company", collector="accounts") == 0
    assert up(series, SHOP) == 1


def test_threads_do_not_grow_with_accounts(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """A hundred more accounts need no more sessions of the SDK."""
    for number in range(20):
        organization.add_account(f"9{number:011}", f"account-{number}")
    company = start(target(aws))
    series = company.settle()
    assert len(company.targets) == 23
    assert sum(value for _, value in series.find("aws_backup_up", collector="backup_jobs")) == 23
