"""The inventory: whether a backup plan selects each tagged resource of the account."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.config import COLLECTORS, ResourceInventory
from exporter.simulator.errors import ApiError
from tests.support.harness import REGION, START, Bench, Series, Watch, job

HOUR = 3600.0
ACCOUNT = "123456789012"
SELECTED = "aws_backup_resource_selected"
DENIED = ApiError("AccessDeniedException", 403, "no")
TAGGED = {
    "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}]
}
OPERATIONS = {
    "ListBackupVaults": {"vaults", "recovery_points"},
    "ListRecoveryPointsByBackupVault": {"recovery_points"},
    "ListProtectedResources": {"resources"},
    "ListBackupPlans": {"plans"},
    "GetBackupPlan": {"plans"},
    "ListBackupSelections": {"plans"},
    "GetBackupSelection": {"plans"},
    "DescribeRegionSettings": {"settings"},
    "ListRestoreTestingPlans": {"restore_testing"},
    "ListFrameworks": {"frameworks"},
    "GetResources": {"inventory"},
}


@pytest.fixture
def aws(aws: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The simulated AWS, also for services that a target's endpoint is not for."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.server.endpoint_url)
    return aws


def arn(resource: str, service: str = "ec2") -> str:
    """Give the ARN of a resource of the account."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def put_plan(aws: Bench, selection: Mapping[str, Any], plan_id: str = "p") -> None:
    """Put a plan with one selection."""
    plan_arn = arn(f"backup-plan:{plan_id}", "backup")
    plan = {"BackupPlanName": "daily", "Rules": []}
    aws.account.plans.put({"BackupPlanId": plan_id, "BackupPlanArn": plan_arn, "BackupPlan": plan})
    aws.account.selections.put(
        {"SelectionId": f"s-{plan_id}", "BackupPlanId": plan_id, "BackupSelection": selection}
    )


def watch(aws: Bench, collectors: tuple[str, ...] = ("plans", "settings"), **inventory: Any) -> Watch:
    """Start an exporter with an inventory, and let it read everything."""
    started = aws.watch(collectors=collectors, inventory=ResourceInventory(enabled=True, **inventory))
    started.catch_up()
    return started


def selected(series: Series) -> dict[str, float]:
    """Give the published values by the ARN of the resource."""
    return {labels["resource_arn"]: value for labels, value in series.find(SELECTED)}


def test_a_resource_that_a_plan_selects_and_one_that_none_does(aws: Bench) -> None:
    """Both are published, named by their tag or their ARN, though no job was ever made for them."""
    put_plan(aws, TAGGED)
    aws.account.tag(arn("volume/vol-1"), {"backup": "daily", "Name": "orders"})
    aws.account.tag(arn("volume/vol-2"), {"backup": "Daily"})
    series = watch(aws).scrape()
    assert selected(series) == {arn("volume/vol-1"): 1, arn("volume/vol-2"): 0}
    own = {"aws_account_id": ACCOUNT, "aws_region": REGION, "resource_type": "EBS"}
    assert (
        series.labels(SELECTED, resource_name="orders", resource_arn=arn("volume/vol-1")).items()
        >= own.items()
    )
    assert series.labels(SELECTED, resource_name="vol-2").items() >= own.items()
    assert series.value("aws_backup_up", collector="inventory") == 1


def test_a_bucket_has_the_account_of_the_plans(aws: Bench) -> None:
    """The ARN of a bucket names no account: while nothing tells whose it is, it is not published."""
    aws.account.tag("arn:aws:s3:::photos", {"a": "b"})
    started = watch(aws)
    assert selected(started.scrape()) == {}
    put_plan(aws, TAGGED)
    aws.clock.advance(HOUR)
    started.catch_up()
    labels = started.scrape().labels(SELECTED, resource_type="S3")
    assert (labels["aws_account_id"], labels["resource_name"]) == (ACCOUNT, "photos")


