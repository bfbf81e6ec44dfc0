"""Answers read value by value, against botocore's own reading of the same answer."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.parsing import LEFT_OUT, ROW_IDS, LeftOut
from exporter.model.job_kinds import BACKUP, KINDS
from exporter.model.kind import Kind
from tests.aws.bodies import output, taken

LISTS = {
    **{kind.list_operation: kind.list_member for kind in KINDS},
    "ListBackupPlans": "BackupPlansList",
    "ListBackupVaults": "BackupVaultList",
    "ListProtectedResources": "Results",
}
ANSWERS = (*LISTS, *(kind.describe_operation for kind in KINDS), "GetBackupPlan")
SECONDS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
PLAIN = {
    "boolean": st.booleans(),
    "integer": st.integers(0, 2**31),
    "long": st.integers(0, 2**63),
    "string": st.text(max_size=4),
    "timestamp": SECONDS,
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([10**400, "NaN", "1e999", 2.5e14, -1.5, "2026-11-01T16:00:00Z", [[[]]], [{}], {"a": []}]),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
)
NOT_A_ROW = ANYTHING.filter(lambda odd: not isinstance(odd, dict))
EACH_LIST = pytest.mark.parametrize("operation", LISTS)
EACH_ANSWER = pytest.mark.parametrize("operation", ANSWERS)


@cache
def row_shape(operation: str) -> StructureShape:
    """Give the shape of a row of a list."""
    rows = output(operation).members[LISTS[operation]]
    assert isinstance(rows, ListShape)
    assert isinstance(rows.member, StructureShape)
    return rows.member


@cache
def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Draw what the service model says."""
    if isinstance(shape, StructureShape):
        return st.fixed_dictionaries(
            {}, optional={name: values(each) for name, each in shape.members.items()}
        )
    if isinstance(shape, MapShape):
        return st.dictionaries(st.sampled_from(["COMPLETED", "WindowsVSS"]), values(shape.value), max_size=2)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member), max_size=2)
    return PLAIN[shape.type_name]


