"""Reading the answer of GetBackupSelection."""

from copy import deepcopy
from typing import Any

import botocore.session
import pytest
from botocore.model import StructureShape
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Condition, Selection, selects
from tests.model.selection.reference import Thing, things

ANSWER: dict[str, Any] = {
    "SelectionId": "5f0a",
    "BackupPlanId": "plan",
    "CreationDate": 1788523200.5,
    "BackupSelection": {
        "SelectionName": "disks",
        "IamRoleArn": "arn:aws:iam::123456789012:role/backup",
        "Resources": ["arn:aws:ec2:*:*:volume/*", "arn:aws:s3:::photos", "*a"],
        "NotResources": ["arn:aws:ec2:*:*:volume/b*", "*bb"],
        "ListOfTags": [
            {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "a"},
            {"ConditionType": "STRINGEQUALS", "ConditionKey": "aws:ResourceTag/stage", "ConditionValue": ""},
        ],
        "Conditions": {
            "StringEquals": [],
            "StringNotEquals": [{"ConditionKey": "aws:ResourceTag/stage", "ConditionValue": "b"}],
            "StringNotLike": [{"ConditionKey": "aws:ResourceTag/Backup", "ConditionValue": "*A*"}],
        },
    },
}
NARROWS = ("NotResources", "Conditions", "BackupSelection")


def with_part(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """Give the answer with one part replaced."""
    answer = deepcopy(ANSWER)
    place: Any = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return answer


def body(**parts: object) -> dict[str, Any]:
    """Give an answer with these parts alone."""
    return {"SelectionId": "1", "BackupSelection": parts}


def test_each_part() -> None:
    """All parts are read; keys of tags lose the prefix with which AWS writes them in conditions."""
    assert Selection.of(ANSWER) == Selection(
        id="5f0a",
        name="disks",
        created=1788523200.5,
        resources=("arn:aws:ec2:*:*:volume/*", "arn:aws:s3:::photos", "*a"),
        not_resources=("arn:aws:ec2:*:*:volume/b*", "*bb"),
        tags=(("backup", "a"), ("stage", "")),
        conditions=(
            Condition("StringNotEquals", "stage", "b"),
            Condition("StringNotLike", "Backup", "*A*"),
        ),
    )


def test_named_arns() -> None:
    """The resources named by their ARN are those without a wildcard."""
    assert Selection.of(ANSWER).named_arns == ("arn:aws:s3:::photos",)


def test_each_part_exists() -> None:
    """The parts and the operators that are read are those of the service model."""
    model = botocore.session.get_session().get_service_model("backup")
    answer = model.operation_model("GetBackupSelection").output_shape
    assert isinstance(answer, StructureShape)
    selection = answer.members["BackupSelection"]
    assert isinstance(selection, StructureShape)
    conditions = selection.members["Conditions"]
    assert isinstance(conditions, StructureShape)

    assert set(ANSWER) <= set(answer.members)
    assert set(ANSWER["BackupSelection"]) == set(selection.members)
    assert set(conditions.members) == {"StringEquals", "StringLike", "StringNotEquals", "StringNotLike"}


PARTS: list[tuple[tuple[str | int, ...], str]] = [
    (("BackupSelection",), "BackupSelection"),
    (("BackupSelection", "Resources"), "Resources"),
    (("BackupSelection", "Resources", 2), "Resources[2]"),
    (("BackupSelection", "NotResources"), "NotResources"),
    (("BackupSelection", "NotResources", 1), "NotResources[1]"),
    (("BackupSelection", "ListOfTags"), "ListOfTags"),
    (("BackupSelection", "ListOfTags", 0), "ListOfTags[0]"),
    (("BackupSelection", "ListOfTags", 0, "ConditionKey"), "ListOfTags[0]"),
    (("BackupSelection", "ListOfTags", 0, "ConditionType"), "ListOfTags[0]"),
    (("BackupSelection", "Conditions"), "Conditions"),
    (("BackupSelection", "Conditions", "StringNotLike"), "Conditions.StringNotLike"),
    (("BackupSelection", "Conditions", "StringNotLike", 0), "Conditions.StringNotLike[0]"),
    (
        ("BackupSelection", "Conditions", "StringNotLike", 0, "ConditionValue"),
        "Conditions.StringNotLike[0]",
    ),
    (("BackupSelection", "Conditions", "StringMatches"), "Conditions.StringMatches"),
]


@given(st.sampled_from(PARTS), st.sampled_from([7, True, 1.5]), things())
def test_an_unreadable_part_never_widens(
    part: tuple[tuple[str | int, ...], str], junk: object, thing: Thing
) -> None:
    """A part that cannot be read is named, and no resource is taken that was not taken with it."""
    path, name = part
    spoilt = Selection.of(with_part(path, junk))
    whole = selects(Selection.of(ANSWER), thing.arn, thing.type, thing.tags, {})

    assert name in spoilt.unreadable
    assert whole or not selects(spoilt, thing.arn, thing.type, thing.tags, {})
    assert not (name.startswith(NARROWS) and selects(spoilt, thing.arn, thing.type, thing.tags, {}))


@pytest.mark.parametrize("part", ["Resources", "NotResources", "ListOfTags", "Conditions"])
def test_a_part_that_the_caller_left_out(part: str) -> None:
    """A part that was removed on the way, because it could not be read, never widens the selection either."""
    rest = {name: value for name, value in ANSWER["BackupSelection"].items() if name != part}
    spoilt = Selection.of(ANSWER | {"BackupSelection": rest}, [f"BackupSelection.{part}", "CreationDate"])

    assert spoilt.unreadable == (part,)
    assert selects(spoilt, "arn:aws:s3:::photos", "S3", {}, {}) is (part == "ListOfTags")


@pytest.mark.parametrize("answer", [{}, {"BackupSelection": None}, body(), body(Resources=[], Conditions={})])
def test_an_empty_answer(answer: dict[str, Any]) -> None:
    """An answer that says nothing of resources selects none."""
    assert not selects(Selection.of(answer), "arn:aws:s3:::photos", "S3", {"a": "b"}, {})
    assert Selection.of(answer).unreadable == ("BackupSelection",)


def test_conditions_beside_unreadable_resources() -> None:
    """Conditions alone take all that meet them, but not when Resources are there and cannot be read."""
    conditions = {"StringEquals": [{"ConditionKey": "aws:ResourceTag/a", "ConditionValue": "b"}]}
    alone = Selection.of(body(Conditions=conditions))
    beside = Selection.of(body(Conditions=conditions, Resources=[None]))

    assert selects(alone, "arn:aws:s3:::photos", "S3", {"a": "b"}, {})
    assert not selects(beside, "arn:aws:s3:::photos", "S3", {"a": "b"}, {})