def test_all_pages_of_all_types_once_an_hour(aws: Bench) -> None:
    """The list is read page by page, for the types that AWS Backup supports, and again after an hour."""
    put_plan(aws, TAGGED)
    for number in range(250):
        aws.account.tag(arn(f"volume/vol-{number}"), {"a": "b"})
    aws.account.tag(arn("snapshot/snap-1"), {"a": "b"})
    started = watch(aws)
    assert len(selected(started.scrape())) == 250
    aws.clock.advance(HOUR - 60)
    started.catch_up()
    calls = [call.parameters for call in aws.account.calls if call.operation == "GetResources"]
    assert [call["ResourcesPerPage"] for call in calls] == [100, 100, 100]
    assert {"ec2:volume", "s3", "rds:cluster"} < {*calls[0]["ResourceTypeFilters"]}
    series = started.scrape()
    assert series.value("aws_backup_exporter_api_requests_total", operation="GetResources", code="ok") == 3
    aws.clock.advance(120)
    started.catch_up()
    assert sum(call.operation == "GetResources" for call in aws.account.calls) == 6


def test_only_what_the_configuration_asks_for(aws: Bench) -> None:
    """Other types, and resources with a tag that says that they need no backups, are not published."""
    put_plan(aws, TAGGED)
    aws.account.tag(arn("volume/vol-1"), {"a": "b"})
    aws.account.tag(arn("instance/i-1"), {"a": "b"})
    aws.account.tag(arn("instance/i-2"), {"backup": "none", "a": "b"})
    aws.account.tag(arn("instance/i-3"), {"backup": "None"})
    started = watch(aws, resource_types=("EC2",), exclude_tags={"backup": "none"})
    assert selected(started.scrape()) == {arn("instance/i-1"): 0, arn("instance/i-3"): 0}


def test_a_resource_that_is_gone_or_newly_selected(aws: Bench) -> None:
    """With the next list the series changes with the tags, and goes with the resource."""
    put_plan(aws, TAGGED)
    for number in (1, 2):
        aws.account.tag(arn(f"volume/vol-{number}"), {"a": "b"})
    started = watch(aws, (*COLLECTORS,))
    assert selected(started.scrape()) == {arn("volume/vol-1"): 0, arn("volume/vol-2"): 0}
    aws.clock.advance(HOUR)
    aws.account.tag(arn("volume/vol-1"), {"backup": "daily"})
    aws.account.tagged_resources.remove(arn("volume/vol-2"))
    started.catch_up()
    series = started.scrape()
    assert selected(series) == {arn("volume/vol-1"): 1}
    assert series.find("aws_backup_resource_last_job_state", resource_arn=arn("volume/vol-2")) == []


def test_a_resource_stays_while_protected_resources_are_read(aws: Bench) -> None:
    """A resource that AWS Backup does not list, since it has no backup, stays in the inventory."""
    put_plan(aws, TAGGED)
    aws.account.tag(arn("volume/vol-1"), {"a": "b"})
    started = watch(aws, (*COLLECTORS,))
    for _ in range(3):
        aws.clock.advance(301)
        started.catch_up()
        assert selected(started.scrape()) == {arn("volume/vol-1"): 0}


def test_the_labels_are_those_of_the_jobs(aws: Bench) -> None:
    """A resource with jobs has one set of labels, whatever its tag says, so that metrics can be joined."""
    put_plan(aws, TAGGED)
    cluster = arn("cluster:shop", "rds")
    told = {"ResourceArn": cluster, "ResourceName": "shop-db", "ResourceType": "DocumentDB"}
    aws.account.put(job("a", "COMPLETED", created=START - HOUR, CompletionDate=START, **told))
    aws.account.tag(cluster, {"Name": "another"})
    series = watch(aws, (*COLLECTORS,)).scrape()
    labels = series.labels(SELECTED, resource_arn=cluster)
    assert (labels["resource_name"], labels["resource_type"]) == ("shop-db", "DocumentDB")


def test_a_cluster_may_be_of_several_types(aws: Bench) -> None:
    """A cluster's ARN does not tell its type: it is selected when one of its possible types is."""
    put_plan(aws, TAGGED)
    aws.account.opt_in.update({"Aurora": False, "DocumentDB": False, "RDS": False, "Neptune": True})
    aws.account.tag(arn("cluster:a", "rds"), {"backup": "daily"})
    started = watch(aws)
    assert selected(started.scrape()) == {arn("cluster:a", "rds"): 1}
    aws.account.opt_in["Neptune"] = False
    aws.clock.advance(HOUR)
    started.catch_up()
    assert selected(started.scrape()) == {arn("cluster:a", "rds"): 0}