@cache
def rows(operation: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows of a list, each with an id of its own."""
    named = ROW_IDS[LISTS[operation]]
    drawn = st.lists(values(row_shape(operation)), min_size=1, max_size=3)
    return drawn.map(lambda rows: [row | {named: f"id {place}"} for place, row in enumerate(rows)])


def read(operation: str, told: object) -> tuple[dict[str, Any], tuple[LeftOut, ...]]:
    """Read an answer; gives its fields, and what was left out."""
    took = taken(operation, json.dumps(told).encode())
    assert took is not None
    return took, took.pop(LEFT_OUT, ())


def read_by_botocore(operation: str, told: object) -> Any:
    """Read an answer as a client does on its own, but for times, which it gives as dates."""
    response = {"status_code": 200, "headers": {}, "body": json.dumps(told).encode()}
    parsed = create_parser("rest-json").parse(response, output(operation))
    del parsed["ResponseMetadata"]
    return in_seconds(parsed)


def in_seconds(value: Any) -> Any:
    """Put seconds since 1970 in the place of dates."""
    if isinstance(value, dict):
        return {name: in_seconds(below) for name, below in value.items()}
    if isinstance(value, list):
        return [in_seconds(below) for below in value]
    return value.timestamp() if isinstance(value, datetime) else value


@EACH_LIST
@given(data=st.data())
def test_a_plain_list_is_read_as_botocore_does(operation: str, data: st.DataObject) -> None:
    """A list as AWS writes it comes out as botocore has it, with times in seconds."""
    told = {LISTS[operation]: data.draw(rows(operation)), "NextToken": "more"}

    assert read(operation, told) == (read_by_botocore(operation, told), ())


@EACH_ANSWER
@given(data=st.data())
def test_an_answer_without_lists_is_read_as_botocore_does(operation: str, data: st.DataObject) -> None:
    """Any other answer that AWS gives comes out as botocore has it; a field not known is left out."""
    shape = output(operation)
    told = {
        name: data.draw(values(member))
        for name, member in shape.members.items()
        if name not in LISTS.values()
    }
    if "BackupPlan" in told:
        told["BackupPlan"].pop("Rules", None)
        told.pop("ScheduledRunsPreview", None)

    assert read(operation, told | {"Novelty": 1}) == (read_by_botocore(operation, told), ())


def test_a_field_that_is_null_is_absent() -> None:
    """A field that AWS says is null is no fault, and as good as none."""
    row = {"BackupJobId": "a", "State": "RUNNING"}
    nulls = {"ResourceName": None, "CompletionDate": None, "CreatedBy": None}

    answer, left_out = read("ListBackupJobs", {"BackupJobs": [row | nulls]})

    assert left_out == ()
    assert [BACKUP.read(told) for told in answer["BackupJobs"]] == [BACKUP.read(row)]


@EACH_LIST
@given(data=st.data())
def test_any_json_in_the_place_of_a_row(operation: str, data: st.DataObject) -> None:
    """Whatever stands in the place of a row, all the other rows are read as without it."""
    good = data.draw(rows(operation))
    place = data.draw(st.integers(0, len(good)))
    odd = data.draw(NOT_A_ROW)
    told = {LISTS[operation]: [*good[:place], odd, *good[place:]]}

    answer, left_out = read(operation, told)

    found = answer[LISTS[operation]]
    assert (found.pop(place), found) == (None, good)
    assert [value.place for value in left_out] == [f"{LISTS[operation]}[{place}]"]


@EACH_LIST
@given(data=st.data())
def test_any_json_in_the_place_of_a_field(operation: str, data: st.DataObject) -> None:
    """Whatever stands in a field, all other fields of that row and all other rows are read as without it."""
    good = data.draw(rows(operation))
    named = ROW_IDS[LISTS[operation]]
    name = data.draw(st.sampled_from(sorted(set(row_shape(operation).members) - {named})))
    odd = data.draw(ANYTHING)
    bad = good[0] | {name: odd}

    answer, left_out = read(operation, {LISTS[operation]: [bad, *good[1:]]})

    found, *others = answer[LISTS[operation]]
    assert others == good[1:]
    assert {key: value for key, value in found.items() if key != name} == {
        key: value for key, value in good[0].items() if key != name
    }
    assert all(value.place.startswith(f"{LISTS[operation]}[0].{name}") for value in left_out)
    assert {value.row_id for value in left_out} <= {"id 0"}
    assert left_out or odd is None or name in found


@EACH_ANSWER
@given(data=st.data())
def test_any_json_in_a_field_of_an_answer(operation: str, data: st.DataObject) -> None:
    """Whatever stands in a field of a description, all its other fields are read as without it."""
    members = sorted(output(operation).members)
    name = data.draw(st.sampled_from(members))
    good = {"CreationDate": 5.5, "BackupPlanId": "a", "State": "RUNNING", "BackupJobId": "a"}
    good = {key: value for key, value in good.items() if key in members and key != name}

    answer, _ = read(operation, good | {name: data.draw(ANYTHING)})

    assert {key: value for key, value in answer.items() if key != name} == good


@pytest.mark.parametrize(
    ("member", "told", "value"),
    [
        ("BackupSizeInBytes", "12", 12),
        ("BackupSizeInBytes", 2**63, 2**63),
        ("BackupSizeInBytes", -1, -1),
        ("CreationDate", 1793548800, 1793548800),
        ("CreationDate", 1793548800.123, 1793548800.123),
        ("CreationDate", "1793548800.5", 1793548800.5),
        ("CreationDate", "2026-11-01T16:00:00Z", 1793548800),
        ("CreationDate", "2026-11-01T16:00:00", 1793548800),
        ("CreationDate", "2026-11-01T07:00:00-09:00", 1793548800),
    ],
)
def test_values_of_another_type_that_can_be_read(member: str, told: object, value: float) -> None:
    """A number written as a text is read, and so is a date, which is in UTC unless it says otherwise."""
    assert read("DescribeBackupJob", {member: told}) == ({member: value}, ())


NUMBER, TIME = "a number", "a point in time"


@pytest.mark.parametrize(
    ("member", "told", "reason"),
    [
        ("AccountId", 123456789012, "expected a string, got a number"),
        ("State", ["RUNNING"], "expected a string, got an array"),
        ("State", {"State": "RUNNING"}, "expected a string, got an object"),
        ("State", True, "expected a string, got a boolean"),
        ("IsParent", "true", "expected a boolean, got a string"),
        ("IsParent", 1, "expected a boolean, got a number"),
        ("CreatedBy", [], "expected an object, got an array"),
        ("CreatedBy", "plan", "expected an object, got a string"),
        ("BackupOptions", 7, "expected an object, got a number"),
        ("BackupSizeInBytes", True, "expected a number, got a boolean"),
        ("BackupSizeInBytes", "many", "expected a number, got a string"),
        ("BackupSizeInBytes", float("nan"), "a number out of range"),
        ("BackupSizeInBytes", float("inf"), "a number out of range"),
        ("BackupSizeInBytes", 2**64, "a number out of range"),
        ("CreationDate", "yesterday", "expected a timestamp, got a string"),
        ("CreationDate", {}, "expected a timestamp, got an object"),
        ("CreationDate", float("nan"), "a timestamp out of range"),
        ("CreationDate", "nan", "a timestamp out of range"),
        ("CreationDate", -1, "a timestamp out of range"),
        ("CreationDate", 315_537_897_599_000, "a timestamp out of range"),
        ("CreationDate", 10**400, "a timestamp out of range"),
    ],
)
def test_values_that_cannot_be_read(member: str, told: object, reason: str) -> None:
    """A value of another type or out of its range is left out, and the reason names both types."""
    read_of_it = read("DescribeBackupJob", {"BackupJobId": "a", member: told})

    assert read_of_it == ({"BackupJobId": "a"}, (LeftOut(member, reason, "a"),))


@pytest.mark.parametrize("row", [{}, {"State": "RUNNING"}, {"BackupJobId": ""}, {"BackupJobId": None}])
def test_a_row_without_an_id_is_none(row: Mapping[str, Any]) -> None:
    """A row without the field that names it is left out whole."""
    answer, left_out = read("ListBackupJobs", {"BackupJobs": [{"BackupJobId": "a"}, row]})

    assert answer == {"BackupJobs": [{"BackupJobId": "a"}, None]}
    assert left_out == (LeftOut("BackupJobs[1]", "no BackupJobId", ""),)


def test_one_entry_of_a_map() -> None:
    """An entry of a map that cannot be read costs none of the others."""
    counts = {"COMPLETED": 2, "FAILED": "none", "RUNNING": 3}

    answer, left_out = read("DescribeBackupJob", {"BackupJobId": "a", "ChildJobsInState": counts})

    assert answer["ChildJobsInState"] == {"COMPLETED": 2, "RUNNING": 3}
    assert left_out == (LeftOut("ChildJobsInState", "expected a number, got a string", "a"),)


def test_one_rule_of_a_plan() -> None:
    """A rule of a plan that cannot be read costs none of the others, nor the runs that are previewed."""
    told = {
        "BackupPlanId": "p",
        "BackupPlan": {"Rules": [{"RuleId": "r"}, 7, {"RuleName": "nameless"}]},
        "ScheduledRunsPreview": [{"RuleId": "r", "ExecutionTime": 5}, None],
    }

    answer, left_out = read("GetBackupPlan", told)

    assert answer["BackupPlan"] == {"Rules": [{"RuleId": "r"}, None, None]}
    assert answer["ScheduledRunsPreview"] == [{"RuleId": "r", "ExecutionTime": 5}, None]
    assert [value.place for value in left_out] == [
        "BackupPlan.Rules[1]",
        "BackupPlan.Rules[2]",
        "ScheduledRunsPreview[1]",
    ]


@pytest.mark.parametrize("token", [["t"], {"t": 1}, 7, False])
def test_a_token_is_kept_as_it_is(token: object) -> None:
    """A NextToken of another type is not left out: the list would seem to end with this page."""
    answer, _ = read("ListBackupJobs", {"BackupJobs": [], "NextToken": token})

    assert answer["NextToken"] == token


@pytest.mark.parametrize("rows", [None, "none", 7, True, {"BackupJobId": "a"}])
def test_no_list(rows: object) -> None:
    """What is no list in the place of a list is left out, so that the answer lacks what it always has."""
    assert "BackupJobs" not in {
        name for name, value in read("ListBackupJobs", {"BackupJobs": rows})[0].items() if value is not None
    }


@EACH_ANSWER
def test_fields_are_where_they_are_read(operation: str) -> None:
    """No field of an answer has another name on the wire than in the service model, nor is it in a header."""

    def shapes(shape: Shape) -> list[Shape]:
        if isinstance(shape, StructureShape):
            return [shape, *(below for member in shape.members.values() for below in shapes(member))]
        if isinstance(shape, ListShape):
            return [shape, *shapes(shape.member)]
        return [shape, *shapes(shape.value)] if isinstance(shape, MapShape) else [shape]

    everywhere = shapes(output(operation))
    assert all(not shape.serialization for shape in everywhere)
    assert {shape.type_name for shape in everywhere} <= {*PLAIN, "structure", "list", "map"}


def test_the_id_of_a_row_is_one_of_its_fields() -> None:
    """Each list of which rows are read has a field that names a row."""
    for operation, member in LISTS.items():
        assert ROW_IDS[member] in row_shape(operation).members


def read_job(kind: Kind, row: Mapping[str, Any]) -> Any:
    """Read a row as the collector does."""
    answer, _ = read(kind.list_operation, {kind.list_member: [row]})
    return kind.read(answer[kind.list_member][0])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@given(data=st.data())
def test_a_job_with_a_bad_field_is_read(kind: Kind, data: st.DataObject) -> None:
    """Whatever stands in a field of a job, the job is read; one that cannot be read is as good as none."""
    name = data.draw(st.sampled_from(sorted(set(row_shape(kind.list_operation).members) - {kind.id_member})))
    row = data.draw(values(row_shape(kind.list_operation))) | {kind.id_member: "a", name: data.draw(ANYTHING)}
    answer, left_out = read(kind.list_operation, {kind.list_member: [row]})

    job = kind.read(answer[kind.list_member][0])

    if (
        any(value.place.endswith(f"].{name}") for value in left_out)
        and name not in answer[kind.list_member][0]
    ):
        assert job == read_job(kind, {key: value for key, value in row.items() if key != name})
