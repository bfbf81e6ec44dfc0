"""Something else than its answer comes from the Resource Groups Tagging API."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.config import ResourceInventory
from tests.faults.wire import Wire, answers, unplugged
from tests.support.harness import Bench, Watch

VOLUME = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"


@pytest.fixture
def wire(aws: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A wire to the Tagging API alone."""
    with unplugged(aws.server.endpoint_url) as laid:
        laid.plug_in()
        monkeypatch.setenv("AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API", laid.endpoint_url)
        yield laid


def watch(aws: Bench) -> Watch:
    """Start an exporter with an inventory; it has a plan, so that resources can be checked."""
    arn = "arn:aws:backup:eu-west-1:123456789012:backup-plan:p"
    aws.account.plans.put({"BackupPlanId": "p", "BackupPlanArn": arn, "BackupPlan": {"Rules": []}})
    started = aws.watch(collectors=("plans",), inventory=ResourceInventory(enabled=True))
    started.catch_up()
    return started


@pytest.mark.parametrize(
    "body",
    [
        "<html>Sign in</html>",
        "{}",
        "[]",
        '"x"',
        '{"ResourceTagMappingList": "x"}',
        '{"ResourceTagMappingList": [1]}',
        '{"ResourceTagMappingList": [{"ResourceARN": "a", "Tags": "x"}]}',
        '{"ResourceTagMappingList": [], "PaginationToken": 5}',
        '{"ResourceTagMappingList": [], "PaginationToken": "same"}',
    ],
)
def test_an_answer_that_is_none(aws: Bench, wire: Wire, body: str) -> None:
    """It is an error of the inventory alone, and no empty account."""
    wire.breakage = answers(200, body)
    health = watch(aws).exporter.ledgers[0].health()
    fault = health["inventory"].fault
    assert fault is not None
    assert (fault.code, health["plans"].up) == ("malformed", True)


def test_rows_that_say_little(aws: Bench, wire: Wire) -> None:
    """A row without an ARN, of another service or with tags that are none costs none of the others."""
    rows: list[Any] = [
        None,
        {},
        {"ResourceARN": "volume"},
        {"ResourceARN": "arn:aws:sns:eu-west-1:123456789012:topic", "Tags": []},
        {"ResourceARN": "arn:aws:ec2:eu-west-1:999999999999:volume/vol-2", "Tags": []},
        {"ResourceARN": VOLUME, "Tags": [None, {"Key": "a"}, {"Key": "Name", "Value": "\ud800x"}]},
        {"ResourceARN": VOLUME.replace("vol-1", "vol-3"), "Tags": None},
        {"ResourceARN": f"{VOLUME}\ud800", "Tags": []},
        {"ResourceARN": f"{VOLUME}\ud801", "Tags": []},
    ]
    wire.breakage = answers(200, json.dumps({"ResourceTagMappingList": rows}))
    series = watch(aws).scrape()
    assert series.value("aws_backup_up", collector="inventory") == 1
    found = [labels["resource_name"] for labels, _ in series.find("aws_backup_resource_selected")]
    assert sorted(found) == ["vol-1\ufffd", "vol-3", "\ufffdx"]


def test_the_endpoint_of_a_target(aws: Bench, wire: Wire) -> None:
    """The endpoint of a target is for AWS Backup alone: tags are asked for elsewhere."""
    wire.breakage = answers(200, '{"ResourceTagMappingList": []}')
    assert watch(aws).scrape().value("aws_backup_up", collector="inventory") == 1
    assert "GetResources" not in {call.operation for call in aws.account.calls}