def test_the_parts_of_a_stack_are_backed_up_with_it(aws: Bench) -> None:
    """A resource is selected when its stack is, also when stacks are not asked for."""
    stacks = {name: arn(f"stack/{name}/1", "cloudformation") for name in ("shop", "blog")}
    put_plan(aws, TAGGED)
    for name, stack in stacks.items():
        aws.account.tag(stack, {"backup": "daily" if name == "shop" else "none"})
        aws.account.tag(arn(f"volume/vol-{name}"), {"aws:cloudformation:stack-id": stack})
    started = watch(aws, resource_types=("EBS",))
    assert selected(started.scrape()) == {arn("volume/vol-shop"): 1, arn("volume/vol-blog"): 0}


def test_what_cannot_be_read_might_select(aws: Bench) -> None:
    """While one selection cannot be read, no resource is said to be selected by none; the others count."""
    put_plan(aws, TAGGED)
    put_plan(aws, {"Resources": [5]}, "q")
    aws.account.tag(arn("volume/vol-1"), {"backup": "daily"})
    aws.account.tag(arn("volume/vol-2"), {"a": "b"})
    started = watch(aws)
    assert selected(started.scrape()) == {arn("volume/vol-1"): 1}
    aws.account.selections.put(
        {"SelectionId": "s-2", "BackupPlanId": "q", "BackupSelection": {"Resources": ["arn:x"]}}
    )
    aws.account.selections.remove("s-q")
    aws.clock.advance(HOUR)
    started.catch_up()
    assert selected(started.scrape()) == {arn("volume/vol-1"): 1, arn("volume/vol-2"): 0}


@pytest.mark.parametrize("operation", ["ListBackupPlans", "ListBackupSelections", "GetBackupSelection"])
def test_plans_that_cannot_be_read(aws: Bench, operation: str) -> None:
    """While the plans or their selections are unknown, nothing is said to be selected by none."""
    put_plan(aws, TAGGED)
    aws.account.tag(arn("volume/vol-2"), {"a": "b"})
    aws.account.fail(operation, DENIED)
    assert selected(watch(aws).scrape()) == {}


def test_a_list_that_breaks_off(aws: Bench) -> None:
    """When the list cannot be read, what was known stays published."""
    put_plan(aws, TAGGED)
    aws.account.tag(arn("volume/vol-1"), {"a": "b"})
    started = watch(aws)
    aws.account.fail("GetResources", DENIED)
    aws.clock.advance(HOUR)
    started.catch_up()
    series = started.scrape()
    assert selected(series) == {arn("volume/vol-1"): 0}
    assert series.value("aws_backup_up", collector="inventory") == 0


def test_a_type_that_was_never_backed_up_is_not_missed(aws: Bench) -> None:
    """A plan that selects by tag does not ask for an opted-out type because the inventory has one of it."""
    put_plan(aws, TAGGED)
    aws.account.opt_in["DynamoDB"] = False
    aws.account.tag(arn("table/t", "dynamodb"), {"a": "b"})
    started = watch(aws, (*COLLECTORS,))
    aws.clock.advance(301)
    started.catch_up()
    series = started.scrape()
    assert selected(series) == {arn("table/t", "dynamodb"): 0}
    assert series.find("aws_backup_plan_opted_out_type_info") == []


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_fails_alone(aws: Bench, operation: str) -> None:
    """An operation that is denied affects the collectors that need it, and no other."""
    put_plan(aws, TAGGED)
    aws.account.vaults.put({"BackupVaultName": "prod", "BackupVaultArn": arn("backup-vault:prod", "backup")})
    aws.account.tag(arn("volume/vol-1"), {"a": "b"})
    aws.account.fail(operation, DENIED)
    series = watch(aws, (*COLLECTORS,)).scrape()
    down = {labels["collector"] for labels, up in series.find("aws_backup_up") if not up}
    assert down == OPERATIONS[operation]
    errors = series.find("aws_backup_exporter_api_requests_total", code="AccessDeniedException")
    assert {labels["operation"] for labels, _ in errors} == {operation}


def test_without_its_block_nothing_is_asked(aws: Bench) -> None:
    """By default the Tagging API is not called, and nothing is said of the inventory."""
    started = aws.watch(collectors=COLLECTORS)
    started.catch_up()
    series = started.scrape()
    assert "GetResources" not in {call.operation for call in aws.account.calls}
    assert series.find("aws_backup_up", collector="inventory") == []
