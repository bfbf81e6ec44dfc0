"""The examples of AWS's developer guide, "Assign resources with AWS CLI"."""

from collections.abc import Mapping
from typing import Any

import pytest

from exporter.model import Selection, resource_type_of, selects

VOLUME = "arn:aws:ec2:eu-west-1:123456789012:volume/vol-1"
INSTANCE = "arn:aws:ec2:eu-west-1:123456789012:instance/i-1"
DATABASE = "arn:aws:rds:eu-west-1:123456789012:db:orders"
CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:my-aurora-cluster"
OTHER_CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:other"
FILE_SYSTEM = "arn:aws:fsx:eu-west-1:123456789012:file-system/fs-1"
BUCKET = "arn:aws:s3:::photos"
ALL = (VOLUME, INSTANCE, DATABASE, CLUSTER, OTHER_CLUSTER, FILE_SYSTEM, BUCKET)
DISKS_AND_DATABASES = ["arn:aws:ec2:*:*:volume/*", "arn:aws:rds:*:*:db:*"]


def when(operator: str, key: str, value: str) -> dict[str, Any]:
    """Write a condition."""
    return {operator: [{"ConditionKey": f"aws:ResourceTag/{key}", "ConditionValue": value}]}


def taken(body: Mapping[str, Any], **tags: str) -> set[str]:
    """Give the resources that a selection takes when all have these tags."""
    selection = Selection.of({"SelectionId": "1", "BackupSelection": body})
    assert selection.unreadable == ()
    return {arn for arn in ALL if selects(selection, arn, resource_type_of(arn), tags, {})}


BACKUP = when("StringEquals", "backup", "true")


def test_all() -> None:
    """`*` takes everything."""
    assert taken({"Resources": ["*"]}) == set(ALL)


def test_all_but_volumes() -> None:
    """NotResources excludes what it matches."""
    assert taken({"Resources": ["*"], "NotResources": ["arn:aws:ec2:*:*:volume/*"]}) == set(ALL) - {VOLUME}


def test_tagged_but_no_volumes() -> None:
    """Conditions narrow, and NotResources excludes."""
    body = {"Resources": ["*"], "NotResources": ["arn:aws:ec2:*:*:volume/*"], "Conditions": BACKUP}
    assert taken(body, backup="true") == set(ALL) - {VOLUME}
    assert taken(body, backup="True") == set()
    assert taken(body) == set()


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"backup": "true", "stage": "prod"}, {VOLUME, DATABASE}),
        ({"backup": "true"}, set()),
        ({"stage": "prod"}, set()),
    ],
)
def test_both_tags(tags: dict[str, str], found: set[str]) -> None:
    """Resources are joined by OR, Conditions by AND."""
    rows = [*BACKUP["StringEquals"], *when("StringEquals", "stage", "prod")["StringEquals"]]
    body = {"Resources": DISKS_AND_DATABASES, "Conditions": {"StringEquals": rows}}
    assert taken(body, **tags) == found


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"backup": "true", "stage": "test"}, set()),
        ({"backup": "true", "stage": "prod"}, {VOLUME, DATABASE}),
        ({"backup": "true"}, {VOLUME, DATABASE}),
    ],
)
def test_one_tag_and_not_the_other(tags: dict[str, str], found: set[str]) -> None:
    """A resource without the tag meets StringNotEquals."""
    conditions = BACKUP | when("StringNotEquals", "stage", "test")
    assert taken({"Resources": DISKS_AND_DATABASES, "Conditions": conditions}, **tags) == found


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"key1": "include me"}, set(ALL)),
        ({"key1": "include me", "key2": "to exclude it"}, set()),
        ({"key1": "do include me"}, set()),
        ({}, set()),
    ],
)
def test_like(tags: dict[str, str], found: set[str]) -> None:
    """Wildcards stand at the start, at the end and in the middle of a value."""
    conditions = when("StringLike", "key1", "include*") | when("StringNotLike", "key2", "*exclude*")
    assert taken({"Resources": ["*"], "Conditions": conditions}, **tags) == found


def test_excluded_services() -> None:
    """What one of NotResources matches is excluded."""
    body = {"Resources": ["*"], "NotResources": ["arn:aws:fsx:*", "arn:aws:rds:*"], "Conditions": BACKUP}
    assert taken(body, backup="true") == {VOLUME, INSTANCE, BUCKET}


def test_any_value() -> None:
    """`*` is any value, also an empty one, but the tag must be there."""
    body = {"Resources": ["*"], "Conditions": when("StringLike", "backup", "*")}
    assert taken(body, backup="") == set(ALL)
    assert taken(body, Backup="true") == set()


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({}, {FILE_SYSTEM, CLUSTER}),
        ({"backup": "true"}, set(ALL)),
        ({"backup": "true", "stage": "test"}, set()),
        ({"stage": "test"}, set()),
    ],
)
def test_resources_and_tags_add_up(tags: dict[str, str], found: set[str]) -> None:
    """Resources and ListOfTags add up, and Conditions narrow both."""
    body = {
        "Resources": ["arn:aws:fsx:*", "arn:aws:rds:*:*:cluster:my-aurora-cluster"],
        "ListOfTags": [
            {"ConditionType": "StringEquals", "ConditionKey": "backup", "ConditionValue": "true"},
            {"ConditionType": "STRINGEQUALS", "ConditionKey": "never", "ConditionValue": "there"},
        ],
        "Conditions": when("StringNotEquals", "stage", "test"),
    }
    assert taken(body, **tags) == found
