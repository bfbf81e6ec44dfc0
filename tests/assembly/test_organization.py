"""An organization and its members: who is a target, and who publishes what, whatever happens meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from exporter.config import Members, Organization, Target
from exporter.simulator.errors import access_denied, throttled
from exporter.simulator.organization import Organization as SimulatedOrganization
from exporter.simulator.sts import into_account
from tests.assembly.company import Company
from tests.support.harness import REGION, START, Bench, Series, job

SHOP, WIKI, LATE = "111111111111", "222222222222", "333333333333"
OWN = "123456789012"
HOUR, MINUTE = 3600.0, 60.0


Start = Callable[..., Company]


@pytest.fixture
def organization(aws: Bench) -> SimulatedOrganization:
    """An organization with two accounts beside the management account."""
    made = aws.server.simulation.create_organization()
    unit = made.add_unit("Workloads")
    made.add_account(SHOP, "shop", unit)
    made.add_account(WIKI, "wiki", unit)
    return made


@pytest.fixture
def start(aws: Bench, organization: SimulatedOrganization, request: pytest.FixtureRequest) -> Start:
    """Start an exporter on the organization."""
    assert organization

    def begin(target: Target, *others: Target) -> Company:
        company = Company(aws, target, *others)
        request.addfinalizer(lambda: company.exporter.stop())
        return company

    return begin


def target(aws: Bench, *, jobs: bool = False, members: dict[str, Any] | None = None) -> Target:
    """The target of the organization; members are all accounts unless there are other settings."""
    of = Members.model_validate({"role_name": "exporter"} | ({} if members is None else members))
    return aws.target(name="company", organization=Organization(jobs=jobs, members=of))


def put(aws: Bench, account_id: str, job_id: str, state: str = "RUNNING", **fields: Any) -> None:
    """Put a backup job into an account."""
    settings: dict[str, Any] = {"AccountId": account_id, "created": aws.clock.now - 60} | fields
    made = job(job_id, state, **settings)
    aws.server.account(REGION, account_id).put(made)


def up(series: Series, account_id: str, collector: str = "backup_jobs") -> float:
    """Whether a collector of a member is up."""
    return series.value("aws_backup_up", target=f"company/{account_id}", collector=collector)


def targets_of(series: Series, name: str, **labels: str) -> list[str]:
    """The account of each series of a metric."""
    return sorted(own["aws_account_id"] for own, _ in series.find(name, **labels))


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


def test_view_and_member_publish_a_job_once(aws: Bench, start: Start) -> None:
    """A job that the organization lists and the member describes has its series once."""
    put(aws, SHOP, "of-shop")
    company = start(target(aws, jobs=True))
    series = company.settle()
    assert targets_of(series, "aws_backup_job_info") == [SHOP]
    aws.clock.advance(MINUTE)
    assert targets_of(company.scrape(), "aws_backup_job_info") == [SHOP]


def test_the_member_completes_what_the_view_lists(aws: Bench, start: Start) -> None:
    """The child counts, which only the member's account tells, are published beside what the view lists."""
    put(aws, SHOP, "parent", "COMPLETED", IsParent=True, NumberOfChildJobs=3, CompletionDate=START - 30)
    series = start(target(aws, jobs=True)).settle()
    assert series.value("aws_backup_job_child_jobs", job_id="parent") == 3


def test_what_the_view_knows_stays_when_the_account_becomes_a_target(
    aws: Bench, start: Start, organization: SimulatedOrganization
) -> None:
    """The jobs that the view has read before the members were known keep their series without a gap."""
    put(aws, SHOP, "of-shop")
    organization.requests.fail(None, throttled())
    company = start(target(aws, jobs=True))
    assert company.settle().state("of-shop") == "RUNNING"
    organization.requests.recover()
    aws.clock.advance(MINUTE)
    company.exporter.refresher.refresh_completely()
    company.reloader.rebuild()
    assert f"company/{SHOP}" in company.targets
    assert company.read().state("of-shop") == "RUNNING"


def test_when_a_member_fails_the_view_goes_on(aws: Bench, start: Start) -> None:
    """A member that can no longer be entered is down, and its jobs are still followed by the view."""
    put(aws, SHOP, "of-shop", created=START - 2 * HOUR)
    company = start(target(aws, jobs=True))
    company.settle()
    aws.server.account(REGION, SHOP).fail("DescribeBackupJob", throttled())
    put(aws, SHOP, "of-shop", "COMPLETED", created=START - 2 * HOUR, CompletionDate=START + 10)
    aws.clock.advance(MINUTE)
    series = company.scrape()
    assert series.state("of-shop") == "COMPLETED"


def own_lists(aws: Bench, account_id: str) -> int:
    """Count the lists of backup jobs that a member's own account was asked for."""
    return [call.operation for call in aws.server.account(REGION, account_id).calls].count("ListBackupJobs")


def test_a_member_leaves_the_lists_of_new_jobs_to_the_view(aws: Bench, start: Start) -> None:
    """While the view lists the jobs of all accounts, each member lists its own only every few minutes."""
    put(aws, SHOP, "known")
    company = start(target(aws, jobs=True))
    company.settle()
    before = own_lists(aws, SHOP)
    put(aws, SHOP, "new", created=START + 10)
    for _ in range(12):
        aws.clock.advance(15)
        assert company.scrape().state("new") == "RUNNING"
    assert own_lists(aws, SHOP) == before
    aws.clock.advance(4 * MINUTE)
    company.scrape()
    assert own_lists(aws, SHOP) == before + 1


