"""Types that are not opted in."""

import pytest

from exporter.model import Condition, opted_out_types, selects
from tests.model.selection.reference import arn_of, selection

TAGS = {"backup": "true"}
BY_TAG = (("backup", "true"),)
OFF = {"EC2": False, "EBS": True, "Aurora": False, "Neptune": True, "FSx": False, "S3": False}


@pytest.mark.parametrize(
    ("resource_type", "pattern", "taken"),
    [
        ("EC2", "*", False),
        ("EBS", "*", True),
        ("RDS", "*", True),
        ("EC2", "arn:aws:ec2:*", False),
        ("EC2", "arn:aws:ec2:eu-west-1:123456789012:*", False),
        ("EBS", "arn:aws:ec2:*", True),
        ("EC2", "arn:aws:ec2:*:*:instance/*", True),
        ("EC2", arn_of("EC2", "a"), True),
        ("S3", "arn:aws:s3:*", False),
        ("S3", "arn:aws:s3:::*", True),
        ("S3", arn_of("S3", "a"), True),
        ("Aurora", "arn:aws:rds:*:*:cluster:*", False),
        ("Aurora", arn_of("Aurora", "a"), False),
        ("Neptune", "arn:aws:rds:*:*:cluster:*", True),
        ("FSx", arn_of("FSx", "a"), False),
    ],
)
def test_resources(resource_type: str, pattern: str, taken: bool) -> None:
    """A type that is off is left out unless its name or the full ARN is there; four types always are."""
    assert selects(selection((pattern,)), arn_of(resource_type, "a"), resource_type, {}, OFF) is taken


@pytest.mark.parametrize(("resource_type", "taken"), [("EC2", False), ("EBS", True), ("RDS", True)])
def test_tags(resource_type: str, taken: bool) -> None:
    """A selection by tags leaves out a type that is off, and takes one that the settings do not name."""
    arn = arn_of(resource_type, "a")
    assert selects(selection(tags=BY_TAG), arn, resource_type, TAGS, OFF) is taken
    by_condition = selection(conditions=(Condition("StringEquals", "backup", "true"),))
    assert selects(by_condition, arn, resource_type, TAGS, OFF) is taken


KNOWN = ("EC2", "EBS", "Aurora", "DynamoDB")


@pytest.mark.parametrize(
    ("resources", "types"),
    [
        (("*",), ("Aurora", "EC2")),
        (("arn:aws:ec2:*",), ("EC2",)),
        (("arn:aws:s3:*",), ("S3",)),
        (("arn:aws:s3:::*",), ()),
        (("arn:aws:ec2:*:*:instance/*",), ()),
        (("*", "arn:aws:ec2:*:*:instance/*"), ("Aurora",)),
        (("*", arn_of("EC2", "a")), ("Aurora", "EC2")),
        (("arn:aws:fsx:*:*:volume/*",), ("FSx",)),
        ((arn_of("FSx", "a"),), ("FSx",)),
        (("arn:aws:rds:*:*:cluster:*",), ("Aurora",)),
        (("arn:aws:rds:*",), ("Aurora",)),
        (("arn:aws:dynamodb:*",), ()),
    ],
)
def test_opted_out_types(resources: tuple[str, ...], types: tuple[str, ...]) -> None:
    """A selection asks for what it names and for known types, and misses those that are off."""
    assert opted_out_types(selection(resources), KNOWN, OFF | {"DocumentDB": False}) == types


def test_opted_out_types_by_tag() -> None:
    """A selection by tags asks for the known types."""
    assert opted_out_types(selection(tags=BY_TAG), KNOWN, OFF) == ("Aurora", "EC2")


@pytest.mark.parametrize(
    ("excluded", "types"),
    [
        ("arn:aws:ec2:*", ("Aurora",)),
        ("arn:aws:ec2:*:*:instance/*", ("Aurora",)),
        ("arn:aws:ec2:*:*:instance/i-1*", ("Aurora", "EC2")),
        ("arn:aws:rds:*", ("EC2",)),
    ],
)
def test_excluded_types(excluded: str, types: tuple[str, ...]) -> None:
    """A selection does not ask for a type that NotResources excludes as a whole."""
    assert opted_out_types(selection(("*",), (excluded,)), KNOWN, OFF) == types
