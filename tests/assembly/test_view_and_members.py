"""The view of an organization and its members tell of the same accounts: who publishes and lists what."""

import pytest

from exporter.config import Organization
from exporter.simulator.errors import throttled
from exporter.simulator.organization import Organization as SimulatedOrganization
from tests.assembly.company import HOUR, MINUTE, OWN, SHOP, WIKI, Start, put, target, targets_of
from tests.collectors.facts import created_by, put_plan
from tests.support.harness import REGION, START, Bench

DAILY = "cron(0 5 * * ? *)"


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


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED"])
def test_jobs_that_only_the_view_has_read_count_for_their_rules(
    aws: Bench, start: Start, organization: SimulatedOrganization, state: str
) -> None:
    """An account whose jobs are known when it becomes a target has them in the last run of their rule."""
    put_plan(aws.server.account(REGION, SHOP), ("daily", DAILY))
    ended = {} if state == "RUNNING" else {"CompletionDate": START - 30 * MINUTE}
    created = START - 45 * MINUTE
    put(aws, SHOP, "a", state, created=created, CreatedBy=created_by("daily", DAILY), **ended)
    organization.requests.fail(None, throttled())
    company = start(target(aws, jobs=True))
    company.config = company.config.model_copy(update={"collectors": ("backup_jobs", "plans")})
    company.reloader.reload()
    assert company.settle().state("a") == state
    organization.requests.recover()
    aws.clock.advance(5 * MINUTE)
    series = company.settle()
    assert f"company/{SHOP}" in company.targets
    assert series.value("aws_backup_rule_last_run_jobs", rule_id="daily") == 1


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


@pytest.mark.parametrize(("jobs", "in_one_list"), [(30, True), (1001, False)])
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