@pytest.mark.parametrize(("jobs", "in_one_list"), [(30, True), (1500, False)])
def test_a_member_with_few_jobs_needs_one_list(
    aws: Bench, start: Start, jobs: int, in_one_list: bool
) -> None:
    """All earlier jobs of a member are read in one list if they fit in a page, otherwise by their time."""
    for number in range(jobs):
        put(aws, SHOP, f"{number}", "COMPLETED", created=START - 60 * number - 60, CompletionDate=START)
    series = start(target(aws)).settle()

    lists = [call for call in aws.server.account(REGION, SHOP).calls if call.operation == "ListBackupJobs"]
    by_time = [call for call in lists if "ByCreatedBefore" in call.parameters]
    assert [job_id for job_id in (0, jobs - 1) if series.state(f"{job_id}") != "COMPLETED"] == []
    assert (by_time == []) is in_one_list


def test_a_member_lists_new_jobs_itself_while_the_view_fails(aws: Bench, start: Start) -> None:
    """The first scrape after the view has failed finds the new jobs of members by their own lists."""
    put(aws, SHOP, "known")
    company = start(target(aws, jobs=True))
    company.settle()
    aws.account.fail("ListBackupJobs", throttled())
    aws.clock.advance(15)
    company.scrape()
    put(aws, SHOP, "new", created=START + 20)
    aws.clock.advance(15)
    assert company.scrape().state("new") == "RUNNING"


def test_members_rarely_list_kinds_that_they_do_not_use(aws: Bench, start: Start) -> None:
    """A member without jobs lists new ones every few minutes; with a job in the window, on each refresh."""
    put(aws, SHOP, "known", "COMPLETED", CompletionDate=START - 30)
    company = start(target(aws))
    company.settle()
    before = {account_id: own_lists(aws, account_id) for account_id in (SHOP, WIKI)}
    put(aws, WIKI, "first", created=START + 10)
    for _ in range(12):
        aws.clock.advance(15)
        company.scrape()
    assert own_lists(aws, SHOP) == before[SHOP] + 12
    assert own_lists(aws, WIKI) == before[WIKI]
    aws.clock.advance(4 * MINUTE)
    assert company.scrape().state("first") == "RUNNING"


def test_a_reload_keeps_what_is_known_of_members(aws: Bench, start: Start) -> None:
    """After a reload with another filter, the members that stay keep their ledgers."""
    company = start(target(aws))
    company.settle()
    before = {ledger.scope: ledger for ledger in company.exporter.ledgers}
    company.reload(target(aws, members={"exclude_accounts": (WIKI,)}))
    assert company.targets == [f"company/{SHOP}", f"company/{OWN}"]
    assert all(
        before[ledger.scope] is ledger for ledger in company.exporter.ledgers if "/" in ledger.scope.target
    )


def test_an_excluded_member_is_published_by_the_view(aws: Bench, start: Start) -> None:
    """An account that is no longer a member is still in the organization, so the view publishes its jobs."""
    put(aws, SHOP, "of-shop")
    company = start(target(aws, jobs=True))
    company.settle()
    company.reload(target(aws, jobs=True, members={"exclude_accounts": (SHOP,)}))
    aws.clock.advance(MINUTE)
    series = company.settle()
    assert series.state("of-shop") == "RUNNING"
    assert not series.find("aws_backup_up", target=f"company/{SHOP}")


def test_a_target_of_its_own_comes_before_a_member(aws: Bench, start: Start) -> None:
    """An account with a target of its own is monitored by that target alone."""
    put(aws, SHOP, "of-shop")
    own = aws.target(name="shop", role_arn=f"arn:aws:iam::{SHOP}:role/exporter")
    company = start(target(aws, jobs=True), own)
    series = company.settle()
    assert f"company/{SHOP}" not in company.targets
    assert series.value("aws_backup_up", target="shop", collector="backup_jobs") == 1
    assert targets_of(series, "aws_backup_job_info") == [SHOP]


def test_a_target_without_a_role_comes_before_the_view(aws: Bench, start: Start) -> None:
    """A target whose account is known only from its answers takes over what the view has published of it."""
    put(aws, OWN, "of-own")
    view = aws.target(name="company", organization=Organization())
    company = start(view, aws.target(name="own"))
    series = company.settle()
    assert targets_of(series, "aws_backup_job_info") == [OWN]
    aws.clock.advance(MINUTE)
    assert targets_of(company.scrape(), "aws_backup_job_info") == [OWN]


def test_two_views_of_one_organization_publish_it_once(aws: Bench, start: Start) -> None:
    """The second target of the same organization is down and says which other target has its accounts."""
    put(aws, SHOP, "of-shop")
    first, second = (aws.target(name=name, organization=Organization()) for name in ("first", "second"))
    series = start(first, second).settle()
    states = [
        series.value("aws_backup_up", target=name, collector="backup_jobs") for name in ("first", "second")
    ]
    assert sorted(states) == [0, 1]
    assert targets_of(series, "aws_backup_job_info") == [SHOP]


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
