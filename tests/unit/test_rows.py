"""Rows of lists taken as they are, against botocore's own reading of the same answer."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from exporter.aws.rows import take_plain_rows
from exporter.kinds import BACKUP, KINDS, Kind
from exporter.model import Job

MODEL = botocore.session.get_session().get_service_model("backup")
SECONDS = st.integers(0, 4_000_000_000_000).map(lambda milliseconds: milliseconds / 1000)
PLAIN = {
    "boolean": st.booleans(),
    "long": st.integers(0, 2**63),
    "string": st.text(max_size=4),
    "timestamp": SECONDS,
    "map": st.dictionaries(st.sampled_from(["COMPLETED", "WindowsVSS"]), st.integers(0, 3), max_size=2),
}
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.text("0123456789", max_size=3), SECONDS, st.just([])
)
EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def rows(kind: Kind, *, odd: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows of a list, each with an id; odd ones have values of other types than AWS gives."""
    output: Any = MODEL.operation_model(kind.list_operation).output_shape
    row = output.members[kind.list_member].member
    return st.lists(fields(row, odd=odd).map(lambda told: told | {kind.id_member: "a"}), max_size=3)


def fields(structure: Any, *, odd: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the fields of a structure of the service model."""
    values = {
        name: fields(shape, odd=odd) if shape.type_name == "structure" else PLAIN[shape.type_name]
        for name, shape in structure.members.items()
    }
    drawn = {name: value | ODD for name, value in values.items()} if odd else values
    return st.fixed_dictionaries({}, optional=drawn)


def taken(kind: Kind, body: bytes, status: int = 200) -> tuple[dict[str, Any], bytes]:
    """Give what the handler takes of an answer, and what it leaves to botocore."""
    response: dict[str, Any] = {"status_code": status, "headers": {}, "body": body}
    took: dict[str, Any] = {}
    take_plain_rows(MODEL.operation_model(kind.list_operation), response, took)
    return took, response["body"]


def read_by_botocore(kind: Kind, body: bytes) -> dict[str, Any]:
    """Read an answer as a client does without the handler, or what the handler left."""
    response = {"status_code": 200, "headers": {}, "body": body}
    shape: Any = MODEL.operation_model(kind.list_operation).output_shape
    parsed: dict[str, Any] = create_parser("rest-json").parse(response, shape)
    return parsed


def jobs(kind: Kind, body: bytes, took: dict[str, Any]) -> list[Job] | str:
    """Read the jobs of an answer, or name what botocore stumbles over."""
    try:
        answer = read_by_botocore(kind, body) | took
    except Exception as error:
        return type(error).__name__
    return [kind.read(row) for row in answer[kind.list_member]]


@EACH_KIND
@given(data=st.data())
def test_plain_rows_are_read_alike(kind: Kind, data: st.DataObject) -> None:
    """A plain answer is taken as it is, and its jobs are those that botocore's reading gives."""
    told = {kind.list_member: data.draw(rows(kind, odd=False)), "NextToken": "more"}
    body = json.dumps(told).encode()

    took, left = taken(kind, body)

    assert (took, left) == (told, b"")
    assert jobs(kind, left, took) == jobs(kind, body, {})


@EACH_KIND
@given(data=st.data())
def test_odd_rows_are_read_alike(kind: Kind, data: st.DataObject) -> None:
    """Values of other types than AWS gives come out as botocore would have them."""
    body = json.dumps({kind.list_member: data.draw(rows(kind, odd=True))}).encode()

    took, left = taken(kind, body)

    assert jobs(kind, left, took) == jobs(kind, body, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"BackupJobs": [', b"[]", b"{}", b'{"BackupJobs": {}}', b'{"BackupJobs": [null]}'],
)
def test_no_list_is_left_to_botocore(body: bytes) -> None:
    """What is not a list of rows goes to botocore untouched."""
    assert taken(BACKUP, body) == ({}, body)


def test_a_refusal_is_left_to_botocore() -> None:
    """An error's body is not taken for a list."""
    body = b'{"BackupJobs": []}'

    assert taken(BACKUP, body, 400) == ({}, body)
    assert taken(BACKUP, body) == ({"BackupJobs": []}, b"")
